"""Where a converted network loses what the model knows, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from itertools import pairwise

import numpy as np
from torch import nn

from ...golden.basics.html_table import html_table
from ...golden.errors import RheobaseError
from ...golden.network.has_network import HasNetwork, network_of
from ...golden.network.network import Network
from ...golden.run.answers import class_answers, is_per_class
from ...golden.run.run import checked_images, split
from ..data.pixels import Images, as_pixels, normalisation
from ..graph.graph import Graph
from ..rewrite.rewrite import prepared
from ..tracing.trace import trace
from .exact_layers import ExactLayers, Result
from .real_layers import real_layers

#: Memory of what all layers of a batch give, in bytes.
_BATCH_BYTES = 2**28


@dataclass(frozen=True)
class LayerErrors:
    """Errors of what one layer delivers, each a part (0.1: 10 %) of the norm of what it should.

    A norm is over all neurons and images; over summed currents of a layer without neurons. The
    parts do not add up, since errors may cancel: fitted weights take away what enters.

    Attributes:
        name: the layer's.
        entering: the model's own layer, fed with what the layers before deliver.
        weights: rounded or fitted weights and biases in place of the model's.
        clipping: no more than a threshold's worth in each step, or the numbers of a train.
        levels: whole spikes.
        timing: spikes that come unevenly, and the steps that are not read out (``rate``).
        total: of what the layer delivers.
        cnn_answers: percentage of answers that are the model's where this layer alone computes as
            the model does; None where the scores have no class.
        right_answers: the same of right answers; None without labels.
    """

    name: str
    entering: float
    weights: float
    clipping: float
    levels: float
    timing: float
    total: float
    cnn_answers: float | None = None
    right_answers: float | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What ``diagnose`` found.

    Attributes:
        layers: in the network's order.
        images: that were run.
        cnn_answers: percentage of the network's answers that are the model's.
        right_answers, cnn_right_answers: of the network's and of the model's, those that are right.
    """

    layers: tuple[LayerErrors, ...]
    images: int
    cnn_answers: float | None
    right_answers: float | None
    cnn_right_answers: float | None

    def _repr_html_(self) -> str:
        names = [field.name for field in fields(LayerErrors)]
        rows = [[_cell(getattr(layer, name)) for name in names] for layer in self.layers]
        caption = f"{self.images} images; errors are parts of what a layer should deliver"
        return html_table(caption, [name.replace("_", " ") for name in names], rows)


def _cell(value: str | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "" if value is None else str(value)


def diagnose(
    network: Network | HasNetwork,
    model: nn.Module,
    images: Images,
    labels: Sequence[int] | np.ndarray | None = None,
    *,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    progress: Callable[[int], None] | None = None,
    graph: Graph | None = None,
) -> Diagnosis:
    """Compare every layer of ``network`` with the model that it was converted from.

    Args:
        network: or a conversion.
        model: with the weights that it was converted with.
        images: uint8, (images, channels, rows, columns), as ``convert`` takes them.
        labels: right answers, (images,).
        mean, std: the model's normalisation; what the network says of itself where None.
        progress: called with the number of images that each batch finished.
        graph: of the model, where it has been traced and prepared already.

    Raises:
        RheobaseError: the network is not one of this model, or the images do not fit.
    """
    network = network_of(network)
    pixels = as_pixels(images)
    known = network.provenance
    if mean is None or std is None:
        if known is None or not known.mean:
            raise RheobaseError("mean, std: needed, as the network does not hold them")
        mean, std = known.mean, known.std
    mean, std = normalisation(mean, std, int(pixels.shape[1]))
    if graph is None:
        graph = prepared(trace(model, tuple(int(extent) for extent in pixels.shape[1:])))
    pixels = checked_images(network, pixels)
    if not len(pixels):
        raise RheobaseError("images: none, must be at least one")
    if labels is not None and len(labels) != len(pixels):
        raise RheobaseError(f"labels: {len(labels)}, must be one for each of {len(pixels)} images")
    run = ExactLayers(network, real_layers(network, graph, mean, std))
    threads, size = split(network, network.steps, len(pixels), batch_size=None, threads=2)
    kept = sum(int(np.prod(shape.output)) for shape in network.shapes) * (network.steps + 4) * 8
    size = max(1, min(size, _BATCH_BYTES // threads // kept))
    batches = [pixels[start : start + size] for start in range(0, len(pixels), size)]
    found: list[_Batch] = []
    with ThreadPoolExecutor(threads) as pool:
        for batch, part in zip(batches, pool.map(partial(_Batch, run), batches), strict=True):
            found.append(part)
            if progress is not None:
                progress(len(batch))
    truth = None if labels is None else np.asarray(labels)
    return _diagnosis(run, found, len(pixels), truth)


#: Errors of a layer in the order of ``_squares``.
_ERRORS = ("entering", "weights", "clipping", "levels", "timing", "total")


class _Batch:
    """One batch, run as the model, as the network, and with each layer alone exact.

    Attributes:
        squares: (layers, 1 + errors): squared norms, first of what a layer should deliver.
        answers: (2 + layers, images): the model's, the network's, with each layer exact; None where
            the scores have no class.
    """

    def __init__(self, run: ExactLayers, images: np.ndarray) -> None:
        network, totals = run.totals.network, run.totals
        layers = range(len(network.layers))
        self.squares = np.zeros((len(layers), 1 + len(_ERRORS)))
        model = run.run(images, exact=layers)

        def measure(index: int, flows: dict[int, np.ndarray], result: Result) -> None:
            wanted, given = totals.delivered(model[index]), totals.delivered(result)
            stages = [wanted, *totals.stages(index, flows), given]
            self.squares[index] = _squares(stages, totals.layers[index].spike)

        plain = run.run(images, watch=measure)
        self.answers = None
        if is_per_class(network.output_shapes[0]):
            runs = [model, plain]
            runs += [run.run(images, exact=(index,), known=plain[:index]) for index in layers]
            read = network.outputs[0]
            self.answers = np.stack([class_answers(_scores(one[read])) for one in runs])


def _scores(result: Result) -> np.ndarray:
    scores = result[1]
    assert scores is not None  # the layer is read out
    return scores.transpose(0, 3, 1, 2)


def _squares(stages: Sequence[np.ndarray], spike: np.ndarray) -> np.ndarray:
    """Squared norms of the first stage, of what each stage changes, and of the last less the first.

    Args:
        stages: numbers, each (images, rows, columns, channels).
        spike: (channels,): what one is worth.
    """
    changes = [after - before for before, after in pairwise(stages)]
    norms = [stages[0], *changes, stages[-1] - stages[0]]
    return np.array([np.square(values * spike).sum() for values in norms])


def _diagnosis(
    run: ExactLayers, parts: Sequence[_Batch], images: int, labels: np.ndarray | None
) -> Diagnosis:
    squares = np.sum([part.squares for part in parts], axis=0)
    errors = np.sqrt(squares[:, 1:] / np.maximum(squares[:, :1], np.finfo(float).tiny))
    answers = None
    if parts[0].answers is not None:
        answers = np.concatenate([part.answers for part in parts if part.answers is not None], 1)

    def share(row: int, truth: np.ndarray | None) -> float | None:
        if answers is None or truth is None:
            return None
        return 100 * float(np.mean(answers[row] == truth))

    cnn = None if answers is None else answers[0]
    rows = []
    for index, layer in enumerate(run.totals.network.layers):
        if not run.totals.layers[index].ones:
            found = dict(zip(_ERRORS, errors[index].tolist(), strict=True))
            answered = share(index + 2, cnn), share(index + 2, labels)
            rows.append(
                LayerErrors(layer.name, **found, cnn_answers=answered[0], right_answers=answered[1])
            )
    return Diagnosis(tuple(rows), images, share(1, cnn), share(1, labels), share(0, labels))
