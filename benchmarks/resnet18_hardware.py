"""torchvision's ResNet-18 at 64 x 64, random weights: Verilog, and an image in Verilator.

    python -m benchmarks.resnet18_hardware [--adders N] [--output FOLDER]

Converted to radix, T = 3, 8 bits. Time and memory of the Verilog as one file, which is what
`rheobase generate` writes; then the same as plain Verilog with memory files, whose simulation
is compared with the golden model: every spike, every score. Bounds: 300 s, 8 GiB, none differs.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

import rheobase
from rheobase.boards.builds.memory_files import memories_to_files
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.golden.network.network import Coding
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.planning.event_counts import counted_events
from rheobase.hw.verilog.generation import generate
from rheobase.sim.batch import build_simulation
from rheobase.sim.comparison import simulate

from .figures import show

SIDE, STEPS, IMAGES = 64, 3, 8
SECONDS_BOUND, GIB_BOUND = 300.0, 8.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adders", type=int, default=200)
    parser.add_argument("--output", type=Path, help="folder for the memory files")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    model = import_torchvision("torchvision.models").resnet18(weights=None)
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 3, SIDE, SIDE)).astype(np.uint8)
    network = rheobase.convert(
        model,
        images,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        options=rheobase.Options(steps=STEPS, coding=Coding.RADIX, method="cltb"),
    ).network
    shown = images[:1]
    folding = default_folding(network, counted_events(network, shown), arguments.adders)

    start = time.perf_counter()
    text = generate(network, folding)
    show("resnet18_verilog_seconds", time.perf_counter() - start, "s", SECONDS_BOUND)
    show("resnet18_verilog_bytes", len(text), "bytes", None)
    # This process is the largest: what yosys takes beside it (0.6 GiB) comes once the netlist's
    # objects are gone, and a child's maximum would count what it had as a copy of this one.
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    show("resnet18_gib", used / 2**20, "GiB", GIB_BOUND)

    with TemporaryDirectory(prefix="rheobase-") as scratch:
        folder = (arguments.output or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        text, memories = memories_to_files(text)
        for name, content in memories.items():
            (folder / name).write_text(content)
            text = text.replace(f'"{name}"', f'"{folder / name}"')
        start = time.perf_counter()
        built = build_simulation(network, folding, optimise="fast-build", verilog=text)
        show("resnet18_simulation_build_seconds", time.perf_counter() - start, "s", None)
        result = simulate(built, shown, record_images=len(shown), processes=1)
    show("resnet18_spikes_compared", sum(layer.spikes for layer in result.layers), "", None)
    show("resnet18_spike_mismatches", result.spike_mismatches, "", 0)
    show("resnet18_score_mismatches", result.score_mismatches, "", 0)
    show("resnet18_latency", result.hardware.latency, "cycles", None)
    if not result.equal:
        raise SystemExit(result.first_mismatch)


if __name__ == "__main__":
    main()
