"""Results of commands that convert or measure a model."""

from __future__ import annotations

from dataclasses import dataclass

from .base import Part, Result


@dataclass(frozen=True)
class RightAnswers(Part):
    """Percentages of right answers on the same images; None where there is no such thing."""

    images: int
    cnn: float
    float_snn: float
    network: float | None
    hardware: float | None = None


@dataclass(frozen=True)
class ConvertedLayer(Part):
    """A layer. ``weights`` is None in a float SNN, ``threshold`` without neurons.

    ``threshold`` is the least and the largest.
    """

    name: str
    fed_by: str
    map: str
    T: int | None
    weights: int | None
    threshold: tuple[float, float] | None


@dataclass(frozen=True)
class Converted(Result):
    """Of ``convert``. ``summary`` is what the command says below its table."""

    file: str
    kind: str
    coding: str
    T: int
    t0: int
    layers: list[ConvertedLayer]
    summary: list[str]
    right_answers: RightAnswers | None


@dataclass(frozen=True)
class SweptRow(Part):
    """One line of ``sweep.csv``; ``weight_bits`` is None for the float SNN."""

    recipe: str
    coding: str
    weight_bits: int | None
    iterations: int | None
    T: int
    t0: int
    accuracy: float
    cnn_accuracy: float
    spikes_per_neuron: float | None
    images: int
    calibration_images: int
    weights_fitted: str | None


@dataclass(frozen=True)
class Swept(Result):
    """Of ``sweep``: the rows of its CSV file, and the files that it wrote."""

    rows: list[SweptRow]
    csv: str
    plots: list[str]


@dataclass(frozen=True)
class PartnerRow(Part):
    """A row of the paper's Table 1: percentages of right answers, in the order of ``T``."""

    partner: str
    thresholds: str
    right_answers: list[float]


@dataclass(frozen=True)
class PaperTable(Result):
    """Of ``table1``."""

    T: list[int]
    cnn: float
    rows: list[PartnerRow]
    csv: str
    plots: list[str]


@dataclass(frozen=True)
class EvaluatedRow(Part):
    """A recipe at one T and t0: percentages by the metric's name."""

    recipe: str
    T: int
    t0: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Evaluated(Result):
    """Of ``evaluate``."""

    task: str
    cnn: dict[str, float]
    rows: list[EvaluatedRow]
    csv: str


@dataclass(frozen=True)
class LayerOperations(Part):
    """Synaptic operations of a layer for an image."""

    name: str
    operations: float


@dataclass(frozen=True)
class EnergyAt(Part):
    """A network at one T; ``images_per_joule`` is None where nothing is added."""

    T: int
    t0: int
    right_answers: float
    operations: float
    images_per_joule: float | None
    layers: list[LayerOperations]


@dataclass(frozen=True)
class Energy(Result):
    """Of ``energy``. ``sop90`` and ``sop95`` are None where no T reaches the accuracy."""

    images: int
    synaptic_joules: float
    cnn_joules: float
    cnn_right_answers: float
    cnn_operations: float
    cnn_images_per_joule: float | None
    points: list[EnergyAt]
    sop90: float | None
    sop95: float | None


@dataclass(frozen=True)
class LayerLoss(Part):
    """Errors of a layer, as parts of what it should deliver; answers are percentages."""

    name: str
    entering: float
    weights: float
    clipping: float
    levels: float
    timing: float
    total: float
    cnn_answers: float | None
    right_answers: float | None


@dataclass(frozen=True)
class Diagnosed(Result):
    """Of ``diagnose``."""

    layers: list[LayerLoss]
    images: int
    cnn_answers: float | None
    right_answers: float | None
    cnn_right_answers: float | None
