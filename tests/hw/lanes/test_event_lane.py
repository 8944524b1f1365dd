"""EventLane: slabs in, weighted sums out, against a NumPy dot product."""

import numpy as np
import pytest

from rheobase.golden.network.bounds import Interval
from rheobase.hw.design.payloads import LaneSlabLayout
from rheobase.hw.design.queues import lane_queues
from rheobase.hw.design.style import COMPACT, FAST
from rheobase.hw.lanes.event_lane import EventLane
from tests.support.simulation.components import check_exchange, word


@pytest.mark.parametrize(
    ("alone", "compact"),
    [(False, False), pytest.param(True, True, marks=pytest.mark.slow), (False, True)],
    ids=["one of several", "alone", "queues in block RAM"],
)
@pytest.mark.parametrize(
    ("taps", "planes", "slabs", "separate", "signed_trains"),
    [(6, 1, 3, 1, False), (5, 1, 2, 3, False), (3, 8, 1, 1, False), (5, 1, 2, 3, True)],
    ids=["rate", "radix", "pixels", "signed radix"],
)
def test_weighted_sums(taps, planes, slabs, separate, signed_trains, alone, compact):
    rng = np.random.default_rng(taps)
    neurons, groups = 3, 2
    weights = rng.integers(-4, 4, (groups, slabs, taps, neurons)).astype(np.int8)
    given, sums = [], []
    for number in range(48):
        density = (0.0, 0.1, 0.4, 1.0)[number % 4]
        group = int(rng.integers(groups))
        bits = rng.random((separate, slabs, planes, taps)) < density
        # Planes are binary digits, most significant first, wherever they stand.
        depth = separate * planes
        digits = bits.transpose(0, 2, 1, 3).reshape(depth, slabs, taps)
        worth = 2 ** np.arange(depth)[::-1]
        worth[0] *= -1 if signed_trains else 1
        values = np.tensordot(worth, digits, axes=1)
        sums.append(np.einsum("st,stn->n", values, weights[group].astype(np.int64)).tolist())
        for plane in range(separate):
            given += [
                {
                    "bits": [word(row) for row in bits[plane, slab]],
                    "slab": slab,
                    "group": group,
                    "new_plane": int(plane > 0 and slab == 0),
                    "last": int(plane == separate - 1 and slab == slabs - 1),
                }
                for slab in range(slabs)
            ]
    bound = taps * slabs * 4 * 2 ** (separate * planes)
    style = COMPACT if compact else FAST
    component = EventLane(
        taps=taps,
        planes=planes,
        slabs=slabs,
        groups=groups,
        weights=weights.reshape(-1, neurons),
        weight_bits=3,
        separate_planes=separate,
        signed_trains=signed_trains,
        queues=lane_queues(style, alone=alone, long_units=planes > 1 or separate > 1),
        style=style if alone else FAST,
        bounds=Interval(-bound, bound),
    )
    check_exchange(
        component,
        {"slab": (LaneSlabLayout(taps, planes, slabs, groups), given)},
        {"sums": (component.sums_layout, sums)},
    )
