"""Thresholds by the levels that T gives: those that lose least of what each layer gives.

Eq. 15 climbs until little is clipped, whatever T is; with few levels it is rounding that costs.
Here every layer's thresholds have the least squared error of its own quantiser, clipping and
rounding together, on what the quantised layers in front deliver
(docs/decisions/0154-level-thresholds.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...golden.network.choices import Coding
from ..calibrate.threshold_prior import threshold_prior
from ..data.batches import spread_images
from ..graph.analog import run_graph
from ..graph.graph import Graph, Operation, per_channel
from ..graph.kernels import run_operation
from ..graph.levels import is_signed, mean_levels, steps_of
from .level_thresholds import level_thresholds
from .outcome import Balance, finished_thresholds
from .samples import channel_samples

#: Images that thresholds are found on; a channel has some hundreds of samples of them.
IMAGES = 64


@torch.inference_mode()
def balance_levels(
    graph: Graph,
    batches: Sequence[Tensor],
    *,
    coding: Coding,
    steps: int,
    progress: Callable[[int], None] | None = None,
) -> Balance:
    """Thresholds for T = ``steps`` or a layer's own, in one pass over at most ``IMAGES`` images.

    A QCFS activation keeps its own, a capped one has at most its cap, and the channels of a readout
    have one threshold.
    """
    images = spread_images(batches, IMAGES)
    thresholds: dict[str, Tensor] = {}
    means: dict[str, Tensor] = {}
    winners: dict[str, float] = {}

    def quantised(operation: Operation, current: Tensor, _owned: bool) -> Tensor:
        name, given = operation.name, operation.arguments
        result = run_operation(operation, current)
        signed = is_signed(operation)
        levels = mean_levels(signed, coding, steps_of(operation, steps))
        samples, prior = channel_samples(result), None
        if not given["readout"]:
            # A channel that is active in few images is not clipped in others (decision 186).
            prior = threshold_prior(samples.T, len(result), levels)
        found, _ = level_thresholds(samples, levels, shared=given["readout"], prior=prior)
        if given["cap"] is not None:
            found = found.clamp(max=given["cap"])
        thresholds[name] = found
        if not given["copy"] and given["levels"] is None:
            unit = per_channel(torch.where(found > 0, found, 1.0), current.ndim) / levels.full
            result = torch.floor(result / unit + 0.5).clamp_(levels.low, levels.high).mul_(unit)
        means[name] = (result.abs() if signed else result).mean(dim=0).cpu()
        if given["readout"]:
            winners[name] = float(result.flatten(1).amax(dim=1).mean())
        return result

    run_graph(graph, images, quantised)
    if progress is not None:
        progress(sum(len(batch) for batch in batches))
    finished = finished_thresholds(graph, thresholds)
    return Balance(
        thresholds={name: value.float().cpu() for name, value in finished.items()},
        mean_activations=means,
        mean_winner=winners,
        iterations=0,
        converged=False,
    )
