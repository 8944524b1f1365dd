"""An engine to a bitstream of a board with an SDRAM."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from ...golden.errors import RheobaseError
from ...hw.engine.design import EngineDesign
from ...hw.folded.ecp5_map import ECP5_MAP, ecp5_commands
from ...hw.verilog.generation import to_verilog
from ..engine_protocol import VERSION
from ..link.engine.engine_top import EngineTop
from ..link.engine.native_top import NativeTop
from ..platforms.clocking import pll_setting
from ..platforms.registry import BoardDescription, boards_with_engine
from ..sdram.core import CORE, SdramCore, sdram_core
from .bitstream import BoardSources, Build, BuildClock, board_tools, build_design
from .block_rams.floorplan import floorplan
from .board_top import TOP
from .engine_design import EngineBoardDesign
from .output import check_output
from .placement import SEEDS

#: Of nextpnr: wires of a large engine come out a tenth shorter than its usual placer's.
NEXTPNR_OPTIONS = "--placer static"
#: Yosys' map of adders, where the build runs.
_CELLS = "folded_cells.txt"


def build_engine(
    design: EngineDesign,
    board: BoardDescription,
    output: Path,
    *,
    name: str,
    clock: int,
    baud: int,
    seeds: int = SEEDS,
    allow_timing_fail: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Build:
    """Build the engine ``design`` for ``board`` into the folder ``output``.

    Args:
        name: of the design, for the manifest.
        clock: of the engine, Hz; the loop may make up to 2 % less. The SDRAM runs at its ``rate``
            times that.
        baud: of the serial line.
        seeds, allow_timing_fail, progress: see ``build_bitstream``.

    Raises:
        RheobaseError: the board has no SDRAM that an engine can use, a parameter is out of range,
            or a tool is absent.
        BuildError: the design does not fit, or is too slow.
    """
    check_sdram(board)
    assert board.sdram is not None
    rate = board.sdram.rate
    loop = pll_setting(board, rate * clock)
    if loop is None:
        raise RheobaseError(
            f"--clock: {clock / 1e6:g} MHz, must not be {'half of ' if rate == 2 else ''}"
            f"the oscillator's {board.oscillator / 1e6:g} MHz"
        )
    made = loop.frequency // rate
    tools = board_tools(board)
    check_output(output)
    progress("Verilog")
    core = sdram_core(board.sdram, made)
    top = engine_verilog(design, board, core, clock=made, baud=baud)
    sources = BoardSources(
        EngineBoardDesign(board, loop, core),
        {f"{TOP}.v": top, f"{CORE}.v": core.text},
        {_CELLS: ECP5_MAP},
        ecp5_commands(top, _CELLS),
        NEXTPNR_OPTIONS,
        rips_up=True,
        block_rams=lambda cells: floorplan(cells, board.device),
    )
    return build_design(
        board,
        sources,
        output,
        {
            "engine": {"name": name, **asdict(design)},
            "sdram": {
                "module": board.sdram.module,
                "clock_hz": loop.frequency,
                "bits_a_cycle": core.data_bits,
                "litedram": version("litedram"),
            },
            "host_link": {"baud": baud, "protocol": VERSION},
        },
        BuildClock(clock, made, loop),
        tools,
        seeds=seeds,
        allow_timing_fail=allow_timing_fail,
        progress=progress,
    )


def check_sdram(board: BoardDescription) -> None:
    """Raise ``RheobaseError`` unless an engine can be built for ``board``."""
    if not board.takes_engine:
        raise RheobaseError(
            f"--board: {board.title} has no SDRAM that an engine can use, and its "
            f"{board.device.block_rams} block RAMs hold no network beside one; must be one of "
            f"{', '.join(boards_with_engine())}"
        )


def engine_verilog(
    design: EngineDesign, board: BoardDescription, core: SdramCore, *, clock: int, baud: int
) -> str:
    """Verilog of the serial line, the host link and the engine, down to ``core``'s native port."""
    assert board.sdram is not None
    top = EngineTop(design, memory_words=board.sdram.words, clock=clock, baud=baud)
    native = NativeTop(top, data_bits=core.data_bits, address_bits=core.address_bits)
    return to_verilog(native, TOP)
