"""LiteDRAM's core with its own model of an SDRAM behind an engine, and the driver in front."""

from __future__ import annotations

import numpy as np
import pytest

from rheobase.boards.host.engine_board import EngineBoard
from rheobase.boards.sdram.chips import M12L64322A, MT41K64M16, MT48LC16M16
from rheobase.boards.simulation.board import running_board
from rheobase.boards.simulation.sdram_board import build_sdram_board
from tests.boards.simulation.test_engine_board import DESIGN, TIMEOUT, check

#: As on the boards, so that the SDRAM is refreshed as often; a line as fast as it can be.
CLOCK, BAUD = 65_000_000, 16_250_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "chip", [MT48LC16M16, M12L64322A, MT41K64M16], ids=["16 bits", "32 bits", "DDR3"]
)
def test_networks_out_of_an_sdram(chip):
    built = build_sdram_board(DESIGN, chip, clock=CLOCK, baud=BAUD)
    with running_board(built, CLOCK / BAUD) as port, EngineBoard(port, timeout=TIMEOUT) as board:
        assert board.identity.memory_words == chip.words
        for network in (3, 8, 4, 3):
            check(board, network)
        # A word in every bank and at both ends, so that all bits of an address count.
        places = [0, chip.words - 64, *(chip.words // 8 * part + 5 for part in range(1, 8))]
        words = np.random.default_rng(1).integers(0, 1 << 32, (len(places), 64), np.uint32)
        for place, values in zip(places, words, strict=True):
            board.write(place, values)
        for place, values in zip(places, words, strict=True):
            assert board.read(place, 64).tolist() == values.tolist()
