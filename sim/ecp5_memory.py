"""Behaviour of the ECP5's block RAM, which yosys' cell library has as a black box only."""

from __future__ import annotations

#: Initial values come in 64 parameters of 16 words, 18 bits in every 20 (Lattice FPGA-TN-02204).
_INITIAL = [f"INITVAL_{index:02X}" for index in range(64)]


def block_ram_model() -> str:
    """Verilog of ``DP16KD``: 1,024 words of 18 bits, two ports of 1 to 36 bits.

    36 bits take the data pins of both ports, the low half on A's; A writes and B reads. Below
    9 bits the ninth bit of each byte is not used. At 18 and 36 bits the low address pins are byte
    enables. What one port writes the other reads in the next cycle; output registers, chip selects
    and clock inversion are not modelled, and stop the simulation where a design uses them.
    """
    ports = [
        *(
            f"  input {pin}{port}{bit},"
            for port in "AB"
            for pin, bits in (("DI", 18), ("AD", 14))
            for bit in range(bits)
        ),
        *(f"  output DO{port}{bit}," for port in "AB" for bit in range(18)),
        *(
            f"  input {pin},"
            for port in "AB"
            for pin in (
                f"CLK{port}",
                f"CE{port}",
                f"OCE{port}",
                f"WE{port}",
                f"RST{port}",
                f"CS{port}0",
                f"CS{port}1",
            )
        ),
        "  input CSA2,",
        "  input CSB2",
    ]
    parameters = [f"  parameter [319:0] {name} = 320'h0;" for name in _INITIAL]
    sides = [_side(port) for port in "AB"]
    pins = "\n".join(ports)
    return f"""
module DP16KD (
{pins}
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL";
  parameter WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA";
  parameter CLKBMUX = "CLKB";
  parameter GSR = "ENABLED";
{chr(10).join(parameters)}
  localparam [20479:0] INITIAL = {{{", ".join(reversed(_INITIAL))}}};
  reg [17:0] store [0:1023];
  integer i;
  initial begin
    for (i = 0; i < 1024; i = i + 1) store[i] = INITIAL[20*i +: 18];
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CLKAMUX == "INV" || CLKBMUX == "INV") begin
      $display("error DP16KD: a mode that is not modelled");
      $finish;
    end
  end
  wire [35:0] wide = {{{_pins("DIB", 18)}, {_pins("DIA", 18)}}};
  wire [17:0] data_a = wide[17:0];
  wire [17:0] data_b = wide[35:18];
{"".join(sides)}
  assign {{{_pins("DOA", 18)}}} = DATA_WIDTH_B == 36 ? read_b[17:0] : read_a[17:0];
  assign {{{_pins("DOB", 18)}}} = DATA_WIDTH_B == 36 ? read_b[35:18] : read_b[17:0];
endmodule
"""


def _pins(name: str, count: int) -> str:
    return ", ".join(f"{name}{bit}" for bit in reversed(range(count)))


def _side(port: str) -> str:
    """Address, write and read of one port."""
    low = port.lower()
    width = f"DATA_WIDTH_{port}"
    return f"""
  wire [13:0] address_{low} = {{{_pins(f"AD{port}", 14)}}};
  wire [3:0] bit_{low} = {{1'b0, address_{low}[2:0]}};
  wire [9:0] word_{low} = address_{low}[13:4];
  reg [35:0] read_{low} = 36'h0;
  always @(posedge CLK{port}) if (CE{port} && WE{port}) begin
    case ({width})
      36: begin
        if (address_{low}[0]) store[{{word_{low}[9:1], 1'b0}}][8:0] <= wide[8:0];
        if (address_{low}[1]) store[{{word_{low}[9:1], 1'b0}}][17:9] <= wide[17:9];
        if (address_{low}[2]) store[{{word_{low}[9:1], 1'b1}}][8:0] <= wide[26:18];
        if (address_{low}[3]) store[{{word_{low}[9:1], 1'b1}}][17:9] <= wide[35:27];
      end
      18: begin
        if (address_{low}[0]) store[word_{low}][8:0] <= data_{low}[8:0];
        if (address_{low}[1]) store[word_{low}][17:9] <= data_{low}[17:9];
      end
      9: store[word_{low}][9*address_{low}[3] +: 9] <= data_{low}[8:0];
      4: store[word_{low}][9*address_{low}[3] + 4*address_{low}[2] +: 4] <= data_{low}[3:0];
      2: store[word_{low}][9*address_{low}[3] + 2*address_{low}[2:1] +: 2] <= data_{low}[1:0];
      default: store[word_{low}][9*address_{low}[3] + bit_{low}] <= data_{low}[0];
    endcase
  end
  always @(posedge CLK{port}) begin
    if (RST{port}) read_{low} <= 36'h0;
    else if (CE{port} && !(WE{port} && WRITEMODE_{port} == "NORMAL")) case ({width})
      36: read_{low} <= {{store[{{word_{low}[9:1], 1'b1}}], store[{{word_{low}[9:1], 1'b0}}]}};
      18: read_{low} <= {{18'h0, store[word_{low}]}};
      9: read_{low} <= {{27'h0, store[word_{low}][9*address_{low}[3] +: 9]}};
      4: read_{low} <= {{32'h0, store[word_{low}][9*address_{low}[3] + 4*address_{low}[2] +: 4]}};
      2: read_{low} <= {{34'h0, store[word_{low}][9*address_{low}[3] + 2*address_{low}[2:1] +: 2]}};
      default: read_{low} <= {{35'h0, store[word_{low}][9*address_{low}[3] + bit_{low}]}};
    endcase
  end
"""
