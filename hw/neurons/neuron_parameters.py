"""Constants of a layer's neurons, one word of P values per group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth import Module, Signal, Value
from amaranth.lib import data

from ...golden.bounds import Interval
from ...golden.errors import RheobaseError
from ..basics.shapes import signed_shape, turn_numbers
from ..basics.table import lookup
from ..design.payloads import vector


@dataclass(frozen=True, eq=False)
class NeuronParameters:
    """Integers (out channels,) of one layer.

    Attributes:
        bias: added once per step (``rate``) or once in all (``radix``).
        threshold, initial_potential: of the IF neurons.
    """

    bias: np.ndarray
    threshold: np.ndarray
    initial_potential: np.ndarray

    def __post_init__(self) -> None:
        if not self.bias.shape == self.threshold.shape == self.initial_potential.shape:
            raise RheobaseError(
                f"NeuronParameters: shapes {self.bias.shape}, {self.threshold.shape}, "
                f"{self.initial_potential.shape} differ, accepted is (out channels,) for each"
            )
        if self.threshold.min() < 1:
            raise RheobaseError(
                f"NeuronParameters: a threshold is {self.threshold.min()}, accepted is >= 1"
            )

    def in_turns(self, neurons: int, firing: int) -> NeuronParameters:
        """The same for ``firing`` neurons that take turns with a group of ``neurons``.

        Groups are those of ``CurrentTurns``; neurons that no channel has never spike.
        """
        groups = -(-len(self.bias) // neurons)
        turns = turn_numbers(neurons // firing)

        def spread(values: np.ndarray, fill: int) -> np.ndarray:
            padded = np.full(groups * neurons, fill, values.dtype)
            padded[: len(values)] = values
            result = np.full((groups, turns * firing), fill, values.dtype)
            result[:, :neurons] = padded.reshape(groups, neurons)
            return result.reshape(-1)

        return NeuronParameters(
            spread(self.bias, 0), spread(self.threshold, 1), spread(self.initial_potential, 0)
        )


def group_constants(
    m: Module, group: Value, values: np.ndarray, neurons: int, *, name: str, fill: int = 0
) -> data.View:
    """Signal with the ``neurons`` values of ``group``; ``fill`` past the last channel."""
    groups = -(-len(values) // neurons)
    padded = np.full(groups * neurons, fill, dtype=np.int64)
    padded[: len(values)] = values
    shape = signed_shape(Interval.of(padded))
    result = Signal(vector(shape, neurons), name=name)
    for neuron in range(neurons):
        column = [int(value) for value in padded[neuron::neurons]]
        m.d.comb += result[neuron].eq(
            lookup(m, group, column, name=f"{name}_{neuron}", shape=shape)
        )
    return result
