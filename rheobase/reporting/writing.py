"""A report's two files: the page, and the figures that it draws as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..golden.basics.output_files import check_writable, write_whole
from ..golden.errors import RheobaseError
from ..golden.network.has_network import HasNetwork, network_of
from ..golden.network.network import Network
from .contents import Subject, report_contents
from .page import page

if TYPE_CHECKING:
    from torch import nn


def json_beside(output: Path) -> Path:
    """Where the JSON of the page ``output`` is written."""
    return output.with_suffix(".json")


def write_report(
    subject: Subject,
    output: Path,
    progress: Callable[[str, int], Callable[[int], None]] = lambda _, __: lambda _: None,
) -> dict[str, Any]:
    """Measure, and write the page ``output`` with its JSON beside it.

    Args:
        progress: see ``report_contents``.

    Returns:
        What the JSON holds.

    Raises:
        RheobaseError: a file cannot be written, or see ``report_contents``.
    """
    for path in (output, json_beside(output)):
        check_writable(path)
    listed = json.dumps(report_contents(subject, progress), indent=1)
    contents = json.loads(listed)  # tuples are lists from here on
    text = page(contents, json_beside(output).name)
    write_whole(json_beside(output), f"{listed}\n".encode())
    write_whole(output, text.encode())
    return contents


def report(
    network: Network | HasNetwork,
    images: np.ndarray | None = None,
    output: str | Path = "report.html",
    *,
    labels: Sequence[int] | np.ndarray | None = None,
    model: nn.Module | None = None,
    build: str | Path | None = None,
    board: str | None = None,
    simulated: int = 20,
    source: str = "images",
) -> dict[str, Any]:
    """Write a page that shows ``network`` at work, and the same figures as JSON beside it.

    Args:
        network: or a conversion.
        images: uint8, (images, channels, rows, columns); without them the page has the network, and
            what a build or a board says, and nothing that is measured.
        output: the page.
        labels: what the images show, (images,).
        model: that the network was converted from; without it nothing is compared with the CNN.
        build: folder of a build, or Verilog file of ``generate``; what ``generate`` writes without
            options where None.
        board: whose limits are shown, where the build is for none.
        simulated: images that run in Verilator; 0 leaves hardware out.
        source: what the page calls the images.

    Returns:
        What the JSON holds.

    Raises:
        RheobaseError: images, labels, model or build are not the network's, or a file cannot be
            written.
    """
    truth = None if labels is None else np.asarray(labels, dtype=np.int64)
    if truth is not None and images is not None and truth.shape != (len(images),):
        raise RheobaseError(f"labels: {len(truth)}, must be one for each of {len(images)} images")
    subject = Subject(
        network=network_of(network),
        images=images,
        labels=truth,
        source=source,
        model=model,
        build=None if build is None else Path(build),
        board=board,
        simulated=simulated,
    )
    return write_report(subject, Path(output))
