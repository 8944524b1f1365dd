"""The accelerator on Wishbone: by cocotb, its Verilog in Icarus, and its registers' description."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rheobase.boards.builds.built_verilog import read_built_verilog, write_verilog
from rheobase.boards.builds.interfaces import Interface
from rheobase.boards.builds.plain_verilog import plain_verilog
from rheobase.boards.builds.verilog_bench import random_pixels
from rheobase.boards.wishbone.register_map import (
    IDENTITY,
    c_header,
    identity_of,
    pixel_words,
    register_map,
)
from rheobase.boards.wishbone.wishbone_bridge import WishboneBridge
from rheobase.golden import Coding, Network, PoolRule, Readout, RheobaseError, run_golden
from rheobase.golden.files.file import network_hash
from rheobase.golden.network.network import IMAGE
from rheobase.sim.bench import run_bench
from rheobase.sim.lint import lint
from tests.support.networks.random_networks import random_network, smallest_folding
from tests.support.simulation.icarus import run_icarus
from tests.support.wishbone_accelerator import WishboneAccelerator

DOCS = Path(__file__).parents[3] / "docs"


def a_network(seed: int, coding: Coding, readout: Readout = Readout.CURRENT) -> Network:
    """A small network whose images have two channels."""
    rng = np.random.default_rng(seed)
    while True:
        made = random_network(
            rng,
            coding=coding,
            readout=readout,
            rule=PoolRule.CUMULATIVE,
            steps=3,
            hidden=1,
            largest_channels=3,
            largest_map=4,
        )
        if made.input_shape[0] == 2:
            return made


def with_six_channels(network: Network) -> Network:
    """``network`` that sees each of its two channels in three."""
    channels, rows, columns = network.input_shape
    layers = []
    for layer in network.layers:
        connections = tuple(
            replace(connection, weight=np.concatenate([connection.weight] * 3, 1))
            if connection.source == IMAGE
            else connection
            for connection in layer.connections
        )
        layers.append(replace(layer, connections=connections))
    return replace(
        network,
        input_shape=(3 * channels, rows, columns),
        zero_point=np.tile(network.zero_point, 3),
        layers=tuple(layers),
    )


def words_of(image: np.ndarray) -> list[int]:
    """Words that an image is written as: pixels in raster order, channels low byte first."""
    words = []
    for pixel in np.moveaxis(image, 0, -1).reshape(-1, len(image)):
        content = pixel.tobytes()
        words += [
            int.from_bytes(content[at : at + 4], "little") for at in range(0, len(content), 4)
        ]
    return words


def results_of(network: Network, images: np.ndarray, settings) -> list[list]:
    """By output, every (score, class or None) in the order of the bus."""
    found: list[list] = [[] for _ in network.outputs]
    for image, (steps, delay) in zip(images, settings, strict=True):
        ran = run_golden(network, image[None], steps=steps, delay=delay)
        for taken, output in zip(found, ran.outputs, strict=True):
            for scores in output[0].reshape(output.shape[1], -1).T:
                best = int(scores.argmax())
                last = len(scores) - 1
                taken += [(int(s), best if at == last else None) for at, s in enumerate(scores)]
    return found


CASES = {
    "rate, two channels": (a_network(3, Coding.RATE, Readout.COUNT), {}),
    "radix, short queues": (
        a_network(5, Coding.RADIX),
        {"pixel_depth": 1, "result_depth": 1},
    ),
}


@pytest.mark.parametrize(
    "case",
    [
        name if place == 0 else pytest.param(name, marks=pytest.mark.slow)
        for place, name in enumerate(CASES)
    ],
)
def test_answers_over_the_bus(case):
    network, depths = CASES[case]
    images = random_pixels(network, 3)
    rate = network.coding == Coding.RATE
    settings = [(3, 1 if rate else 0), (1, 0), (2, 0)]
    registers = register_map(network)
    sizes = [int(np.prod(shape)) for shape in network.output_shapes]
    run_bench(
        WishboneAccelerator(network, smallest_folding(network), **depths),
        "tests.boards.benches.wishbone_bench",
        {
            "offsets": {register.name: register.offset for register in registers},
            "identity": 0x52484231,
            "network": int(network_hash(network)[:8], 16),
            "images": [
                (steps, delay, words_of(image))
                for image, (steps, delay) in zip(images, settings, strict=True)
            ],
            "scores": results_of(network, images, settings),
            "results": sizes,
            "whole": not depths,
            "most": network.steps,
            "hole": 0x1C,
            "rate": rate,
            "seed": 7,
        },
    )


#: Writes an image word by word, and prints what it reads of the results.
BENCH = """
module testbench;
  reg clk = 0, rst = 1;
  reg [31:0] data [0:{last}];
  reg [31:0] adr = 0, value = 0;
  reg we = 0, stb = 0;
  wire [31:0] read;
  wire ack, err, irq;
  reg refused;
  reg [31:0] got;
  integer at = 0, taken = 0;
  digits_wb dut (.clk_i(clk), .rst_i(rst), .adr_i(adr[{high}:2]), .dat_i(value), .sel_i(4'hf),
    .we_i(we), .stb_i(stb), .cyc_i(stb), .dat_o(read), .ack_o(ack), .err_o(err), .irq_o(irq));
  initial $readmemh("pixels.hex", data);
  always #5 clk = ~clk;
  task bus(input [31:0] where, input write, input [31:0] what);
    begin
      adr <= where; we <= write; value <= what; stb <= 1;
      @(posedge clk);
      while (ack !== 1 && err !== 1) @(posedge clk);
      refused = err;
      got = read;
      stb <= 0;
      @(posedge clk);
    end
  endtask
  initial begin
    repeat (3) @(posedge clk);
    rst <= 0;
    @(posedge clk);
    bus('h{CONTROL}, 1, 2);
    while (at <= {last}) begin
      bus('h{PIXEL}, 1, data[at]);
      if (!refused) at = at + 1;
    end
    while (irq !== 1) @(posedge clk);
    while (taken < {results}) begin
      bus('h{SCORE0}, 0, 0);
      if (!refused) begin
        $display("SCORE %d", $signed(got));
        taken = taken + 1;
      end
    end
    bus('h{ANSWER0}, 0, 0);
    $display("ANSWER %d", got);
    $finish;
  end
  initial #2000000 $display("NO END");
  initial #2000010 $finish;
endmodule
"""


def test_the_verilog_around_it(tmp_path):
    """What ``generate --interface wishbone`` writes answers a bus, as Verilog-2005."""
    network = with_six_channels(a_network(5, Coding.RADIX))
    folding = smallest_folding(network)
    image = random_pixels(network, 1)
    words = words_of(image[0])
    (tmp_path / "pixels.hex").write_text("\n".join(f"{word:08x}" for word in words) + "\n")
    written = write_verilog(
        network, folding, tmp_path / "net.v", name="digits", interface=Interface.WISHBONE
    )
    header = c_header(network, "digits")
    offsets = dict(re.findall(r"#define DIGITS_(\w+) 0x(\w+)u", header))
    bench = BENCH.format(
        last=len(words) - 1,
        high=WishboneBridge(network).adr.shape().width + 1,
        results=int(np.prod(network.output_shapes[0])),
        **offsets,
    )
    (tmp_path / "bench.v").write_text(bench)
    printed = run_icarus(tmp_path, ["bench.v", "net.v"], "2005", {}, "testbench")
    (wanted,) = results_of(network, image, [(network.steps, network.delay)])
    scores = [int(found) for found in re.findall(r"SCORE +(-?\d+)", printed)]
    assert scores == [score for score, _ in wanted]
    assert int(re.search(r"ANSWER +(\d+)", printed)[1]) == wanted[-1][1]
    assert lint((tmp_path / "net.v").read_text(), "digits_wb") == []
    assert read_built_verilog(tmp_path / "net.v", network).text == written.text


def test_header_and_verilog_say_what_the_registers_are(tmp_path):
    network = with_six_channels(a_network(5, Coding.RATE))
    files = plain_verilog(network, smallest_folding(network), "generic", name="digits")
    header, verilog = files["digits_wb.h"], files["digits_wb.v"]
    registers = register_map(network)
    assert len({register.offset for register in registers}) == len(registers)
    assert all(register.offset % 4 == 0 for register in registers)
    for register in registers:
        assert f"#define DIGITS_{register.name} 0x{register.offset:02x}u\n" in header
        assert re.search(
            rf"^//   0x{register.offset:02x} +{register.access} +{register.name} +"
            + re.escape(register.meaning),
            verilog,
            re.MULTILINE,
        )
        for field in register.fields:
            assert f"#define DIGITS_{register.name}_{field.name} (1u << {field.bit})" in header
    assert f"DIGITS_PIXEL_WORDS {pixel_words(network)}\n" in header and pixel_words(network) == 2
    assert f"DIGITS_IDENTITY 0x{IDENTITY:08x}u" in header
    assert identity_of(network) == int(network_hash(network)[:8], 16)
    assert all(ord(letter) < 128 for letter in header)


def test_documented_registers():
    """The table of the guide is that of a network of one channel and one output."""
    rng = np.random.default_rng(1)
    network = None
    while network is None or network.input_shape[0] != 1:
        network = random_network(
            rng, coding=Coding.RATE, readout=Readout.COUNT, rule=PoolRule.STEP, steps=3, hidden=1
        )
    text = (DOCS / "how-to" / "bus.md").read_text()
    for register in register_map(network):
        begins = rf"^\| 0x{register.offset:02x} \| `{register.name}` \| (\w+) \|"
        row = re.search(begins, text, re.MULTILINE)
        assert row is not None and row[1] == register.access, register.name
        for field in register.fields:
            assert f"`{field.name}` ({field.bit})" in text


def test_depths():
    network = a_network(3, Coding.RATE)
    for name in ("pixel_depth", "result_depth"):
        with pytest.raises(RheobaseError, match=f"WishboneBridge: {name} is 0"):
            WishboneBridge(network, **{name: 0})
