"""Two linear maps, one after the other, as one term, exactly; and two terms of a sum as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ...golden.basics.arithmetic import ceil_div
from ...golden.basics.axes import per_axis
from ...golden.network.network import SumPool
from .terms import (
    NO_PADDING,
    Kernel,
    NotLowerable,
    Padding,
    Pair,
    Term,
    back_padding,
    common_dilation,
    window_size,
)

#: A composed kernel may have so many times the weights of the two that it is made of.
LARGEST_GROWTH = 4


def composed(outer: Kernel, term: Term, middle: Pair, size: Pair, origin: str) -> Term:
    """``outer`` over the channels that ``term`` feeds, as one term whose ``out_start`` is 0.

    Args:
        outer: sees exactly the channels of ``term``.
        middle, size: rows and columns between the two, and after ``outer``.
        origin: path of the outer operation, for messages.

    Raises:
        NotLowerable: a padded position of ``outer`` would see what ``term`` sees beyond its own
            map (a border that no single kernel has), or the kernel would be too large.
    """
    inner = term.kernel
    source = term.map_size
    kind = f"linear right after {' and '.join(term.origin)} without ReLU in between"
    for axis in (0, 1):
        if not _exact_border(outer, inner, source[axis], middle[axis], size[axis], axis):
            raise NotLowerable(
                f"{kind}, padded", "no padding, or ReLU in between (the border is not one kernel)"
            )
    stride = (inner.stride[0] * outer.stride[0], inner.stride[1] * outer.stride[1])
    dilation = per_axis(
        lambda axis: common_dilation(
            outer.dilation[axis] * inner.stride[axis],
            outer.taps[axis],
            inner.dilation[axis],
            inner.taps[axis],
        )
    )
    if inner.is_shortcut:
        gain = inner.weight.reshape(outer.groups, 1, -1, 1, 1)
        weight = outer.weight.reshape(outer.groups, -1, *outer.weight.shape[1:]) * gain
        weight, groups = weight.reshape(outer.weight.shape), outer.groups
    else:
        weight, groups = _block_product(outer, inner, dilation)
        limit = LARGEST_GROWTH * (outer.weight.size + inner.weight.size)
        if weight.size > limit:
            raise NotLowerable(
                f"{kind}, of {weight.size} weights in one kernel",
                f"at most {limit} ({LARGEST_GROWTH} times the two), or ReLU in between",
            )
    front = [inner.padding[axis] + outer.padding[axis] * inner.stride[axis] for axis in (0, 1)]
    kernel = Kernel(weight, stride, NO_PADDING, dilation, groups)
    back = [
        back_padding(source[axis], front[axis], kernel.extent[axis], stride[axis], size[axis])
        for axis in (0, 1)
    ]
    kernel = replace(kernel, padding=(*front, *back))
    return replace(term, kernel=kernel, out_start=0).named(origin)


def _exact_border(
    outer: Kernel, inner: Kernel, source: int, middle: int, size: int, axis: int
) -> bool:
    """Whether all that ``outer`` reads beyond the middle map is zero in the composition, too."""
    reads = (
        np.arange(size)[:, None] * outer.stride[axis]
        + np.arange(outer.taps[axis]) * outer.dilation[axis]
        - outer.padding[axis]
    )
    beyond = reads[(reads < 0) | (reads >= middle)]
    seen = (
        beyond[:, None] * inner.stride[axis]
        + np.arange(inner.taps[axis]) * inner.dilation[axis]
        - inner.padding[axis]
    )
    return not np.any((seen >= 0) & (seen < source))


def _block_product(outer: Kernel, inner: Kernel, dilation: Pair) -> tuple[np.ndarray, int]:
    """Weights of the composition, and its groups: those that both kernels keep apart."""
    groups = int(np.gcd(outer.groups, inner.groups))
    above, below = outer.block_weight(groups), inner.block_weight(groups)
    step = [outer.dilation[axis] * inner.stride[axis] // dilation[axis] for axis in (0, 1)]
    # A single tap has no step of its own.
    step = [step[axis] if outer.taps[axis] > 1 else 0 for axis in (0, 1)]
    own = [inner.dilation[axis] // dilation[axis] if inner.taps[axis] > 1 else 1 for axis in (0, 1)]
    span = [(inner.taps[axis] - 1) * own[axis] + 1 for axis in (0, 1)]
    taps = [(outer.taps[axis] - 1) * step[axis] + span[axis] for axis in (0, 1)]
    weight = np.zeros((groups, above.shape[1], below.shape[2], *taps))
    flat = below.reshape(groups, below.shape[1], -1)
    for row in range(outer.taps[0]):
        for column in range(outer.taps[1]):
            product = np.matmul(above[..., row, column], flat)
            top, left = row * step[0], column * step[1]
            weight[..., top : top + span[0] : own[0], left : left + span[1] : own[1]] += (
                product.reshape(groups, -1, *below.shape[2:])
            )
    return weight.reshape(-1, *weight.shape[2:]), groups


def averaged(
    term: Term, window: Pair, stride: Pair, padding: Padding, middle: Pair, size: Pair, origin: str
) -> Term:
    """Average pooling (every window divided by its full area) over the channels of ``term``.

    Where the term is pointwise, pooling commutes with it and becomes the sum in front, so that
    all positions of a window share one set of weights. Zeros that a term of one tap puts around its
    map become padding of the sum.

    Raises:
        NotLowerable: as ``composed``.
    """
    kernel = term.kernel
    area = window[0] * window[1]
    mean = replace(term, kernel=replace(kernel, weight=kernel.weight / area)).named(origin)
    sums = term.sum_pool
    top, left, bottom, right = (np.array(padding) + kernel.padding).tolist()
    around = (top, left, bottom, right)
    held = all(0 <= side < window[index % 2] for index, side in enumerate(around))
    if kernel.taps == kernel.stride == (1, 1) and sums is None and held:
        bare = replace(mean.kernel, padding=NO_PADDING)
        return replace(mean, kernel=bare, sum_pool=SumPool(window, stride, around))
    if (
        kernel.is_pointwise
        and sums is not None
        and sums.kernel == sums.stride
        and sums.padding == padding == NO_PADDING
    ):
        first = sums.kernel
        return replace(
            mean,
            sum_pool=SumPool(
                (first[0] * window[0], first[1] * window[1]),
                (first[0] * stride[0], first[1] * stride[1]),
            ),
        )
    channels = kernel.out_channels
    weight = np.full((channels, 1, *window), 1.0 / area)
    outer = Kernel(weight, stride, padding, groups=channels)
    return replace(composed(outer, term, middle, size, origin), out_start=term.out_start)


def merged(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The same sum with fewer terms: one is added into another that has all its taps and channels.

    Shortcuts are added to shortcuts only: alone they keep the width that makes them near exact.
    """
    found: list[Term] = []
    for term in sorted(terms, key=lambda term: -term.kernel.weight.size):
        for index, other in enumerate(found):
            both = _added(other, term)
            if both is not None:
                found[index] = both
                break
        else:
            found.append(term)
    return tuple(found)


def _added(large: Term, small: Term) -> Term | None:
    """``large`` + ``small`` in the kernel of ``large``, None where that does not hold both."""
    one, other = large.kernel, small.kernel
    if (
        (large.source, large.sum_pool, one.stride) != (small.source, small.sum_pool, other.stride)
        or one.is_shortcut != other.is_shortcut
        or large.out_start > small.out_start
        or large.out_stop < small.out_stop
        or large.in_start > small.in_start
        or large.in_start + one.in_channels < small.in_start + other.in_channels
    ):
        return None
    rows, columns = (_tap_positions(one, other, axis) for axis in (0, 1))
    if rows is None or columns is None:
        return None
    weight = one.weight.copy()
    if one.groups == 1:
        dense = other.block_weight(1)[0]
        outs = np.arange(small.out_start, small.out_stop) - large.out_start
        ins = np.arange(other.in_channels) + small.in_start - large.in_start
        weight[np.ix_(outs, ins, np.array(rows), np.array(columns))] += dense
    elif (large.out_start, large.in_start, one.weight.shape[:2], one.groups) == (
        small.out_start,
        small.in_start,
        other.weight.shape[:2],
        other.groups,
    ):
        weight[np.ix_(range(weight.shape[0]), range(weight.shape[1]), rows, columns)] += (
            other.weight
        )
    else:
        return None
    return replace(
        large,
        kernel=replace(one, weight=weight),
        origin=tuple(dict.fromkeys((*large.origin, *small.origin))),
    )


def _tap_positions(one: Kernel, other: Kernel, axis: int) -> list[int] | None:
    """Which taps of ``one`` those of ``other`` are, None where any is missing."""
    places = {tap * one.dilation[axis] - one.padding[axis]: tap for tap in range(one.taps[axis])}
    wanted = [tap * other.dilation[axis] - other.padding[axis] for tap in range(other.taps[axis])]
    if any(place not in places for place in wanted):
        return None
    return [places[place] for place in wanted]


def within_padding(term: Term) -> Term:
    """The same with every padding smaller than the kernel, as a ``Connection`` wants it.

    A kernel that is padded by its own extent or more (a padded shortcut) gets taps of zero.
    """
    kernel = term.kernel
    weight, padding, dilation = kernel.weight, list(kernel.padding), list(kernel.dilation)
    for axis in (0, 1):
        front, back = padding[axis], padding[axis + 2]
        extent = kernel.extent[axis]
        if max(front, back) < extent:
            continue
        # Taps at the front move the back border inwards, and the other way round.
        if kernel.taps[axis] == 1:
            dilation[axis] = 1
        step = dilation[axis]
        before = max(0, ceil_div(back - extent + 1, step))
        after = max(0, ceil_div(front - extent + 1, step))
        widths = [(0, 0)] * 4
        widths[2 + axis] = (before, after)
        weight = np.pad(weight, widths)
        padding[axis] += before * step
        padding[axis + 2] += after * step
    kernel = replace(kernel, weight=weight, padding=tuple(padding), dilation=tuple(dilation))
    size = term.kernel.size_for(term.map_size)
    if window_size(term.map_size, kernel.padding, kernel.extent, kernel.stride) != size:
        raise AssertionError("zero taps changed the size of a map")
    return replace(term, kernel=kernel)
