"""Figures of the three-convolution MNIST network, one line of JSON each.

    python -m benchmarks.mnist --data-root DATA [--weights build/mnist.safetensors] [--images 5000]

Each line is {"name", "value", "unit", "bound"}; the bound is what the value could not be better
than (docs/results/mnist.md says why). Without --weights the network is trained first. Where DATA
has no MNIST folder nothing is measured, and a line says so.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from examples import mnist
from rheobase.console import progress_bar
from rheobase.converter.conversion import Conversion, convert
from rheobase.converter.data.batches import BATCH
from rheobase.converter.data.data import ImageSet, load_images
from rheobase.converter.data.pixels import normalised
from rheobase.converter.graph.analog import analog_forward
from rheobase.converter.options import Options
from rheobase.converter.thresholds.balancing import Method
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.exactness import exact_dtype
from rheobase.golden.network.network import Coding, Network, Readout
from rheobase.golden.run.run import run_golden
from rheobase.hw.design.folding import LayerFolding
from rheobase.sim.batch import BuiltSimulation, build_simulation, run_verilog
from rheobase.sim.comparison import Comparison, simulate

from .figures import best_seconds, show, skipped

#: P and E of the four layers, the same for every network.
FOLDING = tuple(LayerFolding(p, e) for p, e in ((8, 3), (16, 3), (16, 3), (2, 1)))
#: What is converted: the name of its loss figure, and the options.
NETWORKS = {
    "mnist_w8_t8_current": Options(Coding.RATE, 8, weight_bits=8, method=Method.CLTB),
    "mnist_w4_t16_count": Options(
        Coding.RATE, 16, weight_bits=4, readout=Readout.COUNT, method=Method.CLTB
    ),
    "mnist_w4_radix3": Options(Coding.RADIX, 3, weight_bits=4, method=Method.CLTB),
}
CALIBRATION_IMAGES = 5000
#: Images whose spikes are compared one by one, in each coding.
SPIKE_IMAGES = 200
MEAN, STD = (mnist.MEAN,), (mnist.STD,)


def trained(arguments: argparse.Namespace) -> torch.nn.Module:
    """The example's network with the given weights, or newly trained ones."""
    model = mnist.cnn()
    if arguments.weights.exists():
        model.load_state_dict(load_file(arguments.weights))
    else:
        torch.manual_seed(0)
        images, labels = mnist.load(arguments.data_root, True, False)
        mnist.train(model, images, labels, epochs=4, seed=0)
        arguments.weights.parent.mkdir(parents=True, exist_ok=True)
        save_file(model.state_dict(), arguments.weights)
    return model.eval()


def floor_cycles(comparison: Comparison) -> float:
    """Cycles per image that no scheduling could save: the busiest layer's accumulations / E."""
    totals = comparison.hardware.accumulations
    shares = [total / fold.lanes for (total,), fold in zip(totals, FOLDING, strict=True)]
    return max(shares) / comparison.images


def hardware_figures(
    conversions: dict[str, Conversion], testing: ImageSet, cnn_accuracy: float
) -> dict[str, BuiltSimulation]:
    """Everything that the hardware decides, on all test images."""
    built, compared = {}, {}
    for name, conversion in conversions.items():
        built[name] = build_simulation(conversion.network, FOLDING)
        with progress_bar(name, len(testing.images)) as progress:
            compared[name] = simulate(
                built[name], testing.images, record_images=SPIKE_IMAGES, progress=progress
            )
        accuracy = 100 * np.mean(compared[name].hardware.answers == testing.labels)
        show(f"{name}_loss_points", cnn_accuracy - accuracy, "points", 0)
    rate, radix = compared["mnist_w8_t8_current"], compared["mnist_w4_radix3"]
    show(
        "mnist_radix_over_rate_cycles",
        radix.hardware.cycles_per_image / rate.hardware.cycles_per_image,
        "ratio",
        floor_cycles(radix) / floor_cycles(rate),
    )
    mismatches = sum(result.spike_mismatches for result in compared.values())
    show("mnist_spike_mismatches", mismatches, "spikes", 0)
    answers = sum(result.answer_mismatches for result in compared.values())
    show("mnist_answer_mismatches", answers, "answers", 0)
    for suffix, result in (("", rate), ("_radix", radix)):
        cycles, floor = result.hardware.cycles_per_image, floor_cycles(result)
        show(f"mnist_lane_utilisation{suffix}", floor / cycles, "ratio", 1)
        show(f"mnist_cycles_over_floor{suffix}", cycles / floor, "ratio", 1)
        show(f"mnist_cycles_per_image{suffix}", cycles, "cycles", floor)
    return built


def products_only(network: Network, images: int) -> float:
    """Seconds that the golden model's matrix products alone take: its bound."""
    total = 0.0
    for index, (layer, shape) in enumerate(zip(network.layers, network.shapes, strict=True)):
        dtype = exact_dtype(network, index)
        taps = layer.connections[0].weight[0].size
        repeats = network.steps if index else 1
        rows = shape.conv[1] * shape.conv[2] * repeats * 16
        left, right = np.ones((rows, taps), dtype), np.ones((taps, layer.out_channels), dtype)
        total += best_seconds(lambda a=left, b=right: a @ b) * images / 16
    return total


def speed_figures(
    model: torch.nn.Module,
    conversions: dict[str, Conversion],
    built: BuiltSimulation,
    training: ImageSet,
    testing: ImageSet,
) -> None:
    """Golden model, batch runner and conversion; ratios within this run."""
    network = conversions["mnist_w8_t8_current"].network
    images = testing.images[:2000]
    seconds = best_seconds(lambda: run_golden(network, images), 3)
    bound = len(images) / products_only(network, len(images))
    show("golden_images_per_s", len(images) / seconds, "images/s", bound)

    shown = testing.images[:400]
    seconds = best_seconds(lambda: run_verilog(built, shown), 2)
    alone = best_seconds(lambda: run_verilog(built, shown[:100], processes=1), 2)
    # Two processes could not do more than twice what one does with the machine to itself.
    show("batch_images_per_s", len(shown) / seconds, "images/s", 2 * 100 / alone)

    batches = [
        normalised(training.images[start : start + BATCH], MEAN, STD)
        for start in range(0, len(training.images), BATCH)
    ]

    def infer() -> None:
        with torch.inference_mode():
            for batch in batches:
                model(batch)

    def convert_once() -> None:
        options = NETWORKS["mnist_w8_t8_current"]
        convert(model, training.images, mean=MEAN, std=STD, options=options)

    infer(), convert_once()
    ratio = best_seconds(convert_once) / best_seconds(infer)
    show("conversion_over_inference", ratio, "ratio", 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder above MNIST/")
    parser.add_argument("--weights", type=Path, default=Path("build/mnist.safetensors"))
    parser.add_argument("--images", type=int, default=5000, help="test images")
    arguments = parser.parse_args()
    if skipped(arguments.data_root, Path("MNIST")):
        return
    try:
        training = load_images("MNIST", data_root=arguments.data_root, train=True)
        testing = load_images("MNIST", data_root=arguments.data_root).first(arguments.images)
    except RheobaseError as error:
        parser.error(str(error))
    training = training.sample(CALIBRATION_IMAGES)
    model = trained(arguments)
    conversions = {
        name: convert(model, training.images, mean=MEAN, std=STD, options=options, name=name)
        for name, options in NETWORKS.items()
    }
    graph = conversions["mnist_w4_radix3"].graph.to("cpu")
    with torch.inference_mode():
        parts = [testing.images[i : i + 500] for i in range(0, len(testing.images), 500)]
        answers = [analog_forward(graph, normalised(part, MEAN, STD)).argmax(1) for part in parts]
    cnn_accuracy = 100 * np.mean(torch.cat(answers).numpy() == testing.labels)
    show("mnist_cnn_accuracy", cnn_accuracy, "%", 100)
    built = hardware_figures(conversions, testing, cnn_accuracy)
    speed_figures(model, conversions, built["mnist_w8_t8_current"], training, testing)


if __name__ == "__main__":
    main()
