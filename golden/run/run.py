"""The golden model: an integer network run exactly, in NumPy (docs/meaning.md)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..basics.arithmetic import ceil_div
from ..errors import RheobaseError
from ..network.has_network import HasNetwork, network_of
from ..network.limits import check_memory
from ..network.network import Network
from ..network.time_checks import check_delay, check_steps
from .batch import BatchRunner, bytes_per_image
from .records import LayerRecord, joined

#: Memory that the spikes and currents of one batch may take, and those of all threads, in bytes.
BATCH_BYTES, MEMORY_BYTES = 64 * 2**20, 2**30
#: Most images in a batch; more gain no speed.
MAX_BATCH = 64


@dataclass(frozen=True, eq=False)
class GoldenRun:
    """Answers of a network.

    Attributes:
        answers: int64, (images,): channel of the first output with the largest score, the lowest
            one on a tie; (images, rows, columns) where its map is larger than 1 x 1.
        scores: int64, (images, classes): counts or summed currents of the first output;
            (images, classes, rows, columns) where its map is larger than 1 x 1.
        outputs: int64, (images, channels, rows, columns), one for each of the network's outputs.
        steps, delay: T and t0 that were used.
        layers: one record per layer where they were asked for, else empty.
    """

    answers: np.ndarray
    scores: np.ndarray
    outputs: tuple[np.ndarray, ...]
    steps: int
    delay: int
    layers: tuple[LayerRecord, ...] = ()

    def __repr__(self) -> str:
        setting = f"T = {self.steps}, t0 = {self.delay}"
        recorded = f", {len(self.layers)} layers recorded" if self.layers else ""
        return f"GoldenRun of {len(self.answers)} images, {setting}{recorded}"


def run_golden(
    network: Network | HasNetwork,
    images: np.ndarray,
    *,
    steps: int | None = None,
    delay: int | None = None,
    record: bool = False,
    batch_size: int | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> GoldenRun:
    """Run ``network`` on ``images``.

    Args:
        network: or a conversion.
        images: uint8, (images, channels, rows, columns).
        steps, delay: T and t0; the network's own where None (t0 at most T - 1 then). A layer with
            a T of its own never fires more planes than ``steps``.
        record: keep every layer's spikes, currents and event counts.
        batch_size: images at a time, at most; fewer where memory would not stay bounded.
        threads: batches at a time, at most; as many as there are cores where None.
        progress: called with the number of images that each batch finished.

    Raises:
        RheobaseError: images of another shape or type, T or t0 out of range; a ``MachineError``
            where there is too little memory for one image.
    """
    network = network_of(network)
    images = checked_images(network, images)
    steps, delay = check_setting(network, steps, delay)
    runner = BatchRunner(network, steps, delay, record)
    # The empty parts give the results their shapes where there are no images.
    parts = [tuple(np.zeros((0, *shape), np.int64) for shape in network.output_shapes)]
    records = []
    threads, size = split(
        network, steps, len(images), batch_size=batch_size, threads=threads or _cores()
    )
    # An empty batch has records too: of every layer, with no image in them.
    starts = range(0, max(len(images), int(record)), size)
    batches = [images[start : start + size] for start in starts]
    with ThreadPoolExecutor(threads) as pool:
        for batch, (outputs, layers) in zip(batches, pool.map(runner.run, batches), strict=True):
            parts.append(outputs)
            records.append(layers)
            if progress is not None:
                progress(len(batch))
    return _of_parts(parts, records if record else [], steps, delay)


def joined_runs(runs: Sequence[GoldenRun]) -> GoldenRun:
    """One run of all images, from runs of a network on parts of them, in order."""
    return _of_parts(
        [run.outputs for run in runs],
        [list(run.layers) for run in runs if run.layers],
        runs[0].steps,
        runs[0].delay,
    )


def _of_parts(
    parts: Sequence[tuple[np.ndarray, ...]],
    records: list[list[LayerRecord]],
    steps: int,
    delay: int,
) -> GoldenRun:
    outputs = tuple(np.concatenate(part) for part in zip(*parts, strict=True))
    scores = outputs[0]
    if scores.shape[2:] == (1, 1):
        scores = scores[:, :, 0, 0]
    return GoldenRun(
        answers=scores.argmax(axis=1),
        scores=scores,
        outputs=outputs,
        steps=steps,
        delay=delay,
        layers=joined(records) if records else (),
    )


def with_rows(images: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """``images`` for maps of ``shape``: (images, channels, length) become maps of one row."""
    return images[:, :, None] if images.ndim == 3 and tuple(shape)[1:2] == (1,) else images


def checked_images(network: Network, images: np.ndarray) -> np.ndarray:
    """``images`` as maps; ``RheobaseError`` unless they are what ``network`` takes.

    Rows of values (images, channels, length) are maps of one row.
    """
    if not isinstance(images, np.ndarray) and hasattr(images, "__array__"):
        images = np.asarray(images)  # a torch tensor, without importing torch
    if isinstance(images, np.ndarray):
        images = with_rows(images, network.input_shape)
    if (
        not isinstance(images, np.ndarray)
        or images.dtype != np.uint8
        or (images.shape[1:] != network.input_shape or images.ndim != 4)
    ):
        found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images)
        channels, rows, columns = network.input_shape
        raise RheobaseError(
            f"images: {found}, must be uint8 (images, {channels}, {rows}, {columns})"
        )
    return images


def check_setting(network: Network, steps: int | None, delay: int | None) -> tuple[int, int]:
    """T and t0 to use; ``RheobaseError`` where one is out of range."""
    steps = network.steps if steps is None else steps
    check_steps("", network.coding, steps, network.steps)
    delay = min(network.delay, steps - 1) if delay is None else delay
    return steps, check_delay("", network.coding, delay, steps)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def split(
    network: Network, steps: int, images: int, *, batch_size: int | None, threads: int
) -> tuple[int, int]:
    """Threads and images per batch that stay within ``MEMORY_BYTES`` if single images do.

    Raises:
        MachineError: this machine has not the memory that one image takes.
    """
    each = bytes_per_image(network, steps)
    check_memory(f"an image at T = {steps}", each)
    threads = max(1, min(threads, MEMORY_BYTES // each))
    memory = min(BATCH_BYTES, MEMORY_BYTES // threads)
    size = min(MAX_BATCH, memory // each, ceil_div(images, threads))
    return threads, max(1, size if batch_size is None else min(size, batch_size))
