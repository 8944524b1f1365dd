"""Area, clock and time per image of the MNIST networks on FPGAs, one line of JSON each.

    python -m benchmarks.hardware --data-root DATA [--only NAME] [--no-route]

Each line is {"name", "value", "unit", "bound"}; the bound is what is to be reached. The networks
are those of benchmarks/mnist.py, the foldings those of the search for so many look-up tables.
Placing and routing takes minutes; results are kept by content.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from rheobase.building.folding_plan import CALIBRATION_IMAGES
from rheobase.converter.conversion import convert
from rheobase.converter.data.data import load_images
from rheobase.hw.planning.event_counts import counted_events
from rheobase.hw.planning.plan import Budget
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.hw.verilog.generation import TOP, generate
from rheobase.sim.batch import build_simulation, run_verilog
from rheobase.sim.synthesis import ULX3S_85F, PackagedDevice, place_and_route, synthesise

from . import mnist as networks
from .figures import show

#: Images whose mean cycles count.
IMAGES = 200


@dataclass(frozen=True)
class Target:
    """A network on a device, and what is to be reached.

    Attributes:
        network: its name in benchmarks/mnist.py.
        planned: look-up tables that the folding search may use; the rest is the host link's.
        microseconds: per image in a stream, at most.
        luts: at most.
        frequency: MHz, at least.
    """

    network: str
    device: PackagedDevice
    planned: int
    microseconds: float
    luts: int
    frequency: float


TARGETS = {
    "rate8_ulx3s_85f": Target(
        "mnist_w8_t8_current",
        ULX3S_85F,
        10_300,
        100,
        12_000,
        80,
    ),
    "radix3_ulx3s_85f": Target(
        "mnist_w4_radix3",
        ULX3S_85F,
        18_000,
        25,
        20_000,
        80,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder above MNIST/")
    parser.add_argument("--weights", type=Path, default=Path("build/mnist.safetensors"))
    parser.add_argument("--only", choices=TARGETS, help="one target in place of all")
    parser.add_argument("--no-route", action="store_true", help="resources and cycles alone")
    arguments = parser.parse_args()
    training = load_images("MNIST", data_root=arguments.data_root, train=True)
    training = training.sample(networks.CALIBRATION_IMAGES)
    testing = load_images("MNIST", data_root=arguments.data_root).first(IMAGES)
    model = networks.trained(arguments)
    for name in [arguments.only] if arguments.only else TARGETS:
        target = TARGETS[name]
        network = convert(
            model,
            training.images,
            mean=networks.MEAN,
            std=networks.STD,
            options=networks.NETWORKS[target.network],
            name=target.network,
        ).network
        planner = Planner(network, counted_events(network, testing.images[:CALIBRATION_IMAGES]))
        plan = planner.fastest(Budget(target.planned))
        mapped = synthesise(generate(network, plan.folding), TOP, target.device)
        show(f"{name}_lut4", mapped.resources.luts, "LUT4", target.luts)
        show(f"{name}_block_rams", mapped.resources.block_rams, "blocks", None)
        show(f"{name}_flip_flops", mapped.resources.flip_flops, "registers", None)
        built = build_simulation(network, plan.folding)
        cycles = run_verilog(built, testing.images).cycles_per_image
        show(f"{name}_cycles_predicted", plan.cycles, "cycles", None)
        show(f"{name}_cycles", cycles, "cycles", target.microseconds * target.frequency)
        if not arguments.no_route:
            frequency = place_and_route(mapped).frequency
            show(f"{name}_fmax", frequency, "MHz", target.frequency)
            show(f"{name}_time", cycles / frequency, "us", target.microseconds)


if __name__ == "__main__":
    main()
