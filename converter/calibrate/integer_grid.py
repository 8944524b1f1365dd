"""What a layer's parameters become as integers, while they are still being looked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..snn.firing import Neurons


@dataclass(frozen=True, eq=False)
class IntegerGrid:
    """The integers that a layer's parameters can be, once its weights are rounded.

    With few bits a threshold is some ten units of the weights' scale, and a bias less than one:
    what rounding makes of them belongs to what is compared (docs/decisions/0034-grid.md).

    Attributes:
        unit: (channels,): one unit of current.
        bias: (channels,): what the layer receives without any spike, shifts not counted.
        levels: full range over the worth of a spike (``graph.levels``).
        steps: how many times the bias is added: T in ``rate``, once in ``radix``.
    """

    unit: Tensor
    bias: Tensor
    levels: int
    steps: int

    def snapped(self, neurons: Neurons, cap: float | None = None) -> Neurons:
        """``neurons`` with the threshold that the integer network would have, at most ``cap``."""
        unit = self.unit.double()
        threshold = self._integer_threshold(neurons.threshold)
        if cap is not None:
            threshold = torch.minimum(threshold, torch.floor(cap / (unit * self.levels)))
        level = threshold.clamp(min=1) * unit * self.levels
        return replace(neurons, threshold=level.to(neurons.threshold))

    def integer(self, neurons: Neurons) -> Neurons:
        """All parameters as lowering makes them: the bias rounded, its rest in v(0)."""
        unit = self.unit.double()
        threshold = self._integer_threshold(neurons.threshold)
        whole = (self.bias.double() + neurons.shift.double()) / unit
        rounded = torch.round(whole)
        start = torch.floor(neurons.initial.double() * threshold)
        start = start + torch.round(self.steps * (whole - rounded))
        kind = neurons.threshold
        return Neurons(
            threshold=(threshold * unit * self.levels).to(kind),
            initial=(start / threshold).to(kind),
            shift=(rounded * unit - self.bias.double()).to(kind),
            slope=neurons.slope,
            takes_back=neurons.takes_back,
        )

    def _integer_threshold(self, threshold: Tensor) -> Tensor:
        ratio = threshold.double() / (self.unit.double() * self.levels)
        return torch.round(ratio).clamp(min=1)
