"""Cycles of pixel lanes against windows and planes gone through one by one."""

import numpy as np
import pytest

from rheobase.golden.network.network import IMAGE, Coding
from rheobase.hw.design.partition import partition, pixel_plane_sets
from rheobase.hw.planning.event_counts import counted_events
from rheobase.hw.planning.pixel_windows import PixelWindows
from tests.support.networks.random_networks import random_images
from tests.support.networks.residual_networks import residual_network


def _lane(pixels, taps, planes):
    """Cycles of one lane for one window: events, and planes to shift over after the first."""
    cycles, started = 0, False
    for plane in planes:
        events = sum(int(pixels[t.row, t.column, t.channel]) >> (7 - plane) & 1 for t in taps)
        started |= events > 0
        cycles += max(events, int(started))
    return max(cycles, 1)


@pytest.mark.parametrize("lanes", [1, 3, 4, 6, 8, 16])
def test_lane_cycles(lanes):
    rng = np.random.default_rng(lanes)
    pixels = rng.integers(0, 256, (40, 3, 2, 2)) * (rng.random((40, 3, 2, 2)) < 0.4)
    pixels = pixels.astype(np.uint8)
    sets = pixel_plane_sets(lanes)
    planes = np.split(np.arange(8), sets)
    cycles = np.array(
        [
            [_lane(window, taps, held) for window in pixels]
            for taps in partition(3, 2, 2, lanes // sets)
            for held in planes
        ]
    )
    held = np.array([sum(int(p).bit_count() for p in window.flat) for window in pixels])
    busiest = cycles[cycles.sum(axis=1).argmax()]
    events, mean, most = PixelWindows(pixels).lane_cycles(2, lanes)
    assert (events[0], mean[0], most[0]) == (0, 1, 1)
    for index, value in enumerate(events[1:], start=1):
        assert mean[index] == pytest.approx(busiest[held == value].mean())
        assert most[index] == pytest.approx(cycles.max(axis=0)[held == value].mean())
    assert set(events[1:]) == set(held)


def test_counted_events_have_windows_of_pixels_alone():
    network = residual_network(Coding.RADIX, steps=3)
    images = random_images(np.random.default_rng(0), network, 2)
    for layer, counts in zip(network.layers, counted_events(network, images), strict=True):
        for connection, counted in zip(layer.connections, counts, strict=True):
            assert (counted.windows is not None) == (connection.source == IMAGE)
