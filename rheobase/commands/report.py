"""``rheobase report``: one page that shows what a network and its hardware do."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..golden.errors import RheobaseError
from ..options.files import NetworkFile, OutputFile
from ..options.images import Drawn, ImageOptions, OptionalImages
from ..options.models import ModelOfNetwork, Weights, factory_of_network
from ..results.hardware import Reported

if TYPE_CHECKING:
    from torch import nn

    from ..converter.data.data import ImageSet
    from ..golden.network.network import Network
    from ..reporting.contents import Subject


def report(
    network: NetworkFile,
    reading: ImageOptions,
    images: OptionalImages = None,
    model: ModelOfNetwork = None,
    weights: Weights = None,
    count: Drawn = 200,
    build: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a build, or Verilog file of `generate`, to report on (default: what "
            "`generate` writes without options)."
        ),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(help="Board whose limits are shown, where there is no build for one."),
    ] = None,
    simulate: Annotated[
        int, typer.Option(min=0, help="Images that run in Verilator; 0 leaves hardware out.")
    ] = 20,
    output: OutputFile = Path("report.html"),
) -> Reported:
    """Write a page that shows a network at work: answers, spikes, losses, hardware, energy.

    It is one file that needs no network access; the same figures are written as JSON beside it.
    Without images the page has the network, and what a build or a board says. Exits with status 1
    where hardware and golden model differ.
    """
    from ..console import wrote
    from ..golden.basics.output_files import check_writable
    from ..golden.files.file import load_network
    from ..reporting.writing import json_beside

    if build is not None and not simulate:
        raise RheobaseError("--build: must be without --simulate 0, which leaves hardware out")
    for path in (output, json_beside(output)):
        check_writable(path)
    found = load_network(network)
    if images is None:
        if model is not None or weights is not None:
            raise RheobaseError("--images: needed to compare the network with its model")
        from ..reporting.contents import Subject

        subject = Subject(found, None)
    else:
        testing = reading.load(images, shape=found.input_shape, sample=(count, 1), labelled=False)
        subject = _subject(found, testing, images, _model(network, found, model, weights))
    subject = replace(subject, build=build, board=board, simulated=simulate)
    equal = write_with_progress(subject, output)
    wrote(output, json_beside(output))
    return Reported(page=str(output), json=str(json_beside(output)), hardware_equal=equal)


def _subject(network: Network, shown: ImageSet, source: str, model: nn.Module | None) -> Subject:
    """With labels where they are known and can be read as classes."""
    from ..converter.data.data import matched_classes
    from ..golden.run.answers import is_per_class
    from ..reporting.contents import Subject

    shape = network.output_shapes[0]
    readable = shown.labelled and is_per_class(shape)
    if readable:
        shown = matched_classes(shown, shape)
    return Subject(network, shown.images, shown.labels if readable else None, source, model)


def write_with_progress(subject: Subject, output: Path) -> bool | None:
    """Write the report with progress bars: whether hardware and golden model agree.

    None where hardware was left out.
    """
    from ..console import progress_bar, working
    from ..reporting.writing import write_report

    with ExitStack() as shown:

        def progress(task: str, total: int):
            shown.close()
            if task.startswith("simulating"):
                # Building gives no count; the first image that is done ends it.
                shown.enter_context(working("building the simulation"))
                bars = []

                def simulated(done: int) -> None:
                    if not bars:
                        shown.close()
                        bars.append(shown.enter_context(progress_bar(task, total)))
                    bars[0](done)

                return simulated
            return shown.enter_context(progress_bar(task, total))

        hardware = write_report(subject, output, progress)["hardware"]
    return None if hardware is None else hardware["equal"]


def _model(
    file: Path, network: Network, given: str | None, weights: Path | None
) -> nn.Module | None:
    """The CNN; None, and a line that says so, where the file alone names none that is there."""
    from ..console import note
    from ..converter.data.model import load_model

    try:
        return load_model(factory_of_network(file, network, given, weights), weights, note)
    except RheobaseError as error:
        if given is not None or weights is not None:
            raise
        note(f"without the CNN: {error}")
        return None
