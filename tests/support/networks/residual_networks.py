"""Residual networks with random weights, built by hand, of any size."""

from __future__ import annotations

import numpy as np

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Readout, SumPool

#: Channels and blocks of ResNet-20's stages.
RESNET20 = ((16, 3), (32, 3), (64, 3))


def residual_network(
    coding: Coding,
    *,
    steps: int,
    delay: int = 0,
    stages: tuple[tuple[int, int], ...] = ((4, 1), (6, 1)),
    size: int = 6,
    classes: int = 3,
    bits: int = 4,
    seed: int = 0,
) -> Network:
    """Blocks of two 3x3 convolutions beside a shortcut, averaged over the map and read out.

    A stage but the first begins with a stride of two and a shortcut that fills up with zero
    channels, as in He et al., section 4.2, option A. Thresholds are such that neurons spike.

    Args:
        stages: (channels, blocks) of each.
        size: rows and columns of the image.
    """
    rng = np.random.default_rng(seed)
    limit = 2 ** (bits - 1)
    layers: list[Layer] = []

    def conv(source: int, outputs: int, inputs: int, stride: int = 1) -> Connection:
        weight = np.round(rng.normal(0, limit / 3, (outputs, inputs, 3, 3)))
        weight = weight.clip(-limit, limit - 1).astype(np.int8)
        return Connection(source, weight, bits, (stride, stride), (1, 1, 1, 1))

    def add(name: str, channels: int, threshold: int, *connections: Connection) -> int:
        reach = threshold // 4
        layers.append(
            Layer(
                name,
                connections,
                rng.integers(-reach, reach + 1, channels).astype(np.int32),
                rng.integers(threshold // 2 + 1, 2 * threshold, channels).astype(np.int32),
                np.full(channels, threshold // 2, np.int32),
            )
        )
        return len(layers) - 1

    channels = stages[0][0]
    last = add("stem", channels, limit * 150, conv(IMAGE, channels, 3))
    for stage, (outputs, blocks) in enumerate(stages):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            spread = max(4, int(limit / 3 * np.sqrt(2 * channels)))
            name = f"stage{stage}.block{block}"
            first = add(f"{name}.a", outputs, spread, conv(last, outputs, channels, stride))
            weight = rng.integers(spread // 2, spread, (channels, 1, 1, 1)).astype(np.int16)
            shortcut = Connection(
                last,
                weight,
                12,
                (stride, stride),
                groups=channels,
                out_start=(outputs - channels) // 2,
            )
            second = conv(first, outputs, outputs)
            last = add(f"{name}.b", outputs, 2 * spread, second, shortcut)
            channels = outputs
    side = -(-size // 2 ** (len(stages) - 1))
    weight = rng.integers(-limit, limit, (classes, channels, 1, 1)).astype(np.int8)
    averaged = Connection(last, weight, bits, sum_pool=SumPool((side, side), (1, 1)))
    bias = rng.integers(-limit, limit, classes).astype(np.int32)
    layers.append(Layer("linear", (averaged,), bias, None, None))
    return Network(
        input_shape=(3, size, size),
        zero_point=np.array([120, 110, 130], np.uint8),
        layers=tuple(layers),
        coding=coding,
        steps=steps,
        delay=delay,
        readout=Readout.CURRENT,
        outputs=(len(layers) - 1,),
    )
