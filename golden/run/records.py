"""What each layer did in a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class LayerRecord:
    """What one layer did.

    Attributes:
        name: the layer's.
        spikes: bool, (images, T, channels, rows, columns), with the layer's T; None without
            neurons. Of signed neurons int8, -1 to 1, in ``rate``; in ``radix`` the planes of two's
            complement.
        currents: int64, (images, T or 1, channels, rows, columns): what the neurons add, pooled
            and with bias; one step where it is constant (only the image is seen) or added once
            (``radix``).
        events: per connection int64, (images, in channels): events (spikes, or set bits of pixels,
            padded ones included) in all windows that one group of neurons visits, by the source's
            channel that is seen (``statistics.window_events``).
    """

    name: str
    spikes: np.ndarray | None
    currents: np.ndarray
    events: tuple[np.ndarray, ...]

    def __repr__(self) -> str:
        return f"LayerRecord of {self.name!r}: {self.spikes_per_neuron:.3g} spikes per neuron"

    @property
    def spikes_per_neuron(self) -> float:
        """Mean spikes per neuron and image (0 without neurons)."""
        if self.spikes is None or not self.spikes.size:
            return 0.0
        return float(np.count_nonzero(self.spikes) / (self.spikes.size / self.spikes.shape[1]))


def external(stepwise: np.ndarray) -> np.ndarray:
    """(T, images, rows, columns, channels) -> (images, T, channels, rows, columns)."""
    return stepwise.transpose(1, 0, 4, 2, 3)


def joined(batches: list[list[LayerRecord]]) -> tuple[LayerRecord, ...]:
    """Records of all batches, layer by layer."""
    return tuple(
        LayerRecord(
            name=parts[0].name,
            spikes=None
            if parts[0].spikes is None
            else np.concatenate([part.spikes for part in parts]),
            currents=np.concatenate([part.currents for part in parts]),
            events=tuple(
                np.concatenate(counts)
                for counts in zip(*(part.events for part in parts), strict=True)
            ),
        )
        for parts in zip(*batches, strict=True)
    )
