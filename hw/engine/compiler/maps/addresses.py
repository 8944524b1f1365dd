"""Where in memory maps lie; no two of them share a word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..passes.drafts import Draft
from .stored_maps import ImageView, Source, StoredMap


@dataclass(frozen=True)
class Place:
    """Of a map: its first word, and words from one row (pixel) to the next."""

    base: int
    row_words: int
    pixel_words: int


def placed_maps(
    maps: Iterable[StoredMap], drafts: Iterable[Draft], start: int
) -> tuple[dict[Source, Place], int]:
    """The place of each view of the image and of each map, from ``start`` on, and their end."""
    # A row has room for the whole super pixels that are read of it.
    pixels: dict[Source, int] = {}
    views: dict[ImageView, None] = {}
    for draft in drafts:
        for read in draft.sources:
            if isinstance(read.source, ImageView):
                views[read.source] = None
            else:
                wanted = read.supers * read.pixel.pixels
                pixels[read.source] = max(pixels.get(read.source, 0), wanted)
    places: dict[Source, Place] = {}
    for view in views:
        places[view] = Place(start, view.row_words, view.super_reads)
        start += view.rows * view.row_words
    for stored in maps:
        row_words = max(pixels.get(stored, 0), stored.columns) * stored.pixel_words
        places[stored] = Place(start, row_words, stored.pixel_words)
        start += stored.rows * row_words
    return places, start
