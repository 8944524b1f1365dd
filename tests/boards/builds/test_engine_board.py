"""What stands around an engine on a board: pins, clocks, and boards that have no engine."""

import json
import re
from dataclasses import replace

import pytest

from rheobase.boards.builds.engine_bitstream import build_engine
from rheobase.boards.builds.engine_design import EngineBoardDesign
from rheobase.boards.platforms.clocking import pll_setting
from rheobase.boards.platforms.registry import BOARDS, boards_with_engine
from rheobase.boards.sdram.core import SdramCore
from rheobase.golden.errors import RheobaseError
from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.designs import DESIGNS
from rheobase.hw.memories.devices import Family
from tests.support.json_output import envelope_of, result_of

#: Sites of data bit 0, of the last data bit and of the clock, by the boards' documentation.
SITES = {
    "ulx3s": ("J16", "J17", "F19"),
    "colorlight-i5": ("B6", "D13", "B9"),
    "colorlight-i9": ("B6", "D13", "B9"),
    "colorlight-5a-75b": ("B13", "E11", "C6"),
    "icepi-zero": ("B16", "B1", "A3"),
}


def sites(name):
    return SITES["ulx3s" if name.startswith("ulx3s") else name]


#: Boards with an SDRAM of a single data rate, and with a DDR3 memory.
SINGLE = [name for name in boards_with_engine() if not BOARDS[name].sdram.double]
DOUBLE = [name for name in boards_with_engine() if BOARDS[name].sdram.double]


def _prepared(board, clock):
    """The loop's setting, the constraints and the netlist of a board's design."""
    loop = pll_setting(board, board.sdram.rate * clock)
    design = EngineBoardDesign(board, loop, SdramCore("", 32, 23))
    plan = board.platform().prepare(design, "top", debug_verilog=False)
    return loop, plan.files["top.lpf"], plan.files["top.il"]


@pytest.mark.parametrize("name", SINGLE)
def test_pins_and_both_clocks(name):
    board = BOARDS[name]
    loop, pins, netlist = _prepared(board, 65_000_000)
    last = board.sdram.data_bits - 1
    signals = ("sdram_0__dq__io[0]", f"sdram_0__dq__io[{last}]", "sdram_0__clk__io")
    for pin, site in zip(signals, sites(name), strict=True):
        assert f'LOCATE COMP "{pin}" SITE "{site}";' in pins
    assert pins.count('LOCATE COMP "sdram_0__dq__io[') == board.sdram.data_bits
    assert pins.count('LOCATE COMP "sdram_0__a__io[') == board.sdram.row_bits
    assert pins.count('LOCATE COMP "sdram_0__ba__io') == board.sdram.bank_bits
    clocks = {"design_clock": 65e6}
    if board.sdram.rate > 1:
        clocks["fast_clock"] = 130e6
    else:
        clocks["late_clock"] = 65e6
        # A quarter of a cycle, in eighths of one of the loop's oscillator.
        found = {
            key: int(re.search(rf"parameter \\CLK{key} (\d+)", netlist)[1])
            for key in ("OP_CPHASE", "OP_FPHASE", "OS_CPHASE", "OS_FPHASE")
        }
        later = 8 * (found["OS_CPHASE"] - found["OP_CPHASE"]) + found["OS_FPHASE"]
        assert later - found["OP_FPHASE"] == 8 * loop.output_divider / 4
    for clock, hertz in clocks.items():
        assert re.search(rf'{clock}" {hertz:.0f}(\.0)? HZ', pins), clock
    assert f"parameter \\CLKOS_DIV {board.sdram.rate * loop.output_divider}" in netlist
    for module in ("rheobase_board", "sdram_core", "ODDRX1F"):
        assert f"cell \\{module} " in netlist


@pytest.mark.parametrize("name", DOUBLE)
def test_pins_and_clocks_of_a_ddr3_memory(name):
    """By the schematic of the OrangeCrab r0.2."""
    _, pins, netlist = _prepared(BOARDS[name], 48_000_000)
    for pin, site in {
        "dq__io[0]": "C17", "dq__io[15]": "F18", "dm__io[0]": "D16", "dqs__p[0]": "B15",
        "dqs__p[1]": "G18", "ba__io[0]": "D6", "ba__io[2]": "A6", "a__io[12]": "B6",
        "clk__p": "J18", "rst__io": "L18", "clk_en__io": "D18", "odt__io": "C13", "cs__io": "A12",
    }.items():  # fmt: skip
        assert f'LOCATE COMP "ddr3_0__{pin}" SITE "{site}";' in pins
    for signal, count in {"dq__io[": 16, "a__io[": 13, "ba__io[": 3, "dqs__p[": 2}.items():
        assert pins.count(f'LOCATE COMP "ddr3_0__{signal}') == count
    # Pins beside it that stand for the supply: driven high, driven low.
    assert pins.count('LOCATE COMP "ddr3_pseudo_power_0__') == 8
    for clock, hertz in {"loop_clock": 96e6, "design_clock": 48e6}.items():
        assert re.search(rf'{clock}" {hertz:.0f}(\.0)? HZ', pins), clock
    for module in ("rheobase_board", "sdram_core", "EHXPLLL"):
        assert f"cell \\{module} " in netlist


@pytest.mark.parametrize("name", boards_with_engine())
def test_every_board_with_an_sdram_has_an_engine(name):
    assert BOARDS[name].engine in DESIGNS


@pytest.mark.parametrize(
    ("name", "clock", "said"),
    [
        ("colorlight-i5", 25, "25 MHz, must not be the oscillator's 25 MHz"),
        ("ulx3s-25f", 12.5, "12.5 MHz, must not be half of the oscillator's 25 MHz"),
    ],
)
def test_the_oscillators_own_clock_is_refused(name, clock, said, tmp_path):
    """The SDRAM's clock comes out of the loop."""
    with pytest.raises(RheobaseError, match=said):
        build_engine(
            EngineDesign(),
            BOARDS[name],
            tmp_path / "out",
            name="x",
            clock=round(clock * 1e6),
            baud=1_000_000,
        )


@pytest.mark.parametrize("name", ["icebreaker", "tang-nano-20k", "ecpix-5-85f"])
def test_boards_without_an_engine_are_refused(name, tmp_path):
    assert name not in boards_with_engine()
    with pytest.raises(RheobaseError, match=r"no SDRAM .* must be one of ulx3s-12f, .*ulx3s-85f"):
        build_engine(
            EngineDesign(),
            BOARDS[name],
            tmp_path / "out",
            name="x",
            clock=50_000_000,
            baud=1_000_000,
        )
    assert not list(tmp_path.iterdir())


def test_an_sdram_of_another_family_is_refused(tmp_path):
    board = replace(BOARDS["icebreaker"], sdram=BOARDS["ulx3s-85f"].sdram)
    assert board.family is not Family.ECP5
    with pytest.raises(RheobaseError, match="no SDRAM that an engine can use"):
        build_engine(
            EngineDesign(), board, tmp_path / "out", name="x", clock=50_000_000, baud=1_000_000
        )


@pytest.mark.parametrize(("cells", "beyond"), [(32, False), (33, True)])
def test_cells_that_a_device_is_not_sold_with(cells, beyond, tmp_path, place_at, run_command):
    """A 12F has the die of a 25F, of which its data sheet promises 32 block RAMs."""
    place_at(41.0, cells=cells)
    design = tmp_path / "small.json"
    design.write_text(json.dumps({"lanes": 2, "neurons": 8, "groups": 2, "windows": 2}))
    status, shown, _ = run_command(
        *("engine", "--board", "ulx3s-12f", "--engine", design, "--clock", 40, "--seeds", 1),
        *("--output", tmp_path / "made"),
    )
    assert status == 0
    assert ("LFE5U-12F: takes 33 block RAMs (sold with 32); nextpnr finds" in shown) == beyond
    assert "LUT4 (sold" not in shown


def test_a_router_without_end_is_stopped(tmp_path, place_at, run_command):
    """Where the clock is out of reach the design is routed once more, as other designs are."""
    place_at(30.0, endless=True)
    design = tmp_path / "small.json"
    design.write_text(json.dumps({"lanes": 2, "neurons": 8, "groups": 2, "windows": 2}))
    arguments = ("engine", "--board", "ulx3s-45f", "--engine", design, "--clock", 40, "--seeds", 1)
    status, _, error = run_command(*arguments, "--output", tmp_path / "made")
    assert status != 0
    assert "the design runs at 30.00 MHz, the clock is 40 MHz" in error


def test_the_command_with_tools_that_stand_in(tmp_path, place_at, run_command):
    """What it prints as JSON has the schema, as that of all commands has."""
    place_at(41.0)
    design = tmp_path / "small.json"
    design.write_text(json.dumps({"lanes": 2, "neurons": 8, "groups": 2, "windows": 2}))
    made = tmp_path / "made"
    status, shown, error = run_command(
        *("engine", "--board", "ulx3s-85f", "--engine", design, "--clock", 40, "--seeds", 1),
        *("--output", made, "--json"),
    )
    assert status == 0, error
    envelope = envelope_of(shown)
    assert (envelope["command"], envelope["status"], envelope["error"]) == ("engine", 0, None)
    found = result_of(shown)
    assert (found["board"], found["adders"], found["memory_bits"]) == ("ulx3s-85f", 16, 32)
    assert found["placed"]["achieved_hz"] == 41e6
    assert {path.name for path in made.iterdir() if path.is_file()} >= {*found["files"]}
    # Those of the netlist's eight lanes, and not the one beside the engine.
    assert (made / "reports/nextpnr.txt").read_text() == "log of 1, 8 block RAMs settled"
