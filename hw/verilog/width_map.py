"""Yosys technology map that gives every operator operands as wide as its result needs.

RTLIL operators extend their operands silently; Verilog written from them draws a width warning
from every linter at every such place. The map makes the extensions explicit, so that the
generated Verilog passes lint without waivers. It adds wires, never logic.
"""

from __future__ import annotations

#: Low bits of the result depend on low bits of the operands alone.
_MODULAR = ("$add", "$sub", "$and", "$or", "$xor", "$xnor")
_COMPARE = ("$lt", "$le", "$gt", "$ge", "$eq", "$ne")
_UNARY = ("$not", "$neg", "$pos")
_SHIFT = ("$shl", "$shr", "$sshl", "$sshr", "$shift", "$shiftx")

_PARAMETERS = """
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter B_WIDTH = 1;
  parameter Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
"""
_UNARY_PARAMETERS = """
  parameter A_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  output [Y_WIDTH-1:0] Y;
"""


def width_map() -> str:
    """The map as Verilog for yosys' ``techmap -map``."""
    modules = [_binary(cell, "Y_WIDTH", "Y_WIDTH") for cell in _MODULAR]
    widest = "(A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH)"
    modules += [_binary(cell, widest, "1") for cell in _COMPARE]
    modules += [_unary(cell) for cell in _UNARY]
    modules += [_shift(cell) for cell in _SHIFT]
    modules.append(_logic_not())
    return "\n".join(modules)


def _extended(port: str, width: str) -> str:
    """Declares ``<port>_extended``: the port at ``width`` bits, sign or zero extended, or cut."""
    low = port.lower()
    return f"""
  wire [{width}-1:0] {low}_extended;
  generate
    if ({port}_WIDTH >= {width})
      assign {low}_extended = {port}[{width}-1:0];
    else
      assign {low}_extended =
        {{{{({width} - {port}_WIDTH){{{port}_SIGNED ? {port}[{port}_WIDTH-1] : 1'b0}}}}, {port}}};
  endgenerate
"""


def _binary(cell: str, width: str, result: str) -> str:
    done = f"A_WIDTH == {width} && B_WIDTH == {width} && Y_WIDTH == {result}"
    return f"""
(* techmap_celltype = "{cell}" *)
module map_{cell[1:]} (A, B, Y);
{_PARAMETERS}
  wire _TECHMAP_FAIL_ = {done};
{_extended("A", width)}{_extended("B", width)}
  wire [{result}-1:0] y;
  \\{cell} #(
    .A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED),
    .A_WIDTH({width}), .B_WIDTH({width}), .Y_WIDTH({result})
  ) operator (.A(a_extended), .B(b_extended), .Y(y));
  assign Y = y;
endmodule
"""


def _unary(cell: str) -> str:
    return f"""
(* techmap_celltype = "{cell}" *)
module map_{cell[1:]} (A, Y);
{_UNARY_PARAMETERS}
  wire _TECHMAP_FAIL_ = A_WIDTH == Y_WIDTH;
{_extended("A", "Y_WIDTH")}
  \\{cell} #(.A_SIGNED(A_SIGNED), .A_WIDTH(Y_WIDTH), .Y_WIDTH(Y_WIDTH))
    operator (.A(a_extended), .Y(Y));
endmodule
"""


def _shift(cell: str) -> str:
    width = "(A_WIDTH > Y_WIDTH ? A_WIDTH : Y_WIDTH)"
    return f"""
(* techmap_celltype = "{cell}" *)
module map_{cell[1:]} (A, B, Y);
{_PARAMETERS}
  wire _TECHMAP_FAIL_ = A_WIDTH == Y_WIDTH;
{_extended("A", width)}
  wire [{width}-1:0] y;
  \\{cell} #(
    .A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED),
    .A_WIDTH({width}), .B_WIDTH(B_WIDTH), .Y_WIDTH({width})
  ) operator (.A(a_extended), .B(B), .Y(y));
  assign Y = y[Y_WIDTH-1:0];
endmodule
"""


def _logic_not() -> str:
    return f"""
(* techmap_celltype = "$logic_not" *)
module map_logic_not (A, Y);
{_UNARY_PARAMETERS}
  wire _TECHMAP_FAIL_ = A_WIDTH == 1;
  assign Y = ~(|A);
endmodule
"""
