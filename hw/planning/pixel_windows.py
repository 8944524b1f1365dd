"""What lanes take for windows of pixels: a sample of the windows, and lanes as they are dealt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..design.partition import partition, pixel_plane_sets


@dataclass(frozen=True, eq=False)
class PixelWindows:
    """Windows that hold a set bit, drawn at random from calibration images.

    The bits of a pixel are far from independent, and how many planes a lane finds empty depends
    on its taps: no count of events says that.

    Attributes:
        pixels: uint8, (windows, kernel rows, kernel columns, channels).
    """

    pixels: np.ndarray

    def lane_cycles(self, channels: int, lanes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cycles that E = ``lanes`` lanes take for windows with so many events.

        An event takes a cycle, and a plane without any, after the lane's first that has one, a
        cycle for its shift.

        Args:
            channels: those that a group of neurons sees.

        Returns:
            Numbers of events of a window, increasing; for each of them the cycles of the lane that
            takes most on the whole, and of the lane that takes most for the window, on average.
        """
        _, rows, columns, _ = self.pixels.shape
        sets = pixel_plane_sets(lanes)
        bits = np.unpackbits(self.pixels[..., np.newaxis], axis=-1)
        taken = []
        for taps in partition(rows, columns, channels, lanes // sets):
            row, column, channel = np.array([(t.row, t.column, t.channel) for t in taps]).T
            held = bits[:, row, column, channel].sum(axis=1, dtype=np.int64)
            for planes in np.split(held, sets, axis=1):
                after_first = np.maximum.accumulate(planes > 0, axis=1)
                taken.append(np.where(after_first, np.maximum(planes, 1), 0).sum(axis=1))
        cycles = np.maximum(taken, 1)
        busiest = cycles[cycles.sum(axis=1).argmax()]
        events, of_window = np.unique(
            bits[..., :channels, :].sum(axis=(1, 2, 3, 4)), return_inverse=True
        )
        count = np.bincount(of_window)
        mean, most = (
            np.bincount(of_window, taken) / count for taken in (busiest, cycles.max(axis=0))
        )
        # A window without any event is in no sample: it takes the cycle that ends its sum.
        return np.insert(events, 0, 0), np.insert(mean, 0, 1.0), np.insert(most, 0, 1.0)
