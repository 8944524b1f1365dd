"""A recipe on one of the paper's tasks beside classification: its metric over (T, t0).

Each task reads its data set, converts the model with images of the training part, and runs the CNN
and the float SNN on images of the validation part, once up to the largest T.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...golden.basics.mapper import Mapper
from ...golden.errors import RheobaseError
from ...golden.network.network import Coding
from ..conversion import Conversion, convert_graph
from ..data.batches import Batches
from ..data.coco import Coco
from ..data.pixels import normalised
from ..data.video import (
    ClipShape,
    clip_and_video_accuracy,
    load_clips,
    none_long_enough,
    read_clips,
    video_files,
)
from ..graph.analog import analog_forward
from ..graph.graph import Graph
from ..measure.accuracy import readings
from ..options import Options
from ..snn.sized import SizedSnn, traced
from ..snn.snn import FloatSnn
from .detection import DetectorConversion, convert_detector
from .segmentation import (
    CLASSES,
    Confusion,
    calibration_crops,
    coco_examples,
    sized_examples,
    voc_examples,
)

#: (T, t0); None stands for the CNN.
Reading = tuple[int, int] | None
#: A detection: number of the image, label, corners, score.
Box = tuple[int, int, list[float], float]
#: Mean and standard deviation that torchvision's weights for segmentation and video were trained
#: with; detectors normalise by themselves.
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_KINETICS = ((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))


@dataclass(frozen=True)
class TaskSubject:
    """What is evaluated on what.

    Attributes:
        data: the data set's folder.
        calibration, test: numbers of images or videos; ``test`` None for all.
        size: pixels of the shorter side (segmentation) or of the crop (video); None for what
            torchvision's weights want. Detectors resize by themselves.
        batch: images or clips that are balanced and run at a time.
        pairs: (T, t0).
        device: torch device.
    """

    data: Path
    calibration: int
    test: int | None
    size: int | None
    batch: int
    pairs: tuple[tuple[int, int], ...]
    device: str = "cpu"

    @property
    def sample(self) -> tuple[int, int] | None:
        """Of the validation part."""
        return None if self.test is None else (self.test, 1)


@dataclass(frozen=True, eq=False)
class TaskResult:
    """Of one recipe.

    Attributes:
        conversion: of the network, for the size that it was balanced on.
        metrics: by (T, t0), and by None for the CNN: percentages by name, the table's first.
        notes: what a reader of the figures has to know.
    """

    conversion: Conversion
    metrics: dict[Reading, dict[str, float]]
    notes: tuple[str, ...] = ()


Progress = Callable[[int], None]


def evaluate_task(
    task: str,
    model: nn.Module,
    subject: TaskSubject,
    options: Options,
    progress: Progress,
    mapper: Mapper = map,
) -> TaskResult:
    """Convert ``model`` for ``task`` (one of ``TASKS``) and measure it.

    Args:
        options: T, t0 and device follow from ``subject``; the network is a float SNN.
        progress: called with the number of images or videos that are done.
        mapper: runs the converted network on the images, which are read here, one a call.

    Raises:
        RheobaseError: no such task, data that cannot be read, or what conversion raises.
    """
    if task not in TASKS:
        raise RheobaseError(f"task: {task!r}, must be one of {', '.join(TASKS)}")
    if options.coding != Coding.RATE:
        raise RheobaseError("coding: radix, must be rate, as several T are read at once")
    steps = max(step for step, _ in subject.pairs)
    options = replace(options, steps=steps, delay=0, device=subject.device, lower=False)
    return TASKS[task](model.to(subject.device).eval(), subject, options, progress, mapper)


@dataclass(frozen=True, eq=False)
class _Segmenter:
    """Counts of one image's pixels, by truth and answer, by reading."""

    network: SizedSnn
    pairs: tuple[tuple[int, int], ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    device: str

    def __call__(self, example: tuple[np.ndarray, np.ndarray]) -> dict[Reading, np.ndarray]:
        image, truth = example
        shown = normalised(image[None].copy(), self.mean, self.std).to(self.device)
        shape = tuple(image.shape)
        found: dict[Reading, Tensor] = {None: analog_forward(self.network.graph(shape), shown)}
        found |= readings(self.network.at(shape), shown, self.pairs)
        counts = {}
        for pair, scores in found.items():
            if scores.shape[2:] != truth.shape or scores.shape[1] != CLASSES:
                raise RheobaseError(
                    f"model: scores of {tuple(scores.shape[1:])}, must be {CLASSES} "
                    f"classes for {truth.shape[0]} x {truth.shape[1]} pixels"
                )
            table = Confusion(CLASSES)
            table.add(truth, scores[0].argmax(0).cpu().numpy())
            counts[pair] = table.counts
        return counts


def _segmentation(examples: Callable[..., list[Any]]) -> Callable[..., TaskResult]:
    def evaluate(
        model: nn.Module,
        subject: TaskSubject,
        options: Options,
        progress: Progress,
        mapper: Mapper,
    ) -> TaskResult:
        mean, std = _IMAGENET
        side = subject.size or 520
        training = calibration_crops(
            examples(subject.data, "train", (subject.calibration, 0)), side
        )
        label = ("out",) if _has_output(model, training.shape[1:], "out") else ()
        graph = traced(model, training.shape[1:], label)
        batches = Batches(training, mean, std, subject.device, subject.batch)
        conversion = convert_graph(graph, batches, mean=mean, std=std, options=options)
        network = SizedSnn(model, conversion.snn, label)
        segmenter = _Segmenter(network, subject.pairs, mean, std, subject.device)
        tables: dict[Reading, Confusion] = {
            pair: Confusion(CLASSES) for pair in (None, *subject.pairs)
        }
        validation = examples(subject.data, "val", subject.sample)
        for counts in mapper(segmenter, sized_examples(validation, side)):
            for pair, found in counts.items():
                tables[pair].counts += found
            progress(1)
        return TaskResult(conversion, {pair: table.percentages() for pair, table in tables.items()})

    return evaluate


def _has_output(model: nn.Module, shape: tuple[int, ...], label: str) -> bool:
    """Side outputs, such as ``aux``, are for training alone."""
    device = next(model.parameters(), torch.zeros(1)).device
    with torch.inference_mode():
        found = model(torch.zeros(1, *shape, device=device))
    return isinstance(found, dict) and label in found


@dataclass(frozen=True, eq=False)
class _Detector:
    """Boxes of one image (number, picture), by reading."""

    model: nn.Module
    converted: DetectorConversion
    pairs: tuple[tuple[int, int], ...]

    def __call__(self, example: tuple[int, Tensor]) -> dict[Reading, list[Box]]:
        number, picture = example
        with torch.no_grad():
            results: dict[Reading, Any] = {None: self.model([picture])}
        results |= self.converted.readings([picture], self.pairs)
        return {
            pair: list(
                zip(
                    [number] * len(result["labels"]),
                    result["labels"].tolist(),
                    result["boxes"].tolist(),
                    result["scores"].tolist(),
                    strict=True,
                )
            )
            for pair, (result,) in results.items()
        }


def _detection(
    model: nn.Module,
    subject: TaskSubject,
    options: Options,
    progress: Progress,
    mapper: Mapper,
) -> TaskResult:
    training = Coco(subject.data, "train2017", (subject.calibration, 0))
    pictures = [_picture(training, number, subject.device) for number in training.ids]
    converted = convert_detector(model, pictures, options=options, batch=subject.batch)
    validation = Coco(subject.data, "val2017", subject.sample)
    found: dict[Reading, list[Box]] = {pair: [] for pair in (None, *subject.pairs)}
    shown = ((number, _picture(validation, number, subject.device)) for number in validation.ids)
    for boxes in mapper(_Detector(model, converted, subject.pairs), shown):
        for pair, more in boxes.items():
            found[pair] += more
        progress(1)
    metrics = {pair: validation.average_precision(boxes) for pair, boxes in found.items()}
    return TaskResult(converted.conversion, metrics)


def _picture(coco: Coco, number: int, device: str) -> Tensor:
    pixels = np.array(coco.image(number)).transpose(2, 0, 1)
    return torch.from_numpy(pixels).to(device).float().div_(255)


@dataclass(frozen=True, eq=False)
class _Viewer:
    """Scores of one video's clips, by reading, in batches; none of a video that is too short."""

    graph: Graph
    snn: FloatSnn
    pairs: tuple[tuple[int, int], ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    device: str
    batch: int

    def __call__(self, clips: np.ndarray | None) -> dict[Reading, list[Tensor]]:
        found: dict[Reading, list[Tensor]] = {pair: [] for pair in (None, *self.pairs)}
        if clips is not None:
            for batch in Batches(clips, self.mean, self.std, self.device, self.batch):
                found[None].append(analog_forward(self.graph, batch).cpu())
                for pair, scores in readings(self.snn, batch, self.pairs).items():
                    found[pair].append(scores.cpu())
        return found


def _video(
    model: nn.Module,
    subject: TaskSubject,
    options: Options,
    progress: Progress,
    mapper: Mapper,
) -> TaskResult:
    mean, std = _KINETICS
    shape = ClipShape.of_crop(subject.size or 112)
    one = replace(shape, clips=1)
    training = load_clips(subject.data / "train", one, sample=(subject.calibration, 0))
    batches = Batches(training.images, mean, std, subject.device, subject.batch)
    graph = traced(model, tuple(training.images.shape[1:]))
    conversion = convert_graph(graph, batches, mean=mean, std=std, options=options)
    root = subject.data / "val"
    files, classes = video_files(root, subject.sample)
    if classes != training.classes:
        raise RheobaseError("videos: train and val have other classes, must be the same")
    found: dict[Reading, list[Tensor]] = {pair: [] for pair in (None, *subject.pairs)}
    labels: list[int] = []
    viewer = _Viewer(
        graph.to(subject.device),
        conversion.snn,
        subject.pairs,
        mean,
        std,
        subject.device,
        subject.batch,
    )
    clips = (read_clips(path, shape) for path, _ in files)
    for scores, (_, label) in zip(mapper(viewer, clips), files, strict=True):
        if scores[None]:
            labels += [label] * shape.clips
        for pair, more in scores.items():
            found[pair] += more
        progress(1)
    if not labels:
        raise none_long_enough(root, shape)
    metrics = {
        pair: clip_and_video_accuracy(torch.cat(scores), labels, shape.clips)
        for pair, scores in found.items()
    }
    short = len(files) - len(labels) // shape.clips
    notes = (f"{short} videos were too short for a clip",) if short else ()
    return TaskResult(conversion, metrics, notes)


#: By name, as the command line has them.
TASKS: dict[str, Callable[..., TaskResult]] = {
    "voc-segmentation": _segmentation(voc_examples),
    "coco-segmentation": _segmentation(coco_examples),
    "coco-detection": _detection,
    "kinetics": _video,
}
