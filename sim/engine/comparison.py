"""An engine against the golden model: every number of every map that it leaves in its memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...golden.network.network import Coding, Network
from ...golden.run.records import LayerRecord
from ...golden.run.run import run_golden
from ...hw.engine.compiled import Program, map_numbers, map_trains
from ..harness_process import process_shares
from .memory_timing import SDRAM_32, MemoryTiming
from .simulation import EngineRun, run_engine


@dataclass(frozen=True)
class MapComparison:
    """A layer's map: numbers (spikes in ``rate``, or currents) compared; those that differ."""

    name: str
    numbers: int
    mismatches: int


@dataclass(frozen=True, eq=False)
class EngineComparison:
    """How an engine and the golden model compare on a set of images.

    Attributes:
        layers: of each layer.
        first_mismatch: where the first difference is, in words ("" where there is none).
        cycles: of each image: int64, (images,).
        pass_cycles: mean cycles of each pass.
        outputs: of each output, what the engine read out: int64, (images, channels, rows, columns).
    """

    layers: tuple[MapComparison, ...]
    first_mismatch: str
    cycles: np.ndarray
    pass_cycles: tuple[float, ...]
    outputs: tuple[np.ndarray, ...]

    @property
    def equal(self) -> bool:
        """Nothing differs."""
        return not any(layer.mismatches for layer in self.layers)


def compare_engine(
    network: Network,
    program: Program,
    executable: Path,
    images: np.ndarray,
    *,
    timing: MemoryTiming = SDRAM_32,
    seed: int = 1,
    processes: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> EngineComparison:
    """Run ``program`` of ``network`` on a built engine and compare all maps.

    Args:
        images: uint8, (images, channels, rows, columns).
        processes: one for each core where None.
        progress: called with the number of images newly done.

    Raises:
        MachineError: the engine hung, or reached beyond its memory.
    """
    shares = process_shares(len(images), processes)
    with ThreadPoolExecutor(len(shares)) as pool:
        parts = list(
            pool.map(
                lambda share: _part(
                    network, program, executable, images, share, timing, seed, progress
                ),
                shares,
            )
        )
    mismatches = np.sum([part.mismatches for part in parts], axis=0)
    layers = tuple(
        MapComparison(
            layer.name,
            int(np.prod(shape.output)) * max(1, place.train_steps) * len(images),
            int(differ),
        )
        for layer, shape, place, differ in zip(
            network.layers, network.shapes, program.maps, mismatches, strict=True
        )
    )
    return EngineComparison(
        layers=layers,
        first_mismatch=next((part.first for part in parts if part.first), ""),
        cycles=np.concatenate([part.run.cycles for part in parts]),
        pass_cycles=_pass_cycles([part.run for part in parts]),
        outputs=tuple(
            np.concatenate([part.outputs[output] for part in parts])
            for output in range(len(network.outputs))
        ),
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """What one process did."""

    run: EngineRun
    mismatches: np.ndarray
    first: str
    outputs: list[np.ndarray]


def _part(
    network: Network,
    program: Program,
    executable: Path,
    images: np.ndarray,
    share: tuple[int, int],
    timing: MemoryTiming,
    seed: int,
    progress: Callable[[int], None] | None,
) -> _Part:
    first_image, end = share
    shown = images[first_image:end]
    ran = run_engine(executable, program, shown, timing=timing, seed=seed, progress=progress)
    mismatches, first = np.zeros(len(network.layers), np.int64), ""
    outputs: list[list[np.ndarray]] = [[] for _ in network.outputs]
    for number, memory in enumerate(ran.memory):
        records = run_golden(network, shown[number : number + 1], record=True).layers
        for index, record in enumerate(records):
            differ = engine_map(program, memory, index) != golden_map(network, index, record)
            mismatches[index] += np.count_nonzero(differ)
            if differ.any() and not first:
                *step, channel, row, column = np.argwhere(differ)[0].tolist()
                first = (
                    f"image {first_image + number}, layer {record.name!r}, "
                    + "".join(f"step {one + 1}, " for one in step)
                    + f"channel {channel}, row {row}, column {column}"
                )
            if index in network.outputs:
                outputs[network.outputs.index(index)].append(map_numbers(program, memory, index))
    return _Part(ran, mismatches, first, [np.stack(maps) for maps in outputs])


def engine_map(program: Program, memory: np.ndarray, layer: int) -> np.ndarray:
    """What layer ``layer`` has left in memory: its trains, or else its numbers or currents."""
    of_trains = program.maps[layer].train is not None
    return (map_trains if of_trains else map_numbers)(program, memory, layer)


def golden_map(network: Network, index: int, record: LayerRecord) -> np.ndarray:
    """What the golden model says of one image to ``engine_map``.

    Returns:
        Spikes in ``rate``, (T, channels, rows, columns); numbers that ``radix`` trains spell, or
        currents, added up behind t0: int64, (channels, rows, columns).
    """
    rate = network.coding == Coding.RATE
    if record.spikes is None:
        # Of what sees the image alone one step stands for all.
        steps = network.steps if rate else 1
        currents = np.broadcast_to(record.currents[0], (steps, *record.currents.shape[2:]))
        return currents[network.delay :].sum(axis=0)
    if rate:
        return record.spikes[0].astype(np.int64)
    planes = record.spikes[0].astype(np.int64)
    worth = 1 << np.arange(len(planes) - 1, -1, -1, dtype=np.int64)
    if network.layers[index].signed:
        worth[0] = -worth[0]
    return np.tensordot(worth, planes, axes=1)


def _pass_cycles(runs: list[EngineRun]) -> tuple[float, ...]:
    """Mean cycles from the begin of each pass to that of the next one, or to the end."""
    lengths = [
        np.diff([*begun, cycles])
        for run in runs
        for begun, cycles in zip(run.passes, run.cycles.tolist(), strict=True)
    ]
    return tuple(np.mean(lengths, axis=0).tolist())
