"""Puts every memory behind one wrapper module, the place for an ASIC's SRAM macros."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.lib import wiring

from ...golden.errors import RheobaseError
from ...hw.verilog.width_map import width_map
from ...hw.verilog.yosys import run_yosys, without_builder
from .memory_files import memory_file, memory_file_name

#: Name of the wrapper module.
WRAPPER = "rheobase_memory"
_READ = """
read_rtlil design.il
proc
pmuxtree
opt_expr -keepdc
memory_collect
clean_zerowidth
write_json design.json
"""
_WRITE = """
read_json wrapped.json
techmap -map widths.v
opt_clean
delete s:0 i:* %d o:* %d
write_verilog -noattr design.v
"""

# This second run of yosys lets a field of a bus that depends on another read it off the bus, which
# Verilator, a bus at a time, takes for a loop.
_FIELDS_OF_A_BUS = "/* verilator lint_off UNOPTFLAT */\n"
#: The wrapper as a model: what a macro behind it has to do.
WRAPPER_VERILOG = f"""\
// One memory of the accelerator. Replace the body by SRAM macros chosen by WIDTH and DEPTH.
//
// SYNCHRONOUS = 1: read_data follows read_address one clock later and holds its value while
// read_enable is low; a word that is written in the same cycle is read as it was before.
// SYNCHRONOUS = 0: read_data follows read_address at once: a register file, always small.
// WRITABLE = 0: a ROM; write_enable is 0. Otherwise each bit has its own write enable.
// INIT_FILE: content for $readmemh, or "" where nothing is read before it is written.
module {WRAPPER} #(
  parameter WIDTH = 8,
  parameter DEPTH = 2,
  parameter ADDRESS_BITS = 1,
  parameter SYNCHRONOUS = 1,
  parameter WRITABLE = 1,
  parameter INIT_FILE = ""
) (
  input clk,
  input read_enable,
  input [ADDRESS_BITS-1:0] read_address,
  output [WIDTH-1:0] read_data,
  input [WIDTH-1:0] write_enable,
  input [ADDRESS_BITS-1:0] write_address,
  input [WIDTH-1:0] write_data
);
  reg [WIDTH-1:0] words [0:DEPTH-1];

  generate
    if (INIT_FILE != "") begin : filled
      initial $readmemh(INIT_FILE, words);
    end else begin : cleared
      integer address;
      initial for (address = 0; address < DEPTH; address = address + 1) words[address] = 0;
    end
    if (SYNCHRONOUS != 0) begin : registered
      reg [WIDTH-1:0] word = 0;
      always @(posedge clk) if (read_enable) word <= words[read_address];
      assign read_data = word;
    end else begin : direct
      wire unused = &{{1'b0, read_enable}};
      assign read_data = words[read_address];
    end
    if (WRITABLE != 0) begin : writable
      integer index;
      always @(posedge clk)
        for (index = 0; index < WIDTH; index = index + 1)
          if (write_enable[index]) words[write_address][index] <= write_data[index];
    end else begin : constant
      wire unused = &{{1'b0, clk, write_enable, write_address, write_data}};
    end
  endgenerate
endmodule
"""


def wrapped_verilog(component: wiring.Component, name: str) -> tuple[str, dict[str, str]]:
    """Verilog of ``component`` (top module ``name``) without memories, and their files by name.

    Raises:
        RheobaseError: a memory has ports that the wrapper has not, or yosys failed.
    """
    with tempfile.TemporaryDirectory(prefix="rheobase-") as folder:
        path = Path(folder)
        (path / "design.il").write_text(rtlil.convert(component, name=name, emit_src=False))
        (path / "widths.v").write_text(width_map())
        run_yosys(path, _READ, name)
        design = json.loads((path / "design.json").read_text())
        files: dict[str, str] = {}
        for module in design["modules"].values():
            for cell in module["cells"].values():
                if cell["type"] == "$mem_v2":
                    _wrap(cell, files)
        (path / "wrapped.json").write_text(json.dumps(design))
        run_yosys(path, _WRITE, name)
        return _FIELDS_OF_A_BUS + without_builder((path / "design.v").read_text()), files


def _wrap(cell: dict[str, Any], files: dict[str, str]) -> None:
    """Make a memory cell an instance of the wrapper."""
    given, wires = cell["parameters"], cell["connections"]
    number = {
        key: _integer(given[key])
        for key in (
            "WIDTH",
            "SIZE",
            "ABITS",
            "OFFSET",
            "RD_PORTS",
            "WR_PORTS",
            "RD_CLK_ENABLE",
            "RD_TRANSPARENCY_MASK",
        )
    }
    memory = str(given["MEMID"]).lstrip("\\")
    if number["RD_PORTS"] != 1 or number["WR_PORTS"] > 1 or number["OFFSET"]:
        raise RheobaseError(
            f"memory {memory}: {number['RD_PORTS']} read and {number['WR_PORTS']} write ports, "
            "accepted behind the wrapper is one to read and at most one to write"
        )
    if number["RD_TRANSPARENCY_MASK"]:
        raise RheobaseError(f"memory {memory}: reads what is being written, which no SRAM does")
    width, depth, writable = number["WIDTH"], number["SIZE"], number["WR_PORTS"] == 1
    synchronous = number["RD_CLK_ENABLE"] & 1
    values = _words(str(given["INIT"]), width, depth)
    zeros = ["0"] * width
    clock = wires["WR_CLK"] if writable else wires["RD_CLK"] if synchronous else ["0"]
    cell["type"] = WRAPPER
    cell["parameters"] = {
        "WIDTH": _bits(width),
        "DEPTH": _bits(depth),
        "ADDRESS_BITS": _bits(number["ABITS"]),
        "SYNCHRONOUS": _bits(synchronous),
        "WRITABLE": _bits(writable),
    }
    if any(values):
        file = memory_file_name(len(files))
        files[file] = memory_file(values, width)
        cell["parameters"]["INIT_FILE"] = file
    cell["connections"] = {
        "clk": clock,
        "read_enable": wires["RD_EN"] if synchronous else ["1"],
        "read_address": wires["RD_ADDR"],
        "read_data": wires["RD_DATA"],
        "write_enable": wires["WR_EN"] if writable else zeros,
        "write_address": wires["WR_ADDR"] if writable else ["0"] * number["ABITS"],
        "write_data": wires["WR_DATA"] if writable else zeros,
    }
    cell["port_directions"] = {
        port: "output" if port == "read_data" else "input" for port in cell["connections"]
    }


def _words(bits: str, width: int, depth: int) -> list[int]:
    """Words of a constant of bits, the highest first; what is not given is 0."""
    bits = bits.replace("x", "0")[-width * depth :].rjust(width * depth, "0")
    return [int(bits[i : i + width], 2) for i in range(0, len(bits), width)][::-1]


def _integer(value: Any) -> int:
    """A parameter as yosys' JSON has it: bits, of which unknown ones count as 0."""
    return int(str(value).replace("x", "0") or "0", 2)


def _bits(value: int) -> str:
    """A parameter as yosys' JSON has it."""
    return f"{int(value):032b}"
