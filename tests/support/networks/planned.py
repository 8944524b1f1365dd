"""Planned layers by torch in float64: what ``plan_layers`` says a model computes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rheobase.converter.linear.terms import Value
from rheobase.converter.lower.plan import Plan, plan_layers
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.tracing.trace import trace


def value_map(value: Value, sources: dict[str, Tensor]) -> Tensor:
    """What a sum of terms means: (images, channels, rows, columns)."""
    bias = torch.from_numpy(np.asarray(value.bias, dtype=float))[None, :, None, None]
    images = len(next(iter(sources.values())))
    total = bias.expand(images, *value.shape).clone()
    for term in value.terms:
        kernel = term.kernel
        flow = sources.get(term.source)
        if flow is None and term.anchor is not None:  # without its layer in front
            flow = torch.ones(images, *term.source_shape, dtype=torch.float64)
        if term.sum_pool is not None:
            sums = term.sum_pool
            top, left, bottom, right = sums.padding
            flow = functional.pad(flow, (left, right, top, bottom))
            flow = functional.avg_pool2d(flow, sums.kernel, sums.stride, divisor_override=1)
        flow = flow[:, term.in_start : term.in_start + kernel.in_channels]
        top, left, bottom, right = kernel.padding
        flow = functional.pad(flow, (left, right, top, bottom))
        weight = torch.from_numpy(np.ascontiguousarray(kernel.weight))
        total[:, term.out_start : term.out_stop] += functional.conv2d(
            flow, weight, None, kernel.stride, 0, kernel.dilation, kernel.groups
        )
    return total


def planned_outputs(
    plan: Plan, images: Tensor, thresholds: dict[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """The model's outputs, by label, neurons being ReLUs (clipped where there are thresholds)."""
    images = images.double()
    # A row of values per channel is a map of one row.
    maps = {plan.image: images[:, :, None] if images.ndim == 3 else images}
    for layer in plan.layers:
        flow = value_map(layer.value, maps)
        if layer.pool is not None:
            pool = layer.pool
            flow = functional.max_pool2d(flow, pool.kernel, pool.stride, pool.padding)
        if layer.threshold is not None:
            slope = 0 if layer.slope is None else torch.from_numpy(layer.slope).reshape(-1, 1, 1)
            flow = flow.clamp(0, layer.cap) + slope * flow.clamp(max=0)
            if thresholds is not None:
                flow = torch.minimum(flow, thresholds[layer.threshold].reshape(-1, 1, 1))
        assert tuple(flow.shape[1:]) == layer.shape
        maps[layer.name] = flow
    found = {}
    for label, output in plan.outputs.items():
        moved = torch.cat([maps[name].flatten(1) for name in output.layers], 1)
        if output.index is not None:
            moved = moved[:, output.index]
        found[label] = moved.reshape(len(images), *output.shape)
    return found


class Lambda(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def assert_planned(model: nn.Module, shape: tuple[int, ...], layers: int | None = None) -> Plan:
    """The plan of ``model`` computes what it does, in float64, with so many layers; the plan."""
    model = model.double().eval()
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    plan = plan_layers(prepared(trace(model, shape)), counted=False)
    found = planned_outputs(plan, images)
    with torch.no_grad():
        expected = model(images)
    torch.testing.assert_close(found["out"], expected, rtol=1e-9, atol=1e-9)
    if layers is not None:
        assert len(plan.layers) == layers, [layer.name for layer in plan.layers]
    return plan
