"""What lies between neurons, as sums of linear terms over spike sources.

Every map that is no neuron's output is a bias per channel and a sum of *terms*. A term is one
convolution over a range of channels of one source (the image or a layer of neurons), with an
optional sum over windows in front: exactly what a ``Connection`` of the integer network can do,
in float64 and in the model's units. ``compose`` applies further linear operations to such sums.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import gcd

import numpy as np

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.network import SumPool

#: Source of a term: the name of the operation that is the image or a neuron.
Source = str
Pair = tuple[int, int]
Padding = tuple[int, int, int, int]
NO_PADDING: Padding = (0, 0, 0, 0)


class NotLowerable(Exception):  # noqa: N818 - collected into one RheobaseError
    """An operation that the integer network has no exact form for: what it is, what would do."""

    def __init__(self, kind: str, accepted: str) -> None:
        super().__init__(kind, accepted)
        self.kind, self.accepted = kind, accepted


@dataclass(frozen=True, eq=False)
class Kernel:
    """A convolution without bias, fields as in ``Connection``; ``weight`` is float64."""

    weight: np.ndarray
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)
    groups: int = 1

    @property
    def out_channels(self) -> int:
        return self.weight.shape[0]

    @property
    def in_channels(self) -> int:
        return self.weight.shape[1] * self.groups

    @property
    def taps(self) -> Pair:
        """Kernel size (rows, columns) without dilation."""
        return self.weight.shape[2], self.weight.shape[3]

    @property
    def extent(self) -> Pair:
        """Rows and columns that the dilated kernel covers."""
        rows, columns = self.taps
        return (rows - 1) * self.dilation[0] + 1, (columns - 1) * self.dilation[1] + 1

    @property
    def is_pointwise(self) -> bool:
        """One tap, in place: output pixel (y, x) sees source pixel (y, x) only."""
        return self.taps == (1, 1) and self.stride == (1, 1) and self.padding == NO_PADDING

    @property
    def is_shortcut(self) -> bool:
        """One tap and a channel of its own each: an identity with a gain per channel."""
        return self.taps == (1, 1) and self.weight.shape[1] == 1 and self.groups == len(self.weight)

    def size_for(self, size: Pair) -> Pair:
        """Rows and columns for a map of ``size``."""
        return window_size(size, self.padding, self.extent, self.stride)

    def block_weight(self, groups: int) -> np.ndarray:
        """Weights as (groups, out / groups, in / groups, rows, columns).

        ``groups`` divides the kernel's own; what its finer groups do not connect is zero.
        """
        if self.groups % groups:
            raise ValueError(f"{groups} does not divide {self.groups} groups")
        parts = self.groups // groups
        out, inner = self.out_channels // self.groups, self.weight.shape[1]
        own = self.weight.reshape(groups, parts, out, inner, *self.taps)
        dense = np.zeros((groups, parts, out, parts, inner, *self.taps))
        index = np.arange(parts)
        dense[:, index, :, index] = own.transpose(1, 0, 2, 3, 4, 5)
        return dense.reshape(groups, parts * out, parts * inner, *self.taps)


@dataclass(frozen=True, eq=False)
class Term:
    """One convolution over one source, feeding a range of channels.

    Attributes:
        source, source_shape: operation, and its map (channels, rows, columns).
        kernel: after ``sum_pool``, where there is one.
        in_start, out_start, sum_pool: as in ``Connection``.
        origin: paths of the operations that the kernel is made of, for messages.
        anchor: of a term on a map of ones (``ones_term``): another term, from which the map takes
            its size.
    """

    source: Source
    source_shape: tuple[int, int, int]
    kernel: Kernel
    in_start: int = 0
    out_start: int = 0
    sum_pool: SumPool | None = None
    origin: tuple[str, ...] = field(default=())
    anchor: Term | None = None

    @property
    def map_size(self) -> Pair:
        """Rows and columns that the kernel sees, after ``sum_pool``."""
        size = self.source_shape[1:]
        if self.sum_pool is None:
            return size
        sums = self.sum_pool
        return window_size(size, sums.padding, sums.kernel, sums.stride)

    @property
    def out_stop(self) -> int:
        return self.out_start + self.kernel.out_channels

    def moved(self, channels: int) -> Term:
        """The same, feeding channels that many further up."""
        return replace(self, out_start=self.out_start + channels)

    def scaled(self, gain: np.ndarray, origin: str) -> Term:
        """Times ``gain``, one per channel of the whole map (not only of the term's range)."""
        part = gain[self.out_start : self.out_stop]
        kernel = replace(self.kernel, weight=self.kernel.weight * part[:, None, None, None])
        return replace(self, kernel=kernel).named(origin)

    def named(self, origin: str) -> Term:
        """The same, with one more operation in ``origin``."""
        return replace(self, origin=tuple(dict.fromkeys((*self.origin, origin))))

    def cut(self, start: int, stop: int) -> list[Term]:
        """What feeds channels ``start`` to ``stop`` of the map, as one to three terms.

        A range that ends within a group is cut at the groups' borders, so nothing is made larger.
        """
        start, stop = max(start, self.out_start), min(stop, self.out_stop)
        if start >= stop:
            return []
        first, last = start - self.out_start, stop - self.out_start
        size = self.kernel.out_channels // self.kernel.groups
        return [self._piece(one, other, size) for one, other in aligned_pieces(first, last, size)]

    def _piece(self, first: int, last: int, size: int) -> Term:
        """Output channels ``first`` to ``last`` of the kernel: whole groups, or within one."""
        groups = max((last - first) // size, 1)
        inner = self.kernel.weight.shape[1]
        return replace(
            self,
            kernel=replace(self.kernel, weight=self.kernel.weight[first:last], groups=groups),
            in_start=self.in_start + first // size * inner,
            out_start=self.out_start + first,
        )


@dataclass(frozen=True, eq=False)
class Value:
    """A map (channels, rows, columns) as bias and terms; vectors are maps of 1 x 1.

    Attributes:
        bias: (channels,), the same at every position.
        cells: a pooling whose windows differ in size, still to be applied: matrices (rows out,
            rows in) and (columns out, columns in) that average; ``terms`` give the map before it.
    """

    shape: tuple[int, int, int]
    bias: np.ndarray
    terms: tuple[Term, ...]
    cells: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def channels(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> Pair:
        return self.shape[1:]

    @property
    def origin(self) -> str:
        """The modules that it is made of, for messages."""
        return " and ".join(dict.fromkeys(name for term in self.terms for name in term.origin))


@dataclass(frozen=True, eq=False)
class Part:
    """A flattened map: element e of it is worth gain_e x + bias_e (both of the map's shape)."""

    value: Value
    gain: np.ndarray
    bias: np.ndarray

    @property
    def elements(self) -> int:
        return int(np.prod(self.value.shape))


@dataclass(frozen=True, eq=False)
class Flat:
    """A vector out of maps of more than one pixel, one after the other; a linear layer is next."""

    parts: tuple[Part, ...]

    @property
    def elements(self) -> int:
        return sum(part.elements for part in self.parts)


def source_value(name: Source, shape: tuple[int, int, int]) -> Value:
    """The map of a source itself."""
    channels = shape[0]
    identity = Kernel(np.ones((channels, 1, 1, 1)), groups=channels)
    return Value(shape, np.zeros(channels), (Term(name, shape, identity),))


def ones_term(value: Value, kernel: Kernel) -> Term:
    """``kernel`` over a map of ones of the size of ``value``.

    Where a kernel is padded, a constant in front of it adds less at the border than inside. This
    term adds as much as it should, everywhere (docs/decisions/0129-maps-of-ones.md).
    """
    own = min(value.terms, key=lambda term: term.kernel.weight[0].size)
    taps = np.zeros((1, 1, *own.kernel.taps))
    anchor = replace(own, kernel=replace(own.kernel, weight=taps, groups=1), out_start=0)
    rows, columns = value.size
    return Term(f"ones {rows}x{columns}", (1, rows, columns), kernel, anchor=anchor)


def aligned_pieces(first: int, last: int, size: int) -> list[Pair]:
    """``first`` to ``last`` cut so that each piece is whole multiples of ``size`` or within one."""
    low, high = ceil_div(first, size) * size, last // size * size
    if low > high:
        return [(first, last)]
    cuts = sorted({first, low, high, last})
    return list(pairwise(cuts))


def window_size(size: Pair, padding: Padding, kernel: Pair, stride: Pair) -> Pair:
    """Rows and columns after a window of ``kernel`` slides over a padded map of ``size``."""
    return (
        (size[0] + padding[0] + padding[2] - kernel[0]) // stride[0] + 1,
        (size[1] + padding[1] + padding[3] - kernel[1]) // stride[1] + 1,
    )


def back_padding(size: int, front: int, extent: int, stride: int, count: int) -> int:
    """Padding at the end that gives ``count`` windows, as close to none as possible."""
    least = (count - 1) * stride + extent - size - front
    return least if least > 0 else min(0, least + stride - 1)


def touches_padding(size: Pair, kernel: Kernel, count: Pair) -> bool:
    """Whether any of ``count`` windows reaches beyond a map of ``size``."""
    return any(
        kernel.padding[axis] > 0
        or (count[axis] - 1) * kernel.stride[axis] + kernel.extent[axis] - kernel.padding[axis]
        > size[axis]
        for axis in (0, 1)
    )


def common_dilation(first: int, first_taps: int, second: int, second_taps: int) -> int:
    """Distance of taps that holds two kernels' taps in one; a single tap has no distance."""
    return gcd(first if first_taps > 1 else 0, second if second_taps > 1 else 0) or 1
