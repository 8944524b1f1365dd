"""TrainSlabs and MapSum: a map's words as trains, and the sums of trains as sums of a map."""

import numpy as np
import pytest
from amaranth import signed

from rheobase.hw.lanes.train_slabs import TrainSlabs
from rheobase.hw.readout.map_sum import MapSum
from tests.support.simulation.components import check_exchange


@pytest.mark.parametrize(
    ("radix", "delay", "planes"),
    [(False, 0, 1), (False, 2, 1), (True, 0, 1), (False, 0, 2), (False, 1, 2)],
)
def test_trains_of_a_map(radix, delay, planes):
    """Where a step has two planes each step is a unit."""
    rng = np.random.default_rng(delay)
    # Pixels that a counter would not reach by counting down instead of up.
    pixels, groups, steps, width = 4, 2, 4, 5
    seen = (0b11110, 0b00111)
    words = rng.integers(0, 2**width, (2, pixels, groups, steps, planes))
    slabs = []
    for image, pixel, group, step, plane in np.ndindex(words.shape):
        last = step == steps - 1
        value = int(words[image, pixel, group, step, plane]) & seen[group]
        slabs.append(
            {
                "bits": value if radix or step >= delay else 0,
                "group": group,
                "new_plane": int((radix and step > 0) or plane > 0),
                "last": plane if planes > 1 else int(last),
                "image_last": int(last and group == groups - 1 and pixel == pixels - 1),
            }
        )
    component = TrainSlabs(width, seen, pixels=pixels, steps=steps, radix=radix, step_planes=planes)
    check_exchange(
        component,
        {"words": (width, words.ravel().tolist())},
        {"slabs": (component.slab_layout, slabs)},
        ports={"steps": steps, "delay": delay},
    )


def test_sums_of_images():
    rng = np.random.default_rng(1)
    component = MapSum(3, signed(6), signed(10))
    sums, totals = [], []
    for _ in range(12):
        count = int(rng.integers(1, 9))
        values = rng.integers(-32, 32, (count, 3))
        sums += [
            {"sums": row.tolist(), "unit": {"last": int(index == count - 1)}}
            for index, row in enumerate(values)
        ]
        total = values.sum(axis=0).tolist()
        totals.append({"currents": total, "first_step": 1, "last_step": 1, "group": 0})
    check_exchange(
        component,
        {"sums": (component.sum_layout, sums)},
        {"currents": (component.current_layout, totals)},
    )
