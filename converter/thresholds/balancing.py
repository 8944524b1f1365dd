"""Threshold balancing on calibration images, at the cost of inference (eq. 10-17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import torch
from torch import Tensor

from ...golden.basics.field_checks import check_integer
from ...golden.errors import RheobaseError
from ...golden.network.choices import Coding
from ..graph.analog import clip, run_graph
from ..graph.graph import Graph, Operation
from ..graph.kernels import run_operation
from ..graph.levels import is_signed, mean_levels, steps_of
from .level_balance import balance_levels
from .level_thresholds import level_thresholds
from .outcome import Balance, check_learning_rate, finished_thresholds
from .published import balance_published
from .samples import SAMPLES, channel_samples

#: Values per layer and batch that a percentile is taken from.
PERCENTILE_SAMPLES = 65536
#: A layer's thresholds have converged where a step changes them by no larger part.
CONVERGED = 1e-5
#: Steps between two looks at whether they have.
_CHECK_EVERY = 16


class Method(StrEnum):
    """How thresholds are chosen."""

    CLTB = "cltb"  #: local threshold balancing, one threshold per channel (eq. 17)
    LTB = "ltb"  #: local threshold balancing, one threshold per layer (eq. 14-15)
    ROBUST = "robust"  #: robust normalisation: a percentile of each layer's activations
    LEVELS = "levels"  #: least squared error of the levels that T gives, per channel
    PAPER = "paper"  #: Algorithm 1 to the letter (``published.balance_published``)


@torch.inference_mode()
def balance(
    graph: Graph,
    batches: Sequence[Tensor],
    *,
    method: Method = Method.CLTB,
    iterations: int = 200,
    percentile: float = 99.0,
    learning_rate: float = 1.0,
    levels: tuple[Coding, int] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Balance:
    """Balance all thresholds in one pass over ``batches``, and in K by ``Method.PAPER``.

    Thresholds start at zero. Each batch passes through the network once; at every neuron operation
    the threshold takes its share of ``iterations`` steps of eq. 14-15 on the batch's currents,
    which are then clipped (eq. 13) and go on. The sum of eq. 14 is divided by the number of its
    elements, so a step does not depend on batch or map size: theta <- theta + 2 eta E[max(z -
    theta, 0)]. A batch's share is that of its images, so the result does not depend on how the
    images are batched either. Batches that come after the thresholds have converged are not used.

    A ReLU that saturates (ReLU6) has a threshold of at most its cap; a QCFS activation keeps its
    own; a copy has that of what it copies. Neurons that fire signed are balanced by the least
    squared error of their levels (``signed_thresholds``), and what they pass on is not clipped.

    Args:
        graph: prepared, on the device and in the type of the batches.
        batches: normalised images, each (images, *input shape).
        iterations: K, steps in all; more steps give higher thresholds.
        percentile: of ``Method.ROBUST``.
        learning_rate: eta.
        levels: coding and T, for ``Method.LEVELS`` and for neurons that fire signed; None where
            they are not known yet.
        progress: called with the number of images after each batch.

    Raises:
        RheobaseError: no images, or a parameter out of range.
    """
    if not batches or not len(batches[0]):
        raise RheobaseError("calibration: no images, must be at least one")
    check_integer("", "iterations (K)", iterations, 1, None)
    if not 0 < percentile <= 100:
        raise RheobaseError(f"percentile: {percentile}, must be a number in (0, 100]")
    check_learning_rate(learning_rate)
    if method == Method.PAPER:
        return balance_published(
            graph, batches, iterations=iterations, learning_rate=learning_rate, progress=progress
        )
    if method == Method.LEVELS:
        if levels is None:
            raise RheobaseError("method: 'levels', must be with a coding and T")
        coding, steps = levels
        return balance_levels(graph, batches, coding=coding, steps=steps, progress=progress)
    state = _State(graph, method, learning_rate)
    total = sum(len(batch) for batch in batches)
    images = done = 0
    converged = False
    for batch in batches:
        images += len(batch)
        steps = iterations * images // total - iterations * (images - len(batch)) // total
        state.start(steps)
        run_graph(graph, batch, state.at_neuron)
        done += state.made
        if progress is not None:
            progress(len(batch))
        converged = method != Method.ROBUST and steps > 0 and state.converged
        if converged:
            break
    thresholds = state.percentiles(percentile) if method == Method.ROBUST else state.thresholds
    if method != Method.ROBUST:
        thresholds |= state.signed_thresholds(levels)
    found = finished_thresholds(graph, thresholds)
    return Balance(
        thresholds={name: value.float().cpu() for name, value in found.items()},
        mean_activations={name: (v / images).cpu() for name, v in state.sums.items()},
        mean_winner={name: float(value) / images for name, value in state.winners.items()},
        iterations=0 if method == Method.ROBUST else done,
        converged=converged,
    )


class _State:
    """Thresholds while they are balanced, and what is gathered beside them."""

    def __init__(self, graph: Graph, method: Method, learning_rate: float) -> None:
        self.graph = graph
        self.method = method
        self.learning_rate = learning_rate
        self.steps = self.made = 0
        self.converged = True
        self.thresholds: dict[str, Tensor] = {}
        self.sums: dict[str, Tensor] = {}
        self.winners: dict[str, Tensor] = {}
        self.kept: dict[str, list[Tensor]] = {}

    def start(self, steps: int) -> None:
        """A batch begins, with so many steps at the most."""
        self.steps, self.made, self.converged = steps, 0, True

    def at_neuron(self, operation: Operation, current: Tensor, owned: bool) -> Tensor:
        """Takes ReLU's place: descend on the current, clip it, gather its mean."""
        name = operation.name
        if is_signed(operation):
            flow = self._at_signed(operation, current)
        elif self.method == Method.ROBUST:
            self.kept.setdefault(name, []).append(
                _spread(current.relu().flatten(), PERCENTILE_SAMPLES)
            )
            flow = current.relu()
            cap = operation.arguments["cap"]
            self.thresholds[name] = current.new_zeros(current.shape[1])
            if cap is not None:
                flow = flow.clamp_(max=cap)
        else:
            threshold = self.thresholds.get(name)
            if threshold is None:
                threshold = current.new_zeros(current.shape[1])
            if operation.arguments["levels"] is None:
                shared = self.method == Method.LTB or operation.arguments["readout"]
                threshold, made = descend(
                    threshold, current, self.steps, self.learning_rate, shared
                )
                self.made = max(self.made, made)
                self.converged &= made < self.steps
                if operation.arguments["cap"] is not None:
                    threshold = threshold.clamp(max=operation.arguments["cap"])
            else:
                threshold = torch.full_like(threshold, operation.arguments["cap"])
            self.thresholds[name] = threshold
            flow = clip(operation, current, threshold, owned)
        # A product with ones takes half the time of a sum over the images.
        size = flow.abs() if is_signed(operation) else flow
        total = (flow.new_ones(1, len(flow)) @ size.flatten(1)).reshape(flow.shape[1:])
        self.sums[name] = self.sums[name].add_(total) if name in self.sums else total
        if operation.arguments["readout"]:
            winners = flow.flatten(1).amax(dim=1).sum()
            self.winners[name] = self.winners.get(name, 0) + winners
        return flow

    def _at_signed(self, operation: Operation, current: Tensor) -> Tensor:
        """What neurons that fire signed pass on; samples of it are kept."""
        name, flow = operation.name, run_operation(operation, current)
        if self.method == Method.ROBUST:
            values = _spread(flow.abs().flatten(), PERCENTILE_SAMPLES)
        else:
            values = channel_samples(flow)
        self.kept.setdefault(name, []).append(values)
        self.thresholds[name] = current.new_zeros(current.shape[1])
        return flow

    def signed_thresholds(self, levels: tuple[Coding, int] | None) -> dict[str, Tensor]:
        """Of neurons that fire signed, from the samples that were kept."""
        shared = self.method == Method.LTB
        found = {}
        for name, kept in self.kept.items():
            own = None
            if levels is not None:
                coding, steps = levels
                own = mean_levels(True, coding, steps_of(self.graph.by_name[name], steps))
            found[name], _ = level_thresholds(torch.cat(kept, dim=1), own, shared=shared)
        return found

    def percentiles(self, percentile: float) -> dict[str, Tensor]:
        for name, values in self.kept.items():
            level = torch.quantile(_spread(torch.cat(values), 2**20).float(), percentile / 100)
            self.thresholds[name].fill_(float(level))
        return self.thresholds


def descend(
    threshold: Tensor, current: Tensor, steps: int, learning_rate: float, shared: bool
) -> tuple[Tensor, int]:
    """At most ``steps`` steps of eq. 15 on one batch's currents, until they have converged.

    Args:
        threshold: (channels,), to start from.
        current: (images, channels, ...).
        shared: one threshold for all channels.

    Returns:
        The thresholds, and the steps that were made.
    """
    if not steps:
        return threshold, 0
    channels = current.shape[1]
    if shared:
        values = _spread(current.flatten(), SAMPLES * min(channels, 16))[None]
        level = threshold[:1]
    else:
        values, level = channel_samples(current), threshold
    values, level = values.float().contiguous(), level.float().clone()
    # E[max(z - theta, 0)] = E[max(z, theta)] - theta: two small operations a step.
    raised, rate = torch.empty_like(values), 2 * learning_rate
    part = values.new_full((values.shape[1],), 1 / values.shape[1])
    made = steps
    for step in range(steps):
        looks = step % _CHECK_EVERY == _CHECK_EVERY - 1 and step + 1 < steps
        before = level.sum() if looks else level
        torch.maximum(values, level[:, None], out=raised)
        level.addmv_(raised, part, beta=1 - rate, alpha=rate)
        if looks and bool(level.sum() - before <= CONVERGED * level.sum()):
            made = step + 1
            break
    return level.to(threshold.dtype).expand(channels).clone(), made


def _spread(values: Tensor, most: int) -> Tensor:
    """At most about ``most`` of ``values``, evenly spread."""
    # An odd step sees all columns of a map whose width is a power of two.
    return values[:: max(1, len(values) // most) | 1]
