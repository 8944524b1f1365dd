"""A balanced graph to the integer network: planned, folded, quantised (docs/meaning.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...golden.errors import RheobaseError
from ...golden.network.network import (
    BYTE_BITS,
    IMAGE,
    Coding,
    Layer,
    Network,
    PoolRule,
    Readout,
)
from ..graph.graph import Graph, OperationKind
from ..graph.levels import levels_of
from ..rewrite.image_normalisation import normalisation_folded
from .kept_integers import kept_layer, kept_scale
from .layer_integers import Source, full_range, quantised_layer, source_offset, values_per_channel
from .lowered import LayerScale, Lowered, OutputPart, OutputScale
from .plan import Plan, PlannedLayer, plan_layers
from .quantise import bits_of, check_weight_bits


def lower_graph(  # noqa: PLR0913 - what calibration found, and what came with the model
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
    initial: Mapping[str, Any] | None = None,
    weight_scales: Mapping[str, Any] | None = None,
    units: Sequence[float] = (),
    largest_integers: Mapping[str, np.ndarray] | None = None,
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
        initial: by operation: initial potential as a part of the threshold, one value or one per
            channel; one half where it is not given.
        weight_scales: by operation: (channels,), for layers whose weights are integers times a
            scale already; others get theirs by least squared error.
        units: a layer all of whose weights, biases and thresholds are integers times one of these
            keeps its integers, whatever their width; what is zero around its kernels is cut off.
        largest_integers: by operation: (channels,), of models whose weights are integers times
            scales: the largest magnitude of each channel's. A layer whose weights have one scale
            in each channel keeps them. Spikes are worth what the thresholds say, and what rounding
            a threshold takes from that is left out.

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
    sources = {plan.image: Source(IMAGE, pixel, darkest, darkest + 255)}
    layers: list[Layer] = []
    scales: list[LayerScale] = []
    for planned in plan.layers:
        key = planned.threshold or planned.name
        bias = planned.value.bias + source_offset(planned, plan.image, offset)
        level = None
        own = _own_steps(graph, planned)
        levels = levels_of(planned.slope is not None, coding, own or steps)
        if planned.threshold is not None:
            level = np.ones(1) if planned.ones else full_range(planned, thresholds)
            level = level / levels.full
        part = 0.5
        if initial is not None and key in initial and not planned.repeats:
            part = values_per_channel(planned, "initial potential", initial[key])
        given = (weight_scales or {}).get(key)
        width = bits[planned.name]
        own_scale = None
        if largest_integers is not None and key in largest_integers:
            own_scale = kept_scale(planned, sources, largest_integers[key])
        if own_scale is not None and largest_integers is not None:
            given, width = own_scale, bits_of(largest_integers[key])
        kept = kept_layer(planned, sources, bias, level, part, rule, units)
        layer, scale = kept or quantised_layer(
            planned,
            sources,
            bias,
            level,
            part,
            width,
            rule,
            per_channel,
            given,
            steps if coding == Coding.RATE else 1,
            levels,
        )
        if scale.spike is not None:
            nil = np.zeros(len(scale.spike))
            ends = nil + levels.low, nil + levels.high
            worth = scale.spike if largest_integers is None or level is None else level
            sources[planned.name] = Source(len(layers), worth, *ends)
        if planned.ones:
            scale = replace(scale, constant=np.zeros(1, bool))  # as it is meant to be
        layers.append(replace(layer, steps=own))
        scales.append(replace(scale, kept=kept is not None or own_scale is not None))
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


def _own_steps(graph: Graph, planned: PlannedLayer) -> int | None:
    """T of the layer's own, that of the neurons that it is made of."""
    operation = graph.by_name.get(planned.threshold or "")
    if operation is None or operation.kind != OperationKind.RELU:
        return None
    return operation.arguments["steps"]


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
