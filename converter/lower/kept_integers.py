"""A layer whose numbers are integers already, times one scale: they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...golden.network.network import BYTE_BITS, MAX_WEIGHT_BITS, MIN_WEIGHT_BITS, Layer, PoolRule
from ..linear.compose import within_padding
from ..linear.terms import Kernel, Term
from .layer_integers import Source, connection, max_pool, real_weights
from .lowered import LayerScale
from .plan import PlannedLayer
from .quantise import bits_for

#: How far from an integer rounding in float64 may leave one.
_NEAR = 2.0**-20
#: How far, relatively, weights in float32 may be from integers times a scale.
_SAME = 1e-5
#: Biases and thresholds are below this, and weights no more than a few of the widest.
_LARGEST, _LARGEST_WEIGHT = 2**31, 2 ** (MAX_WEIGHT_BITS + 1)


def kept_layer(
    planned: PlannedLayer,
    sources: Mapping[str, Source],
    bias: np.ndarray,
    level: np.ndarray | None,
    initial: np.ndarray | float,
    rule: PoolRule,
    units: Sequence[float],
) -> tuple[Layer, LayerScale] | None:
    """The layer with the integers that it has, in the first of ``units``; None where it has none.

    Args:
        bias, level, initial: as ``quantised_layer`` takes them.
    """
    if planned.slope is not None or planned.takes_back or planned.ones:
        return None
    terms = [trimmed(term) for term in planned.value.terms]
    real = [real_weights(term, sources).weight for term in terms]
    others = [bias] if level is None else [bias, level]
    for unit in units:
        if all(_are_integers(weight / unit, _LARGEST_WEIGHT) for weight in real) and all(
            _are_integers(values / unit, _LARGEST) for values in others
        ):
            break
    else:
        return None
    connections = []
    for term, weight in zip(terms, real, strict=True):
        for part in _parts(np.rint(weight / unit)):
            bits = max(bits_for(part), MIN_WEIGHT_BITS)
            part = part.astype(np.int8 if bits <= BYTE_BITS else np.int16)
            connections.append(connection(term, sources[term.source].index, part, bits))
    threshold = start = None
    if level is not None:
        threshold = np.rint(level / unit).astype(np.int32)
        start = np.floor(initial * threshold).astype(np.int32)
    channels = planned.value.channels
    layer = Layer(
        name=planned.name,
        connections=tuple(connections),
        bias=np.rint(bias / unit).astype(np.int32),
        threshold=threshold,
        initial_potential=start,
        pool=max_pool(planned, rule),
    )
    spike = None if threshold is None else threshold * unit
    scale = np.full(channels, unit)
    return layer, LayerScale(planned.name, scale, spike, np.zeros(channels, bool))


def kept_scale(
    planned: PlannedLayer, sources: Mapping[str, Source], largest: np.ndarray
) -> np.ndarray | None:
    """Scale of each channel with which its weights are integers; None where there is none.

    Args:
        largest: (channels,) or one for all: the largest magnitude of each channel's integers.
    """
    channels = planned.value.channels
    real = [real_weights(term, sources) for term in planned.value.terms]
    peak = np.zeros(channels)
    for entry in real:
        here = entry.channels
        peak[here] = np.maximum(peak[here], np.abs(entry.rows).max(axis=1))
    scale = np.divide(peak, largest, out=np.zeros(channels), where=peak > 0)
    if planned.threshold is None:
        # What is read out has one scale.
        if np.ptp(scale) > _SAME * scale.max():
            return None
        scale[:] = scale.max()
    safe = np.where(scale > 0, scale, 1)
    for entry in real:
        ratio = entry.rows / safe[entry.channels, None]
        if np.abs(ratio - np.rint(ratio)).max() > _SAME * np.abs(ratio).max():
            return None
    return scale


def trimmed(term: Term) -> Term:
    """The same without the zeros around its kernel and in front of and behind its channels."""
    kernel = term.kernel
    weight = kernel.weight
    if not weight.any():
        return term
    padding = list(kernel.padding)
    for axis in (0, 1):
        first, last = _used(weight, axis + 2)
        weight = weight.take(range(first, last + 1), axis + 2)
        step = kernel.dilation[axis]
        padding[axis] -= first * step
        padding[axis + 2] -= (kernel.taps[axis] - 1 - last) * step
    out_start, in_start = term.out_start, term.in_start
    if kernel.groups == 1:
        first, last = _used(weight, 0)
        weight, out_start = weight[first : last + 1], out_start + first
        first, last = _used(weight, 1)
        weight, in_start = weight[:, first : last + 1], in_start + first
    top, left, bottom, right = padding
    padded = (top, left, bottom, right)
    kernel = Kernel(weight, kernel.stride, padded, kernel.dilation, kernel.groups)
    return within_padding(replace(term, kernel=kernel, out_start=out_start, in_start=in_start))


def _used(weight: np.ndarray, axis: int) -> tuple[int, int]:
    """First and last index of an axis at which a weight is not zero."""
    others = tuple(one for one in range(weight.ndim) if one != axis)
    used = np.flatnonzero(weight.any(axis=others))
    return int(used[0]), int(used[-1])


def _are_integers(values: np.ndarray, largest: int) -> bool:
    near = np.abs(values - np.rint(values)) <= _NEAR
    return bool(np.all(near) and np.all(np.abs(values) < largest))


def _parts(weight: np.ndarray) -> list[np.ndarray]:
    """Integers as sums of those that the widest weights hold: mostly themselves."""
    limit = 2 ** (MAX_WEIGHT_BITS - 1)
    parts = []
    while True:
        part = np.clip(weight, -limit, limit - 1)
        parts.append(part)
        weight = weight - part
        if not weight.any():
            return parts
