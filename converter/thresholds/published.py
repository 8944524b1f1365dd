"""Algorithm 1 of the paper to the letter: thresholds on images that are drawn anew each step.

Where the paper is silent, docs/decisions/0158-paper.md says what was chosen. ``balancing`` descends
many steps on each batch in place of one, which is what makes it take an inference pass or two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ..graph.analog import clip, run_graph
from ..graph.graph import Graph, Operation, per_channel
from ..graph.kernels import run_operation
from ..graph.levels import is_signed
from .outcome import Balance, finished_thresholds

#: Images of a step (section 5.3).
DRAWN = 100


@torch.inference_mode()
def balance_published(
    graph: Graph,
    batches: Sequence[Tensor],
    *,
    iterations: int,
    learning_rate: float = 1.0,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Balance:
    """Thresholds by ``iterations`` (K) passes, each with ``DRAWN`` images drawn from ``batches``.

    In each pass every layer clips its currents z at its thresholds (line 15), and then moves them
    by eq. 17: theta <- theta + eta * sum of 2 (z - theta) over the elements of the channel with
    z > theta, eta = ``learning_rate`` / the number of its elements. One more pass gives the mean of
    ReLU(z), unclipped, for eq. 19 (lines 22 to 28).

    Args:
        graph, batches: as ``balance`` takes them; all images where there are fewer than ``DRAWN``.
        seed: of the draws.
        progress: called after each pass with its part of the number of images.
    """
    total = sum(len(batch) for batch in batches)
    # One more than K, for eq. 19.
    drawn = random_batches(batches, iterations + 1, seed)
    thresholds: dict[str, Tensor] = {}

    def moved(operation: Operation, current: Tensor, _owned: bool) -> Tensor:
        found = thresholds.get(operation.name)
        if found is None:
            found = current.new_zeros(current.shape[1])
            if operation.arguments["levels"] is not None:
                found.fill_(operation.arguments["cap"])
        thresholds[operation.name] = _step(operation, current, found, learning_rate)
        return clip(operation, current, found, owned=False)

    for step, images in zip(range(iterations), drawn, strict=False):
        run_graph(graph, images, moved)
        if progress is not None:
            progress(total * (step + 1) // iterations - total * step // iterations)
    finished = finished_thresholds(graph, thresholds)
    means: dict[str, Tensor] = {}

    def measured(operation: Operation, current: Tensor, owned: bool) -> Tensor:
        means[operation.name] = _size(operation, current).relu().mean(0).cpu()
        return clip(operation, current, finished[operation.name], owned)

    run_graph(graph, next(drawn), measured)
    return Balance(
        thresholds={name: value.float().cpu() for name, value in finished.items()},
        mean_activations=means,
        mean_winner={},
        iterations=iterations,
        converged=False,
    )


def _step(operation: Operation, current: Tensor, threshold: Tensor, learning_rate: float) -> Tensor:
    """Eq. 17 once: ``threshold`` (channels,) moved by ``current`` (images, channels, ...)."""
    if operation.arguments["levels"] is not None:
        return threshold
    excess = _size(operation, current) - per_channel(threshold, current.ndim)
    excess = excess.clamp_(min=0)
    # Counts of a readout are compared, so all its channels have one threshold.
    shared = operation.arguments["readout"]
    kept = [] if shared else [1]
    mean = excess.mean([axis for axis in range(current.ndim) if axis not in kept])
    made, cap = threshold + 2 * learning_rate * mean, operation.arguments["cap"]
    return made if cap is None else made.clamp(max=cap)


def _size(operation: Operation, current: Tensor) -> Tensor:
    """What a threshold is held against: of neurons that fire signed, the activation's magnitude."""
    return run_operation(operation, current).abs() if is_signed(operation) else current


def random_batches(batches: Sequence[Tensor], count: int, seed: int = 0) -> Iterator[Tensor]:
    """``count`` batches of ``DRAWN`` images (all where there are fewer), each drawn anew.

    No image is twice in a batch.
    """
    sizes = [len(batch) for batch in batches]
    draws = torch.Generator().manual_seed(seed)
    for _ in range(count):
        chosen = torch.randperm(sum(sizes), generator=draws)[:DRAWN].sort().values
        parts, start = [], 0
        for index, size in enumerate(sizes):
            within = chosen[(chosen >= start) & (chosen < start + size)] - start
            start += size
            if len(within):
                batch = batches[index]
                parts.append(batch[within.to(batch.device)])
        yield torch.cat(parts)
