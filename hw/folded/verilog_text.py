"""The modules of this folder as Verilog, which simulators take as it is."""

from __future__ import annotations

import re

#: What ``elaborate`` gets as its platform where Verilog is written: modules stand for themselves.
VERILOG = "verilog"
#: How each module begins, whatever it is made of: its ports and parameters.
HEADS = {
    "selecting_adders": """
module selecting_adders(values, ones, others, upper, carry, totals);
  parameter COUNT = 1;
  parameter WIDTH = 2;
  input [COUNT*WIDTH-1:0] values, ones, others;
  input upper, carry;
  output [COUNT*WIDTH-1:0] totals;
""",
    "turning_adders": """
module turning_adders(values, terms, turned, adds, totals);
  parameter COUNT = 1;
  parameter WIDTH = 2;
  input [COUNT*WIDTH-1:0] values, terms;
  input [COUNT-1:0] turned;
  input adds;
  output [COUNT*WIDTH-1:0] totals;
""",
    "own_register": """
module own_register(clk, next, now);
  parameter WIDTH = 1;
  input clk;
  input [WIDTH-1:0] next;
  output [WIDTH-1:0] now;
""",
}
_USED = re.compile(rf"^ *({'|'.join(HEADS)}) #\(", re.MULTILINE)
_MODULES = {
    "selecting_adders": HEADS["selecting_adders"]
    + """  genvar i;
  generate for (i = 0; i < COUNT; i = i + 1) begin: adders
    assign totals[i*WIDTH +: WIDTH] = values[i*WIDTH +: WIDTH]
      + (upper ? ones[i*WIDTH +: WIDTH] : others[i*WIDTH +: WIDTH]) + {{(WIDTH-1){1'b0}}, carry};
  end endgenerate
endmodule
""",
    "turning_adders": HEADS["turning_adders"]
    + """  genvar i;
  generate for (i = 0; i < COUNT; i = i + 1) begin: adders
    assign totals[i*WIDTH +: WIDTH] = values[i*WIDTH +: WIDTH]
      + (adds ? terms[i*WIDTH +: WIDTH] ^ {WIDTH{turned[i]}} : {WIDTH{1'b0}})
      + {{(WIDTH-1){1'b0}}, adds & turned[i]};
  end endgenerate
endmodule
""",
    "own_register": HEADS["own_register"]
    + """  reg [WIDTH-1:0] held = 0;
  assign now = held;
  always @(posedge clk) held <= next;
endmodule
""",
}


def writes_verilog(platform: object) -> bool:
    """Whether a component is elaborated to be written as Verilog."""
    return platform == VERILOG


def has_folded(verilog: str) -> bool:
    """Whether ``verilog`` has instances of these modules."""
    return _USED.search(verilog) is not None


def folded_modules(verilog: str) -> str:
    """Text of those modules that ``verilog`` has instances of."""
    return "".join(_MODULES[name] for name in sorted(set(_USED.findall(verilog))))
