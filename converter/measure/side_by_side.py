"""The CNN, the float SNN and the integer network on the same images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ...golden.run.answers import class_answers
from ...golden.run.run import run_golden
from ..conversion import Conversion
from ..data.batches import Batches
from ..data.data import ImageSet
from .answers import Answers


@dataclass(frozen=True)
class SideBySide:
    """Percentages of right answers on the same images; ``golden`` None without integer network."""

    cnn: float
    float_snn: float
    golden: float | None


def side_by_side(
    conversion: Conversion,
    images: ImageSet,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    answers: Answers,
    progress: Callable[[int], None] = lambda _: None,
) -> SideBySide:
    """Accuracy of all three.

    Args:
        mean, std: the model's normalisation, per channel.
        answers: which output is read.
        progress: called with the number of images that CNN and float SNN have newly done.

    Raises:
        RheobaseError: the scores have no class (``Answers.check``).
    """
    graph = conversion.graph.to("cpu")
    snn = answers.at_scores(conversion.snn.to("cpu"))
    cnn_right = snn_right = 0
    batches = Batches(images.images.reshape(-1, *graph.input_shape), mean, std)
    truth = [labels.numpy() for labels in batches.cut(torch.from_numpy(images.labels))]
    with torch.inference_mode():
        for batch, labels in zip(batches, truth, strict=True):
            cnn_right += int((answers.of_graph(graph, batch) == labels).sum())
            scores = snn.run(batch).outputs()[answers.label]
            snn_right += int((class_answers(scores.numpy()) == labels).sum())
            progress(len(batch))
    count = len(images.images)
    golden = None
    if conversion.lowered is not None:
        outputs = run_golden(conversion.network, images.images).outputs
        found = answers.of_network(conversion.lowered, outputs)
        golden = 100 * float(np.mean(found == images.labels))
    return SideBySide(100 * cnn_right / count, 100 * snn_right / count, golden)
