"""Our models of Gowin's block RAMs, in Icarus, against a list of bytes."""

import random

import pytest

from rheobase.sim.gowin_cells import gowin_cells
from tests.support.simulation.icarus import run_icarus

CYCLES = 120
#: Name, bits of a byte, width of the port that writes and of that which reads.
RAMS = [
    ("SP", 8, 2, 2),
    ("SP", 8, 32, 32),
    ("SPX9", 9, 18, 18),
    ("SDPB", 8, 1, 16),
    ("SDPB", 8, 16, 4),
    ("SDPX9B", 9, 9, 36),
    ("SDPX9B", 9, 36, 9),
]


class _Bits:
    """A block RAM as a list of bits, words of a width in order."""

    def __init__(self, byte: int, initial: list[int]):
        self.byte = byte
        self.bits = [value >> bit & 1 for value in initial for bit in range(byte)]

    def place(self, address: int, width: int) -> int:
        """First bit of the word at the address pins ``address``."""
        bytes_of = max(1, width // self.byte)
        first = (address >> 3) // bytes_of * bytes_of * self.byte
        return first + (address % 8 // width * width if width < 8 else 0)

    def read(self, address: int, width: int) -> int:
        start = self.place(address, width)
        return sum(bit << i for i, bit in enumerate(self.bits[start : start + width]))

    def write(self, address: int, width: int, value: int) -> None:
        start = self.place(address, width)
        for i in range(width):
            if width <= self.byte or address >> (i // self.byte) & 1:
                self.bits[start + i] = value >> i & 1


@pytest.mark.parametrize(("name", "byte", "written", "given"), RAMS)
def test_block_ram(tmp_path, name, byte, written, given):
    draw = random.Random(byte * written * given)
    initial = [draw.randrange(2**byte) for _ in range(2048)]
    memory = _Bits(byte, initial)
    single = name.startswith("SP")
    lines, expected, held = [], [], 0
    for _ in range(CYCLES):
        # Few places, so that what was written is read.
        to, source = (draw.randrange(256) | draw.randrange(2) << 12 for _ in range(2))
        value, enable, writes = (
            draw.randrange(2**written),
            draw.randrange(4) > 0,
            draw.random() < 0.6,
        )
        source = to if single else source
        reads = enable and not (single and writes)
        after = memory.read(source, given) if reads else held
        if writes and (enable or not single):
            memory.write(to, written, value)
        held = after
        expected.append(held)
        lines.append(
            f"a = {to}; b = {source}; d = {value}; ce = {int(enable)}; we = {int(writes)}; "
            '#1 clk = 1; #1 $display("%0d", q); clk = 0; #1;'
        )
    words = [
        sum(value << byte * i for i, value in enumerate(initial[start : start + 32]))
        for start in range(0, 2048, 32)
    ]
    rows = [f".INIT_RAM_{i:02X}({32 * byte}'h{word:x})" for i, word in enumerate(words)]
    width = 4 * byte
    if single:
        rows.append(f".BIT_WIDTH({written})")
        ports = ".CLK(clk), .CE(ce), .WRE(we), .AD(a), .OCE(1'b1), .RESET(1'b0), .BLKSEL(3'b0)"
    else:
        rows += [f".BIT_WIDTH_0({written})", f".BIT_WIDTH_1({given})"]
        ports = (
            ".CLKA(clk), .CEA(we), .RESETA(1'b0), .ADA(a), .CLKB(clk), .CEB(ce), .RESETB(1'b0), "
            ".ADB(b), .OCE(1'b1), .BLKSELA(3'b0), .BLKSELB(3'b0)"
        )
    bench = f"""
module bench;
  reg clk = 0, ce = 0, we = 0;
  reg [13:0] a, b;
  reg [{width - 1}:0] d;
  wire [{width - 1}:0] q;
  {name} #({", ".join(rows)}) ram ({ports}, .DI(d), .DO(q));
  initial begin {" ".join(lines)} $finish; end
endmodule
"""
    (tmp_path / "bench.v").write_text(gowin_cells() + bench)
    said = run_icarus(tmp_path, ["bench.v"], "2012", {}, "bench")
    assert [int(line) & (2**given - 1) for line in said.split()] == expected
