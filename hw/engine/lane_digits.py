"""Which lane sees which digit of a word of the row buffer."""

from __future__ import annotations

import numpy as np

from .design import LANE_DIGITS


def digit_lane(digit: int, lanes: int) -> tuple[int, int]:
    """Of digit number ``digit`` of a word: which digit of a lane it is, and of which lane.

    Each further digit of the lanes is turned by some lanes, so that a map of as many channels as
    there are lanes puts several channels on each: a channel with many spikes then keeps no lane
    busy by itself. An odd digit stays in an odd lane: of a byte it is the upper one.
    """
    place, lane = divmod(digit, lanes)
    step = max(2, lanes // LANE_DIGITS // 2 * 2)
    return place, (lane + place * step) % lanes


def as_lanes_see(words: np.ndarray) -> np.ndarray:
    """``words``, (..., digits of a lane, lanes) as digits follow one another, by ``digit_lane``."""
    places, lanes = words.shape[-2:]
    seen = np.empty_like(words)
    for digit in range(places * lanes):
        place, lane = digit_lane(digit, lanes)
        seen[..., place, lane] = words[..., digit // lanes, digit % lanes]
    return seen
