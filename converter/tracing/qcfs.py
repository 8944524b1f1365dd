"""Clip-floor-shift activations (QCFS): ReLUs that were trained with a threshold and a few levels.

    h(x) = threshold * clip(floor(x * L / threshold + 1/2) / L, 0, 1)

Their thresholds are taken over as they are: with v(0) = threshold / 2 an IF neuron gives h(x) on
average over T = L steps of constant current.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ...golden.basics.field_checks import check_integer
from ...golden.errors import RheobaseError

#: Names that public implementations give the learned threshold and the number of levels.
_THRESHOLDS = ("threshold", "thre", "thresh", "up", "lam", "lambda_")
_LEVELS = ("levels", "level", "L", "t", "T", "quant_levels")
#: Classes that a caller named as QCFS: class to the names of its threshold and its levels.
_REGISTERED: dict[type[nn.Module], tuple[str, str]] = {}


class _Floor(torch.autograd.Function):
    """floor with the straight-through gradient."""

    @staticmethod
    def forward(_context: Any, x: Tensor) -> Tensor:
        return x.floor()

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        return gradient


class Qcfs(nn.Module):
    """Clip-floor-shift activation with a learned threshold, to train with in ReLU's place.

    Args:
        levels: L, steps between 0 and the threshold.
        threshold: to start from.
    """

    def __init__(self, levels: int = 8, threshold: float = 8.0) -> None:
        super().__init__()
        check_integer("Qcfs", "levels", levels, 1, None)
        if not threshold > 0:
            raise RheobaseError(f"threshold: {threshold}, must be a positive number")
        self.levels = levels
        self.threshold = nn.Parameter(torch.tensor([float(threshold)]))

    def forward(self, x: Tensor) -> Tensor:
        steps = _Floor.apply(x * (self.levels / self.threshold) + 0.5)
        return steps.clamp(0, self.levels) * (self.threshold / self.levels)


def register_qcfs(module: type[nn.Module], *, threshold: str, levels: str) -> None:
    """Name another class as QCFS, and its attributes that hold threshold and levels."""
    _REGISTERED[module] = (threshold, levels)


def is_qcfs(module: nn.Module) -> bool:
    """Whether ``module`` is a clip-floor-shift activation: registered, or one by its attributes.

    By its attributes it is one if it holds a single scalar parameter named like a threshold, a
    positive number of levels, and computes h on a few numbers.
    """
    try:
        threshold, levels = qcfs_parameters(module)
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return False
    if type(module) in _REGISTERED or isinstance(module, Qcfs):
        return True
    if type(module).__module__.startswith("torch.") or not (threshold > 0 and levels >= 1):
        return False
    return _computes_h(module, threshold, levels)


def qcfs_parameters(module: nn.Module) -> tuple[float, int]:
    """(threshold, levels) of a clip-floor-shift activation.

    Raises:
        AttributeError, TypeError, ValueError, RuntimeError: it is none.
    """
    threshold_name, levels_name = _REGISTERED.get(type(module)) or (
        _first(module, _THRESHOLDS),
        _first(module, _LEVELS),
    )
    threshold = getattr(module, threshold_name)
    levels = getattr(module, levels_name)
    if isinstance(threshold, Tensor) and threshold.numel() != 1:
        raise ValueError("one threshold for all channels")
    return float(threshold), int(levels)


def _first(module: nn.Module, names: tuple[str, ...]) -> str:
    for name in names:
        if hasattr(module, name):
            return name
    raise AttributeError(f"none of {', '.join(names)}")


def _computes_h(module: nn.Module, threshold: float, levels: int) -> bool:
    parameter = next(iter(module.parameters()), torch.zeros(1))
    # Away from the steps, where rounding decides.
    points = torch.linspace(-1.3, 2.1, 47, device=parameter.device, dtype=parameter.dtype)
    x = (threshold * points)[None, :, None, None]
    expected = threshold / levels * torch.floor(points * levels + 0.5).clamp(0, levels)
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            found = module(x.clone()).reshape(-1)
    except Exception:  # the user's code, asked for something that it may not do
        return False
    finally:
        module.train(training)
    near = ((points * levels + 0.5) - torch.round(points * levels + 0.5)).abs() < 1e-3
    return bool(torch.allclose(found[~near], expected[~near], rtol=1e-4, atol=1e-4 * threshold))
