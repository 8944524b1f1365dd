"""A board's whole design in Verilator, its serial line on a pseudo-terminal."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...golden.errors import MachineError
from ...sim.build import Sources, build_executable
from ..builds.board_top import TOP, BoardVerilog

_HARNESS, _TERMINAL = (Path(__file__).with_name(name) for name in ("board.cpp", "terminal.h"))
#: Seconds that a simulation may take to end once it is told to.
_END_SECONDS = 10


def build_board(verilog: BoardVerilog, *, optimise: str = "fast-run") -> Path:
    """Executable of a board's design, built or found in the cache.

    Raises:
        MachineError: a tool is absent, or the build failed.
    """
    return build_text(verilog.text, TOP, optimise)


def build_text(verilog: str, top: str, optimise: str = "fast-run") -> Path:
    """Executable of a design with the ports ``clk``, ``rst``, ``rx``, ``tx`` and ``busy``.

    Raises:
        MachineError: a tool is absent, or the build failed.
    """
    sources = Sources(
        verilog=verilog,
        top=top,
        control="`verilator_config\n",
        main=_HARNESS.read_text(),
        headers=terminal_headers(),
    )
    return build_executable(sources, optimise)


def terminal_headers() -> dict[str, str]:
    """Text of the header with a board's line on a pseudo-terminal, for ``Sources.headers``."""
    return {_TERMINAL.name: _TERMINAL.read_text()}


@contextmanager
def running_board(executable: Path, clocks_per_bit: float) -> Iterator[str]:
    """Run a board; gives the path of its serial port.

    Args:
        clocks_per_bit: the board's clock over the baud rate at which the host sends.

    Raises:
        MachineError: the simulation did not start, or what the design sent is no serial data.
    """
    with simulated_board([str(executable), repr(clocks_per_bit)]) as (port, _):
        yield port


@contextmanager
def simulated_board(command: list[str]) -> Iterator[tuple[str, subprocess.Popen]]:
    """Run a simulation of a board, which ends with its standard input.

    Returns:
        The path of its serial port, and the process.

    Raises:
        MachineError: the simulation did not start, or what the design sent is no serial data.
    """
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        word, _, rest = process.stdout.readline().strip().partition(" ")
        if word != "port":
            raise MachineError(f"simulated board: {rest or 'did not start'}")
        yield rest, process
    finally:
        process.stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        last = process.stdout.read().strip()
        process.stdout.close()
    if last.startswith("error"):
        raise MachineError(f"simulated board: {last.removeprefix('error ')}")
