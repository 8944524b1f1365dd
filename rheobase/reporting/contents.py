"""Everything that a report says, in JSON's types: what its page draws."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..converter.measure.energy import (
    CNN_JOULES,
    SYNAPTIC_JOULES,
    cnn_operations,
    frames_per_second_and_watt,
)
from ..descriptions import network_description
from ..golden.errors import RheobaseError
from ..golden.network.network import IMAGE, Network
from ..golden.run.run import checked_images
from .answers import mistaken_images, percentage
from .behaviour import Behaviour, measure_behaviour, shown_neurons

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from ..converter.graph.graph import Graph

#: Version of what the JSON holds.
SCHEMA = 1
#: Images whose spikes are shown.
_SHOWN_IMAGES = 3
#: Images that layers' errors are measured on.
_DIAGNOSED = 100


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    Attributes:
        images: uint8, (images, channels, rows, columns); without them nothing is measured.
        labels: int64, (images,); None where nobody knows what they show.
        source: what the images are called.
        model: that the network was converted from; without it there is no comparison with the CNN.
        build: folder of a build, or Verilog file of ``generate``.
        board: that is reported on where the build is for none.
        simulated: images that run in Verilator; none where 0.
    """

    network: Network
    images: np.ndarray | None
    labels: np.ndarray | None = None
    source: str = "images"
    model: nn.Module | None = None
    build: Path | None = None
    board: str | None = None
    simulated: int = 20


def report_contents(
    subject: Subject, progress: Callable[[str, int], Callable[[int], None]]
) -> dict[str, Any]:
    """Measure and gather.

    Args:
        progress: called with what is done next and how many images of it there are; gives a
            function to call with how many were newly done.

    Raises:
        RheobaseError: the images or the model are not the network's, or hardware cannot be built.
    """
    from .. import __version__

    measured = (
        _unmeasured(subject)
        if subject.images is None
        else _measured(subject, subject.images, progress)
    )
    network = _network(subject.network)
    return {"schema": SCHEMA, "rheobase": __version__, "network": network} | measured


def _unmeasured(subject: Subject) -> dict[str, Any]:
    """What is known without images: what a board has, and what the build takes of it.

    Raises:
        RheobaseError: labels or a model are there, which say nothing without images.
    """
    for name, given in (("labels", subject.labels), ("model", subject.model)):
        if given is not None:
            raise RheobaseError(f"images: none, must be given with {name}")
    board = None
    if subject.simulated and (subject.build is not None or subject.board is not None):
        from .hardware import board_report, design_of

        board = board_report(
            subject.network, design_of(subject.network, subject.build), subject.board
        )
    nothing = dict.fromkeys(("images", "accuracy", "diagnosis", "hardware", "energy"))
    spikes: dict[str, Any] = {"images": [], "layers": []}
    return nothing | {"rates": [], "spikes": spikes, "board": board, "mistakes": []}


def _measured(
    subject: Subject,
    given: np.ndarray,
    progress: Callable[[str, int], Callable[[int], None]],
) -> dict[str, Any]:
    """What ``given`` images show."""
    network = subject.network
    images = checked_images(network, given)
    if not len(images):
        raise RheobaseError("images: none, must be at least one")
    behaviour = measure_behaviour(network, images, progress("golden model", len(images)))
    answers = {} if behaviour.answers is None else {"golden": behaviour.answers}
    graph = _model_graph(subject)
    cnn = _cnn_answers(subject, images, graph) if answers else None
    if cnn is not None:
        answers["CNN"] = cnn
    hardware = board = None
    if subject.simulated:
        from ..golden.run.answers import class_answers
        from .hardware import board_report, design_of, measure_hardware

        design = design_of(network, subject.build)
        watched = images[: subject.simulated]
        comparison, hardware = measure_hardware(
            network, design, watched, progress("simulating the Verilog", len(watched))
        )
        board = board_report(network, design, subject.board)
        if answers:
            answers["hardware"] = class_answers(comparison.hardware.outputs[0])
    labels = subject.labels
    return {
        "images": {"source": subject.source, "count": len(images), "labelled": labels is not None},
        "accuracy": None if labels is None else _accuracy(network, behaviour, answers, labels),
        "rates": _rates(network, behaviour),
        "diagnosis": _diagnosis(subject, images, progress, graph),
        "spikes": {
            "images": list(range(min(_SHOWN_IMAGES, len(images)))),
            "layers": shown_neurons(network, images[:_SHOWN_IMAGES]),
        },
        "hardware": hardware,
        "board": board,
        "energy": _energy(network, behaviour),
        "mistakes": mistaken_images(images, labels, answers, network.provenance)
        if labels is not None and answers
        else [],
    }


def _network(network: Network) -> dict[str, Any]:
    """As ``rheobase inspect`` describes it, and what the diagram needs."""
    found = network_description(network)
    for index, (layer, entry) in enumerate(zip(network.layers, found["layers"], strict=True)):
        entry["from"] = [
            None if connection.source == IMAGE else connection.source
            for connection in layer.connections
        ]
        entry["output"] = index in network.outputs
        entry["neurons"] = 0
        if layer.threshold is not None:
            entry["neurons"] = int(np.prod(network.shapes[index].output))
            entry["threshold_median"] = float(np.median(layer.threshold))
    return found


def _accuracy(
    network: Network, behaviour: Behaviour, answers: dict[str, np.ndarray], labels: np.ndarray
) -> dict[str, Any] | None:
    if behaviour.grid is None:
        return None
    known = network.provenance
    cnn = None
    if "CNN" in answers:
        cnn = percentage(answers["CNN"] == labels) | {"measured": True}
    elif known is not None and known.cnn_accuracy is not None:
        cnn = {"percent": known.cnn_accuracy, "measured": False, "images": known.test_images}
    delay = network.delay
    by_steps = []
    for row, steps in enumerate(behaviour.steps):
        given = max(other for other in behaviour.delays if other <= min(delay, steps - 1))
        column = behaviour.delays.index(given)
        by_steps.append(
            {"T": steps, "t0": given} | percentage(behaviour.grid[row, column] == labels)
        )
    below = np.array(behaviour.delays)[np.newaxis, :] < np.array(behaviour.steps)[:, np.newaxis]
    same = None
    if "CNN" in answers:
        same = percentage(answers["golden"] == answers["CNN"])
    right = 100 * (behaviour.grid == labels).mean(axis=2)
    return {
        "golden": percentage(answers["golden"] == labels),
        "cnn": cnn,
        "same_as_cnn": same,
        "by_steps": by_steps,
        "grid": {
            "steps": list(behaviour.steps),
            "delays": list(behaviour.delays),
            "percent": [
                [float(value) if shown else None for value, shown in zip(*pair, strict=True)]
                for pair in zip(right, below, strict=True)
            ],
        },
    }


def _cnn_shape(subject: Subject) -> tuple[int, ...] | None:
    """Of the model's images; None without a model, or where nobody knows its normalisation."""
    known = subject.network.provenance
    if subject.model is None or known is None or not known.mean:
        return None
    from ..converter.data.model import model_shape

    return model_shape(subject.model, subject.network.input_shape) or subject.network.input_shape


def _model_graph(subject: Subject) -> Graph | None:
    """The model, traced once for all that asks it; None where there is no ``_cnn_shape``."""
    shape = _cnn_shape(subject)
    if subject.model is None or shape is None:
        return None
    from ..converter.rewrite.rewrite import prepared
    from ..converter.tracing.trace import trace

    return prepared(trace(subject.model, shape))


def _cnn_answers(subject: Subject, images: np.ndarray, graph: Graph | None) -> np.ndarray | None:
    """The CNN's classes; None without a model, or where its scores are read in another order."""
    if graph is None:
        return None
    import torch

    from ..converter.data.batches import Batches
    from ..converter.measure.answers import answers_of

    shape = graph.input_shape
    answers = answers_of(graph)
    if answers.unreadable:
        return None
    known = subject.network.provenance
    assert known is not None
    with torch.inference_mode():
        batches = Batches(images.reshape(-1, *shape), known.mean, known.std)
        return np.concatenate([answers.of_graph(graph, batch) for batch in batches])


def _diagnosis(
    subject: Subject,
    images: np.ndarray,
    progress: Callable[[str, int], Callable[[int], None]],
    graph: Graph | None,
) -> dict[str, Any] | None:
    """What ``rheobase diagnose`` says; None without a model."""
    if subject.model is None or graph is None:
        return None
    from ..converter.measure.diagnosis import diagnose

    chosen = images[:_DIAGNOSED]
    found = diagnose(
        subject.network,
        subject.model,
        chosen.reshape(-1, *graph.input_shape),
        None if subject.labels is None else subject.labels[:_DIAGNOSED],
        progress=progress("diagnosing", len(chosen)),
        graph=graph,
    )
    return asdict(found)


def _rates(network: Network, behaviour: Behaviour) -> list[dict[str, Any]]:
    return [
        {
            "name": layer.name,
            "spikes_per_neuron": float(rates.sum()),
            "by_step": rates.tolist(),
        }
        for layer, rates in zip(network.layers, behaviour.rates, strict=True)
        if layer.neurons is not None
    ]


def _energy(network: Network, behaviour: Behaviour) -> dict[str, Any]:
    operations, dense = float(behaviour.operations.sum()), cnn_operations(network)
    return {
        "synaptic_joules": SYNAPTIC_JOULES,
        "cnn_joules": CNN_JOULES,
        "layers": [
            {"name": layer.name, "synaptic_operations": float(count)}
            for layer, count in zip(network.layers, behaviour.operations, strict=True)
        ],
        "snn": {
            "operations": operations,
            "joules": operations * SYNAPTIC_JOULES,
            "images_per_joule": frames_per_second_and_watt(operations, SYNAPTIC_JOULES),
        },
        "cnn": {
            "operations": dense,
            "joules": dense * CNN_JOULES,
            "images_per_joule": frames_per_second_and_watt(dense, CNN_JOULES),
        },
    }
