"""SqueezeNet 1.1's graph with integers: its own weights or random ones, thresholds by guess."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Pool,
    PoolRule,
    Readout,
    SumPool,
)

#: Squeezed and expanded channels of each fire module, and whether its maps are pooled.
FIRES = {
    3: (16, 64, False),
    4: (16, 64, True),
    6: (32, 128, False),
    7: (32, 128, True),
    9: (48, 192, False),
    10: (48, 192, False),
    11: (64, 256, False),
    12: (64, 256, False),
}
_POOL = Pool((3, 3), (2, 2), rule=PoolRule.CUMULATIVE)


def squeezenet(
    size: int = 224,
    *,
    classes: int = 1000,
    steps: int = 4,
    weights: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
) -> Network:
    """The network for images of ``size`` rows and columns, with weights of 8 bits.

    Args:
        weights: float, by torchvision's names; random ones where None.
    """
    rng = np.random.default_rng(seed)
    layers: list[Layer] = []

    def kernel(name: str, outputs: int, inputs: int, side: int) -> np.ndarray:
        if weights is None:
            return rng.integers(-60, 61, (outputs, inputs, side, side)).astype(np.int8)
        weight = weights[f"{name}.weight"]
        largest = np.abs(weight).max(axis=(1, 2, 3), keepdims=True)
        return np.round(weight / largest * 127).astype(np.int8)

    def add(name: str, connections: tuple[Connection, ...], worth: float, pool=None) -> int:
        """Neurons whose thresholds are a part of the spread of their currents."""
        squares = sum(np.square(c.weight.astype(float)).sum(axis=(1, 2, 3)) for c in connections)
        threshold = np.maximum(1, np.sqrt(squares) * worth / 4).astype(np.int32)
        bias = np.zeros(len(threshold), np.int32)
        layers.append(Layer(name, connections, bias, threshold, threshold // 2, pool))
        return len(layers) - 1

    def seen(sources: list[int], name: str, outputs: int, side: int) -> tuple[Connection, ...]:
        channels = [layers[source].out_channels for source in sources]
        whole = kernel(name, outputs, sum(channels), side)
        starts = np.cumsum([0, *channels])
        padding = (side // 2,) * 4
        return tuple(
            Connection(source, whole[:, start : start + count].copy(), padding=padding)
            for source, start, count in zip(sources, starts, channels, strict=False)
        )

    first = Connection(IMAGE, kernel("features.0", 64, 3, 3), stride=(2, 2))
    sources = [add("conv1", (first,), 60, _POOL)]
    for number, (squeezed, expanded, pools) in FIRES.items():
        name = f"features.{number}"
        squeeze = add(f"{name}.squeeze", seen(sources, f"{name}.squeeze", squeezed, 1), 4)
        sources = [
            add(
                f"{name}.expand{side}x{side}",
                seen([squeeze], f"{name}.expand{side}x{side}", expanded, side),
                4,
                _POOL if pools else None,
            )
            for side in (1, 3)
        ]
    last = add("conv10", seen(sources, "classifier.1", classes, 1), 4)
    side = _side(size)
    ones = np.ones((classes, 1, 1, 1), np.int8)
    average = Connection(last, ones, 2, groups=classes, sum_pool=SumPool((side, side), (1, 1)))
    layers.append(Layer("average", (average,), np.zeros(classes, np.int32), None, None))
    return Network(
        input_shape=(3, size, size),
        zero_point=np.array([124, 116, 104], np.uint8),
        layers=tuple(layers),
        coding=Coding.RADIX,
        steps=steps,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(len(layers) - 1,),
        name="squeezenet1_1",
    )


def _side(size: int) -> int:
    """Rows of the last map: a convolution and three maxima, each 3 wide and of stride 2."""
    for _ in range(4):
        size = (size - 3) // 2 + 1
    return size
