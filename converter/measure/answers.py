"""Which of a model's outputs is compared with labels, and what its scores say.

The CNN, the float SNN and the integer network are all read at the same place: in front of what
keeps the order of the scores (``tails``), where a single score is positive for class 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from ...golden.errors import RheobaseError
from ...golden.network.network import Readout
from ...golden.run.answers import class_answers, is_per_class
from ..graph.analog import analog_forward
from ..graph.graph import Graph
from ..lower.lowered import Lowered
from ..rewrite.arrangement import arrangement_of
from ..rewrite.tails import scores_of
from ..snn.snn import FloatSnn


@dataclass(frozen=True)
class Answers:
    """The output that answers.

    Attributes:
        label: of the output.
        shape: of its scores, without the batch.
        others: labels of the outputs that are not compared.
        rearranged: the scores are gathered from the network's outputs (``arrangement``), as those
            of anchors are, and none of its own answers is one of the model.
    """

    label: str
    shape: tuple[int, ...]
    others: tuple[str, ...]
    rearranged: bool = False

    @property
    def unreadable(self) -> str:
        """Why the scores have no class; empty where they have."""
        size = " x ".join(map(str, self.shape))
        if not is_per_class(self.shape):
            return f"output {self.label!r} is a map of {size}, not one score for each class"
        if self.rearranged:
            return f"output {self.label!r} of {size} is gathered from parts of the network's maps"
        return ""

    @property
    def classes_shape(self) -> tuple[int, ...]:
        """(scores,), or the shape of a map."""
        if not self.unreadable:
            return (int(np.prod(self.shape)),)
        return (1, *self.shape) if is_per_class(self.shape) else self.shape

    @property
    def reading(self) -> str:
        """What is compared, where it is not the largest score of the only output; else empty."""
        parts = []
        if self.others:
            listed = ", ".join(map(repr, self.others))
            parts.append(f"of output {self.label!r}, not of {listed} (--answers NAME chooses)")
        if int(np.prod(self.shape)) == 1:
            parts.append(
                "the sign of the one score: class 1 where it is positive, else 0 (the hardware's "
                "answer, the index of the largest, is always 0: read its score)"
            )
        return "; ".join(parts)

    def of_graph(self, graph: Graph, images: Tensor) -> np.ndarray:
        """The CNN's classes, (images,)."""
        return class_answers(analog_forward(_at_scores(graph, self.label), images).cpu().numpy())

    def at_scores(self, snn: FloatSnn) -> FloatSnn:
        """The float SNN whose only output is the scores."""
        return snn.with_graph(_at_scores(snn.graph, self.label))

    def of_network(self, lowered: Lowered, outputs: tuple[np.ndarray, ...]) -> np.ndarray:
        """The integer network's classes, from the golden model's ``outputs``.

        Raises:
            RheobaseError: the scores have no class.
        """
        self.check()
        (part,) = lowered.outputs[self.label].parts
        scores = outputs[part.index]
        return class_answers(scores.reshape(len(scores), *self.shape))

    def check_readout(self, readout: Readout) -> None:
        """Raise ``RheobaseError`` where spike counts cannot tell what the scores say."""
        if readout == Readout.COUNT and int(np.prod(self.shape)) == 1:
            raise RheobaseError(
                f"--readout: count of output {self.label!r}, one score whose sign is the answer "
                "and which no count of spikes has; must be current"
            )

    def check(self) -> None:
        """Raise ``RheobaseError`` where the scores have no class."""
        if self.unreadable:
            raise RheobaseError(f"answers: {self.unreadable}")


def answers_of(graph: Graph, label: str | None = None) -> Answers:
    """The output called ``label``; without one ``out``, or the first.

    Raises:
        RheobaseError: there is no such output.
    """
    labels = tuple(graph.outputs)
    if label is None:
        label = "out" if "out" in labels else labels[0]
    if label not in labels:
        raise RheobaseError(
            f"--answers: the model has no output {label!r}, must be one of {', '.join(labels)}"
        )
    scores, _ = scores_of(graph, graph.outputs[label])
    others = tuple(other for other in labels if other != label)
    rearranged = arrangement_of(graph, scores).index is not None
    return Answers(label, tuple(graph.by_name[scores].shape), others, rearranged)


def _at_scores(graph: Graph, label: str) -> Graph:
    """The graph whose only output is the scores of ``label``."""
    scores, _ = scores_of(graph, graph.outputs[label])
    return replace(graph, outputs={label: scores})
