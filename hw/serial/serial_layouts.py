"""Layouts of what travels inside a serial connection."""

from __future__ import annotations

from amaranth.lib import data

from ..basics.shapes import count_shape, index_shape


class SerialWordLayout(data.StructLayout):
    """A word of the source's map.

    Members:
        bits: those that count.
        weights: address of the word's first weights.
        shift: what its bits are worth, as a power of two; of pixels, less for each plane.
        negative: they count negative.
        last: the image's last word.
    """

    def __init__(self, width: int, addresses: int, largest_shift: int):
        super().__init__(
            {
                "bits": width,
                "weights": index_shape(addresses),
                "shift": count_shape(largest_shift),
                "negative": 1,
                "last": 1,
            }
        )


class SerialEventLayout(data.StructLayout):
    """An event, or the end of an image without one.

    Members:
        weights: address of its weights for the first group; the next groups' follow.
        shift, negative: what it is worth, see ``SerialWordLayout``.
        adds: it is an event.
        last: the image's last.
    """

    def __init__(self, addresses: int, largest_shift: int):
        super().__init__(
            {
                "weights": index_shape(addresses),
                "shift": count_shape(largest_shift),
                "negative": 1,
                "adds": 1,
                "last": 1,
            }
        )
