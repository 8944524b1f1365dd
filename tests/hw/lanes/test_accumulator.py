"""AccumulatorLane against NumPy sums."""

import numpy as np
import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.bounds import Interval
from rheobase.hw.design.style import COMPACT, FAST
from rheobase.hw.lanes.accumulator import AccumulatorLane
from tests.support.simulation.components import check_exchange


@pytest.mark.parametrize(
    ("words", "neurons", "event_shift", "compact", "signed_trains"),
    [
        (9, 3, 0, False, False),
        (1, 1, 0, False, False),
        (12, 4, 3, False, False),
        (256, 2, 1, False, False),
        (9, 3, 0, True, False),
        (12, 4, 3, True, False),
        (12, 3, 1, False, True),
        (12, 3, 1, True, True),
    ],
)
def test_sums_weights_of_events(words, neurons, event_shift, compact, signed_trains):
    rng = np.random.default_rng(words)
    weights = rng.integers(-8, 8, (words, neurons)).astype(np.int8)
    events, sums = [], []
    for _ in range(50):
        total = np.zeros(neurons, dtype=np.int64)
        length = int(rng.integers(1, 6))
        for index in range(length):
            address, add = int(rng.integers(words)), int(rng.integers(4) > 0)
            shift = int(rng.integers(event_shift + 1)) if event_shift else 0
            last = int(index == length - 1)
            event = {"address": address, "add": add, "shift": shift, "last": last}
            if signed_trains:
                event["negative"] = int(rng.integers(2))
            sign = -1 if event.get("negative") else 1
            total = total * 2**shift + sign * weights[address].astype(np.int64) * add
            events.append(event)
        sums.append(total.tolist())
    low, high = int(np.min(sums)), int(np.max(sums))
    bound = max(-low, high) * 2**event_shift + 8
    style = COMPACT if compact else FAST
    component = AccumulatorLane(
        weights,
        4,
        event_shift,
        Interval(-bound, bound),
        signed_trains=signed_trains,
        style=style,
    )
    check_exchange(
        component,
        {"events": (component.event_layout, events)},
        {"sums": (component.sums.payload.shape(), sums)},
    )


def test_weight_out_of_range():
    with pytest.raises(RheobaseError, match=r"weights span 0\.\.9, must be in -8\.\.7 at 4 bits"):
        AccumulatorLane(np.array([[0], [9]]), 4, 0, Interval(0, 9))


@pytest.mark.parametrize("shape", [(3,), (2, 3, 1), (0, 2), (2, 0)])
def test_weights_are_words_of_p(shape):
    with pytest.raises(RheobaseError, match=r"weights have shape .*, must be \(words, P\)"):
        AccumulatorLane(np.zeros(shape, np.int64), 4, 0, Interval(0, 9))
