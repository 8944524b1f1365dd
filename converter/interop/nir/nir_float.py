"""A float SNN as a NIR graph, in the model's own weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from ....golden.errors import RheobaseError
from ....golden.network.network import IMAGE, Coding, Layer, Readout
from ....golden.network.unchecked_network import UncheckedNetwork
from ...conversion import Conversion
from ...data.pixels import normalisation
from ...lower.layer_integers import (
    Source,
    connection,
    full_range,
    max_pool,
    real_weights,
    values_per_channel,
)
from ...lower.plan import PlannedLayer, plan_layers
from ...rewrite.image_normalisation import normalisation_folded
from ...snn.snn import FloatSnn
from .nir_export import check_representable, nir_graph, write_nir


def export_float_nir(
    snn: FloatSnn | Conversion,
    path: str | Path,
    *,
    mean: float | Sequence[float],
    std: float | Sequence[float],
) -> None:
    """Write ``snn``, or that of a conversion, to ``path`` as a NIR graph in floating point.

    Args:
        mean, std: of the normalisation of the model's images. The graph's input is pixels in
            0..255, as for integer networks.

    Raises:
        RheobaseError: something stays in floating point between its neurons, NIR has no form for
            it (``radix`` coding, neurons that fire signed), or the file cannot be written; a
            ``MachineError`` where ``nir`` is absent.
    """
    found = snn.snn if isinstance(snn, Conversion) else snn
    channels = found.graph.input_shape[0]
    graph = found.graph.to("cpu", torch.float64)
    graph, centre, spread = normalisation_folded(graph, *normalisation(mean, std, channels))
    counted = any(operation.arguments["readout"] for operation in graph.neurons)
    plan = plan_layers(graph, counted=counted)
    nothing = np.zeros(channels)
    sources = {plan.image: Source(IMAGE, np.ones(channels), nothing, nothing)}
    layers: list[Layer] = []
    for planned in plan.layers:
        layer = _layer(planned, sources, found)
        if layer.threshold is not None:
            sources[planned.name] = Source(len(layers), layer.threshold, nothing, nothing)
        layers.append(layer)
    shape = graph.input_shape
    indices = {layer.name: index for index, layer in enumerate(layers)}
    read = {indices[name] for output in plan.outputs.values() for name in output.layers}
    network = UncheckedNetwork(
        input_shape=shape if len(shape) == 3 else (shape[0], 1, shape[1]),
        zero_point=nothing,
        layers=tuple(layers),
        coding=Coding(found.coding),
        steps=found.steps,
        delay=found.delay,
        readout=Readout.COUNT if counted else Readout.CURRENT,
        outputs=tuple(sorted(read)),
    )
    check_representable(network)
    written = nir_graph(
        network, gain=1 / (255 * spread), shift=-centre / spread, more_potential=0.0
    )
    write_nir(written, Path(path))


def _layer(planned: PlannedLayer, sources: Mapping[str, Source], snn: FloatSnn) -> Layer:
    """A layer in floating point, whose spikes are worth one."""
    threshold = start = None
    if planned.threshold is not None:
        threshold = np.ones(1) if planned.ones else full_range(planned, snn.thresholds)
        part = snn.initial
        if isinstance(part, Mapping):
            part = values_per_channel(planned, "initial potential", part[planned.threshold])
        start = (0.5 if planned.ones or planned.repeats else part) * threshold
    if planned.slope is not None or planned.takes_back:
        hint = " (convert with --no-take-back)" if planned.takes_back else ""
        raise RheobaseError(
            f"{planned.name}: fires signed, must be neurons without negative spikes for NIR{hint}"
        )
    connections = tuple(
        connection(term, sources[term.source].index, real_weights(term, sources).weight, 0)
        for term in planned.value.terms
    )
    return Layer(
        name=planned.name,
        connections=connections,
        bias=planned.value.bias,
        threshold=threshold,
        initial_potential=start,
        pool=max_pool(planned, snn.rule),
    )
