"""Jobs of a sweep: one recipe on one model, at one or several T, t0 and widths.

Each job is done in one process and kept as one file, so a sweep that was interrupted goes on with
what is missing.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...golden.basics.output_files import write_whole
from ...golden.errors import RheobaseError
from ...golden.network.network import Coding, Readout
from ...golden.run.run import run_golden
from ..conversion import Conversion, convert_graph
from ..data.batches import Batches, LazyBatches, on_device
from ..data.data import load_images, matched_classes, with_hollow_classes
from ..data.image_files import AS_IT_IS, Sizing
from ..data.model import load_model, model_shape, takes_images
from ..data.pixels import normalisation
from ..graph.graph import Graph
from ..lower.lowered import Lowered
from ..measure.accuracy import Accuracies, accuracy_table
from ..measure.answers import Answers, answers_of
from ..options import Options, check_device, default_iterations
from ..recipes import with_recipe
from ..rewrite.rewrite import prepared
from ..thresholds.balancing import Method
from ..tracing.trace import trace

#: Columns of the CSV.
COLUMNS = (
    "recipe",
    "coding",
    "weight_bits",
    "iterations",
    "T",
    "t0",
    "accuracy",
    "cnn_accuracy",
    "spikes_per_neuron",
    "images",
    "calibration_images",
    "weights_fitted",
)
#: Changes with what a job's file holds, so that files of another version are not taken over.
_FORMAT = 4
#: Images whose spikes in the golden model are kept in memory at a time.
_RECORDED = 16


@dataclass(frozen=True)
class Subject:
    """What a sweep is about: a model and its images, as the command line names them.

    ``answers`` names the output that is compared.

    ``test_images`` is None where ``images`` has a test part of its own. ``calibration`` and
    ``test`` are numbers of images. ``sizing`` is for folders, ``download`` for sets of torchvision.
    """

    model: str
    weights: str | None
    images: str
    test_images: str | None
    data_root: str | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    calibration: int
    test: int
    sizing: Sizing = AS_IT_IS
    answers: str | None = None
    download: bool = False


@dataclass(frozen=True)
class Job:
    """One conversion and its evaluation.

    Attributes:
        recipe: a recipe, or ``recipe@K``.
        steps: T; several where one conversion serves all.
        delays: t0; those below T are used.
        bits: of the weights, on the golden model; None for the float SNN.
    """

    subject: Subject
    recipe: str
    coding: str
    steps: tuple[int, ...]
    delays: tuple[int, ...]
    bits: int | None

    @property
    def key(self) -> str:
        """Name of the job's file: it changes with everything that the result depends on."""
        described: dict[str, Any] = {"format": _FORMAT, **asdict(self)}
        del described["subject"]["download"]
        if self.subject.weights is not None:
            content = Path(self.subject.weights).read_bytes()
            described["content"] = hashlib.sha256(content).hexdigest()
        text = json.dumps(described, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def jobs_of(
    subject: Subject,
    recipes: Sequence[str],
    coding: Coding,
    steps: Sequence[int],
    delays: Sequence[int],
    widths: Sequence[int | None],
) -> list[Job]:
    """All jobs. A recipe that does not depend on T is converted once for all of them."""
    found = []
    for recipe in recipes:
        options = recipe_options(recipe, coding, max(steps))
        at_once = coding == Coding.RATE and options.calibration is None
        groups = [tuple(steps)] if at_once else [(step,) for step in steps]
        found += [
            Job(subject, recipe, coding.value, group, tuple(delays), bits)
            for group in groups
            for bits in widths
        ]
    return found


def recipe_options(recipe: str, coding: Coding, steps: int) -> Options:
    """Options of ``recipe`` or ``recipe@K``.

    Raises:
        RheobaseError: no such recipe, or K is no positive integer.
    """
    name, _, iterations = recipe.partition("@")
    options = with_recipe(Options(coding=coding, steps=steps, readout=Readout.CURRENT), name)
    # A recipe is measured as it is; `best` is what `convert` gives.
    options = replace(options, only_if_better=name == "best")
    if not iterations:
        return options
    if not iterations.isdecimal() or int(iterations) < 1:
        raise RheobaseError(f"recipe: {recipe!r}, must be RECIPE or RECIPE@K, such as cltb@100")
    return replace(options, iterations=int(iterations))


def run_job(job: Job, device: str = "cpu", threads: int = 1) -> dict[str, Any]:
    """Convert and evaluate: rows of the CSV, and what the plots need, as plain JSON values.

    Args:
        threads: of torch, while it runs.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _run_loaded(job, _loaded(job.subject, device), device)
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True, eq=False)
class SentJobs:
    """``run_job`` for a machine that has neither model nor images: they are read here and sent.

    Args:
        subject: of all jobs.
        device: of the machine that does them.
    """

    subject: Subject
    device: str
    loaded: Loaded

    @staticmethod
    def of(subject: Subject, device: str) -> SentJobs:
        """Raises ``RheobaseError`` where model or images cannot be read."""
        return SentJobs(subject, device, _loaded(subject, "cpu"))

    def __call__(self, job: Job) -> dict[str, Any]:
        check_device(self.device)
        return _run_loaded(job, self.loaded.on(self.device), self.device)


def _run_loaded(job: Job, subject: Loaded, device: str) -> dict[str, Any]:
    coding = Coding(job.coding)
    options = replace(
        recipe_options(job.recipe, coding, max(job.steps)),
        device=device,
        lower=job.bits is not None,
        weight_bits=8 if job.bits is None else job.bits,
    )
    conversion = convert_graph(
        subject.graph,
        subject.calibration,
        mean=job.subject.mean,
        std=job.subject.std,
        options=options,
    )
    if conversion.lowered is None:
        measured = accuracy_table(
            subject.answers.at_scores(conversion.snn),
            subject.batches,
            subject.labels,
            job.steps,
            job.delays,
        )
        neurons = {o.name: math.prod(o.shape) for o in conversion.snn.graph.neurons}
    else:
        measured, neurons = _golden_table(conversion.lowered, subject, job)
    total = sum(measured.spikes[name] * count for name, count in neurons.items())
    per_neuron = total / max(1, sum(neurons.values()))
    rows = [
        {
            "recipe": job.recipe.partition("@")[0],
            "coding": job.coding,
            "weight_bits": "float" if job.bits is None else job.bits,
            "iterations": iterations_of(options),
            "T": step,
            "t0": delay,
            "accuracy": round(accuracy, 4),
            "cnn_accuracy": round(subject.cnn_accuracy, 4),
            # Counted over the largest T of the job.
            "spikes_per_neuron": round(per_neuron, 4) if step == max(job.steps) else "",
            "images": len(subject.images),
            "calibration_images": sum(len(batch) for batch in subject.calibration),
            "weights_fitted": weights_fitted(conversion),
        }
        for (step, delay), accuracy in measured.table.items()
    ]
    thresholds = torch.cat([v.flatten().cpu().float() for v in conversion.thresholds.values()])
    return {
        "rows": rows,
        "recipe": job.recipe,
        "answers": subject.answers.reading,
        "steps": max(job.steps),
        "spikes": measured.spikes,
        "thresholds": [float(f"{value:.5g}") for value in thresholds.tolist()],
    }


def _golden_table(lowered: Lowered, subject: Loaded, job: Job) -> tuple[Accuracies, dict[str, int]]:
    """Right answers and spikes of the integer network; and neurons, by layer.

    Spikes are counted at the largest T, as ``accuracy_table`` does.
    """
    network = lowered.network
    truth = torch.cat(subject.labels).numpy()
    pairs = [(step, delay) for step in job.steps for delay in job.delays if delay < step]
    if network.coding == Coding.RADIX:
        pairs = [(network.steps, 0)]
    table = {}
    for step, delay in pairs:
        outputs = run_golden(network, subject.images, steps=step, delay=delay).outputs
        answers = subject.answers.of_network(lowered, outputs)
        table[step, delay] = 100 * float(np.mean(answers == truth))
    spikes: dict[str, float] = {}
    neurons: dict[str, int] = {}
    for start in range(0, len(subject.images), _RECORDED):
        part = subject.images[start : start + _RECORDED]
        for layer in run_golden(network, part, steps=max(job.steps), record=True).layers:
            if layer.spikes is not None:
                neurons[layer.name] = math.prod(layer.spikes.shape[2:])
                share = layer.spikes_per_neuron * len(part) / len(subject.images)
                spikes[layer.name] = spikes.get(layer.name, 0.0) + share
    return Accuracies(table, spikes), neurons


def iterations_of(options: Options) -> int | None:
    """K of the balancing; None for a recipe that has none."""
    if options.method == Method.ROBUST:
        return None
    return default_iterations(options) if options.iterations is None else options.iterations


def weights_fitted(conversion: Conversion) -> str:
    """Layers whose weights were fitted, of those that were to be: "1/4"; "" without ACP."""
    found = conversion.calibrated
    if found is None or not (found.changed or found.unchanged):
        return ""
    return f"{len(found.changed)}/{len(found.changed) + len(found.unchanged)}"


def write_json(value: dict[str, Any], path: Path) -> None:
    """Write as a whole or not at all."""
    write_whole(path, json.dumps(value).encode())


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model's graph, and its images as pixels and in batches."""

    graph: Graph
    calibration: LazyBatches
    images: np.ndarray
    batches: LazyBatches
    labels: list[Tensor]
    cnn_accuracy: float
    answers: Answers

    def on(self, device: str) -> Loaded:
        """With its batches on ``device``."""
        return replace(
            self,
            calibration=on_device(self.calibration, device),
            batches=on_device(self.batches, device),
        )


@lru_cache(maxsize=1)
@torch.inference_mode()
def _loaded(subject: Subject, device: str) -> Loaded:
    """Model and images; kept, as a process does many jobs on the same."""
    weights = None if subject.weights is None else Path(subject.weights)
    root = None if subject.data_root is None else Path(subject.data_root)
    model = load_model(subject.model, weights)
    how = {"data_root": root, "sizing": subject.sizing, "download": subject.download}
    training = load_images(
        subject.images,
        train=True,
        sample=(subject.calibration, 0),
        channels=len(subject.mean) if len(subject.mean) > 1 else None,
        takes=takes_images(model),
        labelled=False,
        **how,
    )
    channels, rows, columns = (int(extent) for extent in training.images.shape[1:])
    shape = channels, rows, columns
    testing = load_images(
        subject.test_images or subject.images, sample=(subject.test, 1), shape=shape, **how
    )
    taken = model_shape(model, shape) or shape
    graph = prepared(trace(model, taken))
    answers = answers_of(graph, subject.answers)
    answers.check()
    shown = with_hollow_classes(training, answers.classes_shape)
    trained = shown.class_names if Path(subject.images).is_dir() else ()
    testing = matched_classes(testing, answers.classes_shape, trained)
    mean, std = normalisation(subject.mean, subject.std, shape[0])
    calibration = Batches(training.images.reshape(-1, *taken), mean, std, device)
    tested = Batches(testing.images.reshape(-1, *taken), mean, std, device)
    labels = tested.cut(torch.from_numpy(testing.labels))
    there = graph.to(device)
    right = sum(
        int((answers.of_graph(there, batch) == truth.numpy()).sum())
        for batch, truth in zip(tested, labels, strict=True)
    )
    accuracy = 100 * right / len(testing.images)
    return Loaded(graph, calibration, testing.images, tested, labels, accuracy, answers)
