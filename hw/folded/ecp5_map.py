"""Cells of an ECP5 for the adders and registers of this folder, in their place.

A half of a CCU2C is a look-up table of four inputs and a carry: it adds its first input and any
function of the other three that is 0 where the last two are. yosys uses one of these functions, as
its adders have two operands; choosing a term or turning it takes look-up tables in front. Here it
is the carry chain's own that choose and turn. What is computed is the same, bit for bit, and the
modules' own text (``verilog_text``) is what is simulated.
"""

from __future__ import annotations

from .verilog_text import HEADS, has_folded

#: Verilog for yosys' ``techmap``. A chain begins with a bit that makes its carry.
ECP5_MAP = (
    """
module folded_chain(values, bs, cs, ds, first, totals);
    parameter WIDTH = 2;
    parameter [15:0] INIT = 16'h0;
    input [WIDTH-1:0] values, bs, cs, ds;
    input first;
    output [WIDTH-1:0] totals;
    localparam LENGTH = (WIDTH + 2) / 2;
    wire [2*LENGTH-1:0] a = {values, 1'b0};
    wire [2*LENGTH-1:0] b = {bs, first};
    wire [2*LENGTH-1:0] c = {cs, 1'b0};
    wire [2*LENGTH-1:0] d = {ds, 1'b1};
    wire [2*LENGTH-1:0] s;
    wire [LENGTH:1] carry;
    assign totals = s[WIDTH:1];
    // The first half makes the carry of its second input, whatever comes in: 0 in the look-up
    // table, the input in its lowest four. nextpnr puts no cell in front of a carry in that nothing
    // drives.
    CCU2C #(.INIT0(16'h000C), .INIT1(INIT), .INJECT1_0("NO"), .INJECT1_1("NO")) begins (
        .A0(a[0]), .B0(b[0]), .C0(c[0]), .D0(d[0]), .A1(a[1]), .B1(b[1]), .C1(c[1]), .D1(d[1]),
        .S0(s[0]), .S1(s[1]), .COUT(carry[1])
    );
    genvar i;
    generate for (i = 1; i < LENGTH; i = i + 1) begin: halves
        CCU2C #(.INIT0(INIT), .INIT1(INIT), .INJECT1_0("NO"), .INJECT1_1("NO")) cell_i (
            .CIN(carry[i]),
            .A0(a[2*i]), .B0(b[2*i]), .C0(c[2*i]), .D0(d[2*i]),
            .A1(a[2*i+1]), .B1(b[2*i+1]), .C1(c[2*i+1]), .D1(d[2*i+1]),
            .S0(s[2*i]), .S1(s[2*i+1]), .COUT(carry[i+1])
        );
    end endgenerate
endmodule
"""
    + HEADS["selecting_adders"]
    + """    genvar i;
    generate for (i = 0; i < COUNT; i = i + 1) begin: adders
        // D ? A + B : A + C
        folded_chain #(.WIDTH(WIDTH), .INIT(16'h665A)) chain (
            .values(values[i*WIDTH +: WIDTH]), .bs(ones[i*WIDTH +: WIDTH]),
            .cs(others[i*WIDTH +: WIDTH]), .ds({WIDTH{upper}}),
            .first(carry), .totals(totals[i*WIDTH +: WIDTH])
        );
    end endgenerate
endmodule
"""
    + HEADS["turning_adders"]
    + """    genvar i;
    generate for (i = 0; i < COUNT; i = i + 1) begin: adders
        // D ? A + (B ^ C) : A
        folded_chain #(.WIDTH(WIDTH), .INIT(16'h96AA)) chain (
            .values(values[i*WIDTH +: WIDTH]), .bs(terms[i*WIDTH +: WIDTH]),
            .cs({WIDTH{turned[i]}}), .ds({WIDTH{adds}}),
            .first(adds & turned[i]), .totals(totals[i*WIDTH +: WIDTH])
        );
    end endgenerate
endmodule
"""
    + HEADS["own_register"]
    + """    genvar i;
    generate for (i = 0; i < WIDTH; i = i + 1) begin: bits
        (* keep *) TRELLIS_FF #(
            .GSR("DISABLED"), .CEMUX("1"), .CLKMUX("CLK"), .LSRMUX("LSR"), .REGSET("RESET")
        ) bit_i (.CLK(clk), .LSR(1'b0), .CE(1'b1), .DI(next[i]), .Q(now[i]));
    end endgenerate
endmodule
"""
)


def ecp5_commands(verilog: str, path: str) -> list[str]:
    """Commands of yosys that put the cells in, right after ``verilog`` was read.

    Args:
        path: of a file with ``ECP5_MAP``.
    """
    # yosys leaves modules alone that have processes.
    return ["proc", f"techmap -map {path}"] if has_folded(verilog) else []
