"""What balancing gives, by whichever method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ...golden.errors import RheobaseError
from ..graph.copied import copied_threshold
from ..graph.graph import Graph, Operation


@dataclass(frozen=True, eq=False)
class Balance:
    """Thresholds and what they were balanced on.

    Attributes:
        thresholds: per neuron operation (channels,) in the model's own units, on the CPU; for a
            readout one value for all channels, so that its counts can be compared.
        mean_activations: per neuron operation, of its shape: mean of the activation over the images
            (eq. 19), clipped but for ``Method.PAPER``; of its magnitude where neurons fire signed.
        mean_winner: per readout operation, mean over the images of its largest activation; none
            where eq. 19 has the largest of the means, to the letter.
        iterations: steps of eq. 15 that were made (0 for a percentile).
        converged: the thresholds stopped changing before K steps.
    """

    thresholds: dict[str, Tensor]
    mean_activations: dict[str, Tensor]
    mean_winner: dict[str, float]
    iterations: int
    converged: bool

    def __repr__(self) -> str:
        return f"Balance of {len(self.thresholds)} layers in {self.iterations} steps"


def check_learning_rate(learning_rate: float) -> None:
    """Raise ``RheobaseError`` where eq. 15 would not converge."""
    if not 0 < learning_rate <= 1:
        raise RheobaseError(f"learning rate: {learning_rate}, must be a number in (0, 1]")


def finished_thresholds(graph: Graph, thresholds: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Per neuron operation (channels,), in the order of ``graph``, as networks take them."""
    found: dict[str, Tensor] = {}
    for operation in graph.neurons:
        copied = copied_threshold(graph, operation, found)
        found[operation.name] = (
            _finished(operation, thresholds[operation.name]) if copied is None else copied
        )
    return found


def _finished(operation: Operation, threshold: Tensor) -> Tensor:
    """Channels that never were active get the layer's largest threshold: they must not spike."""
    cap, levels = operation.arguments["cap"], operation.arguments["levels"]
    if levels is not None:
        return torch.full_like(threshold, cap)
    largest = threshold.max()
    if largest <= 0:
        largest = torch.ones_like(largest)
    threshold = torch.where(threshold > 0, threshold, largest)
    return threshold if cap is None else threshold.clamp(max=cap)
