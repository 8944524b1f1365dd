"""Places of an engine's block RAMs, and that nextpnr knows them."""

import json
import re

import pytest

from rheobase.boards.builds.block_rams.floorplan import floorplan, lane_of
from rheobase.boards.builds.block_rams.netlist import place_block_rams
from rheobase.boards.builds.block_rams.sites import block_ram_rows
from rheobase.boards.link.engine.engine_top import EngineTop
from rheobase.hw.engine.designs import DESIGNS
from rheobase.hw.memories.devices import ICE40UP5K, LFE5U_12F, LFE5U_25F, LFE5U_45F, LFE5U_85F
from rheobase.hw.verilog.generation import to_verilog
from rheobase.sim.tools.eda_tools import find_tool


def _cells(lanes, parts, shared):
    names = [
        f"board.top.link.engine.lane_{lane}.weighted.weights.part_{part}.0.0"
        for lane in range(lanes)
        for part in range(parts)
    ]
    names += [f"board.top.link.engine.lane_{lane}.list.ring.0.0" for lane in range(lanes)]
    names += [f"board.top.link.engine.neurons.table.part_{part}.0.0" for part in range(shared - 2)]
    return [*names, "board.top.link.engine.writer.kept.0.0", "board.top.link.engine.reader.kept.0"]


def _position(place):
    column, row = map(int, re.fullmatch(r"X(\d+)/Y(\d+)/EBR[0-3]", place).groups())
    return row, column


@pytest.mark.quick
@pytest.mark.parametrize(("parts", "shared"), [(16, 52), (12, 30), (3, 100)])
def test_lanes_lie_side_by_side(parts, shared):
    device, lanes = LFE5U_85F, 8
    cells = _cells(lanes, parts, shared)
    around = "board.port.read.storage.0.0"
    places = floorplan([around, *reversed(cells)], device)
    assert sorted(places) == sorted(cells)
    assert len(set(places.values())) == len(cells)
    sites = [site for row in block_ram_rows(device) for site in row]
    assert set(places.values()) <= set(sites)
    width = max(len(row) for row in block_ram_rows(device))
    for lane in range(lanes):
        mine = [cell for cell in cells if lane_of(cell) == lane]
        row = {_position(places[cell])[0] for cell in mine}
        assert len(row) == 1
        numbers = [sites.index(places[cell]) for cell in mine]
        assert max(numbers) - min(numbers) == parts
        # Words of a lane's weights in order, the first ones towards the middle of the row.
        inwards = [abs(number % width - (width - 1) / 2) for number in numbers[:parts]]
        assert inwards == sorted(inwards)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("device", "lanes", "parts", "shared"),
    [
        (LFE5U_85F, 8, 16, 80),
        (LFE5U_85F, 8, 52, 4),
        (LFE5U_85F, 16, 4, 49),
        (LFE5U_85F, 4, 4, 36),
        (LFE5U_45F, 8, 4, 40),
        (LFE5U_12F, 4, 4, 30),
    ],
)
def test_others_are_left_to_the_placer(device, lanes, parts, shared):
    assert floorplan(_cells(lanes, parts, shared), device) == {}


@pytest.mark.quick
def test_other_families_have_no_such_places():
    with pytest.raises(ValueError, match="iCE40UP5K is no ECP5"):
        block_ram_rows(ICE40UP5K)


@pytest.mark.quick
def test_lanes_have_the_names_that_are_looked_for():
    design = DESIGNS["ulx3s-25f"]
    top = EngineTop(design, memory_words=1 << 20, clock=50_000_000, baud=1_000_000)
    text = to_verilog(top, "board")
    # yosys joins the names of the modules that a cell is in, as Amaranth does for a module's own.
    modules = re.findall(r"^module \\(\S+) ", text, re.MULTILINE)
    lanes = {lane_of(f"{module}.cell") for module in modules}
    assert lanes == {None, *range(design.lanes)}
    assert re.search(r"\bpart_3\b", text)


@pytest.mark.quick
def test_places_are_written_into_the_netlist(tmp_path):
    netlist = tmp_path / "design.json"
    kinds = {"one": "DP16KD", "other": "DP16KD", "look_up": "LUT4"}
    cells = {name: {"type": kind, "attributes": {"src": name}} for name, kind in kinds.items()}
    netlist.write_text(json.dumps({"modules": {"top": {"cells": cells}, "LUT4": {"cells": {}}}}))
    given = []

    def places(names):
        given.extend(names)
        return {"other": "X4/Y25/EBR0"}

    assert place_block_rams(netlist, places) == {"other": "X4/Y25/EBR0"}
    assert given == ["one", "other"]
    cells["other"]["attributes"]["BEL"] = "X4/Y25/EBR0"
    assert json.loads(netlist.read_text())["modules"]["top"]["cells"] == cells


def test_nextpnr_has_a_block_ram_at_each_place(tmp_path):
    """A design that fills the die of an LFE5U-25F, placed where ``block_ram_rows`` says."""
    sites = [site for row in block_ram_rows(LFE5U_25F) for site in row]
    text = "module top(input clk, input given, output taken);\n"
    text += f"  wire [{len(sites)}:0] passed;\n  assign passed[0] = given;\n"
    text += f"  assign taken = passed[{len(sites)}];\n"
    for number in range(len(sites)):
        text += (
            f"  DP16KD #(.DATA_WIDTH_A(18), .DATA_WIDTH_B(18)) ram_{number} (.CLKA(clk), "
            f".CLKB(clk), .CEA(1'b1), .CEB(1'b1), .WEA(1'b1), .DIA0(passed[{number}]), "
            f".DOB0(passed[{number + 1}]));\n"
        )
    (tmp_path / "top.v").write_text(text + "endmodule\n")
    find_tool("yosys").run(
        ["-q", "-p", "read_verilog top.v; synth_ecp5 -top top -json top.json"], tmp_path
    )
    order = {}

    def places(cells):
        order.update(zip(cells, sites, strict=True))
        return order

    place_block_rams(tmp_path / "top.json", places)
    find_tool("nextpnr-ecp5").run(
        ["--quiet", "--25k", "--package", "CABGA381", "--json", "top.json", "--no-route",
         "--lpf-allow-unconstrained", "--write", "placed.json"],
        tmp_path,
    )  # fmt: skip
    placed = json.loads((tmp_path / "placed.json").read_text())["modules"]["top"]["cells"]
    found = {name: placed[name]["attributes"]["NEXTPNR_BEL"] for name in order}
    assert found == order
