"""Chooses which linear layers are multiplied out and which fire signed: by weights and by error.

A product of two kernels is exact; it may have many times the weights of the two. Signed neurons
need no weights, and round what passes through them (docs/decisions/0152-linear-layers.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...golden.errors import RheobaseError
from ...golden.network.choices import Coding
from ..data.batches import spread_images
from ..graph.analog import run_graph
from ..graph.graph import WEIGHTED_KINDS, Graph, Operation
from ..graph.kernels import run_operation
from ..graph.levels import Levels, mean_levels
from ..lower.plan import plan_layers
from ..thresholds.level_thresholds import level_thresholds
from ..thresholds.samples import channel_samples
from .placement import can_split, linear_points, may_be_centred, with_signed, with_split

#: Images that errors are measured on.
IMAGES = 32
#: How many times the model's weights a network may have where nothing else is asked. In ``rate``
#: signed layers take cycles and buffers (docs/decisions/0165-signed-layers-in-rate.md).
GROWTH = {Coding.RADIX: 1.1, Coding.RATE: 3.0}
#: A layer that would lose a larger part of its variance does not fire signed where that can be.
MOST_ERROR = 0.1


@dataclass(frozen=True)
class LinearLayer:
    """What became of a linear layer that has further weights behind it, or of a slope.

    Attributes:
        name: of its operation.
        signed: it has neurons that fire signed; else it is multiplied out, or two layers of ReLU.
        error: the part of its variance that signed neurons lose at this T.
        slope: it is a LeakyReLU or PReLU.
    """

    name: str
    signed: bool
    error: float
    slope: bool = False


@torch.inference_mode()
def with_linear_layers(
    graph: Graph, batches: Sequence[Tensor], *, coding: Coding, steps: int, growth: float | None
) -> tuple[Graph, tuple[LinearLayer, ...]]:
    """``graph`` with signed neurons where they are better than products of kernels, or two ReLUs.

    All linear layers begin signed. In the order of what they lose, each is multiplied out if that
    is exact and the network's weights then are at most ``growth`` times the model's, or no more
    than they were, or the layer loses more than ``MOST_ERROR``.

    Args:
        graph: prepared.
        batches: normalised images, on the graph's device; ``IMAGES`` of them at the most are used.
        growth: 1 or more; infinite for no signed neurons wherever there is another way. None for
            that of ``GROWTH``.
    """
    points = linear_points(graph)
    slopes = tuple(o.name for o in graph.neurons if can_split(graph, o))
    if not (points or slopes) or not batches or not len(batches[0]):
        return graph, ()
    if growth is None:
        growth = GROWTH[coding]
    images = spread_images(batches, IMAGES)
    signed, errors = _measured(graph, images, points, slopes, mean_levels(True, coding, steps))
    split = {name for name in slopes if growth == math.inf or errors[name] > MOST_ERROR}
    graph = with_split(graph, split)
    budget = growth * kernel_weights(graph)
    weights = _network_weights(with_signed(graph, signed)) if points else None
    for name in sorted(points, key=lambda name: -errors[name]):
        without = {point: centre for point, centre in signed.items() if point != name}
        found = _network_weights(with_signed(graph, without))
        if found is None:
            continue  # no exact product
        fits = weights is None or found <= max(budget, weights)
        if fits or errors[name] > MOST_ERROR:
            signed, weights = without, found
    layers = [LinearLayer(name, name in signed, errors[name]) for name in points]
    layers += [LinearLayer(name, name not in split, errors[name], slope=True) for name in slopes]
    return with_signed(graph, signed), tuple(layers)


def kernel_weights(graph: Graph) -> int:
    """Weights of the model's convolutions and linear layers."""
    kernels = (o.arguments["weight"] for o in graph.operations if o.kind in WEIGHTED_KINDS)
    return sum(kernel.numel() for kernel in kernels)


def _network_weights(graph: Graph) -> int | None:
    """Of the integer network, None where it cannot be made."""
    try:
        plan = plan_layers(graph, counted=False)
    except RheobaseError:
        return None
    return sum(term.kernel.weight.size for layer in plan.layers for term in layer.value.terms)


def _measured(
    graph: Graph, images: Tensor, points: Sequence[str], slopes: Sequence[str], levels: Levels
) -> tuple[dict[str, Tensor | None], dict[str, float]]:
    """By point the centre of what neurons there give; and what they, and slopes, lose."""
    marked = with_signed(graph, dict.fromkeys(points)).to(images.device, images.dtype)
    names = {f"{name}:signed": name for name in points} | {name: name for name in slopes}
    centres: dict[str, Tensor | None] = {}
    errors: dict[str, float] = {}

    def measured(operation: Operation, current: Tensor, _owned: bool) -> Tensor:
        result = run_operation(operation, current)
        name = names.get(operation.name)
        if name is not None:
            samples = channel_samples(result)
            variance = samples.var(dim=1, correction=0).sum().clamp(min=1e-30)
            if name in points:
                centres[name] = samples.mean(dim=1) if may_be_centred(graph, name) else None
            if (centre := centres.get(name)) is not None:
                samples = samples - centre[:, None]
            _, lost = level_thresholds(samples, levels)
            errors[name] = float(lost.sum() / variance)
        return result

    run_graph(marked, images, measured)
    return centres, errors
