"""Threshold balancing on calibration images, at the cost of inference (eq. 10-17)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from ..golden.errors import RheobaseError
from .blocks import Block, pooled_current

#: Values per channel and batch that the gradient of eq. 14 is taken from.
SAMPLES = 2048
#: Values per layer and batch that a percentile is taken from.
PERCENTILE_SAMPLES = 65536


class Method(StrEnum):
    """How thresholds are chosen."""

    CLTB = "cltb"  #: local threshold balancing, one threshold per channel (eq. 17)
    LTB = "ltb"  #: local threshold balancing, one threshold per layer (eq. 14-15)
    ROBUST = "robust"  #: robust normalisation: a percentile of each layer's activations


@dataclass(frozen=True, eq=False)
class Balance:
    """Thresholds and what they were balanced on.

    Attributes:
        thresholds: per block (channels,) in the model's own units; for a block that is read out
            one value for all channels, so that its counts can be compared.
        mean_activations: per block (channels, rows, columns): mean of the positive part of the
            pooled current over the images (eq. 19).
        mean_winner: mean over the images of the last layer's largest activation.
    """

    thresholds: tuple[Tensor, ...]
    mean_activations: tuple[Tensor, ...]
    mean_winner: float


@torch.inference_mode()
def balance(
    blocks: tuple[Block, ...],
    batches: list[Tensor],
    *,
    method: Method = Method.CLTB,
    iterations: int = 200,
    percentile: float = 99.0,
    learning_rate: float = 1.0,
    progress: Callable[[int], None] | None = None,
) -> Balance:
    """Balance all thresholds in one forward pass over ``batches``.

    Thresholds start at zero. Each batch passes through the network once; at every layer the
    threshold takes its share of ``iterations`` steps of eq. 14-15 on the batch's currents, which
    are then clipped (eq. 13) and go on. The sum of eq. 14 is divided by the number of its elements,
    so the step does not depend on batch or map size: theta <- theta + 2 eta E[max(z - theta, 0)].

    Args:
        batches: normalised images, each (images, channels, rows, columns), on one device.
        iterations: K, steps in all; more steps give higher thresholds.
        percentile: of ``Method.ROBUST``.
        learning_rate: eta.
        progress: called with the number of images after each batch.

    Raises:
        RheobaseError: no images, or a parameter out of range.
    """
    if not batches or not len(batches[0]):
        raise RheobaseError("calibration: no images, accepted is at least one")
    if iterations < 1:
        raise RheobaseError(f"iterations (K): {iterations}, accepted is an integer >= 1")
    if not 0 < percentile <= 100:
        raise RheobaseError(f"percentile: {percentile}, accepted is a number in (0, 100]")
    if not 0 < learning_rate <= 1:
        raise RheobaseError(f"learning rate: {learning_rate}, accepted is a number in (0, 1]")
    device = batches[0].device
    layers = [block.to(device, torch.float32) for block in blocks]
    thresholds = [torch.zeros(len(block.bias), device=device) for block in layers]
    sums: list[Tensor | None] = [None] * len(layers)
    kept: list[list[Tensor]] = [[] for _ in layers]
    images, winners = 0, 0.0
    for number, batch in enumerate(batches):
        images += len(batch)
        done = iterations * number // len(batches)
        steps = iterations * (number + 1) // len(batches) - done
        flow = batch
        for index, block in enumerate(layers):
            current = pooled_current(block, flow)
            if method == Method.ROBUST:
                kept[index].append(_spread(current.relu().flatten(), PERCENTILE_SAMPLES))
                flow = current.relu_()
            else:
                shared = method == Method.LTB or not block.fires
                thresholds[index] = _descend(
                    thresholds[index], current, steps, learning_rate, shared
                )
                flow = torch.minimum(current.relu_(), thresholds[index][:, None, None])
            total = flow.sum(dim=0)
            sums[index] = total if sums[index] is None else sums[index] + total
        winners += float(flow.flatten(1).amax(dim=1).sum())
        if progress is not None:
            progress(len(batch))
    if method == Method.ROBUST:
        for index, values in enumerate(kept):
            level = torch.quantile(_spread(torch.cat(values), 2**20), percentile / 100)
            thresholds[index].fill_(float(level))
    return Balance(
        thresholds=tuple(_revived(threshold).cpu() for threshold in thresholds),
        mean_activations=tuple((total / images).cpu() for total in sums),
        mean_winner=winners / images,
    )


def _descend(
    threshold: Tensor, current: Tensor, steps: int, learning_rate: float, shared: bool
) -> Tensor:
    """``steps`` steps of eq. 15 on one batch's currents."""
    channels = current.shape[1]
    if shared:
        values = _spread(current.flatten(), SAMPLES * channels)[None]
        level = threshold[:1]
    else:
        values = current.transpose(0, 1).reshape(channels, -1)
        values = values[:, :: max(1, values.shape[1] // SAMPLES)]
        level = threshold
    for _ in range(steps):
        excess = (values - level[:, None]).clamp_(min=0)
        level = level + 2 * learning_rate * excess.mean(dim=1)
    return level.expand(channels).clone()


def _spread(values: Tensor, most: int) -> Tensor:
    """At most about ``most`` of ``values``, evenly spread."""
    return values[:: max(1, len(values) // most)]


def _revived(threshold: Tensor) -> Tensor:
    """Channels that never were active get the layer's largest threshold: they must not spike."""
    largest = threshold.max()
    if largest <= 0:
        largest = torch.ones_like(largest)
    return torch.where(threshold > 0, threshold, largest)
