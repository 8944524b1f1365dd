"""A network file's hardware against the golden model in Verilator, one line of JSON each figure.

    rheobase convert examples/resnet20.py:resnet20 ... -o resnet20.safetensors
    python -m benchmarks.network_hardware resnet20.safetensors --images FOLDER [--board ulx3s-85f]
    python -m benchmarks.network_hardware resnet20.safetensors --images FOLDER --build BUILD

Every answer on 50 images, every spike of every layer on the first 3; cycles per image, events and
lane utilisation. The folding is the one that `rheobase build --board` chooses, or the default one
for --adders, from the events of the first images; with --build (what `rheobase build` made) the
very Verilog of a bitstream runs.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from rheobase.boards.builds.output import built_folding
from rheobase.boards.platforms.registry import board
from rheobase.building.folding_plan import CALIBRATION_IMAGES, budgets
from rheobase.converter.data.data import load_images
from rheobase.golden.files.file import load_network
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.planning.event_counts import counted_events
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.hw.verilog.generation import generate
from rheobase.options.folding import FoldingOptions
from rheobase.sim.batch import build_simulation
from rheobase.sim.comparison import simulate

from .figures import show

#: Lane utilisation of the slowest layer that is to be reached.
UTILISATION = 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", type=Path)
    parser.add_argument("--images", required=True, help="folder of class folders")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--recorded", type=int, default=3)
    parser.add_argument("--board", help="whose device is filled; else --adders")
    parser.add_argument("--luts", type=int, help="as `rheobase build --luts`")
    parser.add_argument("--build", type=Path, help="folder that `rheobase build` made")
    parser.add_argument("--adders", type=int, default=600)
    parser.add_argument("--optimise", default="fast-run", choices=["fast-run", "fast-build"])
    arguments = parser.parse_args()
    network = load_network(arguments.network)
    shown = load_images(arguments.images, shape=network.input_shape, limit=arguments.count)
    images, recorded = shown.images[: arguments.count], arguments.recorded
    planner = Planner(network, counted_events(network, images[:CALIBRATION_IMAGES]))
    if arguments.build is not None:
        plan = planner.predict(built_folding(arguments.build))
    elif arguments.board is None:
        plan = planner.predict(default_folding(network, planner.events, arguments.adders))
    else:
        options = FoldingOptions(board=board(arguments.board), luts=arguments.luts)
        plan = planner.fastest(budgets(network, options)[0])
        if plan is None:
            parser.error(f"{arguments.network}: does not fit {arguments.board}")
    folding = plan.folding
    prefix = f"{network.name}_{network.coding.value}{network.steps}"
    start = time.perf_counter()
    if arguments.build is None:
        text = generate(network, folding)
    else:
        text = (arguments.build / "accelerator.v").read_text()
    show(f"{prefix}_verilog_seconds", time.perf_counter() - start, "s", None)
    show(f"{prefix}_verilog_bytes", len(text), "bytes", None)
    built = build_simulation(network, folding, optimise=arguments.optimise, verilog=text)
    exact = simulate(built, images[:recorded], record_images=recorded, processes=1)
    whole = simulate(built, images, record_images=0)
    cycles = whole.hardware.cycles_per_image
    show(f"{prefix}_spikes_compared", sum(layer.spikes for layer in exact.layers), "", None)
    show(f"{prefix}_spike_mismatches", exact.spike_mismatches, "", 0)
    show(f"{prefix}_events_differ", float(not exact.equal), "", 0)
    show(f"{prefix}_answer_mismatches", whole.answer_mismatches, f"of {len(images)}", 0)
    show(f"{prefix}_score_mismatches", whole.score_mismatches, "", 0)
    show(f"{prefix}_cycles_per_image_predicted", plan.cycles, "cycles", None)
    show(f"{prefix}_cycles_per_image", cycles, "cycles", None)
    busiest = 0.0
    for layer, totals in zip(exact.layers, whole.hardware.accumulations, strict=True):
        for number, (total, lanes) in enumerate(zip(totals, layer.lanes, strict=True)):
            name = f"{prefix}_{layer.name}_{number}"
            show(f"{name}_events_per_image", total / len(images), "", None)
            if lanes:
                busiest = max(busiest, total / len(images) / lanes / cycles)
    show(f"{prefix}_utilisation_of_the_slowest_layer", busiest, "", UTILISATION)
    if exact.first_mismatch or whole.first_mismatch:
        raise SystemExit(exact.first_mismatch or whole.first_mismatch)


if __name__ == "__main__":
    main()
