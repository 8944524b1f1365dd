"""Runs Verilog in Icarus Verilog, which has four states, and both languages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

#: The generations of the language that a project may be in: Verilog-2005, SystemVerilog-2012.
LANGUAGES = ("2005", "2012")
_REGISTER = re.compile(r"^( *reg (?:\[[^]]*\] )?(?:\\\S+|\w+) *) = [^;]+;$", re.MULTILINE)


def run_icarus(
    folder: Path, sources: list[str], language: str, defines: Mapping[str, int], top: str
) -> str:
    """What a simulation of the files ``sources`` in ``folder`` prints.

    Skips the test where Icarus is not installed; where ``CI`` is "true", fails it.
    """
    compiler = shutil.which("iverilog")
    if compiler is None:
        reason = "Icarus Verilog is not installed (apt-get install iverilog)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    options = [f"-D{name}={value}" for name, value in defines.items()]
    program = f"{top}_{language}.vvp"
    _run([compiler, f"-g{language}", "-s", top, "-o", program, *options, *sources], folder)
    return _run(["vvp", "-n", program], folder)


def without_initial_values(verilog: str) -> str:
    """``verilog`` whose registers are x at power-up; memories keep their content."""
    changed, count = _REGISTER.subn(r"\1;", verilog)
    assert count, "no register with an initial value was found"
    return changed


def _run(command: list[str], folder: Path) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr
