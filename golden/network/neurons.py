"""The neurons of one layer, signed or not (docs/meaning.md, "A signed neuron")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Neurons:
    """Integers (channels,) of the neurons of a layer.

    Attributes:
        threshold, initial_potential: theta and v(0).
        negative_threshold: theta' of neurons that fire signed, None of those that do not.
    """

    threshold: np.ndarray
    initial_potential: np.ndarray
    negative_threshold: np.ndarray | None = None

    @property
    def linear(self) -> bool:
        """They fire signed, and alike on both sides."""
        return self.negative_threshold is not None and np.array_equal(
            self.threshold, self.negative_threshold
        )

    @property
    def silent_from(self) -> np.ndarray:
        """L: the least potential from which no negative spike is fired, int64."""
        if self.negative_threshold is None:
            raise ValueError("neurons that are not signed fire no negative spikes")
        return -((self.negative_threshold.astype(np.int64) - self.threshold) // 2)
