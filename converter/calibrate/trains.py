"""Spike trains of the calibration images, and the currents that follow from them.

Only what a layer's fit looks at is worked out: currents at sampled places of its map, not the map.
Whole maps are made once, when the layer is finished and fires.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ...golden.network.network import Coding, PoolRule
from ..graph.graph import Graph, Operation, OperationKind, per_channel
from ..graph.levels import is_signed, levels_of, mean_levels, steps_of
from ..graph.sampling import at_positions
from ..graph.segments import Segment, run_segment, segment_of
from ..snn.firing import Neurons, fire
from .least_squares import has_one_matrix, patches

#: Numbers of the largest map that pass through a segment at a time.
_LARGEST = 2**25


class Trains:
    """What each layer of neurons has fired so far, for all images.

    Args:
        images: normalised, (images, ...).
        settled: see ``firing.fire``.
    """

    def __init__(
        self, images: Tensor, coding: Coding, steps: int, rule: PoolRule, *, settled: bool = False
    ) -> None:
        self._images, self._coding, self._steps = images, coding, steps
        self._settled = settled
        self._cumulative = rule == PoolRule.CUMULATIVE
        #: Per neuron operation its numbers, (steps, images, ...), one step in ``radix`` or where
        #: they have settled, and what one is worth, (channels,).
        self._trains: dict[str, tuple[Tensor, Tensor]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._trains))

    def forget(self, name: str) -> None:
        """The trains of ``name`` are read no more."""
        del self._trains[name]

    def fire(self, graph: Graph, segment: Segment, operation: Operation, neurons: Neurons) -> None:
        """Let a layer fire on its currents, and keep its trains."""
        steps = steps_of(operation, self._steps)
        spelled = mean_levels if self._settled else levels_of
        levels = spelled(is_signed(operation), self._coding, steps)
        kind = torch.int8 if levels.high < 2**7 else torch.int32
        unit = neurons.threshold / levels.full
        found = []
        for part in self._parts(graph, segment):
            currents = self._at(graph, segment, part, mean=False).whole(segment.current)
            values = fire(currents, neurons, self._coding, steps, settled=self._settled)
            found.append((values / per_channel(unit, values.ndim - 1)).round_().to(kind))
        self._trains[operation.name] = torch.cat(found, dim=1), unit

    def sampled(
        self, graph: Graph, segment: Segment, positions: Tensor, *, mean: bool = False
    ) -> Tensor:
        """Currents at ``positions`` (images, places): (steps or 1, samples, channels).

        Args:
            mean: the means over the steps, one step.
        """
        found = [
            self._at(graph, segment, part, mean=mean).sampled(segment.current, positions[part])
            for part in self._parts(graph, segment, mean=mean)
        ]
        return torch.cat(
            [value.unflatten(1, (-1, positions.shape[1])) for value in found], 1
        ).flatten(1, 2)

    def inputs(self, graph: Graph, segment: Segment, name: str, positions: Tensor) -> Tensor:
        """Mean inputs of operation ``name`` at places of its map, (samples, inputs)."""
        weighted = graph.by_name[name]
        found = []
        for part in self._parts(graph, segment, mean=True):
            seen = self._at(graph, segment, part, mean=True).whole(weighted.inputs[0])
            found.append(patches(weighted, seen[0], positions[part]))
        return torch.cat(found)

    def _parts(self, graph: Graph, segment: Segment, *, mean: bool = False) -> list[slice]:
        names = [*(o.name for o in segment.operations), *segment.sources]
        largest = max(math.prod(graph.by_name[name].shape) for name in names)
        timed = self._coding == Coding.RATE and not self._settled and not mean
        steps = self._steps if timed else 1
        size = max(1, _LARGEST // (largest * steps))
        return [slice(s, s + size) for s in range(0, len(self._images), size)]

    def _at(self, graph: Graph, segment: Segment, part: slice, *, mean: bool) -> _Part:
        values = {}
        for name in segment.sources:
            if graph.by_name[name].kind == OperationKind.INPUT:
                values[name] = self._images[part][None]
                continue
            numbers, unit = self._trains[name]
            train = numbers[:, part].to(unit.dtype)
            if mean:
                train = train.mean(dim=0, keepdim=True)
            values[name] = train.mul_(per_channel(unit, train.ndim - 1))
        return _Part(graph, values, self._cumulative)


class _Part:
    """Some images on their way through a segment.

    Args:
        values: by source: (steps, images, ...).
    """

    def __init__(self, graph: Graph, values: dict[str, Tensor], cumulative: bool) -> None:
        self._graph, self._values, self._cumulative = graph, values, cumulative

    def whole(self, name: str) -> Tensor:
        """The result of an operation, (steps, images, ...)."""
        if name not in self._values:
            segment = segment_of(self._graph, name)
            self._values[name] = run_segment(segment, self._values, cumulative=self._cumulative)
        return self._values[name]

    def sampled(self, name: str, positions: Tensor) -> Tensor:
        """The same at some places of its map, (steps, samples, channels)."""
        operation = self._graph.by_name[name]
        given, shape = operation.arguments, operation.shape
        if name not in self._values:
            if has_one_matrix(operation):
                seen = self.whole(operation.inputs[0])
                columns = torch.stack([patches(operation, step, positions) for step in seen])
                result = columns @ given["weight"].flatten(1).T
                return result if given["bias"] is None else result + given["bias"]
            alike = all(self._graph.by_name[source].shape == shape for source in operation.inputs)
            if operation.kind == OperationKind.ADD and alike:
                parts = [
                    self.sampled(source, positions) * scale
                    for source, scale in zip(operation.inputs, given["scales"], strict=True)
                ]
                steps = max(len(part) for part in parts)
                return torch.stack([part.expand(steps, -1, -1) for part in parts]).sum(dim=0)
            if operation.kind == OperationKind.AFFINE and all(
                _is_per_channel(given[key], shape) for key in ("scale", "shift")
            ):
                result = self.sampled(operation.inputs[0], positions)
                return result * given["scale"].flatten() + given["shift"].flatten()
        return torch.stack([at_positions(step, positions) for step in self.whole(name)])


def _is_per_channel(values: Tensor, shape: tuple[int, ...]) -> bool:
    return values.ndim == 0 or (values.ndim == len(shape) and values.numel() == len(values))
