"""DirectLane: depthwise sums against NumPy, rate and radix."""

import numpy as np
import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.bounds import Interval
from rheobase.hw.lanes.direct_lane import DirectLane, DirectSlabLayout
from rheobase.hw.memories.memory_shape import CONSTANT_WORDS
from tests.support.simulation.agents import run_without_stalls
from tests.support.simulation.components import check_exchange, word


@pytest.mark.parametrize(
    ("groups", "slabs", "rows", "neurons", "planes", "signed_trains", "doubles"),
    [
        (2, 3, 3, 4, 1, False, True),
        (3, 1, 1, 2, 3, False, True),
        (9, 3, 3, 1, 2, False, True),
        (1, 2, 2, 5, 1, False, True),
        (2, 2, 2, 3, 3, True, True),
        (2, 2, 2, 3, 2, True, False),
    ],
    ids=["rate", "identity radix", "weights in memory", "one group", "signed radix", "signed rate"],
)
def test_gated_sums(groups, slabs, rows, neurons, planes, signed_trains, doubles):
    assert (groups * slabs * rows > CONSTANT_WORDS) == (groups == 9)
    rng = np.random.default_rng(groups)
    blocks = rng.integers(-900, 900, (groups, slabs, rows, neurons)).astype(np.int16)
    given, sums = [], []
    for number in range(40):
        group = int(rng.integers(groups))
        bits = rng.random((planes, slabs, rows, neurons)) < (0.0, 0.1, 0.5, 1.0)[number % 4]
        # Columns without spikes are left out, as the window fetcher does.
        shown = [s for s in range(slabs) if bits[:, s].any()] or [0]
        worth = (2 if doubles else 1) ** np.arange(planes)[::-1]
        worth[0] *= -1 if signed_trains else 1
        values = np.tensordot(worth, bits.astype(np.int64), axes=1)
        sums.append((values * blocks[group]).sum(axis=(0, 1)).tolist())
        for plane in range(planes):
            given += [
                {
                    "bits": [word(row) for row in bits[plane, slab]],
                    "slab": slab,
                    "group": group,
                    "new_plane": int(plane > 0 and slab == shown[0]),
                    "last": int(plane == planes - 1 and slab == shown[-1]),
                }
                for slab in shown
            ]
    bound = 900 * slabs * rows * 2**planes
    component = DirectLane(
        blocks, 11, Interval(-bound, bound), signed_trains=signed_trains, doubles=doubles
    )
    check_exchange(
        component,
        {"slab": (DirectSlabLayout(neurons, rows, slabs, groups), given)},
        {"sums": (component.sums_layout, sums)},
    )


def test_weight_that_does_not_fit():
    blocks = np.full((1, 1, 1, 2), 40, np.int16)
    with pytest.raises(RheobaseError, match=r"weight is 40, must be an integer in -32\.\.31"):
        DirectLane(blocks, 6, Interval(0, 40))


def test_a_row_of_a_slab_in_each_cycle():
    """As long as sums leave: the next slab comes with the last row of the one before."""
    rows = 2
    component = DirectLane(np.ones((1, 1, rows, 3), np.int16), 4, Interval(0, 2))
    slab = {"bits": [0b111] * rows, "slab": 0, "group": 0, "new_plane": 0, "last": 1}
    sums = run_without_stalls(
        component, (component.slab, [slab] * 40), component.sums, 40, cycles=40 * rows + 8
    )
    assert all([*taken] == [rows] * 3 for taken in sums)
