"""WordFilter against a list of what each unit's slabs must become."""

import numpy as np
import pytest

from rheobase.hw.lanes.word_filter import WordFilter
from tests.support.components import check_exchange, word


def _unit(rng, taps, planes, slabs, groups, separate, density):
    """Slabs of one unit and the words expected of them."""
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
        shift = plane - kept[index - 1][0] if index else 0
        words.append({"bits": bits, "address": address, "shift": shift, "last": 0})
    trailing = separate - 1 - kept[-1][0] if kept else 0
    if trailing or not kept:
        address = (group * slabs + slabs - 1) * taps
        empty = [0] * planes
        words.append({"bits": empty, "address": address, "shift": trailing, "last": 0})
    words[-1]["last"] = 1
    return given, words


def _noted(slab):
    return {"slab": slab, "filled": int(any(slab["bits"]))}


@pytest.mark.parametrize(
    ("taps", "planes", "slabs", "groups", "separate"),
    [(5, 1, 3, 2, 1), (4, 1, 2, 3, 4), (3, 8, 1, 2, 1)],
    ids=["rate", "radix", "pixels"],
)
def test_drops_empty_words(taps, planes, slabs, groups, separate):
    rng = np.random.default_rng(taps)
    component = WordFilter(taps, planes, slabs, groups, separate - 1)
    given, expected = [], []
    for number in range(60):
        density = (0.0, 0.05, 0.15, 0.5)[number % 4]
        slab_list, words = _unit(rng, taps, planes, slabs, groups, separate, density)
        given += slab_list
        expected += words
    check_exchange(
        component,
        {"slab": (component.slab.payload.shape(), [_noted(slab) for slab in given])},
        {"words": (component.word_layout, expected)},
    )
