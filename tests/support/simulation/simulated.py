"""Whole accelerators in Amaranth's own simulator: no C++ compiler, so seconds for a small one."""

from __future__ import annotations

import numpy as np
from amaranth.sim import Simulator

from rheobase.golden import Network, run_golden
from rheobase.hw.accelerator.accelerator import Accelerator
from rheobase.hw.design.folding import Folding

#: Cycles without a result after which none is expected any more.
SILENCE = 5000


def expected_results(network: Network, images: np.ndarray) -> list[tuple[int, int, int]]:
    """Score, prediction and ``last`` of each beat that the golden model makes of ``images``."""
    return [
        (int(score), int(np.argmax(scores[: index + 1])), int(index == len(scores) - 1))
        for scores in run_golden(network, images).scores
        for index, score in enumerate(scores)
    ]


def results(
    network: Network, folding: Folding, images: np.ndarray, *, seed: int = 0, stalls: float = 0.2
) -> list[tuple[int, int, int]]:
    """The same of the hardware, with gaps between pixels and stalls of the results.

    Args:
        stalls: share of the cycles that have one.
    """
    accelerator = Accelerator(network, folding)
    pixels = [
        int.from_bytes(bytes(pixel), "little")
        for image in images
        for pixel in image.reshape(len(image), -1).T.tolist()
    ]
    wanted = len(expected_results(network, images))
    found: list[tuple[int, int, int]] = []
    rng = np.random.default_rng(seed)

    async def bench(context) -> None:
        context.set(accelerator.steps, network.steps)
        context.set(accelerator.delay, network.delay)
        sent = silent = 0
        while len(found) < wanted and silent < SILENCE:
            offers = sent < len(pixels) and rng.random() >= stalls
            takes = bool(rng.random() >= stalls)
            context.set(accelerator.pixels.valid, offers)
            if offers:
                context.set(accelerator.pixels.payload.as_value(), pixels[sent])
            context.set(accelerator.results.ready, takes)
            sent += offers and context.get(accelerator.pixels.ready)
            silent += 1
            if takes and context.get(accelerator.results.valid):
                beat = context.get(accelerator.results.payload)
                found.append((beat.score, beat.prediction, beat.last))
                silent = 0
            await context.tick()

    simulator = Simulator(accelerator)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found
