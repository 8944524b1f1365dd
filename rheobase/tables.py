"""Tables that the commands print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from .hw.design.folding import Folding
from .sim.comparison import Comparison


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose columns of numbers are aligned to the right."""
    listed = [[str(cell) for cell in row] for row in rows]
    result = Table(title=title or None, title_justify="left")
    for index, column in enumerate(columns):
        numeric = index > 0 and bool(listed) and all(_is_number(row[index]) for row in listed)
        result.add_column(column, justify="right" if numeric else "left")
    for row in listed:
        result.add_row(*map(escape, row))
    return result


def hardware_rows(comparison: Comparison, folding: Folding) -> list[list[object]]:
    """Per layer: P, E, spikes per neuron, accumulations per image, lane utilisation, mismatches.

    E and accumulations of several connections stand with a plus, a direct lane as "direct". Lane
    utilisation is accumulations / (cycles x E) in a stream of images (docs/meaning.md), of the
    connection whose lanes are busiest.
    """
    cycles = comparison.hardware.cycles_per_image
    rows = []
    for layer, fold, totals in zip(
        comparison.layers, folding, comparison.hardware.accumulations, strict=True
    ):
        per_image = [total / comparison.images for total in totals]
        busy = [
            count / lanes / cycles
            for count, lanes in zip(per_image, layer.lanes, strict=True)
            if lanes
        ]
        rows.append(
            [
                layer.name,
                fold.neurons,
                "+".join(str(lanes or "direct") for lanes in layer.lanes),
                f"{layer.spikes_per_neuron:.2f}" if layer.spikes else "",
                "+".join(f"{count:.0f}" for count in per_image),
                f"{max(busy):.2f}" if busy else "",
                f"{layer.spike_mismatches} of {layer.spikes}" if layer.spikes else "no neurons",
            ]
        )
    return rows


HARDWARE_COLUMNS = (
    "layer",
    "P",
    "E",
    "spikes/neuron",
    "events/image",
    "lane utilisation",
    "spikes that differ",
)


def _is_number(text: str) -> bool:
    try:
        float(text.removesuffix(" %"))
    except ValueError:
        return text == ""
    return True
