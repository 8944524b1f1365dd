"""Every spike of one image as a picture: a panel for each layer, time from left to right."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from ..golden.basics.arithmetic import ceil_div
from ..golden.basics.output_files import write_whole
from ..golden.errors import RheobaseError
from ..golden.network.network import Network
from ..golden.run.run import run_golden

#: Forms that the picture can be written in, by the name's ending.
FORMATS = ("png", "svg", "pdf")
#: Rows that a panel has at most: neighbours share one where there are more neurons.
_MOST_ROWS = 400
_SPIKE, _NEGATIVE = "#0072b2", "#d55e00"


def check_raster(path: Path) -> None:
    """Raise ``RheobaseError`` where ``path`` ends in no format that can be drawn."""
    if path.suffix[1:].lower() not in FORMATS:
        raise RheobaseError(f"{path}: must end in .{', .'.join(FORMATS)}")


def spike_rows(spikes: np.ndarray) -> tuple[np.ndarray, int]:
    """What a panel shows of one image's spikes.

    Args:
        spikes: (T, channels, rows, columns), see ``LayerRecord``.

    Returns:
        int8, (rows, T): 1, or -1 of a negative spike alone, where one of a row's neurons spikes;
        and how many neurons share a row.
    """
    flat = spikes.reshape(len(spikes), -1).T.astype(np.int8)
    share = ceil_div(len(flat), _MOST_ROWS)
    padded = np.zeros((ceil_div(len(flat), share) * share, flat.shape[1]), np.int8)
    padded[: len(flat)] = flat
    grouped = padded.reshape(-1, share, flat.shape[1])
    most = grouped.max(axis=1)
    return np.where(most > 0, most, grouped.min(axis=1)), share


def draw_raster(network: Network, image: np.ndarray, path: Path, title: str) -> None:
    """Draw the golden model's spikes of ``image`` (uint8, (channels, rows, columns)) to ``path``.

    Raises:
        RheobaseError: the name ends in no known format, the file cannot be written, or no layer
            has neurons.
    """
    # Imported here: it is slow to import, and few commands need it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    check_raster(path)
    layers = run_golden(network, image[np.newaxis], record=True).layers
    firing = [layer for layer in layers if layer.spikes is not None]
    if not firing:
        raise RheobaseError(f"{network.name}: no layer has neurons, must be one at least")
    figure = Figure(figsize=(7, max(3.0, 1.1 * len(firing) + 1)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(firing), squeeze=False)[:, 0]
    for axes, layer in zip(panels, firing, strict=True):
        assert layer.spikes is not None
        rows, share = spike_rows(layer.spikes[0])
        for sign, colour in ((1, _SPIKE), (-1, _NEGATIVE)):
            neurons, steps = np.nonzero(rows == sign)
            axes.vlines(steps + 1, neurons - 0.5, neurons + 0.5, color=colour, linewidth=7)
        axes.set_xlim(0.5, rows.shape[1] + 0.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_yticks([])
        count = f"{int(np.prod(layer.spikes.shape[2:])):,}"
        shared = f"\n{share} a row" if share > 1 else ""
        label = f"{layer.name}\n{count} neurons{shared}"
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    panels[-1].set_xlabel("time step t")
    figure.suptitle(f"{title}, {network.coding}, T = {network.steps}", fontsize=9)
    drawn = io.BytesIO()
    figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=120)
    write_whole(path, drawn.getvalue())
