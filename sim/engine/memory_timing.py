"""How long the memory behind a simulated engine takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MemoryTiming:
    """An SDRAM at the engine's clock.

    Attributes:
        word_cycles: cycles for a word of 32 bits.
        latency: cycles from a read to its word.
        row_words: words of an open row.
        row_cycles: cycles to close a row and open another one.
        turn_cycles: cycles between reading and writing.
        refresh_every, refresh_cycles: how often the memory is busy with itself, and for how long;
            rows are closed then. Never where ``refresh_every`` is 0.
        stall: percentage of cycles in which it takes no command and no word, or gives none, by
            chance.
    """

    word_cycles: int = 2
    latency: int = 6
    row_words: int = 256
    row_cycles: int = 6
    turn_cycles: int = 3
    refresh_every: int = 500
    refresh_cycles: int = 8
    stall: int = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """All of it, in the order in which ``memory.h`` takes it."""
        return (
            self.word_cycles, self.latency, self.row_words, self.row_cycles, self.turn_cycles,
            self.refresh_every, self.refresh_cycles, self.stall,
        )  # fmt: skip


#: 16 bits wide at the engine's clock, 256 words of 32 bits to a row.
SDRAM_16 = MemoryTiming()
#: 32 bits in a cycle: 16 at twice the engine's clock, as on the ULX3S, or 32 at the engine's, as on
#: the Colorlight i5 and i9.
SDRAM_32 = MemoryTiming(word_cycles=1, row_words=256)
#: Every word at once.
FAST_MEMORY = MemoryTiming(1, 1, 1 << 20, 0, 0, 0, 0)
