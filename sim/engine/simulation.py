"""An engine in Verilator: built once, then any program."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...golden.errors import MachineError
from ...hw.engine.compiled import Program, image_words
from ...hw.engine.design import EngineDesign
from ...hw.engine.engine import Engine
from ...hw.engine.memory_port import CommandLayout
from ...hw.verilog.generation import to_verilog
from ..build import Sources, build_executable
from ..harness_headers import harness_headers
from .memory_timing import SDRAM_32, MemoryTiming

#: C++ program that drives an engine and is the memory behind it.
HARNESS = Path(__file__).with_name("harness.cpp")
_MEMORY = Path(__file__).with_name("memory.h")


@dataclass(frozen=True)
class EngineRun:
    """What an engine did.

    Attributes:
        cycles: of each image: int64, (images,).
        passes: of each image, cycles from its start at which its passes begin.
        memory: the memory after each image: uint32, (images, words).
    """

    cycles: np.ndarray
    passes: tuple[tuple[int, ...], ...]
    memory: np.ndarray


def build_engine(design: EngineDesign, optimise: str = "fast-run") -> Path:
    """Executable of an engine, from the cache where it was built before.

    Raises:
        MachineError: a tool is absent, or the build failed.
    """
    return build_executable(
        Sources(
            verilog=to_verilog(Engine(design), "top"),
            top="top",
            control="`verilator_config\n",
            main=HARNESS.read_text(),
            headers=memory_headers(),
        ),
        optimise=optimise,
    )


def memory_headers() -> dict[str, str]:
    """Texts of the memory behind a simulated engine, for ``Sources.headers``."""
    command = CommandLayout()
    # Fields of a memory port's command, from the lowest bit on.
    widths = {name: command[name].width for name in ("address", "count")}
    port = "".join(f"constexpr int {name.upper()}_BITS = {n};\n" for name, n in widths.items())
    return {"port.h": port, _MEMORY.name: _MEMORY.read_text(), **harness_headers()}


def run_engine(
    executable: Path,
    program: Program,
    images: np.ndarray,
    *,
    timing: MemoryTiming = SDRAM_32,
    seed: int = 1,
    progress: Callable[[int], None] | None = None,
) -> EngineRun:
    """Run ``program`` over images, one after another.

    Args:
        images: uint8, (images, channels, rows, columns).
        progress: called with 1 for each image.

    Raises:
        MachineError: the engine hung, or reached beyond the memory.
    """
    memory = program.memory()
    with tempfile.TemporaryDirectory(prefix="rheobase-engine-") as scratch:
        folder = Path(scratch)
        memory.astype("<u4").tofile(folder / "memory")
        words = [image_words(program, image) for image in images]
        head = np.array([len(words[0])], "<u4")
        np.concatenate([head, *words]).astype("<u4").tofile(folder / "images")
        numbers = [
            program.program_base, len(program.passes), program.weights_base, len(program.weights),
            len(memory), *timing.numbers, seed,
        ]  # fmt: skip
        command = [
            str(executable), "memory", "images", str(program.image_base), "results",
            *map(str, numbers),
        ]  # fmt: skip
        cycles, passes, begun, problem = [], [], [], ""
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                word, _, rest = line.strip().partition(" ")
                if word == "pass":
                    begun.append(int(rest))
                elif word == "image":
                    cycles.append(int(rest))
                    passes.append(tuple(begun))
                    begun = []
                    if progress is not None:
                        progress(1)
                elif word == "error":
                    problem = rest
        if problem or process.returncode:
            reason = problem or f"the simulation ended with status {process.returncode}"
            raise MachineError(f"engine: {reason}")
        found = np.fromfile(folder / "results", "<u4").reshape(len(images), len(memory))
    return EngineRun(np.array(cycles, np.int64), tuple(passes), found)
