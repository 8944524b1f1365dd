"""MapSelect: the words of the rows, columns and groups that a connection sees, against slicing."""

import numpy as np
import pytest

from rheobase.golden import Coding, PoolRule, Readout
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import IMAGE, Connection, SumPool
from rheobase.hw.design.map_part import MapPart, map_part, tap_offsets
from rheobase.hw.window.map_select import MapSelect
from tests.support.networks.random_graphs import random_graph
from tests.support.simulation.tiers import both_tiers


def _part(rows, columns, groups):
    return MapPart(rows, columns, groups, (1, 1), (0, 0), 1, 0)


@both_tiers
@pytest.mark.parametrize(
    ("rows", "columns", "groups", "steps"),
    [
        (range(1, 4), range(0, 5, 2), range(2), 3),
        (range(5), range(5), range(1, 2), 2),
        (range(2, 3), range(4, 5), range(3), 1),
    ],
)
def test_keeps_what_is_seen(rows, columns, groups, steps, check):
    rng = np.random.default_rng(steps)
    words = rng.integers(0, 2**6, (2, 5, 5, 3, steps))
    kept = words[:, rows][:, :, columns][:, :, :, groups]
    check(
        MapSelect(
            _part(rows, columns, groups), rows=5, columns=5, groups=3, word_width=6, steps=steps
        ),
        {"words": (6, words.ravel().tolist())},
        {"kept": (6, kept.ravel().tolist())},
        ports={"steps": steps},
    )


def test_row_past_the_map():
    part = _part(range(6), range(1), range(1))
    with pytest.raises(RheobaseError, match="rows is 5, must be an integer >= 6"):
        MapSelect(part, rows=5, columns=1, groups=1, word_width=1, steps=1)


WEIGHT = np.zeros((4, 3, 1, 1), np.int8)


@pytest.mark.parametrize(
    ("connection", "conv", "rows", "columns", "stride", "padding"),
    [
        # Strided 1x1: every second row, and then no stride.
        (
            Connection(0, WEIGHT, stride=(2, 3)),
            (3, 2),
            range(0, 5, 2),
            range(0, 4, 3),
            (1, 1),
            (0, 0),
        ),
        # A crop of one row above and two columns on the right.
        (
            Connection(0, np.zeros((4, 3, 2, 2), np.int8), padding=(-1, 1, 0, -2)),
            (4, 5),
            range(1, 6),
            range(0, 5),
            (1, 1),
            (0, 1),
        ),
        # The last row is beyond the last window.
        (
            Connection(0, np.zeros((4, 3, 3, 3), np.int8), stride=(2, 2), padding=(0, 1, 0, 0)),
            (2, 3),
            range(0, 5),
            range(0, 6),
            (2, 2),
            (0, 1),
        ),
        # Sums of 2 x 2 in front of a kernel that is padded by one sum on each side.
        (
            Connection(
                0,
                np.zeros((4, 3, 3, 3), np.int8),
                padding=(1, 1, 1, 1),
                sum_pool=SumPool((2, 2), (2, 2)),
            ),
            (3, 3),
            range(0, 6),
            range(0, 7),
            (2, 2),
            (2, 2),
        ),
        # The same sums padded themselves: that much further beyond the map.
        (
            Connection(
                0,
                np.zeros((4, 3, 3, 3), np.int8),
                padding=(1, 0, 1, 1),
                sum_pool=SumPool((2, 2), (2, 2), (1, 1, 1, 1)),
            ),
            (4, 3),
            range(0, 6),
            range(0, 7),
            (2, 2),
            (3, 1),
        ),
    ],
)
def test_part_of_the_map(connection, conv, rows, columns, stride, padding):
    part = map_part(connection, (3, 6, 7), conv, 2)
    assert (part.rows, part.columns) == (rows, columns)
    assert (part.stride, part.padding) == (stride, padding)


@pytest.mark.parametrize("seed", range(40))
def test_windows_of_the_part_are_those_of_the_map(seed):
    """Tap by tap: the row (column) that a window reaches in what is kept is the map's own."""
    network = random_graph(
        np.random.default_rng(seed),
        coding=Coding.RATE,
        readout=Readout.COUNT,
        rule=PoolRule.STEP,
        steps=1,
        layers=3,
    )
    for layer, shape in zip(network.layers, network.shapes, strict=True):
        for connection, source in zip(layer.connections, shape.inputs, strict=True):
            part = map_part(connection, source, shape.conv[1:], 2)
            for axis, kept in enumerate((part.rows, part.columns)):
                for window in range(shape.conv[1 + axis]):
                    found = [
                        window * part.stride[axis] - part.padding[axis] + tap
                        for tap in tap_offsets(connection, axis)
                    ]
                    assert [
                        kept[place] if 0 <= place < len(kept) else None for place in found
                    ] == _reached(connection, source, axis, window, kept)


def _reached(connection, source, axis, window, kept):
    """Rows (columns) of the map that a window reaches, by the kernel's and the sums' steps.

    None for those beyond the map; ``kept`` ones alone are looked up, and all others must be such.
    """
    sums = connection.sum_pool or SumPool((1, 1), (1, 1))
    rows = [
        (
            window * connection.stride[axis]
            - connection.padding[axis]
            + tap * connection.dilation[axis]
        )
        * sums.stride[axis]
        - sums.padding[axis]
        + summed
        for tap in range(connection.kernel[axis])
        for summed in range(sums.kernel[axis])
    ]
    # A kept row beyond the map is one that the map's own writer never gives.
    return [row if row in kept or 0 <= row < source[1 + axis] else None for row in rows]


def test_channels_come_in_whole_words():
    connection = Connection(0, np.zeros((4, 2, 1, 1), np.int8), in_start=3)
    part = map_part(connection, (7, 5, 5), (5, 5), 2)
    assert (part.groups, part.channels, part.first_channel) == (range(1, 3), 4, 1)
    connection = Connection(IMAGE, np.zeros((4, 2, 1, 1), np.int8), in_start=1)
    image = map_part(connection, (3, 5, 5), (5, 5), 24)
    assert (image.groups, image.channels, image.first_channel) == (range(1), 3, 1)
