"""EventScanner against a plain enumeration of set bits."""

import numpy as np
import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.hw.lanes.event_scanner import EventScanner
from tests.support.simulation.components import check_exchange, encode, word


def _expected(given, taps, planes, event_shift):
    """Events of one word: (address, add, shift, last)."""
    pending = given["shift"]
    events = []

    def emit(address, add, shift, last=0):
        while shift > event_shift:
            events.append([None, 0, event_shift, 0])
            shift -= event_shift
        events.append([address, add, shift, last])

    previous = None
    for plane in range(planes):
        for tap in range(taps):
            if given["bits"][plane] >> tap & 1:
                shift = pending if previous is None else plane - previous
                emit(given["address"] + tap, 1, shift)
                pending, previous = 0, plane
    trailing = planes - 1 - previous if previous is not None and planes > 1 else 0
    if previous is None or trailing:
        emit(None, 0, pending if previous is None else trailing)
    events[-1][3] = given["last"]
    return events


@pytest.mark.parametrize(
    ("taps", "planes", "word_shift", "event_shift", "signed_trains"),
    [
        (7, 1, 0, 0, False),
        (40, 1, 0, 0, False),
        pytest.param(18, 1, 3, 1, False, marks=pytest.mark.slow),
        (3, 8, 0, 3, False),
        (20, 4, 0, 1, False),
        (1, 1, 0, 0, False),
        (18, 1, 3, 1, True),
        (6, 1, 3, 1, True),
    ],
)
def test_gives_every_set_bit_once(taps, planes, word_shift, event_shift, signed_trains):
    rng = np.random.default_rng(taps)
    words_in_memory = 4 * taps
    component = EventScanner(
        taps, planes, words_in_memory, word_shift, event_shift, signed_trains=signed_trains
    )
    given, events = [], []
    for number in range(60):
        bits = rng.random((planes, taps)) < (0.0, 0.03, 0.2, 0.9)[number % 4]
        empty = not bits.any()
        entry = {
            "bits": [word(plane) for plane in bits],
            "address": int(rng.integers(4)) * taps,
            "shift": int(rng.integers(word_shift + 1)),
            # A word without events occurs only as the end of a unit.
            "last": 1 if planes > 1 or empty else int(rng.integers(2)),
        }
        sign = {"negative": int(rng.integers(2))} if signed_trains else {}
        given.append(entry | sign)
        signs = list(sign.items())
        events += [(*event, signs) for event in _expected(entry, taps, planes, event_shift)]
    layout = component.event_layout
    none = {"add": 0, "shift": 0, "last": 0} | ({"negative": 0} if signed_trains else {})
    address_bits = encode(layout, none | {"address": -1})
    everything = (1 << layout.size) - 1
    check_exchange(
        component,
        {"words": (component.word_layout, given)},
        {
            "events": (
                layout,
                [
                    {"address": address or 0, "add": add, "shift": shift, "last": last}
                    | dict(signs)
                    for address, add, shift, last, signs in events
                ],
            )
        },
        # The address of an event that adds nothing is free.
        masks={
            "events": [everything if event[1] else everything & ~address_bits for event in events]
        },
    )


def test_shift_needs_room():
    with pytest.raises(RheobaseError, match="event_shift is 0, must be an integer >= 1"):
        EventScanner(4, 8, 4, 0, 0)
