"""Memory stays within what a batch may take, however many images and layers there are."""

import tracemalloc

import numpy as np
import pytest

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Readout, run_golden
from rheobase.golden.run.batch import bytes_per_image
from rheobase.golden.run.convolution import CHUNK_BYTES
from rheobase.golden.run.run import BATCH_BYTES, MAX_BATCH, MEMORY_BYTES, split

CHANNELS, SIDE, STEPS, LAYERS, IMAGES = 16, 32, 16, 6, 64


def _network(rng):
    ones = np.ones(CHANNELS, np.int32)

    def connection(source, inputs, kernel):
        weight = rng.integers(-128, 128, (CHANNELS, inputs, kernel, kernel)).astype(np.int8)
        return Connection(source, weight, padding=(kernel // 2,) * 4)

    layers = [Layer("first", (connection(IMAGE, 1, 1),), ones, 900 * ones, ones)]
    for index in range(1, LAYERS):
        sources = (connection(index - 1, CHANNELS, 3), connection(max(0, index - 2), CHANNELS, 1))
        layers.append(Layer(f"layer{index}", sources, ones, 900 * ones, ones))
    return Network(
        (1, SIDE, SIDE),
        np.zeros(1, np.uint8),
        tuple(layers),
        Coding.RATE,
        STEPS,
        0,
        Readout.COUNT,
        (LAYERS - 1,),
    )


def test_memory_of_a_deep_network():
    """The spike trains of one layer and all images alone would be the limit already."""
    rng = np.random.default_rng(0)
    network = _network(rng)
    train_bytes = IMAGES * STEPS * CHANNELS * SIDE**2 * 4
    assert train_bytes >= BATCH_BYTES
    images = rng.integers(0, 256, (IMAGES, 1, SIDE, SIDE)).astype(np.uint8)
    run_golden(network, images[:1], threads=1)
    tracemalloc.start()
    run_golden(network, images, threads=1, batch_size=IMAGES)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Besides spikes and currents there are the windows and results of one product.
    assert BATCH_BYTES / 4 < peak < BATCH_BYTES + 8 * CHUNK_BYTES


@pytest.mark.parametrize("asked", [1, 2, 200])
@pytest.mark.parametrize("steps", [1, 16])
def test_threads_share_the_memory(asked, steps):
    network = _network(np.random.default_rng(0))
    threads, size = split(network, steps, 10**6, batch_size=None, threads=asked)
    whole = threads * size * bytes_per_image(network, steps)
    assert 1 <= threads <= asked and 1 <= size <= MAX_BATCH
    assert whole <= MEMORY_BYTES
    # Nothing is given away either: one more image for each thread is too much for a batch.
    more = (size + 1) * bytes_per_image(network, steps)
    assert size == MAX_BATCH or more > min(BATCH_BYTES, MEMORY_BYTES // threads)
    assert split(network, steps, 3, batch_size=None, threads=2)[1] == 2
    assert split(network, steps, 10**6, batch_size=5, threads=2)[1] == 5
