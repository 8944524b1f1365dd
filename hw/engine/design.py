"""What is fixed when an engine is built; everything else comes with a program."""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.basics.arithmetic import ceil_div
from ...golden.basics.field_checks import check_integer
from ...golden.errors import RheobaseError

#: Bits of a memory word.
WORD_BITS = 32
#: Bits of a digit: what a lane takes of a number at a time.
DIGIT_BITS = 4
#: Digits of a lane in a word of the row buffer.
LANE_DIGITS = 4
#: Digits of a memory word.
WORD_DIGITS = WORD_BITS // DIGIT_BITS


#: Windows of a row that may be under way at a time, each with all numbers of a pass.
OPEN_COLUMNS = 2
#: Cycles from a turn of one chunk to the same turn of the next, at least: its total is on its way.
CHUNK_CYCLES = 3
#: Digits of a spike train, at most.
TRAIN_DIGITS = 16


@dataclass(frozen=True)
class EngineDesign:
    """The parameters of an engine.

    Attributes:
        lanes: E, event lanes; lane e sees the digits whose number in a word is e modulo E.
        neurons: P, adders of each lane.
        firing: F, neurons that fire at once; up to P / F turns for a group of channels.
        weight_bits: of a weight in a lane's memory; wider weights are digits of this width.
        steps: the largest T.
        weight_words: P weights each, in a lane's memory; a power of two.
        list_entries: events in a lane's list; a power of two.
        buffer_words: of the row buffer, ``lanes * LANE_DIGITS`` digits each; a power of two.
        sum_bits: of a lane's accumulator.
        current_bits: of a current, and of a membrane potential.
        threshold_bits: of a threshold.
        groups: of up to P channels in a pass, at most.
        windows: of a strip, at most.
        sources, segments, rows, operations: entries of a pass's tables, at most.
        pool_words: of F numbers, that wait for the rest of their windows.
        turns_ahead: turns whose sums wait in a lane for those of the others.
        rate_turns: turns of a window in ``rate``, those of all its steps: groups * turns * T at
            most; 0 in an engine for ``radix`` alone.
    """

    lanes: int = 16
    neurons: int = 32
    firing: int = 8
    weight_bits: int = 8
    steps: int = 8
    weight_words: int = 512
    list_entries: int = 1024
    buffer_words: int = 1024
    sum_bits: int = 19
    current_bits: int = 26
    threshold_bits: int = 22
    groups: int = 16
    windows: int = 8
    sources: int = 4
    segments: int = 8
    rows: int = 64
    operations: int = 512
    pool_words: int = 1024
    turns_ahead: int = 4
    rate_turns: int = 0

    def __post_init__(self) -> None:
        where = "EngineDesign"
        check_integer(where, "lanes (E)", self.lanes, 2, 64)
        check_integer(where, "neurons (P)", self.neurons, 1, 256)
        check_integer(where, "firing (F)", self.firing, 1, self.neurons)
        if self.firing != WORD_DIGITS:
            raise RheobaseError(f"{where}: firing (F) is {self.firing}, must be {WORD_DIGITS}")
        if self.neurons % self.firing:
            raise RheobaseError(
                f"{where}: neurons (P) is {self.neurons}, must be a multiple of {self.firing} (F)"
            )
        if self.lanes & (self.lanes - 1):
            raise RheobaseError(f"{where}: lanes (E) is {self.lanes}, must be a power of two")
        check_integer(where, "weight_bits", self.weight_bits, 2, 16)
        check_integer(where, "steps (T)", self.steps, 1, 2 * DIGIT_BITS)
        check_integer(where, "sum_bits", self.sum_bits, self.weight_bits + DIGIT_BITS, 32)
        check_integer(where, "current_bits", self.current_bits, self.sum_bits, 32)
        check_integer(where, "threshold_bits", self.threshold_bits, 1, 31)
        check_integer(where, "turns_ahead", self.turns_ahead, 2, 32)
        check_integer(where, "rate_turns", self.rate_turns, 0, 1 << 12)
        for name, most in (
            ("weight_words", 1 << 14),
            ("list_entries", 1 << 14),
            ("buffer_words", 1 << 14),
            ("pool_words", 1 << 14),
        ):
            value = check_integer(where, name, getattr(self, name), 16, most)
            if value & (value - 1):
                raise RheobaseError(f"{where}: {name} is {value}, must be a power of two")
        for name in ("groups", "windows", "sources", "segments", "rows", "operations"):
            check_integer(where, name, getattr(self, name), 1, 1 << 12)

    @property
    def turns(self) -> int:
        """How often neurons fire for a group of P channels, at most."""
        return self.neurons // self.firing

    @property
    def fewest_turns(self) -> int:
        """And at least: lanes are told of a group's last turn a cycle before it."""
        return min(2, self.turns)

    @property
    def rate(self) -> bool:
        """The engine runs networks in ``rate`` as well."""
        return self.rate_turns > 0

    @property
    def weight_digits(self) -> int:
        """Digits of a weight, at most: they hold 16 bits, and sums of a few such weights."""
        return 4 if digit_shift(self) > 1 else 8

    @property
    def window_turns(self) -> int:
        """Turns of a window that neurons fire in, at most."""
        return max(self.groups * self.turns, self.rate_turns)

    @property
    def column_words(self) -> int:
        """Of F numbers, that wait for the rest of their windows' rows."""
        return OPEN_COLUMNS * self.window_turns

    @property
    def adders(self) -> int:
        """P × E."""
        return self.neurons * self.lanes

    @property
    def buffer_columns(self) -> int:
        """Memory words of a word of the row buffer."""
        return self.lanes * LANE_DIGITS // WORD_DIGITS

    @property
    def weight_memory_words(self) -> int:
        """Memory words of P weights."""
        return self.weight_parts(self.turns)

    def weight_parts(self, turns: int) -> int:
        """Memory words of the weights of ``turns`` turns, at an address of a lane."""
        return ceil_div(turns * self.firing * self.weight_bits, WORD_BITS)


def digit_shift(design: EngineDesign) -> int:
    """A weight's next digit counts 2 ** (4 * digit_shift) times as much."""
    return design.weight_bits // DIGIT_BITS
