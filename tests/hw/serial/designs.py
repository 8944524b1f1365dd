"""Small serial connections for the tests of their components."""

from __future__ import annotations

import numpy as np

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Readout
from rheobase.golden.network.network import SumPool
from rheobase.hw.design.folding import LaneKind, LayerFolding
from rheobase.hw.design.layer_design import layer_design

#: By name: coding, whether the source is the image, whether its spikes are signed, whether its map
#: is summed up.
KINDS = {
    "pixels": (Coding.RADIX, True, False, False),
    "radix": (Coding.RADIX, False, False, False),
    "signed radix": (Coding.RADIX, False, True, False),
    "summed radix": (Coding.RADIX, False, False, True),
    "rate": (Coding.RATE, False, False, False),
    "signed rate": (Coding.RATE, False, True, True),
}
#: Channels, rows and columns of the source's map, its P, T, and outputs of the layer.
CHANNELS, SIZE, SOURCE_NEURONS, STEPS, OUTPUTS = 5, (2, 3), 2, 3, 7


def serial_layer(kind, neurons, seed=0):
    """The design of a serial layer of ``OUTPUTS`` channels, P = ``neurons``."""
    coding, pixels, signed, summed = KINDS[kind]
    rng = np.random.default_rng(seed)
    size = (1, 1) if summed else SIZE
    sums = SumPool(SIZE, (1, 1)) if summed else None

    def weights(*shape):
        return rng.integers(-8, 8, shape).astype(np.int8)

    ones = np.ones(CHANNELS, np.int32)
    first = Layer(
        "first",
        (Connection(IMAGE, weights(CHANNELS, 2, 1, 1), 4),),
        0 * ones,
        9 * ones,
        4 * ones,
        negative_threshold=9 * ones if signed else None,
    )
    if pixels:
        connection = Connection(IMAGE, weights(OUTPUTS, 2, *SIZE), 4)
    else:
        # Not all channels, so that words have bits that do not count.
        connection = Connection(0, weights(OUTPUTS, 3, *size), 4, in_start=1, sum_pool=sums)
    last = Layer("last", (connection,), np.zeros(OUTPUTS, np.int32), None, None)
    network = Network(
        input_shape=(2, *SIZE),
        zero_point=np.zeros(2, np.uint8),
        layers=(last,) if pixels else (first, last),
        coding=coding,
        steps=STEPS,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(0 if pixels else 1,),
    )
    fold = LayerFolding(neurons, 1, lane_kind=LaneKind.SERIAL)
    (index,) = network.outputs
    return layer_design(network, index, fold, [16 if pixels else SOURCE_NEURONS])
