"""LiteDRAM's core with its PHY, pin by pin, against an SDRAM written from its data sheet."""

import re
import subprocess

import pytest

from rheobase.boards.sdram.chips import M12L16161A, M12L64322A, MT48LC16M16
from rheobase.boards.sdram.core import sdram_core
from rheobase.golden.errors import RheobaseError

#: ns: from a register to the chip, from the chip's clock to its data and to their end, from the
#: chip to a register.
_OUT, _ACCESS, _HOLD, _IN = 3, 5.4, 2.7, 0.5

_CHIP = """
`timescale 1ns/100ps
module chip(input clk, cke, ras_n, cas_n, we_n, input [ROWS-1:0] a, input [BANKS-1:0] ba,
            input [BITS/8-1:0] dm, inout [BITS-1:0] dq);
  reg [BITS-1:0] content[0:16383];
  reg [12:0] row[0:3];
  reg [3:0] open = 0;
  reg [2:0] latency = 0, burst = 0;
  integer refreshes = 0, set = 0, faults = 0;
  reg reads[0:15];
  reg [13:0] places[0:15];
  reg [13:0] write_place;
  reg writes = 0;
  reg [BITS-1:0] out;
  reg drives = 0;
  integer k;
  initial for (k = 0; k < 16; k = k + 1) reads[k] = 0;
  assign dq = drives ? out : {BITS{1'bz}};
  task store(input [13:0] place);
    for (k = 0; k < BITS / 8; k = k + 1) if (!dm[k]) content[place][8*k +: 8] = dq[8*k +: 8];
  endtask
  wire [2:0] command = {ras_n, cas_n, we_n};
  wire [13:0] place = {ba, row[ba][2:0], a[8:0]};
  always @(posedge clk) if (cke) begin
    // What was asked for comes after the edge before the one that takes it.
    if (reads[1]) begin
      out <= #ACCESS content[places[1]];
      drives <= #ACCESS 1;
    end else drives <= #HOLD 0;
    for (k = 0; k < 15; k = k + 1) begin reads[k] = reads[k+1]; places[k] = places[k+1]; end
    reads[15] = 0;
    if (writes) begin store(write_place); writes = 0; end
    case (command)
      3'b000: begin latency = a[6:4]; burst = a[2:0]; set = set + 1; end
      3'b001: begin refreshes = refreshes + 1; if (open) faults = faults + 1; end
      3'b010: if (a[10]) open = 0; else open[ba] = 0;
      3'b011: begin if (open[ba]) faults = faults + 1; open[ba] = 1; row[ba] = a; end
      3'b101: begin
        if (!open[ba]) faults = faults + 1;
        for (k = 0; k <= burst; k = k + 1) begin
          reads[latency-1+k] = 1; places[latency-1+k] = place + k;
        end
        if (a[10]) open[ba] = 0;
      end
      3'b100: begin
        if (!open[ba]) faults = faults + 1;
        store(place);
        if (burst) begin writes = 1; write_place = place + 1; end
        if (a[10]) open[ba] = 0;
      end
    endcase
  end
endmodule
"""

_BENCH = """
`timescale 1ns/100ps
module bench;
  reg clk = 0, fast = 0, late = 0, rst = 1;
  reg valid = 0, we = 0;
  reg [23:0] addr = 0;
  wire cmd_ready, wdata_ready, rdata_valid, ready, cke, ras_n, cas_n, we_n, cs_n;
  wire [DATA-1:0] rdata;
  wire [ROWS-1:0] a;
  wire [BANKS-1:0] ba;
  wire [BITS/8-1:0] dm;
  wire [BITS-1:0] core_dq, chip_dq;
  integer asked = 0, written = 0, got = 0, wrong = 0, started = 0;
  // Both edges in one step, as a loop makes them.
  always begin
    clk = !clk;
    fast = 1;
    #HALF fast = 0;
    #HALF;
  end
  // A quarter of a cycle of clk is half of one of fast.
  always @(negedge fast) late = clk;
  function [DATA-1:0] word(input integer n); word = 32'h9e3779b1 * (n + 7) >> 3; endfunction
  function [23:0] place(input integer n); place = (n * 37) % 4096 + (n % 3) * 65536; endfunction
  sdram_core core(.clk(clk), .rst(rst), SECOND_CLOCK.ready(ready),
    .cmd_valid(valid), .cmd_ready(cmd_ready), .cmd_we(we), .cmd_addr(addr[ADDRESS-1:0]),
    .wdata_valid(1'b1), .wdata_ready(wdata_ready),
    .wdata_we({DATA/8{1'b1}}), .wdata_data(word(written)), .rdata_valid(rdata_valid),
    .rdata_ready(1'b1), .rdata_data(rdata), .a(a), .ba(ba), .ras_n(ras_n), .cas_n(cas_n),
    .we_n(we_n), .cke(cke), .cs_n(cs_n), .dm(dm), .dq(core_dq));
  wire [ROWS-1:0] a_d; wire [BANKS-1:0] ba_d; wire [BITS/8-1:0] dm_d;
  wire ras_d, cas_d, we_d, cke_d, cs_d, clock_d;
  assign #OUT a_d = a, ba_d = ba, dm_d = dm, ras_d = ras_n, cas_d = cas_n, we_d = we_n,
    cke_d = cke, cs_d = cs_n, clock_d = CHIP_CLOCK;
  // Both ways: whoever drives is seen at the other end later.
  wire core_drives = core.OE;
  reg [BITS-1:0] to_chip, to_core;
  reg at_chip = 0, at_core = 0;
  always @(core_dq, core_drives) begin to_chip <= #OUT core_dq; at_chip <= #OUT core_drives; end
  always @(chip_dq, chip_i.drives) begin to_core <= #IN chip_dq; at_core <= #IN chip_i.drives; end
  assign chip_dq = at_chip ? to_chip : {BITS{1'bz}};
  assign core_dq = at_core ? to_core : {BITS{1'bz}};
  chip chip_i(.clk(clock_d), .cke(cke_d), .ras_n(ras_d | cs_d), .cas_n(cas_d | cs_d),
    .we_n(we_d | cs_d), .a(a_d), .ba(ba_d), .dm(dm_d), .dq(chip_dq));
  always @(posedge clk) begin
    if (wdata_ready) written <= written + 1;
    if (rdata_valid) begin
      got <= got + 1;
      if (rdata !== word(got)) begin wrong <= wrong + 1; end
    end
    if (ready) begin
      if (!valid || cmd_ready) begin
        if (asked < 2 * WORDS) begin
          valid <= 1; we <= asked < WORDS; addr <= place(asked % WORDS); asked <= asked + 1;
        end else valid <= 0;
      end
    end
    if (got == WORDS) begin
      $display("wrong %0d faults %0d set %0d refreshed %0d latency %0d burst %0d", wrong,
        chip_i.faults, chip_i.set, chip_i.refreshes > 3, chip_i.latency, chip_i.burst);
      $finish;
    end
  end
  initial begin #100 rst = 0; #400000 $display("hangs %0d of %0d", got, asked); $finish; end
endmodule
"""
_WORDS = 300


def _simulated(chip, clock, folder):
    """What the bench says after words were written and read."""
    core = sdram_core(chip, clock, ecp5=False)
    # The waits of the start are for a chip that has just got its supply.
    text = re.sub(r"15'd20000\b", "15'd20", core.text)
    enable = re.search(r"assign dq = (\w+)\b.*\?", text) or re.search(
        r"assign dq\[0\] = (\w+)\b.*\?", text
    )
    assert enable is not None
    values = {
        "DATA": core.data_bits, "BITS": chip.data_bits, "ADDRESS": core.address_bits,
        "ROWS": chip.row_bits, "BANKS": chip.bank_bits, "WORDS": _WORDS,
        # Half a cycle is the other edge.
        "CHIP_CLOCK": "late" if chip.rate == 1 else "~fast",
        "SECOND_CLOCK": "" if chip.rate == 1 else ".clk2x(fast), .rst2x(rst), ",
        "OUT": _OUT, "IN": _IN,
        "ACCESS": _ACCESS, "HOLD": _HOLD, "OE": enable[1],
        "HALF": f"{1e9 / clock / 4:.1f}",
    }  # fmt: skip
    bench = _CHIP + _BENCH
    for name, value in values.items():
        bench = re.sub(rf"\b{name}\b", str(value), bench)
    (folder / "bench.v").write_text(text + bench)
    subprocess.run(["iverilog", "-g2005", "-s", "bench", "-o", "bench", "bench.v"],
                   cwd=folder, check=True)  # fmt: skip
    said = subprocess.run(
        ["vvp", "bench"], cwd=folder, check=True, timeout=300, capture_output=True, text=True
    )
    return said.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("chip", "clock", "latency", "burst"),
    [
        (MT48LC16M16, 65_000_000, 3, 1),
        (MT48LC16M16, 48_000_000, 2, 1),
        (M12L64322A, 65_000_000, 2, 0),
        (M12L16161A, 50_000_000, 2, 0),
    ],
)
def test_words_come_back_from_a_chip(chip, clock, latency, burst, tmp_path):
    """A chip of 16 bits gives a word as a burst of two, one of 32 bits in one go."""
    found = _simulated(chip, clock, tmp_path)
    assert found == f"wrong 0 faults 0 set 2 refreshed 1 latency {latency} burst {burst}"


@pytest.mark.parametrize(
    ("chip", "clock", "asked", "most"),
    [(MT48LC16M16, 80, 160, 133), (M12L64322A, 180, 180, 166)],
)
def test_an_sdram_that_is_too_slow_is_refused(chip, clock, asked, most):
    with pytest.raises(RheobaseError, match=f"would be {asked} MHz, must be at most {most} MHz"):
        sdram_core(chip, clock * 1_000_000)


@pytest.mark.parametrize(
    ("chip", "megabytes"), [(MT48LC16M16, 32), (M12L64322A, 8), (M12L16161A, 4)]
)
def test_it_holds_what_its_data_sheet_says(chip, megabytes):
    assert chip.words * 4 == megabytes << 20
