"""What the Verilog does in Verilator, what it takes, and what a board has."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..boards.platforms.registry import BOARDS, BoardDescription
from ..boards.platforms.registry import board as find_board
from ..building.design import Design, read_design, simulation_of
from ..golden.network.network import Network
from ..hw.design.folding import Folding
from ..hw.planning.default_folding import default_folding
from ..hw.planning.search.folding_search import Planner
from ..sim.comparison import Comparison, simulate
from ..sim.harness_process import BuiltSimulation
from ..sim.waves.occupancy import Doing, read_occupancy
from ..sim.waves.wave_format import WaveFormat, has_compression
from ..sim.waves.waves import record_waves

#: Images in front of the one that is watched, so that the pipeline is full, and behind it.
_BEFORE, _BEHIND = 3, 2


def design_of(network: Network, build: Path | None) -> Design:
    """The accelerator of the folder ``build``; what ``generate`` writes without options where None.

    Raises:
        RheobaseError: the folder is no build of this network, or was changed.
    """
    return Design(default_folding(network)) if build is None else read_design(build, network)


def measure_hardware(
    network: Network,
    design: Design,
    images: np.ndarray,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Comparison, dict[str, Any]]:
    """Simulate ``images``, compare every spike, and watch one image cycle by cycle.

    Returns:
        The comparison, and what is reported of it in JSON's types.

    Raises:
        RheobaseError: the simulation cannot be built, or the hardware hung.
    """
    built = watched_build(network, design)
    comparison = simulate(built, images, record_images=len(images), progress=progress)
    hardware = comparison.hardware
    clock = _clock(design).get("made_hz")
    return comparison, {
        "images": comparison.images,
        "equal": comparison.equal,
        "first_difference": comparison.first_mismatch,
        "spikes_compared": sum(layer.spikes for layer in comparison.layers),
        "spikes_that_differ": comparison.spike_mismatches,
        "answers_that_differ": comparison.answer_mismatches,
        "cycles_per_image": hardware.cycles_per_image,
        "latency_cycles": hardware.latency,
        "clock_hz": clock,
        "images_per_second": None if clock is None else clock / hardware.cycles_per_image,
        "pipeline": _pipeline(built, images),
    }


def watched_build(network: Network, design: Design) -> BuiltSimulation:
    """The simulation that a report runs, which can write waveforms."""
    waves = WaveFormat.FST if has_compression() else WaveFormat.VCD
    return simulation_of(network, design, optimise="fast-build", waves=waves)


def _pipeline(built: BuiltSimulation, images: np.ndarray) -> dict[str, Any]:
    """What every layer does while an image goes through, others in front of it and behind."""
    first = min(_BEFORE, len(images) - 1)
    stream = images[: first + 1 + _BEHIND]
    with tempfile.TemporaryDirectory(prefix="rheobase-report-") as folder:
        path = Path(folder) / f"image.{built.waves}"
        record_waves(built, stream, path, first=first, processes=1)
        found = read_occupancy(path, built.design)
    return {
        "image": first,
        "cycles": found.cycles,
        "edges": found.edges.tolist(),
        "doing": [doing.value for doing in Doing],
        "layers": [
            {"name": layer.name, "cycles": [layer.doing[doing].tolist() for doing in Doing]}
            for layer in found.layers
        ],
    }


def board_report(network: Network, design: Design, board: str | None) -> dict[str, Any] | None:
    """What the design takes of a board: as routed where it was built for one, else as predicted.

    Args:
        board: that is reported on where the build is for none.
    """
    manifest = design.manifest or {}
    if manifest.get("usage"):
        named = BOARDS.get(str(manifest.get("board")))
        clock = _clock(design)
        return {
            "board": manifest.get("board"),
            "title": manifest.get("board") if named is None else named.title,
            "predicted": False,
            "clock_hz": clock.get("made_hz"),
            "achieved_hz": clock.get("achieved_hz"),
            "usage": [
                {"kind": kind, "used": value["used"], "available": value["available"]}
                for kind, value in manifest["usage"].items()
            ],
        }
    return None if board is None else _predicted(network, design.folding, find_board(board))


def _clock(design: Design) -> dict[str, Any]:
    """What the manifest says of the clock; nothing where there is none."""
    return (design.manifest or {}).get("clock") or {}


def _predicted(network: Network, folding: Folding, board: BoardDescription) -> dict[str, Any]:
    area = Planner(network, family=board.family).predict(folding).area
    usage = [
        {"kind": "LUT4", "used": round(area.luts), "available": board.device.luts},
        {"kind": "block RAMs", "used": area.block_rams, "available": board.device.block_rams},
    ]
    return {
        "board": board.id,
        "title": board.title,
        "predicted": True,
        "clock_hz": board.clock,
        "achieved_hz": None,
        "usage": usage,
    }
