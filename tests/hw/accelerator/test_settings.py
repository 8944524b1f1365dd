"""T that changes between images, where a layer sees words of a layer far in front of it."""

from __future__ import annotations

import numpy as np
import pytest

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Readout
from rheobase.hw.accelerator.accelerator import setting_sources
from rheobase.hw.design.folding import LayerFolding
from tests.support.networks.residual_networks import RESNET20, residual_network
from tests.support.simulation.equality import check_equal

#: Layers between the first and the last one.
DEEP = 40
#: Cycles from T to the first word of the smallest layer.
FIRST_WORD = 24


def _skipping(coding: Coding, steps: int, own: tuple[int, ...], sources: tuple[int, ...]):
    """A chain of layers of one neuron, the last of which sees ``sources`` besides it.

    A map of one neuron is the shortest there is, so its first word comes as early as words do.

    Args:
        own: T of each layer.
    """
    layers = []
    for index, t in enumerate(own):
        seen = (index - 1, *(sources if index == len(own) - 1 else ()))
        connections = tuple(
            Connection(source, np.full((1, 1, 1, 1), 3, np.int8), 4) for source in seen
        )
        threshold = np.array([700 if index == 0 else 3 * len(seen)], np.int32)
        layers.append(
            Layer(
                f"layer{index}",
                connections,
                np.zeros(1, np.int32),
                threshold,
                threshold // 2,
                steps=t if coding == Coding.RADIX else None,
            )
        )
    layers.append(
        Layer(
            "scores",
            (Connection(len(own) - 1, np.array([[[[2]]], [[[-1]]]], np.int8), 4),),
            np.array([0, 3], np.int32),
            None,
            None,
        )
    )
    return Network(
        input_shape=(1, 1, 1),
        zero_point=np.zeros(1, np.uint8),
        layers=tuple(layers),
        coding=coding,
        steps=steps,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(len(layers) - 1,),
    )


@pytest.mark.slow
def test_a_long_skip_sees_the_words_of_its_image():
    """T as each image asks for it, planes of each layer, and words that come 40 layers early."""
    steps, rng = 6, np.random.default_rng(0)
    own = [steps, *(int(t) for t in rng.integers(2, steps + 1, DEEP)), 4]
    network = _skipping(Coding.RADIX, steps, tuple(own), (0,))
    folding = tuple(LayerFolding(1, 1) for _ in network.layers)
    check_equal(network, folding, rng, images=8)


@pytest.mark.parametrize("sources", [(0,), (IMAGE,), (3, 0), (20, 7)])
def test_t_is_there_before_the_words_of_every_source(sources):
    network = _skipping(Coding.RATE, 4, (4,) * (DEEP + 2), sources)
    cycles = {IMAGE: 0}
    for index, source in enumerate(setting_sources(network)):
        cycles[index] = cycles[source] + 1
    for index, layer in enumerate(network.layers):
        for connection in layer.connections:
            assert cycles[index] - cycles[connection.source] < FIRST_WORD


def test_shortcuts_of_blocks_are_no_long_skips():
    network = residual_network(Coding.RATE, steps=4, stages=RESNET20)
    first = [layer.connections[0].source for layer in network.layers]
    assert setting_sources(network) == first
