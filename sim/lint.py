"""Checks of generated Verilog that need no simulation: Verilator's lint, yosys' structure."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..golden.basics.programs import start_program
from ..golden.errors import MachineError
from .tools.eda_tools import find_tool
from .tools.toolchain import find_toolchain

#: Cells that must not occur, by what they are.
_FORBIDDEN = {
    "multiplier": "t:$mul t:$macc t:$macc_v2 t:$div t:$mod t:$divfloor t:$modfloor t:$pow",
    "latch": "t:$dlatch t:$adlatch t:$dlatchsr t:$sr",
    "tristate": "t:$tribuf",
}


@dataclass(frozen=True)
class Structure:
    """What yosys counts in a design.

    Attributes:
        forbidden: cells by kind (multipliers, latches, tristate buffers).
        loops: combinational loops, module borders notwithstanding.
        problems: what its ``check`` reports (undriven or conflicting wires, loops in a module).
    """

    forbidden: dict[str, int]
    loops: int
    problems: int

    @property
    def clean(self) -> bool:
        return not (self.loops or self.problems or any(self.forbidden.values()))


def lint(verilog: str, top: str, *options: str) -> list[str]:
    """Verilator's lint warnings: of those that are on by default, or with ``options``, "-Wall" say.

    Raises:
        MachineError: Verilator is absent.
    """
    tools = find_toolchain()
    with tempfile.TemporaryDirectory(prefix="rheobase-lint-") as folder:
        path = Path(folder) / "design.v"
        path.write_text(verilog)
        command = [
            str(tools.verilator),
            "--lint-only",
            "-Wno-fatal",
            *options,
            "--top-module",
            top,
            str(path),
        ]
        ran = start_program(command, environment=tools.environment)
    return [line for line in ran.output.splitlines() if line.startswith(("%Warning", "%Error"))]


def structure(verilog: str, top: str) -> Structure:
    """Multipliers, latches and combinational loops that yosys finds in ``verilog``.

    Raises:
        MachineError: yosys does not accept the design.
    """
    selections = [
        f"tee -q -o {kind}.txt select -count {cells}" for kind, cells in _FORBIDDEN.items()
    ]
    script = [
        "read_verilog design.v",
        f"hierarchy -check -top {top}",
        "proc",
        "tee -q -o check.txt check",
        # Loops through module borders show only in the flat design.
        "flatten",
        "opt_clean",
        *selections,
        "tee -q -o loops.txt scc",
    ]
    with tempfile.TemporaryDirectory(prefix="rheobase-yosys-") as folder:
        path = Path(folder)
        (path / "design.v").write_text(verilog)
        (path / "script.ys").write_text("\n".join(script))
        find_tool("yosys").run(["-q", "-s", "script.ys"], path, f"yosys on {top}")
        forbidden = {
            kind: int((path / f"{kind}.txt").read_text().split()[0]) for kind in _FORBIDDEN
        }
        loops = _count(path / "loops.txt", r"Found (\d+) SCCs?")
        problems = _count(path / "check.txt", r"Found and reported (\d+) problems")
    return Structure(forbidden=forbidden, loops=loops, problems=problems)


def _count(report: Path, pattern: str) -> int:
    """The number in the last line of ``report`` that matches."""
    counts = re.findall(pattern, report.read_text())
    if not counts:
        raise MachineError(f"yosys: {report.name} holds no line like {pattern!r}")
    return int(counts[-1])
