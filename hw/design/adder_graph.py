"""A matrix product as a fixed graph of adders that share terms: no multiplier, no weight memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...golden.basics.arithmetic import ceil_div
from ...golden.errors import RheobaseError
from ...golden.network.bounds import Interval

#: Adders one after another between two registers.
STAGE_ADDERS = 2


@dataclass(frozen=True)
class Adder:
    """(left << left_shift) + (right << right_shift), or their difference where it ``subtracts``.

    ``left`` and ``right`` are numbers of nodes.
    """

    left: int
    right: int
    left_shift: int
    right_shift: int
    subtracts: bool


@dataclass(frozen=True)
class GraphOutput:
    """A ``node``, shifted, and ``negative`` where its value is to be subtracted."""

    node: int
    shift: int
    negative: bool


@dataclass(frozen=True)
class AdderGraph:
    """Sums of weighted inputs: ``outputs`` of a graph of ``adders``.

    Nodes are numbered: the inputs first, then the adders, each of which reads earlier nodes alone.

    Attributes:
        inputs: bounds of each input.
        outputs: one for each column of the matrix; None where all its weights are zero.
    """

    inputs: tuple[Interval, ...]
    adders: tuple[Adder, ...]
    outputs: tuple[GraphOutput | None, ...]

    def __post_init__(self) -> None:
        for number, adder in enumerate(self.adders, len(self.inputs)):
            if not (0 <= adder.left < number and 0 <= adder.right < number):
                raise RheobaseError(
                    f"AdderGraph: adder {number} reads nodes {adder.left} and {adder.right}, must "
                    f"be in 0..{number - 1}"
                )

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        """The outputs: int64 (..., outputs) of integers (..., inputs)."""
        nodes = self._nodes(values)
        zeros = np.zeros(values.shape[:-1], np.int64)
        return np.stack([self._output(output, nodes, zeros) for output in self.outputs], axis=-1)

    def _nodes(self, values: np.ndarray) -> list[np.ndarray]:
        """Of each node what it is with the inputs ``values``."""
        nodes = list(np.moveaxis(values.astype(np.int64), -1, 0))
        for adder in self.adders:
            right = nodes[adder.right] << adder.right_shift
            left = nodes[adder.left] << adder.left_shift
            nodes.append(left - right if adder.subtracts else left + right)
        return nodes

    @staticmethod
    def _output(
        output: GraphOutput | None, nodes: Sequence[np.ndarray], zeros: np.ndarray
    ) -> np.ndarray:
        if output is None:
            return zeros
        value = nodes[output.node] << output.shift
        return -value if output.negative else value

    @cached_property
    def weights(self) -> np.ndarray:
        """What each input counts in each node: int64, (nodes, inputs)."""
        return np.stack(self._nodes(np.eye(len(self.inputs))))

    @cached_property
    def bounds(self) -> tuple[Interval, ...]:
        """Of each node."""
        low = np.array([bounds.low for bounds in self.inputs], np.int64)
        high = np.array([bounds.high for bounds in self.inputs], np.int64)
        added, subtracted = np.maximum(self.weights, 0), np.minimum(self.weights, 0)
        lows = added @ low + subtracted @ high
        highs = added @ high + subtracted @ low
        return tuple(Interval(int(a), int(b)) for a, b in zip(lows, highs, strict=True))

    def output_bounds(self, output: GraphOutput | None) -> Interval:
        """Of an output before its sign is turned."""
        if output is None:
            return Interval(0, 0)
        return self.bounds[output.node].scaled(1 << output.shift)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Most adders on the way from an input to each node."""
        found = [0] * len(self.inputs)
        for adder in self.adders:
            found.append(1 + max(found[adder.left], found[adder.right]))
        return tuple(found)

    @property
    def depth(self) -> int:
        """Most adders on the way from an input to an output."""
        return max((self.levels[output.node] for output in self.outputs if output), default=0)

    @property
    def latency(self) -> int:
        """Registers between inputs and outputs."""
        return max(1, ceil_div(self.depth, STAGE_ADDERS))

    def stage(self, node: int) -> int:
        """Registers between the inputs and what adds ``node`` up."""
        return max(0, ceil_div(self.levels[node], STAGE_ADDERS) - 1)

    @cached_property
    def waiting_bits(self) -> int:
        """Bits of all registers that hold a value for a later stage than that behind its adder."""
        last = [0] * len(self.bounds)
        for number, adder in enumerate(self.adders, len(self.inputs)):
            for node in (adder.left, adder.right):
                last[node] = max(last[node], self.stage(number))
        for output in self.outputs:
            if output is not None:
                last[output.node] = self.latency
        return sum(
            value_bits(bounds) * max(0, last[node] - self.stage(node) - 1)
            for node, bounds in enumerate(self.bounds)
        )

    @cached_property
    def adder_widths(self) -> tuple[int, ...]:
        """Bits that each adder adds: what lies below one of its terms passes it by."""
        widths = []
        for adder, bounds in zip(self.adders, self.bounds[len(self.inputs) :], strict=True):
            # The lower bits of the left term are no sum where nothing is added to them, those of
            # the right one are turned where it is subtracted.
            below = adder.right_shift if adder.subtracts else adder.right_shift + adder.left_shift
            widths.append(max(1, value_bits(bounds) - below))
        return tuple(widths)


def value_bits(bounds: Interval) -> int:
    """Bits of a number in ``bounds``; without a sign where none of them is negative."""
    return max(1, bounds.high.bit_length()) if bounds.low >= 0 else bounds.bits
