"""SlabStage: every slab as it came, with whether it has a set bit."""

import numpy as np

from rheobase.hw.design.payloads import LaneSlabLayout
from rheobase.hw.lanes.slab_stage import SlabStage
from tests.support.simulation.components import check_exchange


def test_notes_what_holds_events():
    rng = np.random.default_rng(2)
    layout = LaneSlabLayout(taps=5, planes=2, slabs=3, groups=4)
    stage = SlabStage(layout)
    slabs, noted = [], []
    for _ in range(120):
        bits = rng.integers(2, size=(2, 5)) * int(rng.integers(2))
        slab = {
            "bits": [sum(int(bit) << tap for tap, bit in enumerate(plane)) for plane in bits],
            "slab": int(rng.integers(3)),
            "group": int(rng.integers(4)),
            "new_plane": int(rng.integers(2)),
            "last": int(rng.integers(2)),
        }
        slabs.append(slab)
        noted.append({"slab": slab, "filled": int(bits.sum() > 0)})
    check_exchange(
        stage,
        {"slabs": (layout, slabs)},
        {"noted": (stage.noted.payload.shape(), noted)},
    )
