"""Hardware of a network against the golden model, under every kind of stall and setting."""

from __future__ import annotations

import numpy as np

from rheobase.golden import Coding, Network
from rheobase.golden.run.run import run_golden
from rheobase.hw.design.folding import Folding
from rheobase.sim.batch import build_simulation, run_verilog
from rheobase.sim.comparison import simulate

from ..networks.random_networks import random_images

STALLS = ({}, {"gap": 50, "stall": 60}, {"gap": 5, "stall": 90, "seed": 3})


def check_equal(
    network: Network, folding: Folding, rng: np.random.Generator, images: int = 5
) -> None:
    """Compare back to back, with gaps and back-pressure, and with T and t0 changing."""
    built = build_simulation(network, folding, optimise="fast-build")
    shown = random_images(rng, network, images)
    for stalls in STALLS:
        result = simulate(built, shown, record_images=images, processes=1, **stalls)
        assert result.equal, (result.first_mismatch, result.layers, folding)

    steps = rng.integers(1, network.steps + 1, images)
    radix = network.coding == Coding.RADIX
    delay = np.array([0 if radix else rng.integers(t) for t in steps])
    found = run_verilog(built, shown, steps=steps, delay=delay, record_images=images, processes=1)
    for index in range(images):
        t, t0 = int(steps[index]), int(delay[index])
        golden = run_golden(network, shown[index : index + 1], steps=t, delay=t0, record=True)
        for output, expected in zip(found.outputs, golden.outputs, strict=True):
            assert np.array_equal(output[index], expected[0]), (t, t0, folding)
        assert np.array_equal(found.answers[index], golden.answers[0])
        for layer, record in zip(found.spikes, golden.layers, strict=True):
            if layer is not None:
                assert np.array_equal(layer[index, : record.spikes.shape[1]], record.spikes[0]), (
                    record.name,
                    t,
                    t0,
                )
