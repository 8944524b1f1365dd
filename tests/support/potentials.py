"""Membrane potentials of a recorded layer, from what it received and what it fired."""

from __future__ import annotations

import numpy as np

from rheobase.golden import Layer
from rheobase.golden.run.records import LayerRecord


def rate_potentials(layer: Layer, record: LayerRecord) -> tuple[np.ndarray, np.ndarray]:
    """Before and after firing at each step of ``rate``: (images, T, channels, rows, columns)."""

    def per_channel(values: np.ndarray) -> np.ndarray:
        return values.astype(np.int64)[:, None, None]

    threshold = per_channel(layer.threshold)
    negative = (
        threshold if layer.negative_threshold is None else per_channel(layer.negative_threshold)
    )
    spikes = record.spikes.astype(np.int64)
    received = np.broadcast_to(record.currents, spikes.shape).cumsum(axis=1)
    received += per_channel(layer.initial_potential)
    count = spikes.cumsum(axis=1)
    before, after = (
        received - np.where(fired > 0, threshold, negative) * fired
        for fired in (count - spikes, count)
    )
    return before, after
