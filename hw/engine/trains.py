"""Spike trains of ``rate`` in memory: which bits of which digits a step has."""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.basics.arithmetic import ceil_div
from .design import DIGIT_BITS


@dataclass(frozen=True)
class TrainFormat:
    """How a train lies in the digits of a neuron.

    Attributes:
        steps: T.
        signed: a spike has a sign: a bit for +1, and one for -1 above it.
    """

    steps: int
    signed: bool

    @property
    def step_bits(self) -> int:
        return 2 if self.signed else 1

    @property
    def digit_steps(self) -> int:
        """Steps that share a digit."""
        return DIGIT_BITS // self.step_bits

    @property
    def digits(self) -> int:
        return ceil_div(self.steps, self.digit_steps)

    def digit(self, step: int) -> int:
        """Which digit the spikes of ``step`` (from 0 on) are in."""
        return step // self.digit_steps

    def ends_digit(self, step: int) -> bool:
        """No other step comes into its digit."""
        return step + 1 == min(self.steps, (self.digit(step) + 1) * self.digit_steps)

    def lowest_bit(self, step: int) -> int:
        """Of the digit: steps come in at its top, so that one that is not full begins higher."""
        in_digit = min(self.digit_steps, self.steps - self.digit(step) * self.digit_steps)
        place = self.digit_steps - in_digit + step % self.digit_steps
        return place * self.step_bits

    def planes(self, step: int) -> int:
        """Bits of its digit that ``step`` has, as a mask."""
        return ((1 << self.step_bits) - 1) << self.lowest_bit(step)
