"""One process of the harness: images in, files of results and spikes out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..golden.errors import MachineError
from ..golden.network.network import Network
from ..golden.run.run import check_setting
from ..hw.design.folding import Folding
from ..hw.design.layer_design import LayerDesign, network_design
from .waves.wave_format import WaveFormat

#: C++ program that drives an accelerator over a set of images.
HARNESS = Path(__file__).with_name("harness.cpp")


@dataclass(frozen=True)
class BuiltSimulation:
    """A simulation that is ready to run.

    Attributes:
        files: what the Verilog reads by name, contents of memories.
        waves: format of the waveforms that it can write, if any.
    """

    network: Network
    folding: Folding
    executable: Path
    files: tuple[Path, ...] = ()
    waves: WaveFormat | None = None

    @cached_property
    def design(self) -> tuple[LayerDesign, ...]:
        """Its layers, as they are built."""
        return network_design(self.network, self.folding)


class SimulationError(MachineError):
    """The hardware hung or broke a stream rule.

    Attributes:
        image: number of the one that it was about to answer; None where the run itself failed.
    """

    def __init__(self, message: str, image: int | None):
        super().__init__(message)
        self.image = image

    def __reduce__(self) -> tuple[type, tuple[str, int | None]]:
        """It comes back from other processes."""
        return type(self), (str(self), self.image)


@dataclass(frozen=True)
class Stalls:
    """Cycles in which nothing is offered or taken, drawn at random.

    Attributes:
        gap, stall: percentage of cycles without a pixel, and without a taken result.
        seed: of the process.
    """

    gap: int
    stall: int
    seed: int


@dataclass(frozen=True)
class Waves:
    """Waveforms that a process writes; the run ends with them.

    Attributes:
        file: absolute path.
        first, count: images.
    """

    file: Path
    first: int
    count: int


def run_process(
    built: BuiltSimulation,
    folder: Path,
    images: np.ndarray,
    settings: np.ndarray,
    stalls: Stalls,
    *,
    recorded: int = 0,
    waves: Waves | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[int, list[int]]:
    """Cycles, and accumulations of each connection; results and spikes are files in ``folder``.

    Args:
        settings: T and t0 of each image, see ``image_settings``.
        recorded: images whose spikes are written.
        progress: called with the number of images newly done.

    Raises:
        SimulationError: the hardware hung or broke a stream rule, or the process failed.
    """
    np.ascontiguousarray(images.transpose(0, 2, 3, 1)).tofile(folder / "images")
    settings.tofile(folder / "settings")
    for file in built.files:
        (folder / file.name).symlink_to(file.resolve())
    command = [
        str(built.executable),
        "images",
        "settings",
        "results",
        "spikes",
        str(recorded),
        str(stalls.gap),
        str(stalls.stall),
        str(stalls.seed),
    ]
    if waves is not None:
        command += [str(waves.file), str(waves.first), str(waves.count)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    done, cycles, accumulations, error, failed = 0, 0, [], "", None
    for line in process.stdout:
        word, _, rest = line.strip().partition(" ")
        if word == "done":
            if progress is not None:
                progress(int(rest) - done)
            done = int(rest)
        elif word == "cycles":
            cycles = int(rest)
        elif word == "accumulations":
            accumulations.append(int(rest))
        elif word == "failed":
            failed = int(rest)
        elif word == "error":
            error = rest
    if process.wait() or error:
        reason = error or f"ended with status {process.returncode}"
        raise SimulationError(f"simulation: {reason}", failed)
    return cycles, accumulations


def image_settings(
    network: Network,
    count: int,
    steps: int | Sequence[int] | None,
    delay: int | Sequence[int] | None,
) -> np.ndarray:
    """T and t0 of each image, int32 (images, 2); the network's own where None."""
    checked = [check_setting(network, _one(steps, i), _one(delay, i)) for i in range(count)]
    return np.array(checked, dtype=np.int32).reshape(count, 2)


def process_shares(count: int, processes: int | None) -> list[tuple[int, int]]:
    """Ranges of images per process, of which there is one per core where None."""
    processes = max(1, min(processes or os.cpu_count() or 1, count))
    bounds = [count * index // processes for index in range(processes + 1)]
    return [(start, end) for start, end in pairwise(bounds) if end > start]


def _one(setting: int | Sequence[int] | None, image: int) -> int | None:
    """The setting of one image."""
    if setting is None or isinstance(setting, int):
        return setting
    return int(setting[image])
