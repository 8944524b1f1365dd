"""Whether what was fitted is better than what it was fitted to: asked of images that it never saw.

Layers are fitted one by one, each by the error of its own output. With few bits or few images a
better layer can make a worse network, so the whole decides (docs/decisions/0134-fits-are-kept.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ...golden.network.network import Network
from ...golden.run.run import run_golden
from ..graph.analog import analog_outputs
from ..graph.graph import Graph
from ..snn.snn import FloatSnn

#: Images that are held back: so many, or this part where there are few; none of fewer than LEAST.
HELD_BACK, PART, LEAST = 100, 5, 20
#: T up to which all of them are.
_FREE_STEPS = 8
#: Passes over the images that both networks may take to be compared at larger T; the fewest images.
_PASSES, _FEWEST = 3, 4


@dataclass(frozen=True)
class Fit:
    """What became of a calibration.

    Attributes:
        kept: the fitted network was better.
        fitted, plain: part of the model's outputs that the network does not explain, with what was
            fitted and without, see ``unexplained``.
        images: on which they were compared.
        held_back: nothing was fitted on them.
    """

    kept: bool
    fitted: float
    plain: float
    images: int
    held_back: bool


def held_back(images: int, used: int, steps: int = 1) -> int:
    """How many of ``images``, the last ones, are compared on where ``used`` would be fitted on.

    Args:
        steps: how often each of them passes through a network that spikes.
    """
    if images < LEAST:
        return 0
    most = HELD_BACK
    if steps > _FREE_STEPS:
        within = max(_FEWEST, _PASSES * images // (2 * steps))
        most = min(within, max(LEAST, HELD_BACK * _FREE_STEPS // steps))
    return min(most, max(images // PART, images - used))


def unexplained(found: Tensor, wanted: Tensor) -> float:
    """1 - r**2 between a network's outputs and the model's, in 0..1.

    Both (images, channels, places). What all channels of an image have in common changes no answer
    and is not counted; a single channel is compared over the images. Scores have a unit of their
    own, so their scale is not counted either. A network that says the opposite explains nothing.
    """
    centred = []
    for values in (found, wanted):
        values = values.double()
        centred.append(values - values.mean(dim=1 if values.shape[1] > 1 else 0, keepdim=True))
    product = (centred[0] * centred[1]).sum().clamp(min=0)
    size = centred[0].square().sum() * centred[1].square().sum()
    return float(1 - product.square() / size) if size > 0 else 1.0


def output_error(
    graph: Graph,
    snn: FloatSnn,
    network: Network | None,
    images: Sequence[Tensor],
    mean: Sequence[float],
    std: Sequence[float],
) -> float:
    """Mean of ``unexplained`` over the outputs: of the integer network, or without one of the SNN.

    Args:
        graph: the model.
        images: normalised, in batches.
        mean, std: of the normalisation, per channel.
    """
    names = _read_out(graph, network)
    if network is not None and names:
        read = replace(graph, outputs={name: name for name in names})
        pixels = _pixels(torch.cat(tuple(images)), mean, std).reshape(-1, *network.input_shape)
        scores = run_golden(network, pixels).outputs
        found = {name: torch.from_numpy(s) for name, s in zip(names, scores, strict=True)}
    else:
        read = graph
        found = _joined([snn.run(batch).outputs() for batch in images])
    wanted = _joined([analog_outputs(read, batch) for batch in images])
    errors = [unexplained(_flat(found[label]), _flat(wanted[label])) for label in wanted]
    return sum(errors) / len(errors)


def _read_out(graph: Graph, network: Network | None) -> list[str]:
    """The model's operations that the network's outputs stand for; none where they do not show."""
    if network is None:
        return []
    names = [network.layers[index].name for index in network.outputs]
    for name, shape in zip(names, network.output_shapes, strict=True):
        there = graph.by_name[name].shape if name in graph.by_name else ()
        if not there or there[0] != shape[0] or math.prod(there) != math.prod(shape):
            return []
    return names


def _flat(values: Tensor) -> Tensor:
    """(images, channels, places) of (images, channels, ...)."""
    return values.cpu().reshape(*values.shape[:2], -1)


def _joined(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {label: torch.cat([part[label] for part in parts]) for label in parts[0]}


def _pixels(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """The pixels that ``images`` were made of."""
    shape = (-1, *[1] * (images.ndim - 2))
    gain = 255.0 * torch.tensor(std, dtype=torch.float64).reshape(shape)
    centre = 255.0 * torch.tensor(mean, dtype=torch.float64).reshape(shape)
    pixels = (images.cpu().double() * gain + centre).round().clamp(0, 255)
    return pixels.to(torch.uint8).numpy()
