"""Light calibration: every layer is fitted to the model's activations under the spikes it gets.

One pass over a few hundred images, layer by layer, without labels and without gradients. For each
layer the trains of the layers before it (calibrated already) give its currents at every time step;
the model gives the activations that it should have. From a sample of neurons follow

- thresholds: those with the least squared error of the layer's own output at this T;
- initial potentials: v(0) as a part of the threshold, per channel;
- LCP, the light form of Li et al. (2021), "A free lunch from ANN": a shift of each channel's bias
  by the mean error;
- ACP, its weight-adjusting form, here as regularised least squares on the layer's mean inputs in
  place of gradient descent (docs/decisions/0075-acp.md);
- rounded weights, where widths are given: what rounding does to one layer is made good by the
  thresholds and shifts that are found after it, which are compared as the integers that they
  become (docs/decisions/0034-grid.md).

Errors that come from spike timing are seen as well, since the trains are those of the SNN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ...golden.errors import RheobaseError
from ...golden.network.network import Coding, PoolRule
from ..data.batches import spread_images
from ..graph.bias_shifts import with_shifts
from ..graph.graph import Graph
from .calibration_run import CalibrationRun
from .calibration_settings import (
    DEFAULT_CALIBRATION,
    Calibrated,
    Calibration,
    Rounding,
    check_calibration,
    layer_names,
    used_images,
)

__all__ = [
    "Calibrated",
    "Calibration",
    "Rounding",
    "calibrate",
    "check_calibration",
    "layer_names",
    "used_images",
]


@torch.inference_mode()
def calibrate(
    graph: Graph,
    batches: Sequence[Tensor],
    thresholds: Mapping[str, Tensor],
    *,
    coding: Coding,
    steps: int,
    settings: Calibration = DEFAULT_CALIBRATION,
    rule: PoolRule = PoolRule.CUMULATIVE,
    rounding: Rounding | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Calibrated:
    """Calibrate ``graph`` for T = ``steps``.

    Args:
        graph: prepared, on the device and in the type of the batches.
        batches: normalised images.
        thresholds: of the balancing, per neuron operation (channels,).
        rounding: kernels are rounded before their layer is fitted, where one kernel reads spikes
            or the image directly, and the layer is fitted as the integers that it will be.
        seed: of the neurons that are sampled.
        progress: called with 1 after each layer.

    Raises:
        RheobaseError: no images, or settings out of range.
    """
    check_calibration(settings)
    if not batches or not len(batches[0]):
        raise RheobaseError("calibration: no images, must be at least one")
    given = sum(len(batch) for batch in batches)
    images = spread_images(batches, used_images(settings, given, coding, steps))
    run = CalibrationRun(graph, images, thresholds, coding, steps, settings, rule, rounding, seed)
    for name in layer_names(graph):
        run.layer(name)
        if progress is not None:
            progress(1)
    return Calibrated(
        with_shifts(run.graph, run.shifts),
        run.thresholds,
        run.initial,
        run.scales,
        run.errors,
        tuple(run.changed),
        run.unchanged,
    )
