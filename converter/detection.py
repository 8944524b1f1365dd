"""Detectors as torchvision has them: backbone and head spike, what is around them stays.

torch.fx cannot trace a whole detector, whose boxes are as many as there are objects. Its network
is what lies between the batch of resized images and the head's outputs, and that is traced. Its
own code resizes and normalises images, makes anchors, decodes boxes and suppresses those that
overlap.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..golden.errors import RheobaseError
from .conversion import BATCH, Conversion, Options, convert_graph
from .rewrite import prepared
from .snn import FloatSnn
from .tracing import trace

#: Parts of torchvision's one-stage detectors that are used here.
_PARTS = ("transform", "backbone", "head", "anchor_generator", "postprocess_detections")


class DetectorNetwork(nn.Module):
    """What of a one-stage detector (RetinaNet, FCOS) is a network of static shape.

    Gives the head's outputs by name (``cls_logits``, ``bbox_regression``, ...) and, under
    ``features``, the maps of the pyramid, whose sizes the anchors are made for.
    """

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.backbone = detector.backbone
        self.head = detector.head

    def forward(self, images: Tensor) -> dict[str, Any]:
        features = self.backbone(images)
        maps = list(features.values()) if isinstance(features, dict) else [features]
        return {**self.head(maps), "features": maps}


@dataclass(frozen=True, eq=False)
class DetectorConversion:
    """A detector whose network is a float SNN.

    Attributes:
        conversion: of the network; its summary names what stays in floating point.
        size: (rows, columns) of the batch of resized images that it was converted for.

    Calling it with images, each (channels, rows, columns) in 0..1, gives the detections as the
    detector gives them: per image a dictionary of ``boxes``, ``scores`` and ``labels``.
    """

    detector: nn.Module
    conversion: Conversion
    size: tuple[int, int]

    @torch.no_grad()
    def __call__(
        self, images: Sequence[Tensor], snn: FloatSnn | None = None
    ) -> list[dict[str, Tensor]]:
        """Detections; ``snn`` in place of the conversion's own, such as one with another T."""
        network = _Network(snn or self.conversion.snn, self.size)
        # A copy that shares everything but the two modules that spike.
        detector = copy.copy(self.detector)
        detector._modules = dict(detector._modules)
        detector._modules["backbone"] = _Call(network.features)
        detector._modules["head"] = _Call(network.outputs)
        detector.training = False
        return detector(list(images))


def convert_detector(
    detector: nn.Module,
    images: Sequence[Tensor],
    *,
    options: Options | None = None,
    progress: Callable[[int], None] | None = None,
) -> DetectorConversion:
    """Convert a torchvision RetinaNet or FCOS as it is; float SNN only.

    Args:
        images: to balance on, each (channels, rows, columns) in 0..1. Resized as the detector does
            it, all have to come out at one size; a network is converted for that size.
        options: of the conversion (``Options()`` where None); ``lower`` is ignored.

    Raises:
        RheobaseError: it is no such detector, images of several sizes, or what ``convert`` raises.
    """
    missing = [part for part in _PARTS if not hasattr(detector, part)]
    if missing:
        raise RheobaseError(
            f"detector: {type(detector).__name__} has no {', '.join(missing)}, accepted is a "
            "one-stage detector of torchvision (RetinaNet, FCOS)"
        )
    if not images:
        raise RheobaseError("calibration: no images, accepted is at least one")
    transform = detector.transform.eval()
    batches = [
        transform([image.clone() for image in images[start : start + BATCH]])[0].tensors
        for start in range(0, len(images), BATCH)
    ]
    shapes = {tuple(batch.shape[1:]) for batch in batches}
    if len(shapes) != 1:
        raise RheobaseError(f"images: resized to {sorted(shapes)}, accepted is one size for all")
    (shape,) = shapes
    graph = prepared(trace(DetectorNetwork(detector), shape))
    conversion = convert_graph(
        graph,
        batches,
        mean=transform.image_mean,
        std=transform.image_std,
        options=replace(options or Options(), lower=False),
        name=type(detector).__name__,
        progress=progress,
    )
    return DetectorConversion(detector, conversion, (shape[1], shape[2]))


class _Network:
    """Stands in for backbone and head, which a detector calls one after the other."""

    def __init__(self, snn: FloatSnn, size: tuple[int, int]) -> None:
        self._snn = snn
        self._size = size
        self._found: dict[str, Tensor] = {}

    def features(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """Runs the SNN; of its maps a detector reads the sizes only."""
        if tuple(images.shape[2:]) != self._size:
            found, wanted = (" x ".join(map(str, size)) for size in (images.shape[2:], self._size))
            raise RheobaseError(f"images: resized to {found}, accepted is {wanted}")
        self._found = self._snn.run(images).outputs()
        maps = [name for name in self._found if name.startswith("features.")]
        return OrderedDict((name, self._found[name]) for name in maps)

    def outputs(self, maps: list[Tensor]) -> dict[str, Tensor]:
        return {
            name: value for name, value in self._found.items() if not name.startswith("features.")
        }


class _Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)
