"""Scales shared by all connections of a layer, against all candidates one channel at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rheobase.converter.lower.quantise import (
    CANDIDATES,
    SHORTCUT_BITS,
    RealWeights,
    integer_weights,
    layer_scale,
)
from rheobase.golden.errors import RheobaseError


def _error(values, scale, bits):
    levels = np.arange(-(2 ** (bits - 1)), 2 ** (bits - 1)) * scale
    return (np.abs(np.reshape(values, (-1, 1)) - levels).min(axis=1) ** 2).sum()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(2, 8), st.integers(0, 10**6), st.booleans(), st.booleans())
def test_scale_has_the_least_squared_error(bits, seed, per_channel, with_shortcut):
    """Two kernels over 4 channels, the second feeding 2 of them, a shortcut that feeds 2."""
    rng = np.random.default_rng(seed)
    connections = [
        RealWeights(rng.standard_t(3, (4, 2, 3, 3))),
        RealWeights(rng.standard_t(3, (2, 1, 1, 2)), out_start=1),
    ]
    if with_shortcut:
        gains = rng.uniform(5, 50, (2, 1, 1, 1))
        connections.append(RealWeights(gains, out_start=2, shortcut=True))
    scale = layer_scale(connections, 4, bits, per_channel=per_channel)

    def error(channel, value):
        total = 0.0
        for entry in connections:
            if entry.channels.start <= channel < entry.channels.stop:
                row = entry.weight[channel - entry.out_start]
                total += _error(row, value, 16 if entry.shortcut else bits)
        return total

    groups = [[channel] for channel in range(4)] if per_channel else [list(range(4))]
    for group in groups:
        kernels = [
            entry.weight[channel - entry.out_start]
            for entry in connections
            for channel in group
            if not entry.shortcut and entry.channels.start <= channel < entry.channels.stop
        ]
        full = max(np.abs(kernel).max() for kernel in kernels) / (2 ** (bits - 1) - 1)
        best = min(sum(error(c, full * part) for c in group) for part in CANDIDATES)
        assert sum(error(c, scale[c]) for c in group) <= best * (1 + 1e-9)
        assert len({float(scale[channel]) for channel in group}) == 1
    for entry in connections:
        integers, width = integer_weights(entry, scale, bits)
        if entry.shortcut:
            real = entry.weight / scale[entry.channels].reshape(-1, 1, 1, 1)
            assert np.abs(integers - real).max() <= 0.5
            assert width == bits or integers.max() >= 2 ** (width - 2)
        else:
            assert width == bits
        assert -(2 ** (width - 1)) <= integers.min() and integers.max() < 2 ** (width - 1)
        assert integers.dtype == (np.int8 if width <= 8 else np.int16)


def test_shortcuts_alone_set_the_scale():
    gains = np.array([1.0, 3.0, 0.0]).reshape(3, 1, 1, 1)
    shortcut = RealWeights(gains, shortcut=True)
    high = 2 ** (SHORTCUT_BITS - 1) - 1
    scale = layer_scale([shortcut], 3, 4, per_channel=True)
    np.testing.assert_allclose(scale, [1 / high, 3 / high, 0])
    together = layer_scale([shortcut], 3, 4, per_channel=False)
    np.testing.assert_allclose(together, [3 / high] * 3)
    integers, width = integer_weights(shortcut, together, 4)
    assert integers.ravel().tolist() == [round(high / 3), high, 0] and width == SHORTCUT_BITS


def test_a_shortcut_beyond_16_bits_coarsens_the_kernel():
    connections = [
        RealWeights(np.full((1, 1, 1, 1), 1e-3)),
        RealWeights(np.full((1, 1, 1, 1), 100.0), shortcut=True),
    ]
    scale = layer_scale(connections, 1, 8, per_channel=True)
    assert scale[0] == pytest.approx(100 / 32767)
    assert integer_weights(connections[1], scale, 8)[0].item() == 32767


@pytest.mark.parametrize("bits", [1, 9, 8.0, True])
def test_bad_bits(bits):
    with pytest.raises(RheobaseError, match=r"must be an integer in 2\.\.8"):
        layer_scale([RealWeights(np.ones((1, 1, 1, 1)))], 1, bits, per_channel=True)
