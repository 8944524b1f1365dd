"""The paper's plots of a sweep, as PNG files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .conversion import Options
from .recipes import with_recipe

Row = dict[str, Any]


def draw_plots(results: Sequence[dict[str, Any]], folder: Path) -> list[Path]:
    """All plots that the results have something for."""
    rows = [row for result in results for row in result["rows"]]
    tops = {row["T"] for row in rows}
    longest = [row for row in rows if row["T"] == max(tops)]
    without_delay = [row for row in rows if row["t0"] == 0]
    written = [
        _lines(without_delay, "T", "time steps T", folder / "accuracy_over_steps.png", log=True),
        _lines(longest, "t0", f"t0 at T = {max(tops)}", folder / "accuracy_over_delay.png"),
        _lines(
            [row for row in without_delay if row["T"] == max(tops)],
            "iterations",
            f"iterations K at T = {max(tops)}",
            folder / "accuracy_over_iterations.png",
        ),
        _thresholds(results, folder / "thresholds.png"),
        _spike_rates(results, folder / "spike_rates.png"),
    ]
    return [path for path in written if path is not None]


def _lines(
    rows: Sequence[Row], column: str, label: str, path: Path, *, log: bool = False
) -> Path | None:
    series: dict[str, dict[int, float]] = {}
    for row in rows:
        if row[column] is None:
            continue
        name = row["method"]
        if row["weight_bits"] != "float":
            name += f", {row['weight_bits']} bits"
        own = with_recipe(Options(), row["method"]).iterations
        if column != "iterations" and row["iterations"] != own:
            name += f", K = {row['iterations']}"
        series.setdefault(name, {})[row[column]] = row["accuracy"]
    if column == "iterations":
        series = {name: points for name, points in series.items() if len(points) > 1}
    if not any(len(points) > 1 for points in series.values()):
        return None

    def draw(axes: Any) -> None:
        for name, points in series.items():
            ordered = sorted(points.items())
            axes.plot(*zip(*ordered, strict=True), marker="o", markersize=4, label=name)
        axes.axhline(rows[0]["cnn_accuracy"], color="black", linestyle=":", label="CNN")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if log:
            axes.set_xscale("log", base=2)
            ticks = sorted({row[column] for row in rows})
            axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.set_xlabel(label)
        axes.set_ylabel("right answers (%)")
        axes.legend(fontsize=8)

    return _figure(draw, path)


def _thresholds(results: Sequence[dict[str, Any]], path: Path) -> Path:
    def draw(axes: Any) -> None:
        for name, result in _one_each(results).items():
            axes.stairs(result["threshold_counts"], result["threshold_edges"], label=name)
        axes.set_xlabel("threshold (the model's units)")
        axes.set_ylabel("channels")
        axes.legend(fontsize=8)

    return _figure(draw, path)


def _spike_rates(results: Sequence[dict[str, Any]], path: Path) -> Path:
    def draw(axes: Any) -> None:
        layers: list[str] = []
        for name, result in _one_each(results).items():
            layers = list(result["spikes"])
            rates = [spikes / result["steps"] for spikes in result["spikes"].values()]
            axes.plot(range(len(rates)), rates, marker="o", markersize=4, label=name)
        axes.set_xticks(range(len(layers)), layers, rotation=90, fontsize=7)
        axes.set_ylabel("spikes per neuron and time step")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8)

    return _figure(draw, path)


def _one_each(results: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The result at the largest T of each method."""
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        before = found.get(result["method"])
        if before is None or result["steps"] > before["steps"]:
            found[result["method"]] = result
    return found


def _figure(draw: Callable[[Any], None], path: Path) -> Path:
    # Imported here: it is slow to import, and no other command needs it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    return path
