"""Digits of a word of the row buffer, spread over lanes."""

from __future__ import annotations

import numpy as np
import pytest

from rheobase.hw.engine.design import LANE_DIGITS
from rheobase.hw.engine.lane_digits import as_lanes_see, digit_lane


@pytest.mark.parametrize("lanes", [2, 4, 8, 16, 64])
def test_every_digit_has_a_place_of_its_own(lanes):
    places = [digit_lane(digit, lanes) for digit in range(LANE_DIGITS * lanes)]
    assert sorted(places) == [(d, e) for d in range(LANE_DIGITS) for e in range(lanes)]
    # Upper digits of bytes are odd ones.
    assert all(lane % 2 == digit % 2 for digit, (_, lane) in enumerate(places))
    words = np.arange(3 * LANE_DIGITS * lanes).reshape(3, LANE_DIGITS, lanes)
    seen = as_lanes_see(words)
    for digit, place in enumerate(places):
        np.testing.assert_array_equal(seen[:, *place], words.reshape(3, -1)[:, digit])


def test_a_lane_sees_four_of_sixteen_channels():
    """Of four pixels of sixteen channels, on sixteen lanes: by hand."""
    channels = np.tile(np.arange(16), 4).reshape(LANE_DIGITS, 16)
    assert as_lanes_see(channels)[:, 5].tolist() == [5, 1, 13, 9]
