"""The paper's plots of a sweep: to look at, and to print."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...golden.basics.output_files import write_whole
from ...golden.run.answers import confidence_interval
from ..options import Options
from ..recipes import with_recipe

#: Bins of the histograms of thresholds.
_BINS = 60
#: Lines of the weight widths of a sweep, in their order, and points of the recipes.
_STYLES = ("-", "--", ":", "-.")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
#: Points: a line under others is wider than they are, so that each of them is seen.
_WIDEST, _THINNEST = 4.0, 1.2
#: Forms that every plot is written in.
_FORMATS = ("png", "svg", "pdf")

Row = dict[str, Any]


@dataclass(frozen=True)
class _Plot:
    """What is drawn: ``draw`` is given the axes of its panels."""

    name: str
    draw: Callable[..., None]
    panels: int = 1


def draw_plots(results: Sequence[dict[str, Any]], folder: Path, title: str) -> list[Path]:
    """All plots that the results have something for, each as PNG, SVG and PDF.

    Args:
        title: the model and the images.
    """
    rows = [row for result in results for row in result["rows"]]
    top, least = max(row["T"] for row in rows), min(row["t0"] for row in rows)
    longest = [row for row in rows if row["T"] == top]
    at_once = [row for row in rows if row["t0"] == least]
    first = rows[0]
    titled = f"{title}, {first['coding']}, {first['images']} test images"
    figures = [
        _lines(
            at_once,
            "T",
            f"time steps T, counted from t0 = {least}",
            "accuracy_over_steps",
            log=True,
        ),
        _lines(
            longest,
            "t0",
            f"steps t0 before counting starts, T = {top}",
            "accuracy_over_delay",
        ),
        _lines(
            [row for row in at_once if row["T"] == top],
            "iterations",
            f"iterations K of balancing, T = {top}, t0 = {least}",
            "accuracy_over_iterations",
            log=True,
        ),
        _thresholds(results),
        _spike_rates(results),
    ]
    return [
        path for figure in figures if figure is not None for path in _write(figure, folder, titled)
    ]


def _lines(
    rows: Sequence[Row], column: str, label: str, name: str, *, log: bool = False
) -> _Plot | None:
    # By recipe (its K with it) and weight bits: colours tell recipes apart, line styles the bits.
    series: dict[tuple[str, str | int], dict[int, Row]] = {}
    for row in rows:
        if row[column] is None:
            continue
        own = with_recipe(Options(), row["recipe"]).iterations
        recipe = row["recipe"]
        if column != "iterations" and row["iterations"] not in (None, own):
            recipe += f", K = {row['iterations']}"
        series.setdefault((recipe, row["weight_bits"]), {})[row[column]] = row
    if column == "iterations":
        series = {key: points for key, points in series.items() if len(points) > 1}
    if not any(len(points) > 1 for points in series.values()):
        return None
    recipes = list(dict.fromkeys(recipe for recipe, _ in series))
    widths = list(dict.fromkeys(width for _, width in series))

    def draw(axes: Any) -> None:
        for number, ((recipe, width), points) in enumerate(series.items()):
            chosen = recipes.index(recipe)
            x, found = zip(*sorted(points.items()), strict=True)
            y = [row["accuracy"] for row in found]
            ends = [confidence_interval(row["accuracy"], row["images"]) for row in found]
            axes.errorbar(
                x,
                y,
                yerr=list(
                    zip(*((v - a, b - v) for v, (a, b) in zip(y, ends, strict=True)), strict=True)
                ),
                elinewidth=0.8,
                capsize=2,
                marker=_MARKERS[chosen % len(_MARKERS)],
                markersize=3 + _width(number, len(series)),
                color=f"C{chosen % 10}",
                linestyle=_STYLES[widths.index(width) % len(_STYLES)],
                linewidth=_width(number, len(series)),
                label=recipe if width == "float" else f"{recipe}, {width} bits",
            )
        axes.axhline(rows[0]["cnn_accuracy"], color="black", linestyle=":", label="CNN")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if log:
            axes.set_xscale("log", base=2)
            ticks = sorted({value for points in series.values() for value in points})
            axes.set_xticks(ticks, [str(tick) for tick in ticks])
            axes.set_xticks([], minor=True)
        axes.set_xlabel(label)
        axes.set_ylabel("right answers (%), with intervals of 95 %")
        _legend(axes)

    return _Plot(name, draw)


def _width(number: int, count: int) -> float:
    """Of line ``number`` of ``count``, the first of which lies under the others."""
    return _WIDEST - (_WIDEST - _THINNEST) * number / max(1, count - 1)


def _legend(axes: Any) -> None:
    """Beside the axes where it would cover the lines."""
    if len(axes.get_legend_handles_labels()[1]) <= 5:
        axes.legend(fontsize=8)
    else:
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))


def _thresholds(results: Sequence[dict[str, Any]]) -> _Plot:
    """A panel for each recipe, with the same bins, so that counts can be compared."""
    found = _one_each(results)
    largest = max(value for result in found.values() for value in result["thresholds"])

    def draw(*panels: Any) -> None:
        for axes, (name, result) in zip(panels, found.items(), strict=True):
            axes.hist(result["thresholds"], bins=_BINS, range=(0, largest))
            axes.set_title(name, fontsize=9, loc="left")
            axes.set_ylabel("channels", fontsize=8)
        panels[-1].set_xlabel("threshold, in the model's units")

    return _Plot("thresholds", draw, len(found))


def _spike_rates(results: Sequence[dict[str, Any]]) -> _Plot:
    found = _one_each(results)
    steps = {result["steps"] for result in found.values()}
    at = f", T = {min(steps)}" if len(steps) == 1 else ""

    def draw(axes: Any) -> None:
        layers: list[str] = []
        for number, (name, result) in enumerate(found.items()):
            layers = list(result["spikes"])
            rates = [spikes / result["steps"] for spikes in result["spikes"].values()]
            axes.plot(
                range(len(rates)),
                rates,
                marker=_MARKERS[number % len(_MARKERS)],
                markersize=3 + _width(number, len(found)),
                linewidth=_width(number, len(found)),
                label=name,
            )
        axes.set_xticks(range(len(layers)), layers, rotation=90, fontsize=7)
        axes.set_xlabel("layer of neurons")
        axes.set_ylabel(f"spikes per neuron and time step{at}")
        axes.set_ylim(bottom=0)
        _legend(axes)

    return _Plot("spike_rates", draw)


def _one_each(results: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The result at the largest T of each recipe, by its name for a reader."""
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        name = result["recipe"].replace("@", ", K = ")
        if name not in found or result["steps"] > found[name]["steps"]:
            found[name] = result
    return found


def _write(plot: _Plot, folder: Path, title: str) -> list[Path]:
    # Imported here: it is slow to import, and no other command needs it.
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, max(4.5, 1.5 * plot.panels)), layout="constrained")
    FigureCanvasAgg(figure)
    found = figure.subplots(plot.panels, sharex=True, squeeze=False)[:, 0]
    plot.draw(*found)
    for axes in found:
        axes.grid(alpha=0.3)
    figure.suptitle(title, fontsize=9)
    written = []
    # Text stays text in what is printed, and files do not change from run to run.
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
        "svg.hashsalt": plot.name,
    }
    dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with matplotlib.rc_context(settings):
        for form in _FORMATS:
            image = io.BytesIO()
            figure.savefig(image, format=form, dpi=120, metadata=dates[form])
            written.append(folder / f"{plot.name}.{form}")
            write_whole(written[-1], image.getvalue())
    return written
