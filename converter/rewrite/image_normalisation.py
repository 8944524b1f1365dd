"""Normalisation that a model does itself, as mean and standard deviation of its image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..graph.graph import Graph
from .rewrite import channel_affine, reading

#: A mean in pixels may be off the range of pixels by so much: it is rounded to one of them.
_HALF = 0.5


def normalisation_folded(
    graph: Graph, mean: Sequence[float], std: Sequence[float]
) -> tuple[Graph, np.ndarray, np.ndarray]:
    """``graph`` without gains and shifts of its image, and what mean and std are with them.

    ``2 x - 1`` in front of a padded convolution pads with zero where x is one half. The integer
    network pads with a pixel per channel (the zero point), so this is a mean like any other. Where
    it is no pixel's value, the graph is left as it is.
    """
    middle, spread = np.array(mean, dtype=np.float64), np.array(std, dtype=np.float64)
    image = graph.operations[0]
    while graph.is_read_once(image.name):
        (first,) = graph.consumers[image.name]
        change = channel_affine(first)
        if change is None:
            break
        gain, shift = (part.numpy() for part in change)
        if not gain.all():
            break
        centre = middle - spread * shift / gain
        if np.any(np.abs(255.0 * centre - 127.5) > 127.5 + _HALF):
            break
        middle, spread = centre, spread / gain
        operations = tuple(
            reading(operation, {first.name: image.name})
            for operation in graph.operations
            if operation.name != first.name
        )
        outputs = {
            label: image.name if name == first.name else name
            for label, name in graph.outputs.items()
        }
        graph = replace(graph, operations=operations, outputs=outputs)
    return graph, middle, spread
