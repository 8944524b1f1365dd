"""What the model says each layer of an integer network should compute, in the layer's integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...golden.errors import RheobaseError
from ...golden.network.network import IMAGE, Connection, Layer, Network, Readout
from ..graph.graph import Graph, Operation
from ..lower.layer_integers import source_offset, times_worth
from ..lower.plan import PlannedLayer, plan_layers
from ..rewrite.image_normalisation import normalisation_folded
from ..rewrite.rewrite import with_readout
from ..signed.placement import linear_point, with_signed, with_split_like

#: Weights of a layer are another model's where they correlate less with its own.
_LEAST_CORRELATION = 0.3


@dataclass(frozen=True, eq=False)
class RealLayer:
    """The model's layer, its numbers divided by ``scale``: those that rounding would start from.

    Attributes:
        weights: per connection float64, of the shape of its integers.
        bias: (channels,).
        scale: (channels,): one unit of current in the model's units.
        spike: (channels,): one spike in the model's units; ``scale`` without neurons.
        cap: (channels,): the largest activation, or None.
        levels: of a QCFS activation, or None.
        readout: neurons for a ``count`` readout alone, where the model has none.
        ones: a map of ones, which is as it is meant to be.
    """

    weights: tuple[np.ndarray, ...]
    bias: np.ndarray
    scale: np.ndarray
    spike: np.ndarray
    cap: np.ndarray | None
    levels: int | None
    readout: bool
    ones: bool


def real_layers(
    network: Network, graph: Graph, mean: Sequence[float], std: Sequence[float]
) -> list[RealLayer]:
    """One for each layer of ``network``, which was converted from ``graph``.

    The network's file has no scales. Each is that with which the layer's integers come closest to
    the model's weights times what a spike of their source is worth.

    Args:
        graph: prepared (``rewrite.prepared``).
        mean, std: of the normalisation, per input channel, for pixels in 0..1.

    Raises:
        RheobaseError: the network is not one of this model.
    """
    counted = network.readout == Readout.COUNT
    graph, centre, spread = normalisation_folded(graph, mean, std)
    graph = with_split_like(graph, (layer.name for layer in network.layers))
    added = {layer.name for layer in network.layers if linear_point(layer.name)}
    added -= graph.by_name.keys()
    graph = with_signed(graph, {point: None for name in added if (point := linear_point(name))})
    if counted:
        graph = with_readout(graph)
    plan = plan_layers(graph, counted=counted)
    if len(plan.layers) != len(network.layers):
        raise RheobaseError(
            f"model: {len(plan.layers)} layers, must be the {len(network.layers)} of the network"
        )
    pixel = 1.0 / (255.0 * spread)
    offset = (network.zero_point - 255.0 * centre) * pixel
    worth = {IMAGE: pixel}
    offsets = {plan.image: offset}
    found: list[RealLayer] = []
    for index, (planned, layer) in enumerate(zip(plan.layers, network.layers, strict=True)):
        bias = planned.value.bias.copy()
        for source, values in offsets.items():
            bias += source_offset(planned, source, values)
        neurons = graph.by_name.get(planned.threshold or "")
        real = _real_layer(planned, layer, worth, bias, neurons)
        if planned.name in added:
            # Its neurons see the model's values less a constant, which those behind it add.
            offsets[planned.name] = (real.bias - layer.bias) * real.scale
            real = replace(real, bias=layer.bias.astype(np.float64))
        worth[index] = real.spike
        found.append(real)
    return found


def _real_layer(
    planned: PlannedLayer,
    layer: Layer,
    worth: dict[int, np.ndarray],
    bias: np.ndarray,
    neurons: Operation | None,
) -> RealLayer:
    terms = planned.value.terms
    shapes = [connection.weight.shape for connection in layer.connections]
    if planned.name != layer.name or [term.kernel.weight.shape for term in terms] != shapes:
        raise RheobaseError(
            f"model: layer {planned.name!r} with kernels {_shown(terms)}, must be layer "
            f"{layer.name!r} of the network, which is of another model"
        )
    real = []
    for term, connection in zip(terms, layer.connections, strict=True):
        seen = slice(connection.in_start, connection.in_start + connection.in_channels)
        real.append(times_worth(term, worth[connection.source][seen]))
    scale = _scale(layer, real, bias)
    spike = scale if layer.threshold is None else scale * layer.threshold
    if planned.ones:
        spike = np.ones(1)
    weights = tuple(
        weight / scale[_fed(connection)].reshape(-1, 1, 1, 1)
        for weight, connection in zip(real, layer.connections, strict=True)
    )
    cap = None if planned.cap is None else planned.cap / scale
    arguments = {} if neurons is None else neurons.arguments
    return RealLayer(
        weights=weights,
        bias=bias / scale,
        scale=scale,
        spike=spike,
        cap=cap,
        levels=arguments.get("levels"),
        readout=bool(arguments.get("readout")),
        ones=planned.ones,
    )


def _shown(terms: Sequence) -> str:
    return ", ".join(" x ".join(map(str, term.kernel.weight.shape)) for term in terms)


def _fed(connection: Connection) -> slice:
    return slice(connection.out_start, connection.out_start + connection.out_channels)


def _scale(layer: Layer, real: Sequence[np.ndarray], bias: np.ndarray) -> np.ndarray:
    """(channels,): the scale of least squares; a layer without neurons has one for all."""
    product, square, energy = (np.zeros(layer.out_channels) for _ in range(3))
    for weight, connection in zip(real, layer.connections, strict=True):
        rows = weight.reshape(len(weight), -1)
        integers = connection.weight.reshape(len(weight), -1).astype(np.float64)
        product[_fed(connection)] += (rows * integers).sum(1)
        square[_fed(connection)] += (integers * integers).sum(1)
        energy[_fed(connection)] += (rows * rows).sum(1)
    known = (square > 0) & (energy > 0)
    correlation = product[known] / np.sqrt(square[known] * energy[known])
    if known.any() and correlation.mean() < _LEAST_CORRELATION:
        raise RheobaseError(
            f"model: its weights of layer {layer.name!r} correlate by {correlation.mean():.2f} "
            f"with the network's, must be those that it was made of ({_LEAST_CORRELATION} or more)"
        )
    if layer.threshold is None:
        product[:], square[:], known = product.sum(), square.sum(), square > 0
    scale = np.where(known, product, 1.0) / np.where(known, square, 1.0)
    # Nothing tells the unit of a channel without weights but its bias.
    biased = (layer.bias != 0) & (bias != 0)
    by_bias = np.abs(np.where(biased, bias, 1.0) / np.where(biased, layer.bias, 1))
    return np.where(scale > 0, np.where(known, scale, by_bias), by_bias)
