"""An engine's board in Verilator with LiteDRAM's core and its model of the SDRAM."""

from __future__ import annotations

from pathlib import Path

from amaranth import Shape

from ...hw.engine.design import EngineDesign
from ...hw.engine.memory.litedram_port import NativePort
from ...hw.verilog.generation import to_verilog
from ..link.engine.engine_top import EngineTop
from ..link.engine.native_top import NativeTop
from ..sdram.chips import SdramChip
from ..sdram.core import CORE, sdram_core
from .board import build_text

_BOARD = "engine_board"


def build_sdram_board(design: EngineDesign, chip: SdramChip, *, clock: int, baud: int) -> Path:
    """Executable for ``running_board``: the board's design and what is behind it.

    Args:
        clock: of the engine, Hz.

    Raises:
        RheobaseError: LiteDRAM is absent; a ``MachineError`` where the build failed.
    """
    core = sdram_core(chip, clock, model=True, ecp5=False)
    top = EngineTop(design, memory_words=chip.words, clock=clock, baud=baud)
    board = NativeTop(top, data_bits=core.data_bits, address_bits=core.address_bits)
    signals = NativePort(core.data_bits, core.address_bits).members
    wires = "\n".join(
        f"  wire [{Shape.cast(member.shape).width - 1}:0] {name};"
        for name, member in signals.items()
    )
    to_board = ", ".join(f".native__{name}({name})" for name in signals)
    to_core = ", ".join(f".{name}({name})" for name in signals)
    around = f"""
module top(input clk, rst, rx, output tx, busy);
{wires}
  wire ready;
  // The engine begins when the SDRAM has.
  {_BOARD} board(.clk(clk), .rst(rst | ~ready), .rx(rx), .tx(tx), .busy(busy), {to_board});
  {CORE} core(.clk(clk), .rst(rst), .ready(ready), {to_core});
endmodule
"""
    return build_text("\n".join([to_verilog(board, _BOARD), core.text, around]), "top")
