"""``rheobase boards``: what `rheobase build` can build for."""

from __future__ import annotations

from ..results.listings import Boards, KnownBoard


def boards() -> Boards:
    """List the boards that `rheobase build` knows, their devices and serial lines."""
    from ..boards.platforms.registry import BOARDS
    from ..console import note, show
    from ..tables import table

    found = [
        KnownBoard(
            board=board.id,
            title=board.title,
            device=board.device.name,
            luts=board.device.luts,
            block_rams=board.device.block_rams,
            clock_hz=board.clock,
            serial_line=board.note,
            engine=board.engine,
        )
        for board in BOARDS.values()
    ]
    columns = (
        "board",
        "name",
        "device",
        "LUT4",
        "block RAMs",
        "clock MHz",
        "engine",
        "serial line",
    )
    rows = [
        [
            entry.board,
            entry.title,
            entry.device,
            entry.luts,
            entry.block_rams,
            f"{entry.clock_hz / 1e6:g}",
            entry.engine or "",
            entry.serial_line,
        ]
        for entry in found
    ]
    show(table("", columns, rows))
    note("engine: what `rheobase engine` builds for the board, where it has an SDRAM")
    note("clock: where `build` is given no --clock; --board generic and asic write plain Verilog")
    return Boards(found)
