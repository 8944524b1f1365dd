"""A balanced graph to the integer network: planned, folded, quantised (docs/meaning.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...golden.errors import RheobaseError
from ...golden.network.network import (
    BYTE_BITS,
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Pool,
    PoolRule,
    Readout,
)
from ..graph.graph import Graph
from ..graph.levels import Levels, levels_of
from ..linear.terms import Term
from ..rewrite.image_normalisation import normalisation_folded
from .constant_channels import Reach, held_scales, readable_scale
from .plan import Plan, PlannedLayer, plan_layers
from .quantise import RealWeights, check_weight_bits, integer_weights, layer_scale

#: Largest magnitude that a bias or threshold may have.
_INT32_LIMIT = 2**31


@dataclass(frozen=True, eq=False)
class LayerScale:
    """What a layer's integers are worth in the model's units.

    Attributes:
        name: the layer's; that of the operation in the graph.
        scale: (channels,): one unit of current or potential.
        spike: (channels,): one spike, which is the threshold (the least bit of a ``radix`` train);
            None without neurons.
        constant: (channels,), bool: its neurons do the same for every input.
    """

    name: str
    scale: np.ndarray
    spike: np.ndarray | None
    constant: np.ndarray


@dataclass(frozen=True, eq=False)
class OutputPart:
    """What of an output of the model one output of the network holds.

    Attributes:
        index: in ``network.outputs``, and in the golden model's ``outputs``.
        unit: (channels,): the model's value per unit of score: of a mean over the steps that are
            read in ``rate``, of the score itself in ``radix``.
    """

    index: int
    unit: np.ndarray


@dataclass(frozen=True, eq=False)
class OutputScale:
    """How an output of the model is read from the network's.

    Attributes:
        parts: the outputs that hold its elements.
        order: for each of its elements the place in the parts, flattened and one after the other;
            None where one output of the network has them in the model's order.
        shape: of that output in the model, without the batch.
    """

    parts: tuple[OutputPart, ...]
    order: np.ndarray | None
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Lowered:
    """The integer network, and what its integers mean.

    Attributes:
        layers: one per layer of the network.
        outputs: by the label of the model's output.
        left_out: paths of what follows the scores in the model (softmax, interpolation): the
            outputs are those in front of it.
    """

    network: Network
    layers: tuple[LayerScale, ...]
    outputs: dict[str, OutputScale]
    left_out: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Lowered to {self.network!r}"

    def real_outputs(
        self,
        scores: Sequence[np.ndarray],
        steps: int | None = None,
        delay: int | None = None,
    ) -> dict[str, np.ndarray]:
        """The model's outputs before ``left_out``, float64 (images, *shape), by label.

        Args:
            scores: the golden model's ``outputs``: (images, channels, rows, columns) each.
            steps, delay: T and t0 of that run, the network's own where None.
        """
        window = 1
        if self.network.coding == Coding.RATE:
            steps = self.network.steps if steps is None else steps
            window = steps - (self.network.delay if delay is None else delay)
        found = {}
        for label, output in self.outputs.items():
            parts = []
            for part in output.parts:
                values = scores[part.index] * (part.unit / window)[:, None, None]
                parts.append(values.reshape(len(values), -1))
            moved = np.concatenate(parts, axis=1)
            if output.order is not None:
                moved = moved[:, output.order]
            found[label] = moved.reshape(len(moved), *output.shape)
        return found


@dataclass(frozen=True, eq=False)
class _Source:
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


def lower_graph(
    graph: Graph,
    thresholds: Mapping[str, Any],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    coding: Coding,
    steps: int,
    delay: int = 0,
    readout: Readout = Readout.CURRENT,
    rule: PoolRule = PoolRule.CUMULATIVE,
    weight_bits: int | Mapping[str, int] = 8,
    per_channel: bool = True,
    bias_shift: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    weight_scales: Mapping[str, Any] | None = None,
    name: str = "network",
) -> Lowered:
    """The integer network of ``graph``.

    What a spike is worth is folded into the weights that it meets: theta of its own channel in
    ``rate``, theta / (2**T - 1) in ``radix`` (theta / 2**(T - 1) of neurons that fire signed), and
    1 / (255 std) for a pixel. The zero point is the
    pixel value closest to the mean; what is left of the mean goes into the bias (also where a
    window meets padding, which is off by at most half a pixel there). All connections of a layer
    share one scale per output channel; a layer whose currents are read out has a single scale.

    Args:
        thresholds: by operation: the full range of its neurons in the model's units, as an array
            or tensor: one value, one per channel, or one per element of its map (a channel then
            gets its largest). In a ``count`` readout, of the outputs too.
        mean, std: of the normalisation, per input channel, for pixels in 0..1.
        weight_bits: 2..8 for all layers, or by layer (every layer's name); shortcuts use what they
            need, up to 16.
        per_channel: False for a single scale in every layer.
        bias_shift: by operation: added to what its neurons (or readout) receive, in the model's
            units, one value or one per channel.
        initial: by operation: initial potential as a part of the threshold, one value or one per
            channel; one half where it is not given.
        weight_scales: by operation: (channels,), for layers whose weights are integers times a
            scale already; others get theirs by least squared error.

    Raises:
        RheobaseError: what cannot be lowered (all of it is named), thresholds or bits that are
            missing or out of range, a threshold or bias that 32 bits do not hold.
    """
    graph, centre, spread = normalisation_folded(graph, mean, std)
    plan = plan_layers(graph, counted=readout == Readout.COUNT)
    bits = _bits_by_layer(plan, weight_bits)
    mean_pixel = 255.0 * centre
    zero_point = np.clip(np.rint(mean_pixel), 0, 255).astype(np.uint8)
    pixel = 1.0 / (255.0 * spread)
    offset = (zero_point - mean_pixel) * pixel
    darkest = -zero_point.astype(np.float64)
    sources = {plan.image: _Source(IMAGE, pixel, darkest, darkest + 255)}
    layers: list[Layer] = []
    scales: list[LayerScale] = []
    for planned in plan.layers:
        key = planned.threshold or planned.name
        bias = planned.value.bias + source_offset(planned, plan.image, offset)
        if bias_shift is not None and key in bias_shift and not planned.repeats:
            bias = bias + _per_channel(planned, "bias shift", bias_shift[key])
        level = None
        levels = levels_of(planned.slope is not None, coding, steps)
        if planned.threshold is not None:
            level = np.ones(1) if planned.ones else _threshold(planned, thresholds)
            level = level / levels.full
        part = 0.5
        if initial is not None and key in initial and not planned.repeats:
            part = _per_channel(planned, "initial potential", initial[key])
        layer, scale = _quantised_layer(
            planned,
            sources,
            bias,
            level,
            part,
            bits[planned.name],
            rule,
            per_channel,
            (weight_scales or {}).get(key),
            steps if coding == Coding.RATE else 1,
            levels,
        )
        if scale.spike is not None:
            nil = np.zeros(len(scale.spike))
            ends = nil + levels.low, nil + levels.high
            sources[planned.name] = _Source(len(layers), scale.spike, *ends)
        if planned.ones:
            scale = replace(scale, constant=np.zeros(1, bool))  # as it is meant to be
        layers.append(layer)
        scales.append(scale)
    indices = {planned.name: index for index, planned in enumerate(plan.layers)}
    read = sorted({indices[layer] for output in plan.outputs.values() for layer in output.layers})
    network = Network(
        input_shape=_image_shape(graph.input_shape),
        zero_point=zero_point,
        layers=tuple(layers),
        coding=coding,
        steps=steps,
        delay=delay,
        readout=readout,
        outputs=tuple(read),
        name=name,
    )
    outputs = {}
    for label, output in plan.outputs.items():
        parts = []
        for layer in output.layers:
            own = scales[indices[layer]]
            unit = own.scale if own.spike is None else own.spike
            parts.append(OutputPart(read.index(indices[layer]), unit))
        outputs[label] = OutputScale(tuple(parts), output.index, output.shape)
    return Lowered(network, tuple(scales), outputs, plan.left_out)


def _image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Of the network's image; a row of values per channel is a map of one row."""
    return shape if len(shape) == 3 else (shape[0], 1, shape[1])


def _bits_by_layer(plan: Plan, weight_bits: int | Mapping[str, int]) -> dict[str, int]:
    names = [planned.name for planned in plan.layers]
    if not isinstance(weight_bits, Mapping):
        check_weight_bits(weight_bits)
        return dict.fromkeys(names, weight_bits)
    found = {}
    for planned in plan.layers:
        if planned.ones:
            found[planned.name] = BYTE_BITS  # it has no weights
            continue
        # A layer that was split in two is known by the name of its operation.
        name = planned.name if planned.name in weight_bits else planned.threshold
        if name is None or name not in weight_bits:
            raise RheobaseError(f"weight bits: none for layer {planned.name!r}")
        check_weight_bits(weight_bits[name])
        found[planned.name] = weight_bits[name]
    return found


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


def _quantised_layer(
    planned: PlannedLayer,
    sources: Mapping[str, _Source],
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
    real = []
    for term in planned.value.terms:
        seen = slice(term.in_start, term.in_start + term.kernel.in_channels)
        weight = times_worth(term, sources[term.source].worth[seen])
        # Borders are few weights, and large ones: they stand for all channels of a map.
        wide = term.kernel.is_shortcut or term.anchor is not None
        real.append(RealWeights(weight, term.out_start, wide))
    fires = level is not None
    constant = np.zeros(planned.value.channels, bool)
    if given is None:
        scale = layer_scale(real, planned.value.channels, bits, per_channel=per_channel and fires)
    else:
        scale = _per_channel(planned, "scale", given)
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
        )
        scale, bias, constant = held.scale, held.bias, held.constant
        if held.zeroed.any():
            real = [weights.without(held.zeroed) for weights in real]
    elif not scale.any():
        raise RheobaseError(f"{planned.name}: all weights are zero, nothing to read out")
    else:
        scale = readable_scale(scale, bias)
    connections = []
    for term, weights in zip(planned.value.terms, real, strict=True):
        integers, width = integer_weights(weights, scale, bits)
        kernel = term.kernel
        connections.append(
            Connection(
                source=sources[term.source].index,
                weight=integers,
                weight_bits=width,
                stride=kernel.stride,
                padding=kernel.padding,
                dilation=kernel.dilation,
                groups=kernel.groups,
                in_start=term.in_start,
                out_start=term.out_start,
                sum_pool=term.sum_pool,
            )
        )
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
        # What sees these spikes sees the threshold that the hardware really has.
        spike = threshold * scale
    pool = planned.pool and Pool(
        planned.pool.kernel, planned.pool.stride, planned.pool.padding, rule
    )
    layer = Layer(
        name=planned.name,
        connections=tuple(connections),
        bias=integer_bias,
        threshold=threshold,
        initial_potential=start,
        pool=pool,
        negative_threshold=negative,
    )
    return layer, LayerScale(planned.name, scale, spike, constant)


def _reach(term: Term, weights: RealWeights, source: _Source) -> Reach:
    """What ``term`` can add to the channels that it feeds."""
    seen = slice(term.in_start, term.in_start + term.kernel.in_channels)
    area = np.prod(term.sum_pool.kernel) if term.sum_pool is not None else 1
    ones = replace(term, kernel=replace(term.kernel, weight=np.ones_like(weights.weight)))
    low, high = (times_worth(ones, values[seen] * area) for values in (source.low, source.high))
    return Reach(weights.weight, low, high, weights.channels)


def _threshold(planned: PlannedLayer, thresholds: Mapping[str, Any]) -> np.ndarray:
    """Full range of each channel's neurons, at most the cap of the activation."""
    if planned.threshold is None or planned.threshold not in thresholds:
        raise RheobaseError(f"thresholds: none for {planned.threshold!r}")
    values = _per_channel(planned, "threshold", thresholds[planned.threshold])
    if not np.all(values > 0):
        raise RheobaseError(
            f"{planned.name}: threshold is {values.min()}, must be positive numbers"
        )
    return values if planned.cap is None else np.minimum(values, planned.cap)


def _per_channel(planned: PlannedLayer, field: str, given: Any) -> np.ndarray:
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
