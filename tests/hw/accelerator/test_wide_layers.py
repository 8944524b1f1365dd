"""Layers that see more channels than a number of Python prints digits of bits."""

import sys

import numpy as np
import pytest

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, Readout, RheobaseError
from rheobase.golden.basics.field_checks import check_integer
from rheobase.hw.accelerator.accelerator import Accelerator
from rheobase.hw.design.folding import LayerFolding


def _network(channels):
    """A hidden layer of ``channels`` neurons on one pixel, and two classes that see all of them."""
    rng = np.random.default_rng(channels)

    def weight(*shape):
        return rng.integers(-8, 8, shape).astype(np.int8)

    threshold = np.full(channels, 200, np.int32)
    hidden = Layer(
        "hidden",
        (Connection(IMAGE, weight(channels, 1, 1, 1), 4),),
        np.zeros(channels, np.int32),
        threshold,
        threshold // 2,
    )
    last = Layer(
        "last", (Connection(0, weight(2, channels, 1, 1), 4),), np.zeros(2, np.int32), None, None
    )
    return Network(
        (1, 1, 1), np.zeros(1, np.uint8), (hidden, last), Coding.RADIX, 2, 0, Readout.CURRENT, (1,)
    )


@pytest.mark.parametrize("channels", [14_286, 20_000])
def test_wide_layer_is_built(channels):
    assert 2**channels > 10 ** sys.get_int_max_str_digits()
    Accelerator(_network(channels), (LayerFolding(64, 1), LayerFolding(2, 1)))


def test_wide_range_is_said_by_its_bits():
    assert check_integer("here", "bits", 2**20_000 - 1, 0, 2**20_000 - 1) == 2**20_000 - 1
    message = r"^here: bits is an integer of 20001 bits, must be an integer in 0\.\.an integer "
    message += r"of 20000 bits$"
    with pytest.raises(RheobaseError, match=message):
        check_integer("here", "bits", 2**20_000, 0, 2**20_000 - 1)
    with pytest.raises(RheobaseError, match=r"bits is -1, must be an integer >= 0"):
        check_integer("here", "bits", -1, 0, None)
    with pytest.raises(RheobaseError, match=r"bits is True, must be an integer >= 0"):
        check_integer("here", "bits", True, 0, None)
