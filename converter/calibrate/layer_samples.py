"""Places of each layer's map that stand for all, and what the model has there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..graph.analog import run_graph
from ..graph.graph import Graph, OperationKind
from ..graph.kernels import run_operation
from ..graph.sampling import at_positions, sampled_positions
from .calibration_settings import current_of, layer_names
from .layer_roles import reads_image
from .least_squares import adjustable

#: Images that pass through the model at a time.
_BATCH = 16
#: Part of the mean energy that is added to that of a place.
_FLOOR = 0.3
#: Inputs, at all places together, that the fit of a grouped kernel looks at: few weights for many
#: inputs need few places.
_GROUPED = 2**25


@dataclass(frozen=True, eq=False)
class LayerSamples:
    """Samples of one operation's map.

    Attributes:
        name: of the operation.
        positions: (images, places) of the flattened map.
        values: (samples, channels): the model's, image after image.
        weights: (samples,): what an error counts in each; their mean is 1.
    """

    name: str
    positions: Tensor
    values: Tensor
    weights: Tensor

    @property
    def places(self) -> int:
        """Samples of each image."""
        return self.positions.shape[1]

    def first(self, places: int) -> LayerSamples:
        """The first ``places`` of each image."""
        count = min(places, self.places)
        shape = self.positions.shape
        return LayerSamples(
            self.name,
            self.positions[:, :count],
            self.values.unflatten(0, shape)[:, :count].flatten(0, 1),
            self.weights.unflatten(0, shape)[:, :count].flatten(),
        )


def place_weights(activations: Tensor) -> Tensor:
    """What an error counts at each place of a picture: less where there is much of everything.

    A strong edge has ten times the energy of a texture and says no more, but its error would rule
    a plain sum of squares (docs/decisions/0161-relative-errors.md).

    Args:
        activations: (samples, channels) of the model.

    Returns:
        (samples,), with a mean of 1.
    """
    energy = activations.square().mean(dim=1)
    mean = energy.mean()
    if mean == 0:
        return torch.ones_like(energy)
    weights = 1 / (energy + _FLOOR * mean)
    return weights / weights.mean()


def model_samples(
    graph: Graph, images: Tensor, count: int, generator: torch.Generator
) -> tuple[dict[str, LayerSamples], dict[str, LayerSamples]]:
    """By layer what it receives in the model, and the same in front of its max pooling.

    Args:
        images: normalised, (images, ...).
        count: of samples of each layer.
        generator: of the places.
    """
    names = {name: current_of(graph, name) for name in layer_names(graph)}
    kernels, places = {}, {}
    for name, current in names.items():
        found = adjustable(graph, current)
        kernels[name] = found.weighted.name if found is not None and found.pooled else current
        places[name] = count
        if found is not None and found.groups > 1:
            places[name] = max(1, _GROUPED // (found.inputs * len(images)))
    positions = {
        current: sampled_positions(graph.by_name[current].shape, len(images), count, generator).to(
            images.device
        )
        for current in dict.fromkeys((*names.values(), *kernels.values()))
    }
    values = _values_at(graph, images, positions)

    def samples(name: str, current: str) -> LayerSamples:
        operation = graph.by_name[name]
        weights = torch.ones_like(values[current][:, 0])
        if operation.kind == OperationKind.RELU and reads_image(graph, name):
            weights = place_weights(run_operation(operation, values[current]))
        return LayerSamples(current, positions[current], values[current], weights)

    return (
        {name: samples(name, current) for name, current in names.items()},
        {name: samples(name, current).first(places[name]) for name, current in kernels.items()},
    )


def _values_at(graph: Graph, images: Tensor, positions: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The model's results at some places: (samples, channels) by operation.

    Args:
        images: normalised, (images, ...).
        positions: by operation (images, places) of its flattened map.
    """
    found: dict[str, list[Tensor]] = {name: [] for name in positions}
    wanted = replace(graph, outputs={name: name for name in positions})
    for start in range(0, len(images), _BATCH):
        part = slice(start, start + _BATCH)
        results = run_graph(wanted, images[part])
        for name, parts in found.items():
            parts.append(at_positions(results[name], positions[name][part]))
    return {name: torch.cat(parts) for name, parts in found.items()}
