"""Events of calibration images: what a plan of a network's hardware needs to know of its input.

A network may carry them (``Network.events``), so that whoever has its file can predict how long an
image takes without having images.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .layers import IMAGE, Connection

#: (source, first channel, channels) that a connection sees.
Seen = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class EventCounts:
    """Events of some images.

    Attributes:
        maps: what some connection sees to (images, T, rows, columns), unsigned: spikes of those
            channels at each of their layer's steps; of the image, one step of set bits of pixels.
        windows: (layer, connection) of each that sees the image to a sample of its windows that
            hold a set bit: uint8, (windows, kernel rows, kernel columns, channels). A window that
            is most of an image has each position from an image of its own.
        channels: of each layer that some connection sees, by its index, the spikes of each of its
            channels in as many images as were counted, at least those of ``maps``: uint32,
            (channels,). Empty where nobody counted them.
    """

    maps: dict[Seen, np.ndarray]
    windows: dict[tuple[int, int], np.ndarray]
    channels: dict[int, np.ndarray] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"EventCounts of {self.images} images"

    @property
    def images(self) -> int:
        """Images that were counted."""
        return len(next(iter(self.maps.values())))

    def first_steps(self, steps: int) -> EventCounts:
        """The counts of the first ``steps`` time steps; those of channels stay those of all."""
        maps = {
            seen: events if seen[0] == IMAGE else events[:, :steps]
            for seen, events in self.maps.items()
        }
        return EventCounts(maps, self.windows, self.channels)

    def of(self, images: np.ndarray) -> EventCounts:
        """The counts of the images with these indices; those of channels stay those of all."""
        maps = {seen: events[images] for seen, events in self.maps.items()}
        return EventCounts(maps, self.windows, self.channels)


def seen_by(connection: Connection) -> Seen:
    """What ``connection`` sees."""
    return connection.source, connection.in_start, connection.in_channels
