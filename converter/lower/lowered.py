"""An integer network with what its integers are worth in the model's units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...golden.network.network import Coding, Network


@dataclass(frozen=True, eq=False)
class LayerScale:
    """What a layer's integers are worth in the model's units.

    Attributes:
        name: the layer's; that of the operation in the graph.
        scale: (channels,): one unit of current or potential.
        spike: (channels,): one spike, which is the threshold (the least bit of a ``radix`` train);
            None without neurons.
        constant: (channels,), bool: its neurons do the same for every input.
        kept: its weights are integers times a scale in the model, and those are its integers.
    """

    name: str
    scale: np.ndarray
    spike: np.ndarray | None
    constant: np.ndarray
    kept: bool = False


@dataclass(frozen=True, eq=False)
class OutputPart:
    """What of an output of the model one output of the network holds.

    Attributes:
        index: in ``network.outputs``, and in the golden model's ``outputs``.
        unit: (channels,): the model's value per unit of score: of a mean over the steps that are
            read in ``rate``, of the score itself in ``radix``.
    """

    index: int
    unit: np.ndarray


@dataclass(frozen=True, eq=False)
class OutputScale:
    """How an output of the model is read from the network's.

    Attributes:
        parts: the outputs that hold its elements.
        order: for each of its elements the place in the parts, flattened and one after the other;
            None where one output of the network has them in the model's order.
        shape: of that output in the model, without the batch.
    """

    parts: tuple[OutputPart, ...]
    order: np.ndarray | None
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Lowered:
    """The integer network, and what its integers mean.

    Attributes:
        layers: one per layer of the network.
        outputs: by the label of the model's output.
        left_out: paths of what follows the scores in the model (softmax, interpolation): the
            outputs are those in front of it.
    """

    network: Network
    layers: tuple[LayerScale, ...]
    outputs: dict[str, OutputScale]
    left_out: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Lowered to {self.network!r}"

    def real_outputs(
        self,
        scores: Sequence[np.ndarray],
        steps: int | None = None,
        delay: int | None = None,
    ) -> dict[str, np.ndarray]:
        """The model's outputs before ``left_out``, float64 (images, *shape), by label.

        Args:
            scores: the golden model's ``outputs``: (images, channels, rows, columns) each.
            steps, delay: T and t0 of that run, the network's own where None.
        """
        window = 1
        if self.network.coding == Coding.RATE:
            steps = self.network.steps if steps is None else steps
            window = steps - (self.network.delay if delay is None else delay)
        found = {}
        for label, output in self.outputs.items():
            parts = []
            for part in output.parts:
                values = scores[part.index] * (part.unit / window)[:, None, None]
                parts.append(values.reshape(len(values), -1))
            moved = np.concatenate(parts, axis=1)
            if output.order is not None:
                moved = moved[:, output.order]
            found[label] = moved.reshape(len(moved), *output.shape)
        return found
