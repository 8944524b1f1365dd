"""SlidingWindows: every window of a map against NumPy, in order, under stalls."""

import numpy as np
import pytest

from rheobase.hw.design.payloads import WindowLayout
from rheobase.hw.window.sliding_windows import SlidingWindows
from tests.support.simulation.components import check_exchange, word
from tests.support.simulation.sliding import sliding_geometry

CASES = {
    "pixels": {"kernel": (3, 3), "channels": 2, "planes": 8, "steps": 1, "pool": (2, 2)},
    "radix": {"kernel": (3, 2), "channels": 5, "planes": 1, "steps": 3, "pool": (2, 3)},
    "part of outputs": {"kernel": (2, 2), "channels": 3, "steps": 2, "pool": (2, 4),
                        "whole_outputs": False},
    "strides": {"kernel": (2, 2), "channels": 3, "steps": 2, "stride": (2, 3), "size": (7, 9),
                "kept": range(1, 3)},
    "signed rate": {"kernel": (1, 3), "channels": 3, "steps": 2, "planes_of_step": 2,
                    "dilation": (1, 2), "size": (4, 8)},
    "whole map": {"kernel": (3, 4), "channels": 2, "steps": 2, "size": (3, 4), "padding": (0, 0)},
    "part of a pixel": {"kernel": (2, 1), "channels": 4, "planes": 3, "steps": 1,
                        "kept": range(1, 3), "size": (3, 4)},
    "points": {"kernel": (1, 1), "channels": 4, "steps": 2, "size": (2, 3), "padding": (0, 0)},
}  # fmt: skip


QUICK = ("radix", "signed rate", "part of a pixel")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in CASES]
)
def test_windows(name):
    case = {"planes": 1, "planes_of_step": 1, "padding": (1, 1)} | CASES[name]
    rng = np.random.default_rng(len(name))
    sliding = sliding_geometry(**case)
    geometry = sliding.geometry
    width = geometry.channels * geometry.planes
    pad = int(rng.integers(1, 2**width)) if geometry.planes > 1 else 0
    word_width = width if geometry.planes > 1 else min(2, width)
    words, windows = [], []
    for _ in range(2):
        # (rows, columns, words of a pixel, bits)
        bits = rng.random((geometry.rows, geometry.columns, geometry.steps, width)) < 0.5
        for pixel in bits.reshape(-1, geometry.steps, width):
            for first in range(0, width, word_width):
                words += [word(part[first : first + word_width]) for part in pixel]
        windows += _windows(sliding, case, bits, np.array([pad >> i & 1 for i in range(width)]))
    component = SlidingWindows(sliding, word_width=word_width, padding_bits=pad)
    check_exchange(
        component,
        {"words": (word_width, words)},
        {"windows": (WindowLayout(sliding), windows)},
        ports={"steps": geometry.steps // geometry.step_planes},
    )


def _windows(sliding, case, bits, pad):
    """Payloads of one map's windows."""
    geometry = sliding.geometry
    up, left = case["padding"]
    whole = np.empty(
        (geometry.rows + 2 * up, geometry.columns + 2 * left, *bits.shape[2:]), np.int64
    )
    whole[:] = pad
    whole[up : up + geometry.rows, left : left + geometry.columns] = bits
    kept = np.arange(sliding.first_channel, sliding.first_channel + sliding.channels)
    kept = (np.arange(geometry.planes)[:, np.newaxis] * geometry.channels + kept).ravel()
    down, across = geometry.pool_kernel
    (rows, columns), sp = sliding.windows, geometry.step_planes
    found = []
    for top in range(0, rows, down):
        for column in range(columns):
            for row in range(top, min(top + down, rows)):
                at = [
                    np.array(geometry.offsets[axis]) + (row, column)[axis] * geometry.stride[axis]
                    for axis in range(2)
                ]
                window = whole[np.ix_(*at)]
                for number in range(geometry.steps):
                    first = row == top and column % across == 0
                    last_row = row == min(top + down, rows) - 1
                    marks = {
                        "first_plane": number == 0,
                        "last_plane": number == geometry.steps - 1,
                        "second": number % sp == sp - 1,
                        "first_step": number < sp,
                        "last_step": number >= geometry.steps - sp,
                        "first_position": first,
                        "last_position": last_row
                        and (column % across == across - 1 or column == columns - 1),
                    }
                    found.append(
                        {
                            "bits": word(window[:, :, number][..., kept].ravel()),
                            "marks": {key: int(value) for key, value in marks.items()},
                        }
                    )
    return found
