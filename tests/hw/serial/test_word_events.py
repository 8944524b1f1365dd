"""WordEvents against a plain enumeration of set bits."""

import numpy as np
import pytest

from rheobase.hw.serial.word_events import WordEvents
from tests.hw.serial.designs import serial_layer
from tests.support.simulation.components import check_exchange, encode, word


@pytest.mark.parametrize(("kind", "neurons"), [("pixels", 2), ("signed radix", 3), ("rate", 7)])
def test_gives_every_set_bit_once(kind, neurons):
    rng = np.random.default_rng(neurons)
    design = serial_layer(kind, neurons).serial_design
    component = WordEvents(design)
    planes, channels = (8, 2) if kind == "pixels" else (1, 2)
    groups = -(-7 // neurons)
    given, events = [], []
    for number in range(80):
        bits = rng.random((planes, channels)) < (0.0, 0.1, 0.5, 1.0)[number % 4]
        entry = {
            "bits": word(bits.ravel()),
            "weights": int(rng.integers(3)) * channels * groups,
            "shift": 7 if kind == "pixels" else int(rng.integers(3)) if "radix" in kind else 0,
            "negative": int(rng.integers(2)),
            "last": int(rng.random() < 0.3),
        }
        given.append(entry)
        found = [
            {
                "weights": entry["weights"] + channel * groups,
                "shift": entry["shift"] - plane,
                "negative": entry["negative"],
                "adds": 1,
                "last": 0,
            }
            for plane, channel in np.argwhere(bits).tolist()
        ]
        if entry["last"] and not found:
            found = [{"weights": 0, "shift": 0, "negative": 0, "adds": 0, "last": 1}]
        elif entry["last"]:
            found[-1]["last"] = 1
        events += found
    layout = component.event_layout
    everything = (1 << layout.size) - 1
    # Of the end of an image without an event nothing else counts.
    ends = encode(layout, {"weights": 0, "shift": 0, "negative": 0, "adds": 1, "last": 1})
    check_exchange(
        component,
        {"words": (component.word_layout, given)},
        {"events": (layout, events)},
        masks={"events": [everything if event["adds"] else ends for event in events]},
    )
