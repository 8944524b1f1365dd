"""Places of each layer's map that stand for all, and what the model has there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..graph.analog import run_graph
from ..graph.graph import Graph
from ..graph.sampling import at_positions

#: Images that pass through the model at a time.
_BATCH = 16
#: Part of the mean energy that is added to that of a place.
_FLOOR = 0.3


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
    graph: Graph, images: Tensor, positions: Mapping[str, Tensor]
) -> dict[str, Tensor]:
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
