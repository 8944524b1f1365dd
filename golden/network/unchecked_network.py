"""The fields of a network, and what follows from them, before anything is known to be right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .choices import Coding, Readout
from .event_counts import EventCounts
from .layers import IMAGE, Layer, LayerShape, layer_shape
from .provenance import Provenance


@dataclass(frozen=True, eq=False)
class UncheckedNetwork:
    """What a ``Network`` is while it is checked; see there for the fields."""

    input_shape: tuple[int, int, int]
    zero_point: np.ndarray
    layers: tuple[Layer, ...]
    coding: Coding
    steps: int
    delay: int
    readout: Readout
    outputs: tuple[int, ...]
    name: str = "network"
    events: EventCounts | None = None
    provenance: Provenance | None = None

    @cached_property
    def shapes(self) -> tuple[LayerShape, ...]:
        """The maps around each layer, first to last."""
        shapes: list[LayerShape] = []
        for layer in self.layers:
            maps = tuple(
                self.input_shape if connection.source == IMAGE else shapes[connection.source].output
                for connection in layer.connections
            )
            shapes.append(layer_shape(layer, maps))
        return tuple(shapes)

    @property
    def output_shapes(self) -> tuple[tuple[int, int, int], ...]:
        """(channels, rows, columns) of each layer that is read out."""
        return tuple(self.shapes[index].output for index in self.outputs)

    def steps_of(self, index: int, steps: int | None = None) -> int:
        """T of the neurons of layer ``index``, where the network runs at T = ``steps``.

        A layer with a T of its own fires so many planes, and never more than the network.
        """
        steps = self.steps if steps is None else steps
        own = self.layers[index].steps
        return steps if own is None else min(steps, own)

    @property
    def classes(self) -> int:
        """Channels of the first output."""
        return self.layers[self.outputs[0]].out_channels
