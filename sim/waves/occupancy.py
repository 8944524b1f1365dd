"""What each layer of the pipeline does in every cycle of an image, read from a waveform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from ...golden.basics.arithmetic import ceil_div
from ...golden.errors import RheobaseError
from ...hw.design.layer_design import LayerDesign
from ...hw.verilog.generation import TOP
from ...hw.verilog.probes import probes

#: Nanoseconds of a cycle in the harness's waveforms: the clock rises in its middle.
_CYCLE = 10


class Doing(StrEnum):
    """What a layer does in a cycle; the first of them that is true."""

    ADDING = "adding"  # a lane adds a weight
    NEURONS = "waiting for its neurons"  # sums are ready that neurons or readout do not take
    HELD = "held back"  # spikes are ready that the next layers do not take
    IDLE = "waiting for its source"


@dataclass(frozen=True, eq=False)
class LayerOccupancy:
    """Cycles of one layer.

    Attributes:
        name: the layer's.
        doing: by what it did, int64 (bins,): cycles of each bin.
    """

    name: str
    doing: dict[Doing, np.ndarray]


@dataclass(frozen=True, eq=False)
class Occupancy:
    """Of a pipeline while an image goes through it.

    Attributes:
        cycles: from the image's first pixel to its last result.
        edges: int64, (bins + 1,): first cycle of each bin, and ``cycles``.
        layers: first to last.
    """

    cycles: int
    edges: np.ndarray
    layers: tuple[LayerOccupancy, ...]


def read_occupancy(path: Path, designs: Sequence[LayerDesign], bins: int = 240) -> Occupancy:
    """What the layers did in the waveform ``path`` that ``record_waves`` wrote.

    Args:
        designs: of the accelerator that was simulated.
        bins: at most; each of at least one cycle.

    Raises:
        RheobaseError: the file is no waveform of that accelerator.
    """
    from pywellen import Waveform

    try:
        file = Waveform(str(path))
        clock = _changes(file, "TOP.clk")[0]
    except Exception as error:  # its errors are its own, and of several kinds
        raise RheobaseError(f"{path}: no waveform of an accelerator ({error})") from error
    names = {variable.full_name for variable in file.all_vars()}
    first = ceil_div(int(clock[0]), _CYCLE)
    cycles = int(clock[-1]) // _CYCLE - first + 1
    times = _CYCLE * (first + np.arange(cycles))
    edges = np.linspace(0, cycles, min(bins, cycles) + 1).round().astype(np.int64)

    def at(name: str) -> np.ndarray:
        """A signal in every cycle; zeros where the layer has no such signal."""
        if name not in names:
            return np.zeros(cycles, bool)
        moments, values = _changes(file, name)
        place = np.searchsorted(moments, times, side="right") - 1
        return np.where(place >= 0, values[np.maximum(place, 0)], False)

    layers = []
    for index, probe in enumerate(probes(designs)):
        group = f"TOP.{TOP}.layer{index}.group.sums__"
        ends = [f"TOP.{TOP}.layer{index}.scores__valid", f"TOP.{TOP}.layer{index}.scores__ready"]
        if probe.word:
            ends = [f"TOP.{TOP}.{probe.valid}", f"TOP.{TOP}.{probe.ready}"]
        left = np.ones(cycles, bool)
        doing = {}
        for what, active in (
            (Doing.ADDING, at(f"TOP.{TOP}.{probe.accumulating}")),
            (Doing.NEURONS, at(f"{group}valid") & ~at(f"{group}ready")),
            (Doing.HELD, at(ends[0]) & ~at(ends[1])),
            (Doing.IDLE, np.ones(cycles, bool)),
        ):
            doing[what] = np.add.reduceat((active & left).astype(np.int64), edges[:-1])
            left &= ~active
        layers.append(LayerOccupancy(probe.layer, doing))
    return Occupancy(cycles, edges, tuple(layers))


def _changes(file, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Moments at which a signal changes, and whether it is not zero from then on."""
    signal = file[name].signal
    changes = [signal[number] for number in range(len(signal))]
    moments = np.array([moment for moment, _ in changes], np.int64)
    return moments, np.array([str(value).isdigit() and int(value) != 0 for _, value in changes])
