"""Accuracy over (T, t0), from one run up to the largest T."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ...golden.errors import RheobaseError
from ...golden.network.network import Coding
from ...golden.run.answers import class_answers
from ..snn.snn import FloatRun, FloatSnn


@dataclass(frozen=True)
class Accuracies:
    """Of a float SNN.

    Attributes:
        table: percentage of right answers by (T, t0).
        spikes: per neuron operation, mean spikes per neuron and image at the largest T.
    """

    table: dict[tuple[int, int], float]
    spikes: dict[str, float]


def accuracy_table(
    snn: FloatSnn,
    batches: Sequence[Tensor],
    labels: Sequence[Tensor],
    steps: Sequence[int],
    delays: Sequence[int],
) -> Accuracies:
    """Accuracy of the first output, at every T of ``steps`` with every t0 of ``delays`` below it.

    The network is run once per batch, for the SNN's own T.

    Raises:
        RheobaseError: no images, or a T above the SNN's.
    """
    if not batches:
        raise RheobaseError("accuracy: no images, must be at least one")
    if snn.coding == Coding.RADIX:
        pairs, keep = [(snn.steps, 0)], None
    else:
        pairs = [(step, delay) for step in steps for delay in delays if delay < step]
        keep = sorted({value for pair in pairs for value in pair})
    right = dict.fromkeys(pairs, 0)
    spikes: dict[str, float] = {}
    total = 0
    for batch, truth in zip(batches, labels, strict=True):
        found = snn.run(batch, keep)
        for pair in pairs:
            answers = class_answers(_first(found, pair).cpu().numpy())
            right[pair] += int(np.sum(answers == truth.cpu().numpy()))
        for name, rate in found.spikes.items():
            spikes[name] = spikes.get(name, 0.0) + rate * len(batch)
        total += len(batch)
    table = {pair: 100 * count / total for pair, count in right.items()}
    return Accuracies(table, {name: count / total for name, count in spikes.items()})


def readings(
    snn: FloatSnn, images: Tensor, pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Tensor]:
    """The network's first output by (T, t0), from one run."""
    found = snn.run(images, sorted({step for pair in pairs for step in pair}))
    return {pair: _first(found, pair) for pair in pairs}


def _first(found: FloatRun, pair: tuple[int, int]) -> Tensor:
    return next(iter(found.outputs(*pair).values()))
