"""One layer of the integer network: what spikes are worth folded into weights, and rounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...golden.errors import RheobaseError
from ...golden.network.network import Connection, Layer, Pool, PoolRule
from ..graph.levels import Levels
from ..linear.terms import Term
from .constant_channels import Reach, current_ranges, held_scales, readable_scale
from .lowered import LayerScale
from .plan import PlannedLayer
from .quantise import RealWeights, integer_weights, layer_scale

#: Largest magnitude that a bias or threshold may have.
_INT32_LIMIT = 2**31


@dataclass(frozen=True, eq=False)
class Source:
    """A source of a connection.

    Attributes:
        index: of its layer.
        worth: (channels,): what a spike (or a unit of a pixel) is worth.
        low, high: (channels,): least and greatest value, in spikes (or units).
    """

    index: int
    worth: np.ndarray
    low: np.ndarray
    high: np.ndarray


def source_offset(planned: PlannedLayer, source: str, offset: np.ndarray) -> np.ndarray:
    """What ``offset`` (channels,) of a source adds to each channel, its borders left aside.

    Of the image it is the difference between mean and zero point.
    """
    bias = np.zeros(planned.value.channels)
    for term in planned.value.terms:
        if term.source == source:
            seen = slice(term.in_start, term.in_start + term.kernel.in_channels)
            area = np.prod(term.sum_pool.kernel) if term.sum_pool is not None else 1
            sums = times_worth(term, offset[seen]).sum(axis=(1, 2, 3)) * area
            bias[term.out_start : term.out_stop] += sums
    return bias


def times_worth(term: Term, worth: np.ndarray) -> np.ndarray:
    """The kernel's weights, times ``worth`` of each input channel that it sees."""
    kernel = term.kernel
    grouped = kernel.weight.reshape(kernel.groups, -1, *kernel.weight.shape[1:])
    return (grouped * worth.reshape(kernel.groups, 1, -1, 1, 1)).reshape(kernel.weight.shape)


def quantised_layer(
    planned: PlannedLayer,
    sources: Mapping[str, Source],
    bias: np.ndarray,
    level: np.ndarray | None,
    initial: np.ndarray | float,
    bits: int,
    rule: PoolRule,
    per_channel: bool,
    given: Any,
    bias_steps: int,
    levels: Levels,
) -> tuple[Layer, LayerScale]:
    """Integers of one layer; ``level`` is what a spike shall be worth, None without neurons.

    ``levels`` are the numbers of a train, of a step in ``rate``. The bias is added
    ``bias_steps`` times. What rounding takes from it each time is put into the initial potential,
    so that after the last step it is there (docs/decisions/0033-bias-carry.md).
    """
    real = [real_weights(term, sources) for term in planned.value.terms]
    fires = level is not None
    constant = np.zeros(planned.value.channels, bool)
    if given is None:
        scale = layer_scale(real, planned.value.channels, bits, per_channel=per_channel and fires)
    else:
        scale = values_per_channel(planned, "scale", given)
    if fires:

        def reach() -> Iterator[Reach]:
            for term, weights in zip(planned.value.terms, real, strict=True):
                yield _reach(term, weights, sources[term.source])

        held = held_scales(
            scale,
            bias,
            level,
            initial,
            reach,
            repeats=bias_steps,
            levels=levels,
            slope=planned.slope,
            takes_back=planned.takes_back,
        )
        scale, bias, constant = held.scale, held.bias, held.constant
        if held.zeroed.any():
            real = [weights.without(held.zeroed) for weights in real]
    elif not scale.any():
        raise RheobaseError(f"{planned.name}: all weights are zero, nothing to read out")
    else:
        scale = readable_scale(scale, bias)
    connections, reached = [], []
    for term, weights in zip(planned.value.terms, real, strict=True):
        source = sources[term.source]
        integers, width = integer_weights(weights, scale, bits)
        connections.append(connection(term, source.index, integers, width))
        reached.append(_reach(term, replace(weights, weight=integers), source))
    threshold = start = spike = negative = None
    integer_bias = _int32(planned.name, "bias", bias / scale)
    if fires:
        carried = np.rint(bias_steps * (bias / scale - integer_bias))
        threshold = _int32(planned.name, "threshold", np.maximum(level / scale, 1))
        if planned.slope is not None:
            taken = np.maximum(np.rint(threshold / planned.slope), threshold)
            negative = _int32(planned.name, "negative threshold", taken)
        start = np.floor(initial * threshold) + carried
        start = _int32(planned.name, "initial potential", start)
        if planned.takes_back:
            low, _ = current_ranges(reached, len(scale))
            least = start + bias_steps * np.minimum(integer_bias + low, 0)
            # No potential lies below L, so that no net count is negative.
            taken = threshold + 2 * np.maximum(-least, 0)
            negative = _int32(planned.name, "negative threshold", taken)
        # What sees these spikes sees the threshold that the hardware really has.
        spike = threshold * scale
    layer = Layer(
        name=planned.name,
        connections=tuple(connections),
        bias=integer_bias,
        threshold=threshold,
        initial_potential=start,
        pool=max_pool(planned, rule),
        negative_threshold=negative,
    )
    return layer, LayerScale(planned.name, scale, spike, constant)


def real_weights(term: Term, sources: Mapping[str, Source]) -> RealWeights:
    """Weights of ``term``, times what a spike of its source is worth."""
    seen = slice(term.in_start, term.in_start + term.kernel.in_channels)
    weight = times_worth(term, sources[term.source].worth[seen])
    # Borders are few weights, and large ones: they stand for all channels of a map.
    wide = term.kernel.is_shortcut or term.anchor is not None
    return RealWeights(weight, term.out_start, wide)


def connection(term: Term, source: int, weight: np.ndarray, bits: int) -> Connection:
    """``term`` with integer weights."""
    kernel = term.kernel
    return Connection(
        source=source,
        weight=weight,
        weight_bits=bits,
        stride=kernel.stride,
        padding=kernel.padding,
        dilation=kernel.dilation,
        groups=kernel.groups,
        in_start=term.in_start,
        out_start=term.out_start,
        sum_pool=term.sum_pool,
    )


def max_pool(planned: PlannedLayer, rule: PoolRule) -> Pool | None:
    """The layer's max pooling, where it has one."""
    pool = planned.pool
    return pool and Pool(pool.kernel, pool.stride, pool.padding, rule)


def _reach(term: Term, weights: RealWeights, source: Source) -> Reach:
    """What ``term`` can add to the channels that it feeds."""
    seen = slice(term.in_start, term.in_start + term.kernel.in_channels)
    area = np.prod(term.sum_pool.kernel) if term.sum_pool is not None else 1
    ones = replace(term, kernel=replace(term.kernel, weight=np.ones_like(weights.weight)))
    low, high = (times_worth(ones, values[seen] * area) for values in (source.low, source.high))
    return Reach(weights.weight, low, high, weights.channels)


def full_range(planned: PlannedLayer, thresholds: Mapping[str, Any]) -> np.ndarray:
    """Full range of each channel's neurons, at most the cap of the activation."""
    if planned.threshold is None or planned.threshold not in thresholds:
        raise RheobaseError(f"thresholds: none for {planned.threshold!r}")
    values = values_per_channel(planned, "threshold", thresholds[planned.threshold])
    if not np.all(values > 0):
        raise RheobaseError(
            f"{planned.name}: threshold is {values.min()}, must be positive numbers"
        )
    return values if planned.cap is None else np.minimum(values, planned.cap)


def values_per_channel(planned: PlannedLayer, field: str, given: Any) -> np.ndarray:
    """(channels,) of one value, one per channel, or the largest of each channel's elements."""
    detach = getattr(given, "detach", None)
    values = np.asarray(given if detach is None else detach().cpu(), dtype=np.float64)
    channels, elements = planned.value.channels, int(np.prod(planned.shape))
    if not np.all(np.isfinite(values)):
        raise RheobaseError(f"{planned.name}: {field} is not finite")
    if values.size == 1:
        return np.full(channels, values.item())
    if values.size == channels:
        return values.reshape(channels)
    if values.size == elements:
        return values.reshape(channels, -1).max(axis=1)
    raise RheobaseError(
        f"{planned.name}: {field} has {values.size} values, must be 1, {channels} (one per "
        f"channel) or {elements} (one per neuron)"
    )


def _int32(name: str, field: str, values: np.ndarray) -> np.ndarray:
    rounded = np.rint(values)
    if not np.all(np.abs(rounded) < _INT32_LIMIT):
        worst = float(np.abs(values).max())
        raise RheobaseError(
            f"{name}: {field} is {worst:.3g} times the weight scale, must be below 2**31"
        )
    return rounded.astype(np.int32)
