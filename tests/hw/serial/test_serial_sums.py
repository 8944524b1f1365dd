"""SerialSums against NumPy: the sums of images, group after group."""

import numpy as np
import pytest

from rheobase.hw.basics.shapes import signed_shape
from rheobase.hw.serial.serial_sums import SerialSums
from tests.hw.serial.designs import serial_layer
from tests.support.simulation.components import check_exchange


@pytest.mark.parametrize(
    ("kind", "neurons"),
    [("pixels", 1), ("signed radix", 2), ("rate", 4), ("signed rate", 7), ("radix", 7)],
)
def test_sums(kind, neurons):
    """Also where the same sum is added to again and again, and of images without events."""
    rng = np.random.default_rng(neurons)
    layer = serial_layer(kind, neurons)
    design = layer.serial_design
    component = SerialSums(design, signed_shape(layer.sum))
    groups = -(-7 // neurons)
    weights = design.weights.reshape(-1, groups, neurons).astype(int)
    place = {"first_position": 1, "last_position": 1, "first_step": 1, "last_step": 1}
    events, sums = [], []
    for count in (0, 1, 5, 0, 17, 2):
        totals = np.zeros((groups, neurons), int)
        for number in range(max(count, 1)):
            first = int(rng.integers(len(weights))) if number % 3 else 0
            shift = int(rng.integers(design.largest_shift + 1))
            negative = int(rng.integers(2)) if "signed" in kind else 0
            adds = int(count > 0)
            if adds:
                totals += (-1 if negative else 1) * (weights[first] << shift)
            events.append(
                {
                    "weights": first * groups,
                    "shift": shift,
                    "negative": negative,
                    "adds": adds,
                    "last": int(number == max(count, 1) - 1),
                }
            )
        for group, total in enumerate(totals):
            unit = place | {"position": 0, "group": group}
            sums.append({"sums": total.tolist(), "unit": unit})
    check_exchange(
        component,
        {"events": (component.event_layout, events)},
        {"sums": (component.sums.payload.shape(), sums)},
    )
