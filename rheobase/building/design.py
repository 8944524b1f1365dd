"""An accelerator that is simulated: as it lies on disk, or as ``generate`` would write it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..boards.builds.built_verilog import read_built_verilog
from ..golden.network.network import Network
from ..hw.design.folding import Folding
from ..sim import batch
from ..sim.harness_process import BuiltSimulation
from ..sim.waves.wave_format import WaveFormat


@dataclass(frozen=True)
class Design:
    """What is simulated.

    Attributes:
        path: where it lies; None where it does not.
        verilog: its text; what ``generate`` writes where None.
        files: that the Verilog reads.
        manifest: of its build, where there is one.
    """

    folding: Folding
    verilog: str | None = None
    files: tuple[Path, ...] = ()
    manifest: dict[str, Any] | None = None
    path: Path | None = None


def read_design(path: Path, network: Network) -> Design:
    """What ``path`` holds: the folder of a build, or a Verilog file with its manifest.

    Raises:
        RheobaseError: see ``read_built_verilog``.
    """
    found = read_built_verilog(path, network)
    return Design(found.folding, found.text, found.memories, found.manifest, found.path)


def simulation_of(
    network: Network, design: Design, *, optimise: str, waves: WaveFormat | None = None
) -> BuiltSimulation:
    """Build the simulation of ``design``, see ``batch.build_simulation``."""
    return batch.build_simulation(
        network,
        design.folding,
        optimise=optimise,
        verilog=design.verilog,
        files=design.files,
        waves=waves,
    )
