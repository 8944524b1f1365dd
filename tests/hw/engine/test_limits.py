"""What does not fit an engine is refused in a line: the layer, the limit, the value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Pool,
    Readout,
    RheobaseError,
)
from rheobase.hw.engine.compiler.compile import compile_network
from rheobase.hw.engine.design import EngineDesign
from tests.support.networks.residual_networks import residual_network


def _layer(name: str, *connections: Connection, threshold: int | None = 50, pool=None) -> Layer:
    channels = connections[0].out_channels
    bias = np.zeros(channels, np.int32)
    if threshold is None:
        return Layer(name, connections, bias, None, None)
    thresholds = np.full(channels, threshold, np.int32)
    return Layer(name, connections, bias, thresholds, thresholds // 2, pool)


def _network(*layers: Layer, coding: Coding = Coding.RADIX, steps: int = 4) -> Network:
    return Network(
        input_shape=(3, 12, 12),
        zero_point=np.zeros(3, np.uint8),
        layers=layers,
        coding=coding,
        steps=steps,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(len(layers) - 1,),
    )


def _kernel(outputs: int, inputs: int, side: int = 1, value: int = 3) -> np.ndarray:
    return np.full((outputs, inputs, side, side), value, np.int8)


def _chain(**fields) -> Network:
    """conv, and a layer behind it over its map."""
    return _network(
        _layer("conv", Connection(IMAGE, _kernel(16, 3, 3)), **fields),
        _layer("last", Connection(0, _kernel(4, 16)), threshold=None),
    )


@pytest.mark.parametrize(
    ("network", "design", "message"),
    [
        (
            residual_network(Coding.RATE, steps=4),
            {},
            "network 'network': coding is rate, must be radix",
        ),
        (residual_network(Coding.RADIX, steps=9), {}, "layer 'stem': T is 9, must be at most 8"),
        (
            _chain(),
            {"weight_words": 16, "lanes": 2, "buffer_words": 2048},
            r"layer 'conv': weights of 16 channels take 27 words of a lane's memory, must be at "
            r"most 16 \(weight_words\)",
        ),
        (
            _chain(),
            {"buffer_words": 16, "lanes": 2},
            r"layer 'conv': the rows of a row of windows take \d+ words of the row buffer, must be "
            r"at most 16 \(buffer_words\)",
        ),
        (
            _chain(pool=Pool((3, 3), (1, 1))),
            {"pool_words": 16},
            r"layer 'conv': pooled rows' numbers are 48, must be at most 16 \(pool_words\)",
        ),
        (
            _chain(pool=Pool((5, 5), (1, 1))),
            {"groups": 1},
            r"pooled columns' numbers are 10, must be at most 8 \(2 x groups x turns\)",
        ),
        (
            _chain(),
            {"rows": 2},
            r"layer 'conv': rows of windows are 3, must be at most 2 \(rows\)",
        ),
        (
            _chain(),
            {"operations": 2},
            r"layer 'conv': words that windows see in a row are 3, must be at most 2 \(operations",
        ),
        (
            _network(
                _layer("a", Connection(IMAGE, _kernel(4, 3))),
                _layer("b", Connection(0, _kernel(4, 4))),
                _layer(
                    "sum",
                    Connection(0, _kernel(4, 4)),
                    Connection(1, _kernel(4, 4)),
                    threshold=None,
                ),
            ),
            {"sources": 1},
            r"layer 'sum': maps that are read at a time are 2, must be at most 1 \(sources\)",
        ),
        (
            _chain(threshold=1 << 20),
            {"threshold_bits": 12},
            # The least that a sum of 27 pixels of weight 3 does not reach.
            r"layer 'conv': thresholds reach 20656, must be below 2 \*\* 12 \(threshold_bits\)",
        ),
        (
            _chain(),
            {"sum_bits": 15, "current_bits": 15},
            r"layer 'conv': currents and potentials take 16 bits, must be at most 15 \(current",
        ),
        (
            _chain(),
            {"weight_bits": 2},
            "layer 'conv': weights span 0..3, must fit 2 bits",
        ),
        (
            _network(
                _layer("a", Connection(IMAGE, _kernel(64, 3), weight_bits=8), threshold=1),
                _layer("last", Connection(0, _kernel(4, 64, 1, 127)), threshold=None),
            ),
            {"sum_bits": 12, "lanes": 2},
            "layer 'last': sums of a lane reach .*, must fit sum_bits, 12",
        ),
    ],
)
def test_what_does_not_fit_is_refused(network, design, message):
    with pytest.raises(RheobaseError, match=message) as refused:
        compile_network(network, replace(EngineDesign(), **design))
    assert "\n" not in str(refused.value)
