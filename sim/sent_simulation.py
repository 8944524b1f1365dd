"""Hardware against the golden model where the work is done by other machines."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..golden.basics.mapper import Mapper
from ..golden.network.network import Network
from ..golden.run.run import GoldenRun, joined_runs, run_golden
from ..hw.design.folding import Folding
from ..hw.design.layer_design import network_design
from ..hw.verilog.generation import generate
from .batch import (
    BuiltSimulation,
    Part,
    Share,
    build_simulation,
    combined,
    run_share,
    shares_of,
    sooner_build,
)
from .comparison import RECORDED_IMAGES, Comparison, compared


@dataclass(frozen=True, eq=False)
class SentSimulation:
    """A simulation that is built where it is called, once, or found in the cache there.

    Attributes:
        verilog: what is simulated.
        files: names and contents of what the Verilog reads.
        steps, delay: T and t0 of all images.

    Calling it with a share of the images gives what the hardware did, what the golden model did,
    and the records of the first images.
    """

    network: Network
    folding: Folding
    optimise: str
    verilog: str
    files: tuple[tuple[str, bytes], ...]
    steps: int | None
    delay: int | None

    @cached_property
    def _built(self) -> BuiltSimulation:
        paths = [Path(self._folder.name) / name for name, _ in self.files]
        for path, (_, content) in zip(paths, self.files, strict=True):
            path.write_bytes(content)
        return build_simulation(
            self.network, self.folding, optimise=self.optimise, verilog=self.verilog, files=paths
        )

    @cached_property
    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="rheobase-files-")

    def __call__(self, share: Share) -> tuple[Part, GoldenRun, GoldenRun | None]:
        setting = {"steps": self.steps, "delay": self.delay}
        part = run_share(self._built, share)
        golden = run_golden(self.network, share.images, **setting)
        # The first share says what no image has, where none is recorded.
        if not share.recorded and share.first:
            return part, golden, None
        first = share.images[: share.recorded]
        return part, golden, run_golden(self.network, first, **setting, record=True)


def simulate_sent(
    mapper: Mapper,
    network: Network,
    folding: Folding,
    images: np.ndarray,
    *,
    verilog: str | None = None,
    files: tuple[Path, ...] = (),
    record_images: int = RECORDED_IMAGES,
    steps: int | None = None,
    delay: int | None = None,
    progress: Callable[[int], None] | None = None,
    **stalls: int,
) -> Comparison:
    """``simulate`` in calls of ``mapper``, of which each simulates a share of the images.

    Args:
        verilog: what is simulated; what ``generate`` writes where None.
        files: that the Verilog reads.
        stalls: gap, stall, seed and processes, the number of shares, of ``batch.run_verilog``.

    Raises:
        RheobaseError: see ``simulate``.
    """
    shares = shares_of(
        network, images, steps=steps, delay=delay, record_images=record_images, **stalls
    )
    sent = SentSimulation(
        network,
        folding,
        sooner_build(network, folding, len(shares[0].images)),
        generate(network, folding) if verilog is None else verilog,
        tuple((path.name, path.read_bytes()) for path in files),
        steps,
        delay,
    )
    parts, runs, records = [], [], []
    for share, (part, golden, recorded) in zip(shares, mapper(sent, shares), strict=True):
        parts.append(part)
        runs.append(golden)
        if recorded is not None:
            records.append(recorded)
        if progress is not None:
            progress(len(share.images))
    design = network_design(network, folding)
    return compared(design, combined(network, parts), joined_runs(runs), joined_runs(records))
