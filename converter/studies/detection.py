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
from torch.nn import functional

from ...golden.errors import RheobaseError
from ..conversion import Conversion, convert_graph
from ..data.batches import BATCH
from ..options import Options
from ..rewrite.rewrite import prepared
from ..snn.sized import SizedSnn
from ..snn.snn import FloatRun
from ..tracing.trace import trace

#: Parts of torchvision's one-stage detectors that are used here.
_PARTS = ("transform", "backbone", "head", "anchor_generator", "postprocess_detections")


class DetectorNetwork(nn.Module):
    """What of a one-stage detector (RetinaNet, FCOS) is a network of static shape.

    Gives the head's outputs by name (``cls_logits``, ``bbox_regression``, ...) and, under
    ``features``, the maps of the pyramid, whose sizes the anchors are made for.
    """

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        parts: Any = detector
        self.backbone: nn.Module = parts.backbone
        self.head: nn.Module = parts.head

    def forward(self, images: Tensor) -> dict[str, Any]:
        features = self.backbone(images)
        maps = list(features.values()) if isinstance(features, dict) else [features]
        return {**self.head(maps), "features": maps}


@dataclass(frozen=True, eq=False)
class DetectorConversion:
    """A detector whose network is a float SNN.

    Attributes:
        conversion: of the network; its summary names what stays in floating point.
        network: its float SNN, for any size that images are resized to.

    Calling it with images, each (channels, rows, columns) in 0..1, gives the detections as the
    detector gives them: per image a dictionary of ``boxes``, ``scores`` and ``labels``.
    """

    detector: nn.Module
    conversion: Conversion
    network: SizedSnn

    def __call__(self, images: Sequence[Tensor]) -> list[dict[str, Tensor]]:
        """Detections at the conversion's own T and t0."""
        snn = self.conversion.snn
        return self.readings(images, [(snn.steps, snn.delay)])[snn.steps, snn.delay]

    @torch.no_grad()
    def readings(
        self, images: Sequence[Tensor], pairs: Sequence[tuple[int, int]]
    ) -> dict[tuple[int, int], list[dict[str, Tensor]]]:
        """Detections by (T, t0), all from one run."""
        network = _Network(self.network, pairs)
        # A copy that shares everything but the two modules that spike.
        detector = copy.copy(self.detector)
        detector._modules = dict(detector._modules)
        detector._modules["backbone"] = _Call(network.features)
        detector._modules["head"] = _Call(network.outputs)
        detector.training = False
        found = {}
        for pair in pairs:
            network.pair = pair
            found[pair] = detector(list(images))
        return found


def convert_detector(
    detector: nn.Module,
    images: Sequence[Tensor],
    *,
    options: Options | None = None,
    batch: int = BATCH,
    progress: Callable[[int], None] | None = None,
) -> DetectorConversion:
    """Convert a torchvision RetinaNet or FCOS as it is; float SNN only.

    Args:
        detector: on the device of ``options``.
        images: to balance on, each (channels, rows, columns) in 0..1, resized as the detector does
            it. Where they come out at several sizes, the smaller ones have zeros around them, as
            they have in a batch of the detector.
        options: of the conversion (``Options()`` where None); ``lower`` is ignored.
        batch: images that are balanced on at a time.

    Raises:
        RheobaseError: it is no such detector, no images, or what ``convert`` raises.
    """
    missing = [part for part in _PARTS if not hasattr(detector, part)]
    if missing:
        raise RheobaseError(
            f"detector: {type(detector).__name__} has no {', '.join(missing)}, must be a "
            "one-stage detector of torchvision (RetinaNet, FCOS)"
        )
    if not images:
        raise RheobaseError("calibration: no images, must be at least one")
    transform: Any = detector.transform
    transform.eval()
    resized = [transform([image.clone()])[0].tensors for image in images]
    rows, columns = (max(image.shape[axis] for image in resized) for axis in (2, 3))
    padded = [
        functional.pad(image, (0, columns - image.shape[3], 0, rows - image.shape[2]))
        for image in resized
    ]
    batches = [torch.cat(padded[start : start + batch]) for start in range(0, len(padded), batch)]
    network = DetectorNetwork(detector)
    conversion = convert_graph(
        prepared(trace(network, tuple(batches[0].shape[1:]))),
        batches,
        mean=transform.image_mean,
        std=transform.image_std,
        options=replace(options or Options(), lower=False),
        name=type(detector).__name__,
        progress=progress,
    )
    return DetectorConversion(detector, conversion, SizedSnn(network, conversion.snn))


class _Network:
    """Stands in for backbone and head, which a detector calls one after the other.

    Attributes:
        pair: (T, t0) that is read; the first call runs for all of them.
    """

    def __init__(self, network: SizedSnn, pairs: Sequence[tuple[int, int]]) -> None:
        self._network = network
        self._kept = sorted({step for pair in pairs for step in pair})
        self._run: FloatRun | None = None
        self.pair = pairs[0]
        self._found: dict[str, Tensor] = {}

    def features(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """Runs the SNN; of its maps a detector reads the sizes only."""
        if self._run is None:
            self._run = self._network.at(tuple(images.shape[1:])).run(images, self._kept)
        self._found = self._run.outputs(*self.pair)
        maps = [name for name in self._found if name.startswith("features.")]
        return OrderedDict((name, self._found[name]) for name in maps)

    def outputs(self, _maps: list[Tensor]) -> dict[str, Tensor]:
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
