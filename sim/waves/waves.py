"""Waveforms of single images: every signal of the accelerator, cycle by cycle."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...golden.basics.field_checks import check_integer
from ...golden.basics.output_files import whole_file
from ...golden.errors import RheobaseError
from ...golden.run.run import checked_images
from ..harness_process import (
    BuiltSimulation,
    SimulationError,
    Stalls,
    Waves,
    image_settings,
    process_shares,
    run_process,
)
from .wave_format import wave_format


def record_waves(
    built: BuiltSimulation,
    images: np.ndarray,
    path: Path,
    *,
    first: int = 0,
    count: int = 1,
    steps: int | Sequence[int] | None = None,
    delay: int | Sequence[int] | None = None,
    processes: int | None = None,
    gap: int = 0,
    stall: int = 0,
    seed: int = 0,
) -> None:
    """Write all signals of some images of a ``run_verilog`` with the same arguments.

    What went before the first of them is run too, so that they meet the hardware as they did then.
    A cycle is ten nanoseconds: the clock rises in its middle. Where the hardware hangs or breaks a
    stream rule, the file ends there.

    Args:
        built: with ``waves``.
        path: file to write, whole or not at all.
        first, count: images from the first pixel of the one to the last result of the last.

    Raises:
        RheobaseError: no such images, ``path`` cannot be written, or its name ends in another
            format than ``built`` writes; a ``SimulationError`` where the run itself failed.
    """
    if wave_format(path) is not built.waves:
        raise RheobaseError(f"{path}: the simulation was built for {built.waves or 'no waveforms'}")
    network = built.network
    images = checked_images(network, images)
    check_integer("waveforms", "first image", first, 0, len(images) - 1)
    check_integer("waveforms", "images", count, 1, len(images) - first)
    settings = image_settings(network, len(images), steps, delay)
    shares = process_shares(len(images), processes)
    index, start, end = next((n, *share) for n, share in enumerate(shares) if share[1] > first)
    end = max(end, first + count)
    with (
        tempfile.TemporaryDirectory(prefix="rheobase-batch-") as folder,
        whole_file(path) as file,
    ):
        try:
            run_process(
                built,
                Path(folder),
                images[start:end],
                settings[start:end],
                Stalls(gap, stall, seed + index),
                waves=Waves(file.resolve(), first - start, count),
            )
        except SimulationError as error:
            # A failure of the hardware is what one looks at waveforms for.
            if error.image is None:
                raise
