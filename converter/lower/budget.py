"""Widths of weights per layer within a budget: the most sensitive layers keep more bits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ...golden.errors import RheobaseError
from ...golden.network.network import BYTE_BITS, MIN_WEIGHT_BITS
from ..graph.analog import GraphProgress, clip, run_graph
from ..graph.graph import WEIGHTED_KINDS, Graph, Operation
from ..graph.segments import segment_of
from .quantise import RealWeights, layer_scale, quantised

#: Width at which a layer's sensitivity is measured; an error goes with 4 ** -bits.
_MEASURED_BITS = 3
#: Images that sensitivities are measured on, once for each layer.
IMAGES = 32
_UNITS = {"": 1.0, "k": 1e3, "M": 1e6}


def parse_budget(text: str, weights: int) -> float:
    """Bits of ``1.1Mbit``, ``300kbit``, ``90000bit``, or ``4bit/weight`` of ``weights`` weights.

    Raises:
        RheobaseError: another form, or less than the narrowest weights take.
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kM]?)bit(/weight)?\s*", text)
    if match is None or (match[3] and match[2]):
        raise RheobaseError(
            f"weight budget: {text!r}, must be such as 1.1Mbit, 300kbit or 4bit/weight"
        )
    return float(match[1]) * _UNITS[match[2]] * (weights if match[3] else 1)


def kernel_sizes(graph: Graph) -> dict[str, int]:
    """Weights of the kernels of each layer (neuron operation or output)."""
    return {
        name: sum(o.arguments["weight"].numel() for o in found)
        for name, found in _kernels(graph).items()
    }


@torch.inference_mode()
def sensitivities(
    graph: Graph, images: Tensor, thresholds: Mapping[str, Tensor]
) -> dict[str, float]:
    """Relative squared error of the outputs where one layer's kernels alone have 3 bits.

    Args:
        graph: prepared.
        images: normalised, one batch.
        thresholds: activations are clipped there, as the spiking network's are.
    """

    def clipped(operation: Operation, current: Tensor, _owned: bool) -> Tensor:
        # Several runs share what is in front of a layer, so nothing is overwritten.
        return clip(operation, current, thresholds[operation.name].to(current), False)

    exact = run_graph(graph, images, clipped)
    kernels = _kernels(graph)
    places = {operation.name: place for place, operation in enumerate(graph.operations)}
    first = {
        name: min((places[o.name] for o in found), default=len(places))
        for name, found in kernels.items()
    }
    measured = {}
    before = GraphProgress.begun(graph, images)
    for name in sorted(kernels, key=first.__getitem__):
        before.run(first[name], clipped)
        changed = {o.name: _rounded(o, _MEASURED_BITS) for o in kernels[name]}
        operations = tuple(changed.get(o.name, o) for o in graph.operations)
        rest = replace(before.copy(), graph=replace(graph, operations=operations))
        rest.run(len(operations), clipped)
        errors = [
            float(
                (rest.values[key] - value).square().mean() / value.square().mean().clamp(min=1e-12)
            )
            for key, value in exact.items()
        ]
        measured[name] = sum(errors) / len(errors)
    return {name: measured[name] for name in kernels}


def allocated_bits(
    graph: Graph, images: Tensor, thresholds: Mapping[str, Tensor], budget: float
) -> dict[str, int]:
    """Bits per layer, 2 to 8, that cost at most ``budget`` bits in all.

    Each further bit goes where it takes away the most error per bit of memory. A layer without
    kernels has 8: its weights are shortcuts and have the width that they need.

    Raises:
        RheobaseError: the budget is less than 2 bits per weight.
    """
    sizes = kernel_sizes(graph)
    least = MIN_WEIGHT_BITS * sum(sizes.values())
    if budget < least:
        raise RheobaseError(
            f"weight budget: {budget:.0f} bits, must be at least {least} "
            f"({MIN_WEIGHT_BITS} bits for each of {sum(sizes.values())} weights)"
        )
    measured = sensitivities(graph, images, thresholds)
    return allocation({name: (sizes[name], measured[name]) for name in sizes}, budget)


def allocation(layers: Mapping[str, tuple[int, float]], budget: float) -> dict[str, int]:
    """Bits by layer for (weights, sensitivity) of each; see ``allocated_bits``."""
    bits = {name: MIN_WEIGHT_BITS if size else BYTE_BITS for name, (size, _) in layers.items()}
    left = budget - sum(size * bits[name] for name, (size, _) in layers.items())
    while True:
        gains = {
            name: sensitivity * 4.0 ** (_MEASURED_BITS - bits[name]) * 0.75 / size
            for name, (size, sensitivity) in layers.items()
            if size and bits[name] < BYTE_BITS and size <= left
        }
        if not gains:
            return bits
        best = max(gains, key=gains.__getitem__)
        bits[best] += 1
        left -= layers[best][0]


def _kernels(graph: Graph) -> dict[str, list[Operation]]:
    """Weighted operations in front of each layer; one that several layers see is the first's."""
    layers: dict[str, str] = {o.name: o.inputs[0] for o in graph.neurons}
    for name in graph.outputs.values():
        layers.setdefault(name, name)
    seen: set[str] = set()
    found: dict[str, list[Operation]] = {}
    for layer, current in layers.items():
        operations = segment_of(graph, current).operations
        found[layer] = [o for o in operations if o.kind in WEIGHTED_KINDS and o.name not in seen]
        seen.update(o.name for o in found[layer])
    return found


def _rounded(operation: Operation, bits: int) -> Operation:
    weight = operation.arguments["weight"]
    real = weight.double().cpu().numpy()
    scale = layer_scale([RealWeights(real)], len(real), bits, per_channel=True)
    scale[scale == 0] = 1.0
    shaped = scale.reshape(-1, *[1] * (real.ndim - 1))
    rounded = torch.from_numpy(quantised(real, scale, bits) * shaped).to(weight)
    return replace(operation, arguments={**operation.arguments, "weight": rounded})
