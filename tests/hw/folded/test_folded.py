"""Cells of an ECP5 compute what the adders' and selectors' own text says: proofs by SAT."""

import pytest

from rheobase.hw.folded.ecp5_map import ECP5_MAP, ecp5_commands
from rheobase.hw.folded.selecting_adders import SelectingAdders
from rheobase.hw.folded.selectors import Selectors
from rheobase.hw.folded.turning_adders import TurningAdders
from rheobase.hw.verilog.generation import to_verilog
from rheobase.sim.tools.eda_tools import find_tool


@pytest.mark.parametrize(
    "component",
    [SelectingAdders(2, 5), SelectingAdders(1, 6), TurningAdders(2, 5), TurningAdders(1, 4),
     Selectors(3)],
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
        "select -assert-any t:CCU2C t:PFUMX",
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
