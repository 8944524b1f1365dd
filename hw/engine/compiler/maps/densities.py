"""How many of the bits of maps are set: what was counted on calibration images, or a guess."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .....golden.network.network import IMAGE, PIXEL_BITS, Network
from .stored_maps import ImageView, Source, StoredMap

#: Set bits of a pixel, and spikes of a neuron, where nobody has counted.
ASSUMED_PIXEL_BITS, ASSUMED_SPIKES = 4.0, 0.76

#: Of a source, the share of its numbers' bits that are set.
Density = Callable[[Source], float]


def densities(network: Network) -> Density:
    """The share of set bits of each map of ``network``."""
    counted: dict[int, list[tuple[float, int]]] = {}
    if network.events is not None:
        for (source, _, channels), events in network.events.maps.items():
            steps = PIXEL_BITS if source == IMAGE else events.shape[1]
            bits = channels * steps * events.shape[0] * events.shape[2] * events.shape[3]
            counted.setdefault(source, []).append((float(np.sum(events, dtype=np.float64)), bits))

    def of_layer(layer: int, steps: int) -> float:
        if layer in counted:
            return sum(events for events, _ in counted[layer]) / sum(b for _, b in counted[layer])
        return (ASSUMED_PIXEL_BITS if layer == IMAGE else min(steps, ASSUMED_SPIKES)) / steps

    def density(source: Source) -> float:
        if isinstance(source, StoredMap):
            channels = sum(member.channels for member in source.members)
            return (
                sum(of_layer(member.layer, source.train.steps if source.train else source.steps)
                    * member.channels for member in source.members) / channels
            )  # fmt: skip
        if isinstance(source, ImageView):
            return of_layer(IMAGE, PIXEL_BITS)
        raise TypeError(f"{type(source).__name__} is no map that a pass can read")

    return density
