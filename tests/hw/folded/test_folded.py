"""Cells of an ECP5 compute what the adders' own text says: proofs by SAT."""

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from rheobase.hw.folded.ecp5_map import ECP5_MAP, ecp5_commands
from rheobase.hw.folded.own_register import OwnRegister
from rheobase.hw.folded.selecting_adders import SelectingAdders
from rheobase.hw.folded.turning_adders import TurningAdders
from rheobase.hw.verilog.generation import to_verilog
from rheobase.sim.tools.eda_tools import find_tool


@pytest.mark.parametrize(
    "component",
    [SelectingAdders(2, 5), SelectingAdders(1, 6), TurningAdders(2, 5), TurningAdders(1, 4)],
    ids=lambda component: type(component).__name__,
)  # fmt: skip
def test_cells_are_equal_to_the_text(component, tmp_path):
    (tmp_path / "cells.v").write_text(ECP5_MAP)
    name = "part_of_it"
    text = to_verilog(component, name)
    (tmp_path / "design.v").write_text(
        f"{text}\nmodule top({', '.join(component.signature.members)});\n"
        + "".join(_port(name, member, getattr(component, name))
                  for name, member in component.signature.members.items())
        + f"{name} part({', '.join(f'.{n}({n})' for n in component.signature.members)});\n"
        "endmodule\n"
    )  # fmt: skip
    script = [
        "read_verilog design.v",
        "design -save read",
        "hierarchy -top top",
        "proc",
        "flatten",
        "rename top gold",
        "design -stash gold",
        "design -load read",
        *ecp5_commands(text, "cells.v"),
        "select -assert-any t:CCU2C",
        # What the cells do, as the family's own models have it.
        "read_verilog +/lattice/common_sim.vh +/lattice/ccu2c_sim.vh",
        "hierarchy -top top",
        "proc",
        "flatten",
        "rename top gate",
        "design -stash gate",
        "design -copy-from gold gold",
        "design -copy-from gate gate",
        "miter -equiv -make_assert -flatten gold gate miter",
        "hierarchy -top miter",
        "proc",
        "opt_clean",
        "sat -verify -prove-asserts miter",
    ]
    (tmp_path / "script.ys").write_text("\n".join(script) + "\n")
    find_tool("yosys").run(["-q", "-s", "script.ys"], tmp_path)


def _port(name, member, value) -> str:
    from amaranth import Value

    direction = "input" if member.flow.name == "In" else "output"
    return f"{direction} [{len(Value.cast(value)) - 1}:0] {name};\n"


def test_registers_of_two_parts_stay_two(tmp_path):
    (tmp_path / "cells.v").write_text(ECP5_MAP)
    text = to_verilog(_TwoParts(), "part_of_it")
    (tmp_path / "design.v").write_text(text)
    script = [
        "read_verilog design.v",
        *ecp5_commands(text, "cells.v"),
        "synth_ecp5 -top part_of_it",
        "select -assert-count 6 t:TRELLIS_FF",
    ]
    (tmp_path / "script.ys").write_text("\n".join(script) + "\n")
    find_tool("yosys").run(["-q", "-s", "script.ys"], tmp_path)


class _TwoParts(wiring.Component):
    """Both need what comes in, three bits of it."""

    next: In(3)
    one: Out(3)
    other: Out(3)

    def elaborate(self, platform):
        m = Module()
        for name in ("one", "other"):
            m.submodules[name] = own = OwnRegister(3)
            m.d.comb += [own.next.eq(self.next), getattr(self, name).eq(own.now)]
        return m


@pytest.mark.quick
def test_own_register_is_a_cycle_late():
    own, given, seen = OwnRegister(4), [3, 9, 9, 0, 15], []

    async def bench(ctx):
        for value in given:
            ctx.set(own.next, value)
            await ctx.tick()
            seen.append(ctx.get(own.now))

    simulator = Simulator(own)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == given
