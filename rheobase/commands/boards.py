"""``rheobase boards``: what `rheobase build` can build for."""

from __future__ import annotations

from ..options.output import Json


def boards(json: Json = False) -> None:
    """List the boards that `rheobase build` knows, their devices and serial lines."""
    from ..boards.platforms.registry import BOARDS
    from ..console import OUT
    from ..tables import table

    found = [
        {
            "board": board.id,
            "title": board.title,
            "device": board.device.name,
            "luts": board.device.luts,
            "block_rams": board.device.block_rams,
            "clock_hz": board.clock,
            "serial_line": board.note,
        }
        for board in BOARDS.values()
    ]
    if json:
        OUT.print_json(data={"boards": found})
        return
    columns = ("board", "name", "device", "LUT4", "block RAMs", "clock MHz", "serial line")
    rows = [
        [*list(entry.values())[:5], f"{entry['clock_hz'] / 1e6:g}", entry["serial_line"]]
        for entry in found
    ]
    OUT.print(table("", columns, rows))
    OUT.print(
        "clock: where `build` is given no --clock; --board generic and asic write plain Verilog",
        highlight=False,
        soft_wrap=True,
    )
