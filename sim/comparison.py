"""Hardware against the golden model: every answer, every score, every spike, every accumulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..golden.network import Network
from ..golden.simulation import Simulation, simulate
from ..golden.statistics import accumulations
from .batch import BatchResult, BuiltAccelerator, run


@dataclass(frozen=True)
class LayerComparison:
    """One layer: spikes compared and differing, accumulations counted by either side.

    ``golden_accumulations`` is over the recorded images, ``hardware_accumulations`` is None where
    not all images were recorded (the hardware counts all).
    """

    name: str
    spikes: int
    spike_mismatches: int
    spikes_per_neuron: float
    golden_accumulations: int
    hardware_accumulations: int | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """How hardware and golden model compare on a set of images.

    Attributes:
        images: compared by answer and scores; recorded_images: compared spike by spike.
        answer_mismatches: images whose answers differ; score_mismatches: scores that differ.
        first_mismatch: where the first difference is, in words ("" where there is none).
    """

    images: int
    recorded_images: int
    answer_mismatches: int
    score_mismatches: int
    layers: tuple[LayerComparison, ...]
    first_mismatch: str
    hardware: BatchResult
    golden: Simulation

    @property
    def spike_mismatches(self) -> int:
        return sum(layer.spike_mismatches for layer in self.layers)

    @property
    def equal(self) -> bool:
        """Nothing differs, accumulations included."""
        counts = all(
            layer.hardware_accumulations in (None, layer.golden_accumulations)
            for layer in self.layers
        )
        return counts and not (
            self.answer_mismatches or self.score_mismatches or self.spike_mismatches
        )


def compare(
    built: BuiltAccelerator,
    images: np.ndarray,
    *,
    record_images: int,
    steps: int | None = None,
    delay: int | None = None,
    progress: Callable[[int], None] | None = None,
    **stalls: int,
) -> Comparison:
    """Run ``images`` through both and compare; ``record_images`` of them spike by spike.

    Args:
        stalls: gap, stall, seed and processes of ``batch.run``.
    """
    network = built.network
    record_images = min(record_images, len(images))
    hardware = run(
        built, images, steps=steps, delay=delay, record_images=record_images,
        progress=progress, **stalls,
    )  # fmt: skip
    golden = simulate(network, images, steps=steps, delay=delay)
    recorded = simulate(network, images[:record_images], steps=steps, delay=delay, record=True)
    layers, places = _compare_layers(built, hardware, recorded, record_images == len(images))
    wrong = np.flatnonzero((hardware.scores != golden.scores).any(axis=1))
    if len(wrong):
        places.append(f"scores of image {wrong[0]}")
    return Comparison(
        images=len(images),
        recorded_images=record_images,
        answer_mismatches=int((hardware.answers != golden.answers).sum()),
        score_mismatches=int((hardware.scores != golden.scores).sum()),
        layers=tuple(layers),
        first_mismatch=places[0] if places else "",
        hardware=hardware,
        golden=golden,
    )


def _compare_layers(
    built: BuiltAccelerator, hardware: BatchResult, golden: Simulation, all_recorded: bool
) -> tuple[list[LayerComparison], list[str]]:
    network: Network = built.network
    layers, places = [], []
    for index, record in enumerate(golden.layers):
        spikes, mismatches = 0, 0
        if record.spikes is not None and len(record.spikes):
            found = hardware.spikes[index][:, : golden.steps]
            differs = found != record.spikes
            spikes, mismatches = differs.size, int(differs.sum())
            if mismatches:
                image, step, channel, row, column = map(int, np.argwhere(differs)[0])
                places.append(
                    f"layer {record.name!r}, image {image}, t = {step + 1}, channel {channel}, "
                    f"row {row}, column {column}"
                )
        counted = sum(
            int(accumulations(connection, events, built.folding[index].neurons).sum())
            for connection, events in zip(
                network.layers[index].connections, record.events, strict=True
            )
        )
        layers.append(
            LayerComparison(
                name=record.name,
                spikes=spikes,
                spike_mismatches=mismatches,
                spikes_per_neuron=record.spikes_per_neuron,
                golden_accumulations=counted,
                hardware_accumulations=hardware.accumulations[index] if all_recorded else None,
            )
        )
    return layers, places
