"""WordFilter against a list of what each unit's slabs must become."""

import numpy as np
import pytest

from rheobase.hw.design.style import COMPACT, FAST
from rheobase.hw.lanes.word_filter import WordFilter
from tests.support.simulation.components import check_exchange, word


def _unit(rng, taps, planes, slabs, groups, separate, largest_shift, density, signed_trains):
    """Slabs of one unit and the words expected of them; planes shift if any does."""

    def sign(plane):
        return {"negative": int(plane == 0)} if signed_trains else {}

    group = int(rng.integers(groups))
    given, kept = [], []
    for plane in range(separate):
        for slab in range(slabs):
            bits = [word(plane) for plane in rng.random((planes, taps)) < density]
            last = plane == separate - 1 and slab == slabs - 1
            new_plane = plane > 0 and slab == 0
            given.append(
                {"bits": bits, "slab": slab, "group": group, "new_plane": new_plane, "last": last}
            )
            if np.any(bits):
                kept.append((plane, bits, (group * slabs + slab) * taps))
    words = []
    for index, (plane, bits, address) in enumerate(kept):
        shift = min(largest_shift, plane - kept[index - 1][0]) if index else 0
        words.append({"bits": bits, "address": address, "shift": shift, "last": 0} | sign(plane))
    trailing = min(largest_shift, separate - 1 - kept[-1][0]) if kept else 0
    if trailing or not kept:
        address = (group * slabs + slabs - 1) * taps
        empty = [0] * planes
        ends = {"bits": empty, "address": address, "shift": trailing, "last": 0}
        words.append(ends | sign(separate - 1))
    words[-1]["last"] = 1
    return given, words


def _noted(slab):
    return {"slab": slab, "filled": int(any(slab["bits"]))}


@pytest.mark.parametrize(
    ("taps", "planes", "slabs", "groups", "separate", "largest_shift", "signed_trains", "style"),
    [
        (5, 1, 3, 2, 1, 0, False, FAST),
        (4, 1, 2, 3, 4, 3, False, FAST),
        (3, 8, 1, 2, 1, 0, False, FAST),
        (4, 1, 2, 3, 4, 3, True, FAST),
        (4, 1, 3, 1, 1, 0, True, FAST),
        (4, 1, 3, 2, 2, 0, True, FAST),
        (4, 1, 1, 2, 2, 0, True, COMPACT),
    ],
    ids=[
        "rate",
        "radix",
        "pixels",
        "signed radix",
        "signed radix of one plane",
        "signed rate",
        "signed rate of one slab",
    ],
)
def test_drops_empty_words(
    taps, planes, slabs, groups, separate, largest_shift, signed_trains, style
):
    rng = np.random.default_rng(taps)
    component = WordFilter(
        taps, planes, slabs, groups, largest_shift, signed_trains=signed_trains, style=style
    )
    given, expected = [], []
    for number in range(60):
        density = (0.0, 0.05, 0.15, 0.5)[number % 4]
        slab_list, words = _unit(
            rng, taps, planes, slabs, groups, separate, largest_shift, density, signed_trains
        )
        given += slab_list
        expected += words
    check_exchange(
        component,
        {"slab": (component.slab.payload.shape(), [_noted(slab) for slab in given])},
        {"words": (component.word_layout, expected)},
    )
