"""What is calibrated, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ...golden.basics.field_checks import check_integer
from ...golden.errors import RheobaseError
from ...golden.network.choices import Coding
from ..graph.graph import Graph, Operation, OperationKind
from ..graph.segments import sees_image_alone


@dataclass(frozen=True)
class Calibration:
    """What is calibrated, and on how much.

    Attributes:
        thresholds: search thresholds; else those of the balancing stay.
        shared: one threshold per layer.
        initial: search initial potentials.
        bias: rounds of bias shifts (LCP); 0 for none.
        weights: rounds of weight changes (ACP); 0 for none.
        ridge: what a weight's change costs, as a part of the mean squared input; None for what does
            best, layer by layer, on images that are left aside for that.
        images: calibration images that are used, from all over.
        samples: neurons per channel that a layer is fitted on.
        passes: in ``rate`` only so many images are used that images times T are at most so many
            times the images that were given; a few are used in any case.
        settled: in ``rate``, where all neurons lead their net count to what came in all
            (``signed.taking_back``): layers are fitted to what they are led to, not step by step,
            which takes no more than ``radix`` does. Elsewhere it changes nothing.
    """

    thresholds: bool = True
    shared: bool = False
    initial: bool = True
    bias: int = 2
    weights: int = 0
    ridge: float | None = 0.01
    images: int = 512
    samples: int = 4096
    passes: float = math.inf
    settled: bool = False


DEFAULT_CALIBRATION = Calibration()
#: Images that are used where ``Calibration.passes`` allows fewer.
_LEAST_IMAGES = 32


@dataclass(frozen=True, eq=False)
class Rounding:
    """How weights will be rounded, and what pixels are.

    Attributes:
        bits: by layer (neuron operation or output), of its kernels.
        pixel_worth: (channels,): one pixel unit in the normalised image.
        zero_pixel: (channels,): the zero point in the normalised image.
    """

    bits: Mapping[str, int]
    pixel_worth: Tensor
    zero_pixel: Tensor


@dataclass(frozen=True, eq=False)
class Calibrated:
    """The network after calibration.

    Attributes:
        graph: with shifted biases (an AFFINE in front of the neurons) and changed weights.
        thresholds, initial: per neuron operation (channels,); v(0) is initial * threshold.
        scales: per operation (channels,): scale of weights that are rounded already.
        errors: per neuron operation, squared error of its output over that of silence.
        changed: layers whose weights were changed, as ``Calibration.weights`` asks for.
        unchanged: those whose weights were not, and why.
    """

    graph: Graph
    thresholds: dict[str, Tensor]
    initial: dict[str, Tensor]
    scales: dict[str, Tensor]
    errors: dict[str, float]
    changed: tuple[str, ...]
    unchanged: dict[str, str]


def check_calibration(settings: Calibration) -> None:
    """Raise ``RheobaseError`` where a number is out of range."""
    for field, least in (("bias", 0), ("weights", 0), ("images", 1), ("samples", 16)):
        check_integer("calibration", field, getattr(settings, field), least, None)
    if not settings.passes > 0:
        raise RheobaseError(f"calibration passes: {settings.passes}, must be a positive number")
    if settings.ridge is not None and not settings.ridge > 0:
        raise RheobaseError(f"calibration ridge: {settings.ridge}, must be a positive number")


def used_images(settings: Calibration, given: int, coding: Coding, steps: int) -> int:
    """How many of ``given`` images are fitted on at T = ``steps``."""
    most = given
    if coding == Coding.RATE and math.isfinite(settings.passes):
        most = max(_LEAST_IMAGES, int(settings.passes * given / steps))
    return min(given, settings.images, most)


def settled(settings: Calibration, graph: Graph, coding: Coding) -> bool:
    """Whether ``graph`` is fitted as ``Calibration.settled`` says."""

    def follows(operation: Operation) -> bool:
        given = operation.arguments
        led = given["takes_back"] or given["slope"] is not None
        return led or sees_image_alone(graph, operation)

    return settings.settled and coding == Coding.RATE and all(map(follows, graph.neurons))


def layer_names(graph: Graph) -> tuple[str, ...]:
    """Neuron operations, then outputs that are no neurons."""
    neurons = [operation.name for operation in graph.neurons]
    return tuple(dict.fromkeys([*neurons, *graph.outputs.values()]))


def current_of(graph: Graph, name: str) -> str:
    """The operation whose result a layer receives."""
    operation = graph.by_name[name]
    return operation.inputs[0] if operation.kind == OperationKind.RELU else name
