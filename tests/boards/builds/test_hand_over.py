"""What another flow is given: names of its own, AXI4-Stream at the edge, project scripts."""

import re

import numpy as np
import pytest

from rheobase.boards.builds.axi_stream import axi_stream
from rheobase.boards.builds.built_verilog import read_built_verilog, write_verilog
from rheobase.boards.builds.interfaces import Interface
from rheobase.boards.builds.plain_verilog import plain_verilog, write_plain_verilog
from rheobase.boards.builds.verilog_bench import random_pixels
from rheobase.golden import RheobaseError, run_golden
from rheobase.golden.network.network import Coding, PoolRule
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.verilog.generation import TOP, generate
from rheobase.hw.verilog.module_names import check_module_name, with_module_name
from rheobase.hw.verilog.ports import accelerator_ports
from rheobase.sim.lint import lint
from tests.support.networks.random_networks import tiny_network
from tests.support.simulation.icarus import run_icarus

#: Drives the AXI4-Stream ports with random gaps, and prints every beat that is taken.
BENCH = """
module testbench;
  reg aclk = 0, aresetn = 0;
  reg [{pixel}:0] data [0:{last_pixel}];
  reg [{pixel}:0] s_axis_tdata = 0;
  reg s_axis_tvalid = 0;
  wire s_axis_tready;
  reg m_axis_tready = 0;
  wire m_axis_tvalid, m_axis_tlast;
  wire [63:0] m_axis_tdata;
  integer given = 0, taken = 0, cycle = 0, seed = 5;
  {name}_axis dut (
    .aclk(aclk), .aresetn(aresetn), .steps({steps}), .delay({delay}),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(1'b0), .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast));
  initial $readmemh("pixels.hex", data);
  always #5 aclk = ~aclk;
  always @(posedge aclk) begin
    cycle = cycle + 1;
    if (!aresetn && cycle > 2 && (m_axis_tvalid !== 0 || s_axis_tready !== 0)) $display("RESET");
    if (cycle == 5) aresetn <= 1;
    if (s_axis_tvalid && s_axis_tready) given = given + 1;
    if (!s_axis_tvalid || s_axis_tready) begin
      s_axis_tvalid <= given <= {last_pixel} && ($random(seed) & 1);
      s_axis_tdata <= data[given];
    end
    if (m_axis_tvalid && m_axis_tready) begin
      $display("BEAT %h %b", m_axis_tdata, m_axis_tlast);
      taken = taken + 1;
    end
    m_axis_tready <= $random(seed) & 1;
    if (taken == {beats} || cycle == 200000) $finish;
  end
endmodule
"""


def small_network(seed, coding=Coding.RADIX):
    return tiny_network(seed, coding=coding, rule=PoolRule.CUMULATIVE)


@pytest.fixture(scope="module")
def network():
    return small_network(25)


@pytest.fixture(scope="module")
def folding(network):
    return default_folding(network, adders=4)


def test_axi_stream(tmp_path, network, folding):
    images = random_pixels(network, 3)
    pixels = np.moveaxis(images, 1, -1).reshape(-1, network.input_shape[0])
    lines = [bytes(pixel[::-1]).hex() for pixel in pixels]
    (tmp_path / "pixels.hex").write_text("\n".join(lines) + "\n")
    golden = run_golden(network, images)
    wanted = []
    for image in golden.outputs[0]:
        for place in image.reshape(len(image), -1).T:
            wanted += [(int(score), None, False) for score in place]
            wanted[-1] = (*wanted[-1][:1], int(place.argmax()), False)
        wanted[-1] = (*wanted[-1][:2], True)
    written = write_verilog(
        network, folding, tmp_path / "net.v", name="digits", interface=Interface.AXI_STREAM
    )
    assert "module digits_axis(" in (tmp_path / "net.v").read_text()
    bench = BENCH.format(
        name="digits",
        pixel=8 * network.input_shape[0] - 1,
        last_pixel=len(pixels) - 1,
        steps=network.steps,
        delay=network.delay,
        beats=len(wanted),
    )
    (tmp_path / "bench.v").write_text(bench)
    printed = run_icarus(tmp_path, ["bench.v", "net.v"], "2005", {}, "testbench")
    assert "RESET" not in printed
    beats = re.findall(r"BEAT (\w+) (\d)", printed)
    assert len(beats) == len(wanted)
    for (beat, last), (score, answer, ends) in zip(beats, wanted, strict=True):
        assert np.array(int(beat[8:], 16)).astype(np.uint32).astype(np.int32) == score
        assert answer is None or int(beat[:8], 16) == answer
        assert (last == "1") == ends
    assert lint((tmp_path / "net.v").read_text(), "digits_axis") == []
    # What is simulated is called accelerator again.
    assert read_built_verilog(tmp_path / "net.v", network).text == written.text
    assert written.text == generate(network, folding) + axi_stream(network)


@pytest.mark.parametrize("target", ["generic", pytest.param("asic", marks=pytest.mark.slow)])
def test_two_networks_in_one_design(tmp_path, target):
    """Both benches pass beside one another: no module, no file of one is taken for the other's."""
    files, sources = {}, set()
    for name, seed in (("first", 25), ("second", 26)):
        network = small_network(seed, Coding.RATE if seed == 26 else Coding.RADIX)
        made = plain_verilog(network, default_folding(network, adders=4), target, name=name)
        shared = {"instantiation.v", "rheobase_memory.v", "vivado.tcl", "quartus.tcl"}
        assert not (files.keys() & made.keys()) - shared
        assert TOP not in made[f"{name}.v"].replace(f"// {TOP}", "")
        assert f"{name} {TOP}_0 (" in made["instantiation.v"]
        files |= made
        sources |= {file for file in made if file.endswith(".v") and file != "instantiation.v"}
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    lines = ["module testbench;"]
    for number, name in enumerate(("first", "second")):
        network = small_network(25 + number, Coding.RATE if number else Coding.RADIX)
        ports = accelerator_ports(network)
        lines += [f"wire [{port.width - 1}:0] {name}_{port.name};" for port in ports]
        listed = ", ".join(f".{port.name}({name}_{port.name})" for port in ports)
        lines.append(f"{name} {name}_0 ({listed});")
    lines += ['initial #1 $display("BOTH");', "endmodule", ""]
    (tmp_path / "both.v").write_text("\n".join(lines))
    assert "BOTH" in run_icarus(tmp_path, ["both.v", *sorted(sources)], "2005", {}, "testbench")


def test_a_build_with_a_name_is_read_again(tmp_path, network, folding):
    images = random_pixels(network, 2)
    write_plain_verilog(network, folding, "generic", tmp_path / "made", images, "digits")
    write_plain_verilog(network, folding, "generic", tmp_path / "plain", images)
    for path in ("made", "made/digits.v"):
        found = read_built_verilog(tmp_path / path, network)
        assert found.path.name == "digits.v" and f"module {TOP}(" in found.text
        assert sorted(m.name for m in found.memories if "testbench" not in m.name) == sorted(
            f"digits_{m.name}" for m in (tmp_path / "plain").glob("memory*.hex")
        )
    bench = (tmp_path / "made" / "testbench.v").read_text()
    command = re.search(r"iverilog .*testbench\.v (.*) &&", bench)[1].split()
    printed = run_icarus(tmp_path / "made", ["testbench.v", *command], "2005", {}, "testbench")
    assert "PASSED: 2 images" in printed


@pytest.mark.parametrize("target", ["generic", "asic"])
def test_scripts_name_the_files(network, folding, target):
    tkinter = pytest.importorskip("tkinter", reason="Python without Tcl")
    files = plain_verilog(network, folding, target, random_pixels(network, 1), "digits")
    if target == "asic":
        assert not [name for name in files if name.endswith(".tcl")]
        return
    for script, given in (("vivado.tcl", "set argv"), ("quartus.tcl", "array set quartus")):
        interpreter = tkinter.Tcl()
        called: list[tuple[str, ...]] = []

        def record(*words: str, called=called) -> str:
            called.append(words)
            return "x"

        interpreter.createcommand("recorded", record)
        interpreter.eval("proc unknown {args} { return [recorded {*}$args] }")
        interpreter.eval("proc puts {args} {}; proc open {args} {return f}; proc close {args} {}")
        values = "{xc7a35t 8.5}" if "argv" in given else "{args {xc7a35t 8.5}}"
        interpreter.eval(f"{given} {values}")
        interpreter.eval(files[script])
        words = [word.rpartition("/")[2] for command in called for word in command]
        verilog = [word for word in words if word.endswith(".v")]
        assert set(verilog) == {"digits.v", "digits_axis.v", "digits_wb.v"} and "digits" in words
        assert "xc7a35t" in words
        if script == "vivado.tcl":
            memories = {word for word in words if word.endswith(".hex")}
            assert memories == {f for f in files if f.startswith("digits_memory")} and memories
            assert any(command[0] == "create_clock" and "8.5" in command for command in called)


def test_names():
    for name in ("a", "digits_2", "Net"):
        assert check_module_name(name) == name
        text = "module accelerator(clk);\n  \\accelerator.layer0  layer0 (\n// accelerator of\n"
        there = with_module_name(text, name)
        assert there == f"module {name}(clk);\n  \\{name}.layer0  layer0 (\n// accelerator of\n"
        assert with_module_name(there, TOP, name) == text
    for name in ("", "2a", "a-b", "a b", "module", "logic", "testbench", "a" * 65, "ä", "a\n"):
        with pytest.raises(RheobaseError, match=r"--name: .*, must be a letter"):
            check_module_name(name)
