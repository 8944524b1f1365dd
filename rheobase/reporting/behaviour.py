"""What the golden model does with some images: answers at every T and t0, spikes, potentials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..converter.measure.energy import synaptic_operations
from ..golden.network.network import Coding, Network, Readout
from ..golden.network.neurons import Neurons
from ..golden.run.answers import class_answers, is_per_class
from ..golden.run.potentials import membrane_potentials
from ..golden.run.records import LayerRecord
from ..golden.run.run import run_golden

#: Memory of what is recorded at a time, in bytes, and most images of it.
_RECORD_BYTES, _MOST_RECORDED = 2**27, 16
#: Most settings of T, and of t0, that answers are counted at.
_MOST_STEPS = 32
#: Neurons of a layer whose spikes are shown, and values of all that are shown together.
_MOST_NEURONS, _MOST_VALUES = 24, 60_000


@dataclass(frozen=True, eq=False)
class Behaviour:
    """What the golden model did.

    Attributes:
        answers: int64, (images,): the network's classes; None where its scores have none.
        steps, delays: the settings of ``grid``.
        grid: int64, (len(steps), len(delays), images): classes at each T and t0; -1 where t0 is
            not below T. None where there are no classes.
        rates: for each layer (T,), its own T: spikes of a neuron at each step, the mean of all
            neurons and images; none of a layer without neurons.
        operations: (layers,): synaptic operations of an image.
    """

    answers: np.ndarray | None
    steps: tuple[int, ...]
    delays: tuple[int, ...]
    grid: np.ndarray | None
    rates: tuple[np.ndarray, ...]
    operations: np.ndarray


def measure_behaviour(
    network: Network, images: np.ndarray, progress: Callable[[int], None] = lambda _: None
) -> Behaviour:
    """Run ``images`` (uint8, (images, channels, rows, columns)) once, with everything recorded.

    A network in ``rate`` does the same up to a step whatever T is, so one run has the answers of
    every T and t0.
    """
    steps, delays = _settings(network)
    readable = is_per_class(network.output_shapes[0])
    grids: list[np.ndarray] = []
    answers: list[np.ndarray] = []
    spikes = [
        np.zeros(0 if layer.neurons is None else network.steps_of(index))
        for index, layer in enumerate(network.layers)
    ]
    operations = np.zeros(len(network.layers))
    for part in _batches(network, images):
        run = run_golden(network, part, record=True)
        if readable:
            answers.append(class_answers(run.outputs[0]))
            scores = _scores_by_step(network, run.layers[network.outputs[0]])
            grids.append(_grid(scores, steps, delays, answers[-1]))
        for index, (layer, record) in enumerate(zip(network.layers, run.layers, strict=True)):
            operations[index] += synaptic_operations(layer, record)
            if record.spikes is not None:
                spikes[index] += np.count_nonzero(record.spikes, axis=(0, 2, 3, 4))
        progress(len(part))
    neurons = [len(images) * int(np.prod(shape.output)) for shape in network.shapes]
    return Behaviour(
        answers=np.concatenate(answers) if readable else None,
        steps=steps,
        delays=delays,
        grid=np.concatenate(grids, axis=2) if readable else None,
        rates=tuple(fired / count for fired, count in zip(spikes, neurons, strict=True)),
        operations=operations / len(images),
    )


def _batches(network: Network, images: np.ndarray) -> list[np.ndarray]:
    neurons = sum(int(np.prod(shape.output)) for shape in network.shapes)
    size = max(1, min(_MOST_RECORDED, _RECORD_BYTES // (9 * neurons * network.steps)))
    return [images[start : start + size] for start in range(0, len(images), size)]


def _settings(network: Network) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """T and t0 at which answers are counted: of ``radix`` its own alone."""
    if network.coding == Coding.RADIX:
        return (network.steps,), (0,)

    def spread(low: int, high: int) -> tuple[int, ...]:
        count = min(high - low + 1, _MOST_STEPS)
        return tuple(int(value) for value in np.unique(np.linspace(low, high, count).round()))

    delays = set(spread(0, network.steps - 1)) | {network.delay}
    return spread(1, network.steps), tuple(sorted(delays))


def _scores_by_step(network: Network, record: LayerRecord) -> np.ndarray:
    """int64, (images, T + 1, classes): what the readout has added up before each step."""
    counted = network.readout == Readout.COUNT
    values = record.spikes if counted and record.spikes is not None else record.currents
    values = values.reshape(*values.shape[:2], -1).astype(np.int64)
    if network.coding == Coding.RATE:
        values = np.broadcast_to(values, (len(values), network.steps, values.shape[2]))
    none = np.zeros((len(values), 1, values.shape[2]), np.int64)
    return np.concatenate([none, values.cumsum(axis=1)], axis=1)


def _grid(
    scores: np.ndarray, steps: Sequence[int], delays: Sequence[int], answers: np.ndarray
) -> np.ndarray:
    found = np.full((len(steps), len(delays), len(answers)), -1, np.int64)
    if len(steps) == 1:
        found[0, 0] = answers
        return found
    for row, count in enumerate(steps):
        for column, delay in enumerate(delays):
            if delay < count:
                found[row, column] = class_answers(scores[:, count] - scores[:, delay])
    return found


def shown_neurons(network: Network, images: np.ndarray, seed: int = 0) -> list[dict[str, Any]]:
    """Spikes and potentials of some neurons of every layer, in JSON's types.

    Neurons that spike in one of the images are taken first, drawn with ``seed``.

    Returns:
        For each layer with neurons its name, its T, and for each neuron its place (channel, row,
        column), thresholds, and for each image its spikes (T) and potentials in front of each
        comparison (T).
    """
    layers = [(i, layer) for i, layer in enumerate(network.layers) if layer.neurons is not None]
    steps = sum(network.steps_of(index) for index, _ in layers)
    each = _MOST_VALUES // max(1, 2 * steps * len(images))
    most = max(2, min(_MOST_NEURONS, each))
    rng = np.random.default_rng(seed)
    runs = [run_golden(network, image[np.newaxis], record=True).layers for image in images]
    found = []
    for index, layer in layers:
        assert layer.neurons is not None
        spikes = np.concatenate([run[index].spikes for run in runs])
        currents = np.concatenate([run[index].currents for run in runs])
        spikes = spikes.reshape(*spikes.shape[:2], -1)
        currents = currents.reshape(*currents.shape[:2], -1)
        active = np.flatnonzero(spikes.any(axis=(0, 1)))
        silent = np.setdiff1d(np.arange(spikes.shape[2]), active)
        drawn = np.concatenate([rng.permutation(active), rng.permutation(silent)])[:most]
        drawn = np.sort(drawn)
        _, rows, columns = network.shapes[index].output
        own = _of_channels(layer.neurons, drawn // (rows * columns))
        spikes, currents = spikes[:, :, drawn], currents[:, :, drawn]
        potentials = membrane_potentials(own, network.coding, spikes, currents)
        found.append(
            {
                "name": layer.name,
                "T": spikes.shape[1],
                "neurons": [
                    {
                        "channel": int(place // (rows * columns)),
                        "row": int(place // columns % rows),
                        "column": int(place % columns),
                        "threshold": int(own.threshold[number]),
                        "negative_threshold": None
                        if own.negative_threshold is None
                        else int(own.negative_threshold[number]),
                        "spikes": spikes[:, :, number].astype(int).tolist(),
                        "potentials": potentials[:, :, number].tolist(),
                    }
                    for number, place in enumerate(drawn)
                ],
            }
        )
    return found


def _of_channels(neurons: Neurons, channels: np.ndarray) -> Neurons:
    negative = neurons.negative_threshold
    return Neurons(
        neurons.threshold[channels],
        neurons.initial_potential[channels],
        None if negative is None else negative[channels],
    )
