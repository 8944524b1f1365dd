"""Resources of small designs whose cells can be counted by hand."""

import json

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rheobase.golden.errors import RheobaseError
from rheobase.hw.basics.table import lookup
from rheobase.hw.verilog.generation import to_verilog
from rheobase.sim.synthesis import (
    ICEBREAKER,
    ULX3S_85F,
    cell_places,
    count_resources,
    synthesise,
    timing_of_report,
)

COUNTER = """module top(input clk, input [1:0] a, output reg q);
  always @(posedge clk) q <= a[0] & a[1]; endmodule"""


def test_counts_an_and_gate_and_a_register(tmp_path, monkeypatch):
    monkeypatch.setenv("RHEOBASE_CACHE", str(tmp_path))
    found = synthesise(COUNTER, "top", ULX3S_85F).resources
    assert (found.luts, found.flip_flops, found.block_rams) == (1, 1, 0)


def test_counts_as_nextpnr_does(tmp_path):
    kinds = {"LUT4": 3, "CCU2C": 2, "TRELLIS_DPR16X4": 1, "DP16KD": 4, "TRELLIS_FF": 5}
    cells = {f"{kind}{i}": {"type": kind} for kind, n in kinds.items() for i in range(n)}
    netlist = tmp_path / "netlist.json"
    netlist.write_text(json.dumps({"modules": {"top": {"cells": cells}}}))
    found = count_resources(netlist, "top")
    assert (found.luts, found.logic_luts, found.block_rams) == (3 + 2 * 2 + 6, 3, 4)


def test_counts_cells_of_ice40(tmp_path, monkeypatch):
    """A register behind a gate shares its cell, one behind a register has one of its own."""
    monkeypatch.setenv("RHEOBASE_CACHE", str(tmp_path))
    shared = synthesise(COUNTER, "top", ICEBREAKER).resources
    assert (shared.luts, shared.logic_luts, shared.flip_flops) == (1, 1, 1)
    # The gate has another reader, so that its value needs the cell's only output.
    both = """module top(input clk, input [1:0] a, output reg q, output reg r, output s);
      assign s = a[0] & a[1];
      always @(posedge clk) begin q <= s; r <= q; end endmodule"""
    lone = synthesise(both, "top", ICEBREAKER).resources
    assert (lone.luts, lone.logic_luts, lone.flip_flops) == (3, 1, 2)


class _RegisteredTable(wiring.Component):
    address: In(9)
    value: Out(30)

    def elaborate(self, platform):
        m = Module()
        values = [index * 3737373 % (2**30 - 35) for index in range(512)]
        m.d.sync += self.value.eq(lookup(m, self.address, values, name="entry"))
        return m


def test_a_table_with_a_register_behind_it_is_logic(tmp_path, monkeypatch):
    """yosys would make a block RAM of both, which the cost model does not know of."""
    monkeypatch.setenv("RHEOBASE_CACHE", str(tmp_path))
    found = synthesise(to_verilog(_RegisteredTable(), "entries"), "entries", ULX3S_85F).resources
    assert (found.block_rams, found.flip_flops) == (0, 30)
    # 32 look-up tables a bit, and not many more to select among them.
    assert 30 * 32 / 2 < found.luts < 30 * 64


def test_says_what_yosys_refuses(tmp_path, monkeypatch):
    monkeypatch.setenv("RHEOBASE_CACHE", str(tmp_path))
    with pytest.raises(RheobaseError, match=r"yosys on top failed: .*"):
        synthesise("module top(input a; endmodule", "top", ULX3S_85F)


def test_critical_path_is_of_a_clock():
    """From pin to pin there may be longer ones, which say nothing of the clock."""

    def path(start: str, end: str, *delays: float) -> dict:
        parts = [{"delay": delay, "to": {"cell": f"c{delay:g}", "port": "D"}} for delay in delays]
        return {"from": start, "to": end, "path": parts}

    paths = [
        path("<async>", "<async>", 20),
        path("<async>", "posedge clk", 15),
        path("posedge clk", "posedge clk", 1, 9),
    ]
    found = timing_of_report({"fmax": {"clk": {"achieved": 100.0}}, "critical_paths": paths})
    assert found.frequency == 100
    assert found.critical_path == (("c1.D", 1), ("c9.D", 10))


def test_counts_cells_of_gowin(tmp_path):
    """A register takes its input from its own look-up table or carry cell, or has a place alone."""

    def cell(kind: str, **connections: int) -> dict:
        return {"type": kind, "connections": {port: [bit] for port, bit in connections.items()}}

    cells = {
        "table": cell("LUT3", F=10),
        "behind": cell("DFFRE", D=10, Q=11),
        "second": cell("DFFE", D=10, Q=12),
        "later": cell("DFF", D=11, Q=13),
        "sum": cell("ALU", SUM=20, COUT=21),
        "summed": cell("DFFR", D=20, Q=22),
        "carried": cell("DFF", D=21, Q=23),
        "ram": cell("RAM16SDP2", DO=30),
        "block": cell("SDPX9B", DO=40),
    }
    netlist = tmp_path / "netlist.json"
    netlist.write_text(json.dumps({"modules": {"top": {"cells": cells}}}))
    found = count_resources(netlist, "top")
    assert (found.logic_luts, found.flip_flops, found.block_rams) == (1, 5, 1)
    # Three registers are alone; a RAM takes eight places.
    assert found.luts == 1 + 1 + 3 + 8
    assert cell_places(netlist, "top") == {
        **{"table": 1, "sum": 1, "ram": 8},
        **{"second": 1, "later": 1, "carried": 1},
    }
