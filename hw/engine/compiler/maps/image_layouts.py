"""How the host lays the image out: pixel by pixel, or window by window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import product

import numpy as np

from .....golden.basics.arithmetic import ceil_div
from .....golden.errors import RheobaseError
from .readings import Reading
from .stored_maps import ImageView
from .taps import Taps


class Fold(Enum):
    """What of a window lies in one super pixel of the image."""

    NONE = auto()  # pixels side by side, each once
    COLUMNS = auto()  # a row of a window; windows that overlap have pixels of their own
    WINDOW = auto()  # all of it


@dataclass(frozen=True)
class Layout:
    """Super pixels of a pass.

    Attributes:
        pixels: of maps, and of an image that is not folded, at most.
        fold: of the image.
    """

    pixels: int
    fold: Fold = Fold.NONE


def laid_out(reading: Reading, layout: Layout) -> Reading:
    """``reading`` of the image in ``layout``; as it is where it is of a map.

    Raises:
        RheobaseError: the image must lie window by window.
    """
    view = reading.source
    if not isinstance(view, ImageView):
        return reading
    (top,), (left,) = view.pixel_rows, view.pixel_columns
    if reading.marked and layout.fold != Fold.WINDOW:
        raise RheobaseError(
            "image: sums that overlap in front of a padded kernel are seen in an image that lies "
            "window by window alone"
        )
    if layout.fold == Fold.NONE:
        pixels = min(layout.pixels, view.columns)
        view = replace(
            view,
            supers=ceil_div(view.columns, pixels),
            super_step=pixels,
            pixel_rows=(top,) * pixels,
            pixel_columns=tuple(left + pixel for pixel in range(pixels)),
            marked_rows=(top,) * pixels,
            marked_columns=tuple(left + pixel for pixel in range(pixels)),
        )
        return replace(reading, source=view)
    rows, columns = reading.rows, reading.columns
    windows = (view.columns - 1 - columns.offsets[-1]) // columns.step + 1
    if layout.fold == Fold.COLUMNS:
        offsets = marks = [(0, column) for column in columns.offsets]
        kinds, counts, connections = columns.kinds, columns.counts, reading.connections
        view = replace(view, supers=windows, super_step=columns.step)
    else:
        offsets = list(product(rows.offsets, columns.offsets))
        marks = list(product(rows.checked, columns.checked))
        kinds = tuple(
            row * len(columns.counts) + column for row, column in product(rows.kinds, columns.kinds)
        )
        counts = np.kron(rows.counts, columns.counts)
        # A kernel of one row, with a column for each of its positions.
        connections = tuple(
            (replace(one, weight=one.weight.reshape(*one.weight.shape[:2], 1, -1)), start)
            for one, start in reading.connections
        )
        height = (view.rows - 1 - rows.offsets[-1]) // rows.step + 1
        view = replace(
            view, rows=height, row_step=rows.step, supers=windows, super_step=columns.step
        )
        rows = Taps(1, (0,), (0,), np.ones((1, 1), np.int64), height)
    view = replace(
        view,
        pixel_rows=tuple(top + row for row, _ in offsets),
        pixel_columns=tuple(left + column for _, column in offsets),
        marked_rows=tuple(top + row for row, _ in marks),
        marked_columns=tuple(left + column for _, column in marks),
    )
    pixels = len(offsets)
    columns = Taps(pixels, tuple(range(pixels)), kinds, counts, view.columns)
    return Reading(view, connections, rows, columns)
