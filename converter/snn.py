"""The converted network as a float SNN, on any torch device."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..golden.network import Coding, PoolRule, Readout
from .blocks import Block, linear_current, pooled


@dataclass(frozen=True, eq=False)
class FloatSnn:
    """IF neurons with float thresholds in place of ReLU (DESIGN section 1, before quantisation).

    Attributes:
        blocks, thresholds: of the converted model, in its own units.
        coding, rule, readout: as in the integer network.
        steps, delay: T and t0.

    Calling it with normalised images (images, channels, rows, columns), on any device, gives the
    scores (images, classes): in ``count`` readout counts times threshold, in ``current`` readout
    mean currents, so both are in the model's units.
    """

    blocks: tuple[Block, ...]
    thresholds: tuple[Tensor, ...]
    coding: Coding
    rule: PoolRule
    readout: Readout
    steps: int
    delay: int

    def to(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> FloatSnn:
        """The SNN on another device or in another type."""
        return replace(
            self,
            blocks=tuple(block.to(device, dtype) for block in self.blocks),
            thresholds=tuple(threshold.to(device, dtype) for threshold in self.thresholds),
        )

    def __call__(self, images: Tensor) -> Tensor:
        return self.run(images)[0]

    @torch.inference_mode()
    def run(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Scores, and per spiking block the mean spikes per neuron and image (0-d tensors)."""
        snn = self.to(images.device, images.dtype)
        runner = _run_rate if self.coding == Coding.RATE else _run_radix
        return runner(snn, images)


def _run_rate(snn: FloatSnn, images: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    blocks, steps = snn.blocks, snn.steps
    levels = [threshold[:, None, None] for threshold in snn.thresholds]
    constant = pooled(blocks[0], linear_current(blocks[0], images))
    potentials: list[Tensor | None] = [None] * len(blocks)
    summed: list[Tensor | None] = [None] * len(blocks)
    counts = [torch.zeros((), device=images.device) for _ in blocks]
    scores: Tensor | None = None
    for step in range(steps):
        flow = constant
        for index, block in enumerate(blocks):
            if index > 0:
                flow = _step_current(snn, block, flow, summed, index, step)
            if not block.fires and snn.readout == Readout.CURRENT:
                break
            if potentials[index] is None:
                potentials[index] = (levels[index] / 2).expand_as(flow).clone()
            potential = potentials[index].add_(flow)
            spikes = (potential >= levels[index]).to(potential.dtype)
            flow = spikes * levels[index]
            potential.sub_(flow)
            counts[index] += spikes.sum()
        if step >= snn.delay:
            scores = flow.clone() if scores is None else scores.add_(flow)
    rates = tuple(
        count / potential.numel()
        for count, potential in zip(counts, potentials, strict=True)
        if potential is not None
    )
    return scores.flatten(1) / (steps - snn.delay), rates


def _step_current(
    snn: FloatSnn, block: Block, flow: Tensor, summed: list[Tensor | None], index: int, step: int
) -> Tensor:
    """What the neurons of ``block`` receive in this step; ``summed`` keeps accumulated currents."""
    bias = block.bias[:, None, None]
    current = linear_current(block, flow, with_bias=False)
    if block.pool is None or snn.rule == PoolRule.STEP:
        return pooled(block, current) + bias
    before = pooled(block, summed[index]) if step else 0
    summed[index] = current if step == 0 else summed[index] + current
    return pooled(block, summed[index]) - before + bias


def _run_radix(snn: FloatSnn, images: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    flow = images
    rates = []
    top = 2**snn.steps - 1
    for block, threshold in zip(snn.blocks, snn.thresholds, strict=True):
        flow = pooled(block, linear_current(block, flow))
        if not block.fires and snn.readout == Readout.CURRENT:
            break
        # theta is the full range; a step of the number is its part of 2**T - 1.
        unit = (threshold / top)[:, None, None]
        number = torch.clamp(torch.floor(flow / unit + 0.5), 0, top)
        flow = number * unit
        bits = sum(
            torch.remainder(torch.floor(number / 2**bit), 2).sum() for bit in range(snn.steps)
        )
        rates.append(bits / number.numel())
    return flow.flatten(1), tuple(rates)
