"""``rheobase load``: a compiled network into the memory of a board's engine."""

from __future__ import annotations

import time

from ..boards.protocol import DEFAULT_BAUD
from ..options.board import Port, Timeout
from ..options.files import ProgramFile
from ..options.folding import Baud
from ..results.hardware import Loaded


def load(
    program: ProgramFile,
    port: Port,
    baud: Baud = DEFAULT_BAUD,
    timeout: Timeout = 1.0,
) -> Loaded:
    """Load a compiled network into a board with an engine.

    Whatever was loaded before is replaced; the board checks what arrived. Nothing is sent where the
    board has this network already.
    """
    from ..boards.engine_protocol import WORD_BYTES
    from ..boards.host.engine_board import EngineBoard
    from ..boards.host.engine_requests import sent_words
    from ..console import progress_bar, say
    from ..hw.engine.program_file import load_program

    found = load_program(program)
    size = WORD_BYTES * sent_words(found)
    with EngineBoard(port, baud=baud, timeout=timeout) as board:
        start = time.monotonic()
        with progress_bar("loading", sent_words(found)) as progress:
            sent = board.load(found, progress=progress)
        seconds = time.monotonic() - start
    if sent:
        say(f"{port}: {found.name} loaded and checked, {size} bytes in {seconds:.1f} s")
    else:
        say(f"{port}: {found.name} is loaded already")
    return Loaded(
        port=port, network=found.network_hash, sent_bytes=size if sent else 0, seconds=seconds
    )
