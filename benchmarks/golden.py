"""Speed and memory of the golden model on a ResNet-20 with random weights, one line of JSON each.

    python -m benchmarks.golden [--images 64] [--steps 32]

Each line is {"name", "value", "unit", "bound"}. The bound of the speed is what one of the faster
matrix products of this machine would take for all multiplications of the network and nothing
else; that of the memory is the aim, 2 GiB.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import numpy as np

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Readout,
    SumPool,
    run_golden,
)
from rheobase.golden.run.convolution import product

from .figures import best_seconds, show

#: Channels and blocks of the three stages, as of the CIFAR-10 network.
STAGES, BLOCKS = (16, 32, 64), 3
IMAGE_SHAPE = (3, 32, 32)
AIM_GIB = 2.0


def resnet20(rng: np.random.Generator, steps: int) -> Network:
    """ResNet-20 with parameter-free shortcuts; half of the weights' signs suppress."""
    layers: list[Layer] = []

    def add(name: str, *connections: Connection, fires: bool = True) -> int:
        channels = connections[0].out_channels
        threshold = np.full(channels, 4000, np.int32) if fires else None
        layers.append(
            Layer(
                name,
                connections,
                rng.integers(-500, 500, channels).astype(np.int32),
                threshold,
                threshold // 2 if fires else None,
            )
        )
        return len(layers) - 1

    def convolution(source: int, inputs: int, outputs: int, stride: int = 1) -> Connection:
        weight = rng.integers(-128, 128, (outputs, inputs, 3, 3)).astype(np.int8)
        return Connection(source, weight, stride=(stride, stride), padding=(1, 1, 1, 1))

    current = add("conv1", convolution(IMAGE, IMAGE_SHAPE[0], STAGES[0]))
    inputs = STAGES[0]
    for stage, outputs in enumerate(STAGES):
        for block in range(BLOCKS):
            stride = 2 if stage and not block else 1
            name = f"layer{stage + 1}.{block}"
            inner = add(f"{name}.conv1", convolution(current, inputs, outputs, stride))
            identity = Connection(
                current,
                np.full((inputs, 1, 1, 1), 4000, np.int16),
                weight_bits=16,
                # A strided 1x1 kernel does not reach the last row and column: they are cropped.
                padding=(0, 0, 1 - stride, 1 - stride),
                stride=(stride, stride),
                groups=inputs,
                out_start=(outputs - inputs) // 2,
            )
            current = add(f"{name}.conv2", convolution(inner, outputs, outputs), identity)
            inputs = outputs
    weight = rng.integers(-128, 128, (10, inputs, 1, 1)).astype(np.int8)
    add("linear", Connection(current, weight, sum_pool=SumPool((8, 8), (8, 8))), fires=False)
    return Network(
        IMAGE_SHAPE,
        np.full(3, 120, np.uint8),
        tuple(layers),
        Coding.RATE,
        steps,
        0,
        Readout.CURRENT,
        (len(layers) - 1,),
        "resnet20",
    )


def multiplications(network: Network, steps: int) -> int:
    """Of one image, the layers that see only the image once."""
    total = 0
    for layer, shape in zip(network.layers, network.shapes, strict=True):
        repeats = 1 if layer.sees_only_image else steps
        weights = sum(connection.weight.size for connection in layer.connections)
        total += repeats * shape.conv[1] * shape.conv[2] * weights
    return total


def product_seconds() -> float:
    """Seconds of one multiplication in a product that fits the caches, on one core."""
    rows, taps, outputs = 1024, 256, 64
    left, right = np.ones((rows, taps), np.float32), np.ones((taps, outputs), np.float32)
    return best_seconds(lambda: product(left, right), 50) / (rows * taps * outputs)


def peak_gib(task: Callable[[], object]) -> float:
    """Largest resident memory of a process that does ``task``."""
    child = os.fork()
    if child == 0:
        task()
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"the process that measures memory ended with {status}")
    # Kibibytes on Linux.
    return usage.ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--steps", type=int, default=32)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    network = resnet20(rng, arguments.steps)
    images = rng.integers(0, 256, (arguments.images, *IMAGE_SHAPE)).astype(np.uint8)
    # Before any thread is started here, and with everything in a single batch asked for.
    peak = peak_gib(lambda: run_golden(network, images, batch_size=len(images)))
    seconds = best_seconds(lambda: run_golden(network, images), 3)
    cores = len(os.sched_getaffinity(0))
    least = multiplications(network, arguments.steps) * product_seconds() / cores
    show("golden_resnet20_images_per_s", len(images) / seconds, "images/s", 1 / least)
    show("golden_resnet20_peak_gib", peak, "GiB", AIM_GIB)


if __name__ == "__main__":
    main()
