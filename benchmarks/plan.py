"""What the folding's model predicts against what Verilator and yosys say, one line each figure.

    python -m benchmarks.plan [--networks FOLDER --images FOLDER] [--only NAME]
                              [--no-synthesis | --route]

Networks of its own (random weights, random images), and with --networks each *.safetensors file of
a folder on the images of --images (a folder of class folders, or a torchvision data set with
--data-root), at several foldings. Events are counted on half of the images and cycles measured on
the others. Bounds: cycles within 10 %, look-up tables within 20 %, block RAMs exact. --route has
nextpnr find the clock as well, from as many seeds as `rheobase build` tries; to reach: 80 MHz.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rheobase.boards.builds.placement import SEEDS, best_placement
from rheobase.boards.builds.reports import PlacedDesign
from rheobase.converter.data.data import load_images
from rheobase.golden.files.file import load_network
from rheobase.golden.network.network import Coding, Network, PoolRule, Readout
from rheobase.hw.design.folding import Folding
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.planning.event_counts import counted_events
from rheobase.hw.planning.plan import Budget
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.hw.verilog.generation import TOP, generate
from rheobase.sim.batch import build_simulation, run_verilog
from rheobase.sim.synthesis import ULX3S_85F, Synthesis, place_and_route, synthesise
from tests.support.networks.random_networks import random_network
from tests.support.networks.residual_networks import residual_network

from .figures import show

#: Images of a network of its own, and at most of a set.
OWN_IMAGES, SET_IMAGES = 24, 96
CYCLES_BOUND, LUTS_BOUND = 0.1, 0.2
#: MHz.
CLOCK_BOUND = 80.0


@dataclass(frozen=True)
class Case:
    """A network at a folding that the model chooses."""

    name: str
    network: Network
    images: np.ndarray
    adders: int | None = None
    budget: Budget | None = None

    def folding(self, planner: Planner) -> Folding | None:
        """For a number of adders, or the fastest within a budget; None where nothing fits."""
        if self.adders is not None:
            return default_folding(self.network, planner.events, self.adders)
        plan = planner.fastest(self.budget)
        return None if plan is None else plan.folding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=Path, help="folder of network files")
    parser.add_argument("--images", help="images for them")
    parser.add_argument("--data-root", type=Path, help="folder above MNIST/")
    parser.add_argument("--only", help="cases whose name begins so")
    steps = parser.add_mutually_exclusive_group()
    steps.add_argument("--no-synthesis", action="store_true", help="cycles alone")
    steps.add_argument("--route", action="store_true", help="clocks as well, minutes each")
    arguments = parser.parse_args()
    cases = [*_own(), *(_files(arguments) if arguments.networks else ())]
    for case in cases:
        if case.name.startswith(arguments.only or ""):
            measure(case, synthesis=not arguments.no_synthesis, route=arguments.route)


def measure(case: Case, *, synthesis: bool, route: bool) -> None:
    """Predict, build and print."""
    half = len(case.images) // 2
    planner = Planner(case.network, counted_events(case.network, case.images[:half]))
    folding = case.folding(planner)
    if folding is None:
        raise SystemExit(f"{case.name}: does not fit")
    plan = planner.predict(folding)
    text = generate(case.network, folding)
    built = build_simulation(case.network, folding, optimise="fast-build", verilog=text)
    cycles = run_verilog(built, case.images[half:]).cycles_per_image
    _compared(f"{case.name}_cycles", plan.cycles, cycles, CYCLES_BOUND)
    if synthesis:
        netlist = synthesise(text, TOP, ULX3S_85F)
        resources = netlist.resources
        _compared(f"{case.name}_luts", plan.area.luts, resources.luts, LUTS_BOUND)
        show(f"{case.name}_block_rams_predicted", plan.area.block_rams, "blocks", None)
        show(f"{case.name}_block_rams", resources.block_rams, "blocks", plan.area.block_rams)
        if route:
            _clock(case.name, netlist)


def _clock(name: str, netlist: Synthesis) -> None:
    """Fmax of the seed that `rheobase build` would take."""

    def place(seed: int) -> PlacedDesign:
        return PlacedDesign(1e6 * place_and_route(netlist, seed).frequency, 1e6 * CLOCK_BOUND, {})

    placement = best_placement(place, Path(), (), seeds=SEEDS)
    show(f"{name}_clock", placement.placed.frequency / 1e6, "MHz", CLOCK_BOUND)
    show(f"{name}_seeds", len(placement.tried), "tried", SEEDS)


def _compared(name: str, predicted: float, measured: float, bound: float) -> None:
    show(f"{name}_predicted", predicted, "", None)
    show(name, measured, "", None)
    show(f"{name}_off", predicted / measured - 1, "of the measured", bound)


def _own() -> Iterator[Case]:
    """Chains and residual graphs, one of ResNet-20's width."""
    rng = np.random.default_rng(0)

    def images(network: Network) -> np.ndarray:
        shape = (OWN_IMAGES, *network.input_shape)
        return (rng.integers(0, 256, shape) * (rng.random(shape) < 0.7)).astype(np.uint8)

    chain = random_network(
        np.random.default_rng(12),
        coding=Coding.RATE,
        readout=Readout.COUNT,
        rule=PoolRule.CUMULATIVE,
        steps=6,
        hidden=2,
        largest_channels=16,
        largest_map=14,
    )
    yield Case("chain_rate", chain, images(chain), adders=60)
    chain = random_network(
        np.random.default_rng(21),
        coding=Coding.RADIX,
        readout=Readout.CURRENT,
        rule=PoolRule.STEP,
        steps=4,
        hidden=2,
        largest_channels=16,
        largest_map=14,
    )
    yield Case("chain_radix", chain, images(chain), budget=Budget(7000, 20))
    graph = residual_network(Coding.RATE, steps=8, stages=((8, 1), (12, 1)), size=10, bits=6)
    yield Case("residual_rate", graph, images(graph), budget=Budget(12000, 30))
    slice_ = residual_network(Coding.RADIX, steps=4, stages=((16, 1),), size=16, bits=8)
    yield Case("resnet_slice", slice_, images(slice_), adders=120)
    yield Case("resnet_slice_filled", slice_, images(slice_), budget=Budget(9000, 40))


def _files(arguments: argparse.Namespace) -> Iterator[Case]:
    """Each network file, for few adders and for the ULX3S-85F or half of it."""
    for path in sorted(arguments.networks.glob("*.safetensors")):
        network = load_network(path)
        shown = load_images(
            arguments.images,
            data_root=arguments.data_root,
            shape=network.input_shape,
            limit=SET_IMAGES,
        )
        images = shown.images[:SET_IMAGES]
        yield Case(f"{path.stem}_adders", network, images, adders=160)
        yield Case(f"{path.stem}_filled", network, images, budget=Budget(20_000, 40))


if __name__ == "__main__":
    main()
