"""The model of ``rheobase demo``: a small CNN and its training."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from .golden.basics.arithmetic import ceil_div


def cnn() -> nn.Sequential:
    """Two 3x3 convolutions with batch normalisation and max pooling, for 8 x 8 grey images."""
    layers: list[nn.Module] = []
    channels = 1
    for width in (8, 16):
        layers += [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 2 * 2, 10))


def train(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int,
    seed: int,
    progress: Callable[[int], None],
) -> None:
    """Train ``model`` in place: Adam, one-cycle learning rate, batches of 32.

    Args:
        progress: called with 1 after each epoch.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), weight_decay=1e-4)
    batches = ceil_div(len(images), 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=0.02, total_steps=epochs * batches
    )
    model.train()
    for _ in range(epochs):
        for picked in torch.randperm(len(images), generator=generator).split(32):
            loss = functional.cross_entropy(model(images[picked]), labels[picked])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        progress(1)
    model.eval()
