"""SDRAMs that boards have."""

from __future__ import annotations

from dataclasses import dataclass

from ...hw.engine.design import WORD_BITS


@dataclass(frozen=True)
class SdramChip:
    """An SDRAM.

    Attributes:
        module: LiteDRAM's name of one with this geometry and these timings.
        data_bits: of its bus.
        bank_bits, row_bits, column_bits: of an address.
        fastest: of its clock, Hz, with a latency of three cycles.
        double: it is a DDR3 memory: two words in a cycle of its clock.
    """

    module: str
    data_bits: int
    bank_bits: int
    row_bits: int
    column_bits: int
    fastest: int
    double: bool = False

    @property
    def rate(self) -> int:
        """Cycles of the SDRAM in one of the engine, so that a memory word moves in each.

        A DDR3 memory on an ECP5's pins has two as well, and moves two memory words.
        """
        return WORD_BITS // self.data_bits

    @property
    def words(self) -> int:
        """Memory words of the engine that it holds."""
        return (self.data_bits << (self.bank_bits + self.row_bits + self.column_bits)) // WORD_BITS


#: 32 MB of the ULX3S. Boards with AS4C32M16 (64 MB) or IS42S16160G take it as well: the first half
#: of a row, and the same timings or shorter ones.
MT48LC16M16 = SdramChip("MT48LC16M16", 16, 2, 13, 9, 133_000_000)
#: 8 MB of the Colorlight i5 (EM638325BK-6H) and i9 (M12L64322A).
M12L64322A = SdramChip("M12L64322A", 32, 2, 11, 8, 166_000_000)
#: 4 MB of the Colorlight 5A-75B: two of 16 bits side by side.
M12L16161A = SdramChip("M12L16161A", 32, 1, 11, 8, 166_000_000)
#: 128 MB of DDR3 of the OrangeCrab (MT41K64M16TW-107); an ECP5 takes 800 million words a second.
MT41K64M16 = SdramChip("MT41K64M16", 16, 3, 13, 10, 400_000_000, double=True)
