"""An engine behind its host link in Verilator, its serial line on a pseudo-terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...hw.engine.design import EngineDesign
from ...hw.verilog.generation import to_verilog
from ...sim.build import Sources, build_executable
from ...sim.engine.memory_timing import SDRAM_32, MemoryTiming
from ...sim.engine.simulation import memory_headers
from ..link.engine.engine_top import EngineTop
from .board import simulated_board, terminal_headers

_HARNESS = Path(__file__).with_name("engine_board.cpp")


@dataclass(frozen=True)
class EngineBoardModel:
    """An engine's board, built.

    Attributes:
        executable: of the simulation.
        memory_words: that the engine has behind it.
        clocks_per_bit: of the serial line.
    """

    executable: Path
    memory_words: int
    clocks_per_bit: float


def build_engine_board(
    design: EngineDesign, *, memory_words: int, clock: int, baud: int, optimise: str = "fast-run"
) -> EngineBoardModel:
    """Build a board's design, or find it in the cache.

    Args:
        clock: frequency, Hz.

    Raises:
        MachineError: a tool is absent, or the build failed.
    """
    top = EngineTop(design, memory_words=memory_words, clock=clock, baud=baud)
    sources = Sources(
        verilog=to_verilog(top, "top"),
        top="top",
        control="`verilator_config\n",
        main=_HARNESS.read_text(),
        headers={**memory_headers(), **terminal_headers()},
    )
    return EngineBoardModel(build_executable(sources, optimise), memory_words, clock / baud)


@contextmanager
def running_engine_board(
    model: EngineBoardModel, timing: MemoryTiming = SDRAM_32, seed: int = 1
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Run a board, with a memory that is not zero.

    Returns:
        The path of its serial port, and what resets it.

    Raises:
        MachineError: the simulation did not start, or what the design sent is no serial data.
    """
    numbers = [model.memory_words, *timing.numbers, seed]
    command = [str(model.executable), repr(model.clocks_per_bit), *map(str, numbers)]
    with simulated_board(command) as (port, process):

        def reset() -> None:
            process.stdin.write("r")
            process.stdin.flush()

        yield port, reset
