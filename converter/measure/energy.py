"""Synaptic operations, and an estimate of energy from them.

Every synaptic operation is one weight added to one neuron: a spike (or a set bit of a pixel), once
for each neuron that it reaches. They are counted, not estimated. Joules are estimated with two
constants that are options: so much per synaptic operation, so much per operation of the CNN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...golden.errors import RheobaseError
from ...golden.network.network import Layer, Network
from ...golden.run.answers import class_answers
from ...golden.run.records import LayerRecord
from ...golden.run.run import run_golden
from ...golden.run.statistics import accumulations

#: Joules per synaptic operation, and per operation of the CNN, where nothing else is said.
SYNAPTIC_JOULES, CNN_JOULES = 77e-15, 12.5e-12
#: Images whose spikes are kept in memory at a time.
_RECORDED = 16


@dataclass(frozen=True)
class EnergyPoint:
    """A network at one T.

    Attributes:
        steps, delay: T and t0.
        accuracy: percentage of right answers.
        layers: name and synaptic operations per image of each layer.
    """

    steps: int
    delay: int
    accuracy: float
    layers: tuple[tuple[str, float], ...]

    @property
    def operations(self) -> float:
        """Synaptic operations per image, all layers."""
        return sum(count for _, count in self.layers)


def measure(
    network: Network,
    images: np.ndarray,
    labels: np.ndarray,
    steps: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> list[EnergyPoint]:
    """Run the golden model at each T of ``steps`` and count; t0 is the network's, below T.

    Raises:
        RheobaseError: no images, a T out of range, or a network whose first output is a map.
    """
    if not len(images):
        raise RheobaseError("energy: no images, must be at least one")
    points = []
    for count in steps:
        delay = min(network.delay, count - 1)
        right, totals = 0, np.zeros(len(network.layers))
        for start in range(0, len(images), _RECORDED):
            part = slice(start, start + _RECORDED)
            result = run_golden(network, images[part], steps=count, delay=delay, record=True)
            right += int(np.sum(class_answers(result.scores) == labels[part]))
            for index, (layer, record) in enumerate(
                zip(network.layers, result.layers, strict=True)
            ):
                totals[index] += synaptic_operations(layer, record)
            if progress is not None:
                progress(len(images[part]))
        per_image = totals / len(images)
        layers = tuple(
            (layer.name, float(total))
            for layer, total in zip(network.layers, per_image, strict=True)
        )
        points.append(EnergyPoint(count, delay, 100 * right / len(images), layers))
    return points


def synaptic_operations(layer: Layer, record: LayerRecord) -> float:
    """Of all images of ``record``."""
    # For a group of one neuron, accumulations are synaptic operations.
    return sum(
        float(accumulations(connection, events, 1).sum())
        for connection, events in zip(layer.connections, record.events, strict=True)
    )


def cheapest(points: Sequence[EnergyPoint], least_accuracy: float) -> EnergyPoint | None:
    """The fewest synaptic operations that reach an accuracy: SOP90 for 90 % of the CNN's."""
    reaching = [point for point in points if point.accuracy >= least_accuracy]
    return min(reaching, key=lambda point: point.operations) if reaching else None


def cnn_operations(network: Network) -> float:
    """Multiplications and additions (as one operation) of the CNN per image."""
    total = 0
    for layer, shape in zip(network.layers, network.shapes, strict=True):
        positions = int(np.prod(shape.conv[1:]))
        total += sum(connection.weight.size for connection in layer.connections) * positions
    return float(total)


def frames_per_second_and_watt(operations: float, joules: float) -> float:
    """FPS/W: images per joule at ``operations`` per image, ``joules`` each."""
    return 1.0 / (operations * joules) if operations > 0 else float("inf")
