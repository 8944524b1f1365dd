"""The paper's plots of a sweep, as PNG files."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...golden.basics.output_files import write_whole
from ..options import Options
from ..recipes import with_recipe

#: Bins of the histograms of thresholds.
_BINS = 60
#: Lines of the weight widths of a sweep, in their order.
_STYLES = ("-", "--", ":", "-.")

Row = dict[str, Any]


def draw_plots(results: Sequence[dict[str, Any]], folder: Path) -> list[Path]:
    """All plots that the results have something for."""
    rows = [row for result in results for row in result["rows"]]
    top, least = max(row["T"] for row in rows), min(row["t0"] for row in rows)
    longest = [row for row in rows if row["T"] == top]
    at_once = [row for row in rows if row["t0"] == least]
    written = [
        _lines(
            at_once,
            "T",
            f"time steps T, counted from t0 = {least}",
            folder / "accuracy_over_steps.png",
            log=True,
        ),
        _lines(
            longest,
            "t0",
            f"steps t0 before counting starts, T = {top}",
            folder / "accuracy_over_delay.png",
        ),
        _lines(
            [row for row in at_once if row["T"] == top],
            "iterations",
            f"iterations K of balancing, T = {top}, t0 = {least}",
            folder / "accuracy_over_iterations.png",
            log=True,
        ),
        _thresholds(results, folder / "thresholds.png"),
        _spike_rates(results, folder / "spike_rates.png"),
    ]
    return [path for path in written if path is not None]


def _lines(
    rows: Sequence[Row], column: str, label: str, path: Path, *, log: bool = False
) -> Path | None:
    # By recipe (its K with it) and weight bits: colours tell recipes apart, line styles the bits.
    series: dict[tuple[str, str | int], dict[int, float]] = {}
    for row in rows:
        if row[column] is None:
            continue
        own = with_recipe(Options(), row["recipe"]).iterations
        name = row["recipe"]
        if column != "iterations" and row["iterations"] not in (None, own):
            name += f", K = {row['iterations']}"
        series.setdefault((name, row["weight_bits"]), {})[row[column]] = row["accuracy"]
    if column == "iterations":
        series = {key: points for key, points in series.items() if len(points) > 1}
    if not any(len(points) > 1 for points in series.values()):
        return None
    names = list(dict.fromkeys(name for name, _ in series))
    widths = list(dict.fromkeys(width for _, width in series))

    def draw(axes: Any) -> None:
        for (name, width), points in series.items():
            axes.plot(
                *zip(*sorted(points.items()), strict=True),
                marker="o",
                markersize=4,
                color=f"C{names.index(name) % 10}",
                linestyle=_STYLES[widths.index(width) % len(_STYLES)],
                label=name if width == "float" else f"{name}, {width} bits",
            )
        axes.axhline(rows[0]["cnn_accuracy"], color="black", linestyle=":", label="CNN")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if log:
            axes.set_xscale("log", base=2)
            ticks = sorted({value for points in series.values() for value in points})
            axes.set_xticks(ticks, [str(tick) for tick in ticks])
            axes.set_xticks([], minor=True)
        axes.set_xlabel(label)
        axes.set_ylabel("right answers (%)")
        _legend(axes)

    return _figure(draw, path)


def _legend(axes: Any) -> None:
    """Beside the axes where it would cover the lines."""
    if len(axes.get_legend_handles_labels()[1]) <= 5:
        axes.legend(fontsize=8)
    else:
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))


def _thresholds(results: Sequence[dict[str, Any]], path: Path) -> Path:
    """A panel for each recipe, with the same bins, so that counts can be compared."""
    found = _one_each(results)
    largest = max(value for result in found.values() for value in result["thresholds"])

    def draw(*panels: Any) -> None:
        for axes, (name, result) in zip(panels, found.items(), strict=True):
            axes.hist(result["thresholds"], bins=_BINS, range=(0, largest))
            axes.set_title(name, fontsize=9, loc="left")
            axes.set_ylabel("channels", fontsize=8)
        panels[-1].set_xlabel("threshold, in the model's units")

    return _figure(draw, path, panels=len(found))


def _spike_rates(results: Sequence[dict[str, Any]], path: Path) -> Path:
    found = _one_each(results)
    steps = {result["steps"] for result in found.values()}
    at = f", T = {min(steps)}" if len(steps) == 1 else ""

    def draw(axes: Any) -> None:
        layers: list[str] = []
        for name, result in found.items():
            layers = list(result["spikes"])
            rates = [spikes / result["steps"] for spikes in result["spikes"].values()]
            axes.plot(range(len(rates)), rates, marker="o", markersize=4, label=name)
        axes.set_xticks(range(len(layers)), layers, rotation=90, fontsize=7)
        axes.set_xlabel("layer of neurons")
        axes.set_ylabel(f"spikes per neuron and time step{at}")
        axes.set_ylim(bottom=0)
        _legend(axes)

    return _figure(draw, path)


def _one_each(results: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The result at the largest T of each recipe, by its name for a reader."""
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        name = result["recipe"].replace("@", ", K = ")
        if name not in found or result["steps"] > found[name]["steps"]:
            found[name] = result
    return found


def _figure(draw: Callable[..., None], path: Path, *, panels: int = 1) -> Path:
    # Imported here: it is slow to import, and no other command needs it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, max(4.5, 1.5 * panels)), layout="constrained")
    FigureCanvasAgg(figure)
    found = figure.subplots(panels, sharex=True, squeeze=False)[:, 0]
    draw(*found)
    for axes in found:
        axes.grid(alpha=0.3)
    image = io.BytesIO()
    figure.savefig(image, format=path.suffix[1:], dpi=120)
    write_whole(path, image.getvalue())
    return path
