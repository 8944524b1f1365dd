"""Sizes at which products and windows are cut into parts, against integers and torch."""

import numpy as np
import pytest
import torch

from rheobase.golden import IMAGE, Connection
from rheobase.golden.run.convolution import (
    CHUNK_BYTES,
    OUTPUT_BLOCK,
    PRODUCT_SIZE,
    WEIGHT_BLOCK,
    Convolution,
    product,
)


@pytest.mark.parametrize(
    ("rows", "taps", "outputs"),
    [(1, 1, 1), (700, 144, 16), (100, 577, 64), (33, 300, 130), (5, 5000, 3)],
)
def test_products(rows, taps, outputs):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2, (rows, taps))
    weight = rng.integers(-128, 128, (taps, outputs))
    found = product(values.astype(np.float32), weight.astype(np.float32))
    assert found.dtype == np.float32 and np.array_equal(found, values @ weight)


def test_the_sizes_above_are_cut():
    assert PRODUCT_SIZE < 700 * 144 * 16 and 700 % (PRODUCT_SIZE // (144 * 16))
    assert 2 * WEIGHT_BLOCK < 577 * 64 and 2 * OUTPUT_BLOCK < 130


@pytest.mark.parametrize(("channels", "groups"), [(40, 1), (40, 2), (40, 40)])
def test_large_maps(channels, groups):
    """More windows than a part takes: within one image, and over several."""
    rng = np.random.default_rng(1)
    weight = rng.integers(-128, 128, (40, channels // groups, 5, 3)).astype(np.int8)
    padding, stride = (2, 1, 2, 0), (1, 2)
    for images, rows, columns in ((2, 40, 50), (90, 7, 6)):
        maps = rng.integers(0, 2, (images, rows, columns, channels)).astype(np.float32)
        connection = Connection(IMAGE, weight, stride=stride, padding=padding, groups=groups)
        top, left, bottom, right = padding
        padded = torch.nn.functional.pad(
            torch.from_numpy(maps).permute(0, 3, 1, 2).double(), (left, right, top, bottom)
        )
        expected = torch.nn.functional.conv2d(
            padded, torch.from_numpy(weight).double(), None, stride, 0, 1, groups
        )
        expected = expected.permute(0, 2, 3, 1).numpy()
        window_bytes = 15 * channels * 4
        assert expected[..., 0].size * window_bytes > 2 * CHUNK_BYTES
        currents = np.full(expected.shape, 7, np.float32)
        Convolution(connection, np.dtype(np.float32)).add(maps, currents)
        assert np.array_equal(currents, expected + 7)
