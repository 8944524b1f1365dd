"""Memory stays within what a batch may take, however many images and layers there are."""

import tracemalloc

import numpy as np
from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Readout, simulate
from rheobase.golden.convolution import CHUNK_BYTES
from rheobase.golden.simulation import BATCH_BYTES

CHANNELS, SIDE, STEPS, LAYERS, IMAGES = 16, 32, 16, 6, 64


def test_memory_of_a_deep_network():
    """The spike trains of one layer and all images alone would be the limit already."""
    rng = np.random.default_rng(0)
    ones = np.ones(CHANNELS, np.int32)

    def connection(source, inputs, kernel):
        weight = rng.integers(-128, 128, (CHANNELS, inputs, kernel, kernel)).astype(np.int8)
        return Connection(source, weight, padding=(kernel // 2,) * 4)

    layers = [Layer("first", (connection(IMAGE, 1, 1),), ones, 900 * ones, ones)]
    for index in range(1, LAYERS):
        sources = (connection(index - 1, CHANNELS, 3), connection(max(0, index - 2), CHANNELS, 1))
        layers.append(Layer(f"layer{index}", sources, ones, 900 * ones, ones))
    network = Network(
        (1, SIDE, SIDE), np.zeros(1, np.uint8), tuple(layers), Coding.RATE, STEPS, 0,
        Readout.COUNT, (LAYERS - 1,),
    )  # fmt: skip
    train_bytes = IMAGES * STEPS * CHANNELS * SIDE**2 * 4
    assert train_bytes >= BATCH_BYTES
    images = rng.integers(0, 256, (IMAGES, 1, SIDE, SIDE)).astype(np.uint8)
    simulate(network, images[:1], threads=1)
    tracemalloc.start()
    simulate(network, images, threads=1, batch_size=IMAGES)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Besides spikes and currents there are the windows and results of one product.
    assert BATCH_BYTES / 4 < peak < BATCH_BYTES + 8 * CHUNK_BYTES
