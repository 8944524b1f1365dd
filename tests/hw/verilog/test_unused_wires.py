"""Wires that nothing reads, out of a module as yosys writes it."""

from rheobase.hw.verilog.unused_wires import without_unused_wires

TEXT = r"""module part(a, y);
  input a;
  wire a;
  output y;
  wire y;
  (* init = 1'h0 *)
  wire \second.name ;
  wire [1:0] chain;
  wire chain_end;
  wire probe;
  wire read;
  wire port;
  inner one (
    .port(read),
    .y(y)
  );
  assign \second.name  = a;
  assign chain[0] = a;
  assign chain[1] = ~ a;
  assign chain_end = chain[1] & \second.name ;
  assign probe = read;
  assign port = a;
endmodule
"""


def test_unused_wires():
    """Chains of them as well; a port of an instance is no use of a wire of its name."""
    lines = without_unused_wires(TEXT, ["probe"]).splitlines()
    gone = [line for line in TEXT.splitlines() if line not in lines]
    assert gone == [
        "  (* init = 1'h0 *)",
        "  wire \\second.name ;",
        "  wire [1:0] chain;",
        "  wire chain_end;",
        "  wire port;",
        "  assign \\second.name  = a;",
        "  assign chain[0] = a;",
        "  assign chain[1] = ~ a;",
        "  assign chain_end = chain[1] & \\second.name ;",
        "  assign port = a;",
    ]
