"""Fast batch runner: whole image sets through the accelerator's Verilog in Verilator."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..golden.network.has_network import HasNetwork, network_of
from ..golden.network.network import Network
from ..golden.run.run import checked_images
from ..hw.design.folding import Folding
from ..hw.design.layer_design import network_design
from ..hw.planning.default_folding import default_folding
from ..hw.planning.search.folding_search import Planner
from ..hw.verilog.generation import TOP, generate
from ..hw.verilog.probes import probe_signals, probes
from .build import Sources, build_executable
from .design_header import control_file, design_headers
from .harness_headers import harness_headers
from .harness_process import (
    HARNESS,
    BuiltSimulation,
    SimulationError,
    Stalls,
    image_settings,
    process_shares,
    run_process,
)
from .waves.wave_format import WaveFormat

#: Clock cycles from which on a simulation that the compiler optimises is done sooner. Both the
#: compiler's time and a cycle's grow with the Verilog; measured on the demo's networks.
_LONG_RUN = 1_000_000


@dataclass(frozen=True, eq=False)
class VerilogRun:
    """What the hardware answered and how long it took.

    Attributes:
        answers, scores: of the first output, shaped as in ``golden.GoldenRun``.
        outputs: int64, (images, channels, rows, columns), one for each of the network's outputs.
        cycles_per_image: mean cycles from one image's result to the next in a stream of images;
            the whole run where there are no two in one process.
        latency: cycles from the first image's first pixel to its last result beat.
        total_cycles: of all processes together.
        accumulations: per layer, per connection, over all images; a direct lane's are the weights
            that it adds; empty where only ports are watched (``build_netlist``).
        spikes: per layer as in ``golden.LayerRecord``, None without neurons; empty where nothing
            was recorded. Steps past an image's own T are zero.
    """

    answers: np.ndarray
    scores: np.ndarray
    outputs: tuple[np.ndarray, ...]
    cycles_per_image: float
    latency: int
    total_cycles: int
    accumulations: tuple[tuple[int, ...], ...]
    spikes: tuple[np.ndarray | None, ...]

    def __repr__(self) -> str:
        return (
            f"VerilogRun of {len(self.answers)} images: {self.cycles_per_image:,.0f} cycles an "
            f"image, latency {self.latency:,}"
        )


def build_simulation(
    network: Network | HasNetwork,
    folding: Folding | None = None,
    *,
    optimise: str = "fast-run",
    verilog: str | None = None,
    files: Sequence[Path] = (),
    waves: WaveFormat | None = None,
) -> BuiltSimulation:
    """Build the simulation of ``network``'s hardware, or find it in the cache.

    Args:
        network: or a conversion.
        folding: ``default_folding``, as ``generate`` has it, where None.
        optimise: "fast-run" or "fast-build".
        verilog: text to simulate; generated where None.
        files: what ``verilog`` reads with ``$readmemh``.
        waves: for ``record_waves`` in this format; a build of its own, which runs more slowly.

    Raises:
        RheobaseError: a P or E out of range, a tool is absent, or the build failed.
    """
    network = network_of(network)
    folding = default_folding(network) if folding is None else tuple(folding)
    design = network_design(network, folding)
    sources = Sources(
        verilog=generate(network, folding) if verilog is None else verilog,
        top=TOP,
        control=control_file(probe_signals(design)),
        main=HARNESS.read_text(),
        headers={**design_headers(design), **harness_headers()},
        waves=waves,
    )
    executable = build_executable(sources, optimise)
    return BuiltSimulation(network, folding, executable, tuple(files), waves)


def sooner_build(network: Network, folding: Folding, images: int) -> str:
    """``optimise`` with which building and running ``images`` (a number of them) ends sooner."""
    cycles = images * Planner(network).predict(folding).cycles
    return "fast-build" if cycles < _LONG_RUN else "fast-run"


def run_verilog(
    built: BuiltSimulation,
    images: np.ndarray,
    *,
    steps: int | Sequence[int] | None = None,
    delay: int | Sequence[int] | None = None,
    record_images: int = 0,
    processes: int | None = None,
    gap: int = 0,
    stall: int = 0,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> VerilogRun:
    """Run ``images`` through the simulation.

    Args:
        images: uint8, (images, channels, rows, columns).
        steps, delay: T and t0, for all images or one for each; the network's own where None.
        record_images: keep the spikes of the first so many images.
        processes: simulations at a time, the images shared out among them; one per core by default.
        gap: percentage of cycles in which no pixel is offered.
        stall: percentage of cycles in which no result is taken.
        seed: of the gaps and stalls.
        progress: called with the number of images newly done.

    Raises:
        RheobaseError: bad images or settings; a ``SimulationError`` where the hardware hung or
            broke a stream rule.
    """
    shares = shares_of(
        built.network,
        images,
        steps=steps,
        delay=delay,
        record_images=record_images,
        processes=processes,
        gap=gap,
        stall=stall,
        seed=seed,
    )
    with ThreadPoolExecutor(max_workers=len(shares)) as pool:
        jobs = [pool.submit(run_share, built, share, progress) for share in shares]
        return combined(built.network, [job.result() for job in jobs])


@dataclass(frozen=True, eq=False)
class Share:
    """What one process runs.

    Attributes:
        first: number of its first image.
        settings: T and t0 of each image, see ``image_settings``.
        recorded: images whose spikes are kept, the first ones.
    """

    first: int
    images: np.ndarray
    settings: np.ndarray
    stalls: Stalls
    recorded: int


def shares_of(
    network: Network,
    images: np.ndarray,
    *,
    steps: int | Sequence[int] | None = None,
    delay: int | Sequence[int] | None = None,
    record_images: int = 0,
    processes: int | None = None,
    gap: int = 0,
    stall: int = 0,
    seed: int = 0,
) -> list[Share]:
    """``images`` shared out, with arguments as ``run_verilog`` has them.

    Raises:
        RheobaseError: bad images or settings.
    """
    images = checked_images(network, images)
    settings = image_settings(network, len(images), steps, delay)
    return [
        Share(
            start,
            images[start:end],
            settings[start:end],
            Stalls(gap, stall, seed + index),
            min(max(0, record_images - start), end - start),
        )
        for index, (start, end) in enumerate(process_shares(len(images), processes))
    ]


@dataclass(frozen=True, eq=False)
class Part:
    """What one process gave."""

    results: list[np.ndarray]  # per output (images, beats + pixels + 2), see harness.cpp
    cycles: int
    accumulations: list[int]
    spikes: list[np.ndarray | None]


def run_share(
    built: BuiltSimulation, share: Share, progress: Callable[[int], None] | None = None
) -> Part:
    """Run one process.

    Raises:
        SimulationError: see ``run_process``, with the number of the image among all shares.
    """
    with tempfile.TemporaryDirectory(prefix="rheobase-batch-") as name:
        folder = Path(name)
        try:
            cycles, accumulations = run_process(
                built,
                folder,
                share.images,
                share.settings,
                share.stalls,
                recorded=share.recorded,
                progress=progress,
            )
        except SimulationError as error:
            image = None if error.image is None else share.first + error.image
            raise SimulationError(str(error), image) from error
        results = [
            np.fromfile(folder / f"results{output}", dtype=np.int64).reshape(len(share.images), -1)
            for output in range(len(built.network.outputs))
        ]
        recorded = share.settings[: share.recorded, 0]
        spikes = _read_spikes(built, folder, recorded) if share.recorded else []
    return Part(results, cycles, accumulations, spikes)


def _read_spikes(
    built: BuiltSimulation, folder: Path, steps: np.ndarray
) -> list[np.ndarray | None]:
    """Spikes of each layer: (images, its largest T, channels, rows, columns)."""
    network = built.network
    layers: list[np.ndarray | None] = []
    for index, probe in enumerate(probes(built.design)):
        if not probe.word:
            layers.append(None)
            continue
        channels, rows, columns = network.shapes[index].output
        words = np.fromfile(folder / f"spikes{index}", dtype=np.uint8)
        words = words.reshape(-1, probe.neurons).astype(bool)
        # Of two planes of a step the first has the negative spikes.
        largest, planes = network.steps_of(index), probe.step_planes
        kind = np.int8 if planes > 1 else bool
        spikes = np.zeros((len(steps), largest, channels, rows, columns), dtype=kind)
        start = 0
        for image, asked in enumerate(steps):
            length = network.steps_of(index, int(asked))
            end = start + rows * columns * probe.groups * length * planes
            train = words[start:end].reshape(rows, columns, probe.groups, length, planes, -1)
            *negative, train = train.astype(kind).transpose(4, 3, 2, 5, 0, 1)
            train = train - negative[0] if negative else train
            spikes[image, :length] = train.reshape(length, -1, rows, columns)[:, :channels]
            start = end
        layers.append(spikes)
    return layers


def combined(network: Network, parts: Sequence[Part]) -> VerilogRun:
    """The run of all shares, from their parts in order."""
    outputs, answers = [], []
    for output, shape in enumerate(network.output_shapes):
        beats = np.concatenate([part.results[output] for part in parts])
        classes, rows, columns = shape
        pixels = rows * columns
        scores = beats[:, : pixels * classes].reshape(-1, rows, columns, classes)
        outputs.append(scores.transpose(0, 3, 1, 2))
        answers.append(beats[:, pixels * classes :][:, :pixels].reshape(-1, rows, columns))
    scores, answer = outputs[0], answers[0]
    if scores.shape[2:] == (1, 1):
        scores, answer = scores[:, :, 0, 0], answer[:, 0, 0]
    # An image is done when the last of its outputs is.
    entered = [part.results[0][:, -2] for part in parts]
    left = [np.max([result[:, -1] for result in part.results], axis=0) for part in parts]
    gaps = sum(len(done) - 1 for done in left)
    total = sum(part.cycles for part in parts)
    recorded = [part.spikes for part in parts if part.spikes]
    counters = np.sum([part.accumulations for part in parts], axis=0).tolist()
    counted = iter(counters)
    return VerilogRun(
        answers=answer,
        scores=scores,
        outputs=tuple(outputs),
        cycles_per_image=(
            float(sum(done[-1] - done[0] for done in left) / gaps)
            if gaps
            else float(total / len(scores))
        ),
        latency=int(left[0][0] - entered[0][0] + 1),
        total_cycles=total,
        accumulations=tuple(
            tuple(next(counted) for _ in layer.connections) for layer in network.layers
        )
        if counters
        else (),
        spikes=tuple(
            None if layer[0] is None else np.concatenate(layer)
            for layer in zip(*recorded, strict=True)
        ),
    )
