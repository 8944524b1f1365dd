"""Hardware against the golden model: every answer, every score, every spike, every accumulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..golden.basics.html_table import html_table
from ..golden.network.has_network import HasNetwork, network_of
from ..golden.network.network import Network
from ..golden.run.run import GoldenRun, run_golden
from ..golden.run.statistics import accumulations
from ..hw.design.connection_design import ConnectionDesign
from ..hw.design.folding import Folding
from ..hw.design.layer_design import LayerDesign
from ..hw.planning.default_folding import default_folding
from .batch import BuiltSimulation, VerilogRun, build_simulation, run_verilog, sooner_build

#: Images that are compared spike by spike where nothing else is asked for.
RECORDED_IMAGES = 100


@dataclass(frozen=True)
class LayerComparison:
    """One layer: spikes compared and differing, accumulations counted by either side.

    ``lanes`` (E, 0 where the lane is direct) and accumulations are per connection.
    ``golden_accumulations`` is over the recorded images, ``hardware_accumulations`` is None where
    not all images were recorded (the hardware counts all).
    """

    name: str
    spikes: int
    spike_mismatches: int
    spikes_per_neuron: float
    lanes: tuple[int, ...]
    golden_accumulations: tuple[int, ...]
    hardware_accumulations: tuple[int, ...] | None


@dataclass(frozen=True)
class _Place:
    """Where hardware and golden model differ."""

    image: int
    words: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """How hardware and golden model compare on a set of images.

    Attributes:
        images: compared by answer and scores; recorded_images: compared spike by spike.
        answer_mismatches: answers (of the first output) that differ; score_mismatches: scores
            that differ, in all outputs.
        first_mismatch: where the first difference is, in words ("" where there is none).
        first_image: number of the image that it is in (None where there is none).
    """

    images: int
    recorded_images: int
    answer_mismatches: int
    score_mismatches: int
    layers: tuple[LayerComparison, ...]
    first_mismatch: str
    first_image: int | None
    hardware: VerilogRun
    golden: GoldenRun

    def __repr__(self) -> str:
        if self.equal:
            found = "equal"
        else:
            found = (
                f"DIFFERENT, {self.answer_mismatches} answers, {self.score_mismatches} scores, "
                f"{self.spike_mismatches} spikes, first at {self.first_mismatch}"
            )
        compared = sum(layer.spikes for layer in self.layers)
        return f"Comparison of {self.images} images, {compared:,} spikes: {found}"

    def _repr_html_(self) -> str:
        columns = ("layer", "spikes", "spikes that differ", "spikes per neuron", "accumulations")
        rows = [
            [
                layer.name,
                f"{layer.spikes:,}",
                f"{layer.spike_mismatches:,}",
                f"{layer.spikes_per_neuron:.2f}",
                " + ".join(f"{count:,}" for count in layer.golden_accumulations),
            ]
            for layer in self.layers
        ]
        return html_table(repr(self), columns, rows)

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


def simulate(
    hardware: BuiltSimulation | Network | HasNetwork,
    images: np.ndarray,
    folding: Folding | None = None,
    *,
    record_images: int = RECORDED_IMAGES,
    steps: int | None = None,
    delay: int | None = None,
    progress: Callable[[int], None] | None = None,
    **stalls: int,
) -> Comparison:
    """Run ``images`` through the Verilog and the golden model, and compare.

    Args:
        hardware: what ``build_simulation`` made; or a network or conversion, which is built then.
        images: uint8, (images, channels, rows, columns).
        folding: of a network; ``default_folding``, as ``generate`` has it, where None.
        record_images: so many are compared spike by spike, the others by answers and scores.
        steps, delay: T and t0; the network's own where None.
        progress: called with the number of images newly done.
        stalls: gap, stall, seed and processes of ``batch.run_verilog``.

    Raises:
        RheobaseError: what ``build_simulation`` and ``run_verilog`` raise.
    """
    if isinstance(hardware, BuiltSimulation):
        built = hardware
    else:
        network = network_of(hardware)
        folding = default_folding(network) if folding is None else tuple(folding)
        optimise = sooner_build(network, folding, len(images))
        built = build_simulation(network, folding, optimise=optimise)
    network = built.network
    record_images = min(record_images, len(images))
    ran = run_verilog(
        built,
        images,
        steps=steps,
        delay=delay,
        record_images=record_images,
        progress=progress,
        **stalls,
    )
    golden = run_golden(network, images, steps=steps, delay=delay)
    recorded = run_golden(network, images[:record_images], steps=steps, delay=delay, record=True)
    return compared(built.design, ran, golden, recorded)


def compared(
    design: tuple[LayerDesign, ...], ran: VerilogRun, golden: GoldenRun, recorded: GoldenRun
) -> Comparison:
    """Compare what the hardware of ``design`` did with the golden model.

    Args:
        golden: on all images.
        recorded: with records, on the first of them, whose spikes ``ran`` has too.
    """
    images, record_images = len(golden.answers), len(recorded.answers)
    layers, places = _compare_layers(design, ran, recorded, record_images == images)
    score_mismatches = 0
    for found, expected in zip(ran.outputs, golden.outputs, strict=True):
        differs = found != expected
        score_mismatches += int(differs.sum())
        if differs.any():
            image = int(np.argwhere(differs)[0][0])
            places.append(_Place(image, f"scores of image {image}"))
    return Comparison(
        images=images,
        recorded_images=record_images,
        answer_mismatches=int((ran.answers != golden.answers).sum()),
        score_mismatches=score_mismatches,
        layers=tuple(layers),
        first_mismatch=places[0].words if places else "",
        first_image=places[0].image if places else None,
        hardware=ran,
        golden=golden,
    )


def _compare_layers(
    design: tuple[LayerDesign, ...], hardware: VerilogRun, golden: GoldenRun, all_recorded: bool
) -> tuple[list[LayerComparison], list[_Place]]:
    layers, places = [], []
    for index, record in enumerate(golden.layers):
        spikes, mismatches = 0, 0
        if record.spikes is not None and len(record.spikes):
            found = hardware.spikes[index][:, : record.spikes.shape[1]]
            differs = found != record.spikes
            spikes, mismatches = differs.size, int(differs.sum())
            if mismatches:
                image, step, channel, row, column = map(int, np.argwhere(differs)[0])
                words = (
                    f"layer {record.name!r}, image {image}, t = {step + 1}, channel {channel}, "
                    f"row {row}, column {column}"
                )
                places.append(_Place(image, words))
        counted = tuple(
            lane_accumulations(connection, golden) for connection in design[index].connections
        )
        layers.append(
            LayerComparison(
                name=record.name,
                spikes=spikes,
                spike_mismatches=mismatches,
                spikes_per_neuron=record.spikes_per_neuron,
                lanes=design[index].lanes,
                golden_accumulations=counted,
                hardware_accumulations=hardware.accumulations[index] if all_recorded else None,
            )
        )
    return layers, places


def lane_accumulations(design: ConnectionDesign, golden: GoldenRun) -> int:
    """What the lanes of a connection add, over all recorded images.

    An event lane adds once for each group of P neurons (``golden.statistics.accumulations``);
    pixels beside spikes in ``rate`` are added anew at each step. A direct lane adds a weight for
    each neuron that sees the event, a graph lane a plane of a window, a serial layer an event for
    each group. A streamed readout leaves out the steps up to t0, as a serial one does.
    """
    connection, events = design.connection, golden.layers[design.index].events[design.number]
    if design.streamed or (design.serial and not design.pixels):
        counted = _seen_spikes(design, golden)
        return counted * design.groups if design.serial else counted
    if design.serial:
        return int(events.sum()) * design.groups
    if design.graph:
        rows, columns = design.sliding.windows
        planes = design.step_planes * (
            1 if design.pixels else golden.layers[connection.source].spikes.shape[1]
        )
        return len(golden.answers) * rows * columns * planes
    if design.direct:
        return int(events.sum()) * (connection.out_channels // connection.groups)
    counted = int(accumulations(connection, events, design.neurons).sum())
    return counted * (golden.steps if design.repeats > 1 else 1)


def _seen_spikes(design: ConnectionDesign, golden: GoldenRun) -> int:
    """Spikes of the source that a connection sees, behind t0."""
    connection = design.connection
    spikes = golden.layers[connection.source].spikes[:, golden.delay :]
    seen = slice(connection.in_start, connection.in_start + connection.in_channels)
    rows, columns = list(design.part.rows), list(design.part.columns)
    return int(np.count_nonzero(spikes[:, :, seen][..., rows, :][..., columns]))
