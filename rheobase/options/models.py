"""Models, their weights, and what becomes of images in front of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..golden.errors import RheobaseError
from .numbers import number_list

if TYPE_CHECKING:
    from ..golden.network.network import Network

Model = Annotated[
    str,
    typer.Argument(
        help="package.module:factory or path.py:factory, called without arguments; a file of "
        "ONNX (.onnx) or of torch.export (.pt2)."
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option("--weights", help=".safetensors, or a .pth that holds weights and nothing else."),
]
ModelOfNetwork = Annotated[
    str | None,
    typer.Argument(
        help="package.module:factory or path.py:factory of the model that the network was made of "
        "(default: what the network's file says)."
    ),
]
Mean = Annotated[
    str | None,
    typer.Option(
        "--mean",
        help="Mean that the model's images are normalised with, per channel with commas, of pixels "
        "in 0..1. Known data sets have a default, and so have graphs that say theirs.",
    ),
]
Std = Annotated[
    str | None, typer.Option("--std", help="Standard deviation of the same, like --mean.")
]
WeightBits = Annotated[int, typer.Option("--weight-bits", help="Bits of a weight, 2 to 8.")]
#: Presets of balancing and calibration, several.
Recipes = Annotated[
    str,
    typer.Option(
        "--recipe",
        help="Recipes as `convert --recipe` has them, with commas; NAME@K sets K, the number of "
        "steps in which thresholds are balanced.",
    ),
]


@dataclass(frozen=True)
class ModelOptions:
    """Weights, and the device they are worked on."""

    PANEL = "Model"

    weights: Weights = None
    device: Annotated[str, typer.Option("--device", help="torch device, such as cpu or cuda.")] = (
        "cpu"
    )

    def check_weights(self) -> None:
        """Raise ``RheobaseError`` where there is no such file."""
        if not (self.weights is None or self.weights.is_file()):
            raise RheobaseError(f"{self.weights}: no such file")


@dataclass(frozen=True)
class ClassifierOptions(ModelOptions):
    """Of a model that gives scores of classes."""

    mean: Mean = None
    std: Std = None
    answers: Annotated[
        str | None,
        typer.Option(
            "--answers", help="Output that is compared with labels, where the model has several."
        ),
    ] = None

    def normalisation(self, images: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation as given, or those of the known set ``images``.

        Raises:
            RheobaseError: one of the two alone, no numbers, or none given for an unknown set.
        """
        from ..converter.data.data import NORMALISATION

        given = given_normalisation(self.mean, self.std)
        if given is not None:
            return given
        if images in NORMALISATION:
            return NORMALISATION[images]
        known = ", ".join(NORMALISATION)
        raise RheobaseError(f"--mean, --std: needed for {images} (known are {known})")


def given_normalisation(
    mean: str | None, std: str | None
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Numbers of ``--mean`` and ``--std``; None where neither is given.

    Raises:
        RheobaseError: one of the two alone, or no numbers.
    """
    if mean is None and std is None:
        return None
    if mean is None or std is None:
        raise RheobaseError("--mean, --std: must be both of them, or none for what is known")
    return number_list("--mean", mean, float), number_list("--std", std, float)


def factory_of_network(
    file: Path, network: Network, given: str | None, weights: Path | None
) -> str:
    """The factory of the model that ``network`` was made of: as given, or as its file has it.

    Raises:
        RheobaseError: nobody says which, or the weights are not given.
    """
    known = network.provenance
    if weights is None and known is not None and known.weights:
        raise RheobaseError(f"--weights: needed, as {file} was made with {known.weights}")
    if given is not None:
        return given
    if known is None or ":" not in known.model:
        raise RheobaseError(f"MODEL: needed, as {file} does not say what it was made of")
    return known.model
