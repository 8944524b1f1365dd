"""Tables that the commands print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from .hw.design.folding import LaneKind
from .results.hardware import Compared, ComparedLayer, PlannedLayer


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose columns of numbers are aligned to the right."""
    listed = [[str(cell) for cell in row] for row in rows]
    result = Table(title=title or None, title_justify="left")
    for index, column in enumerate(columns):
        numeric = index > 0 and bool(listed) and all(_is_number(row[index]) for row in listed)
        # What is too long for a terminal goes on below; nothing is cut.
        result.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        result.add_row(*map(escape, row))
    return result


def hardware_rows(compared: Compared) -> list[list[object]]:
    """Of each layer by ``HARDWARE_COLUMNS``; several connections stand with a plus."""
    return [
        [
            layer.name,
            layer.P,
            lanes_text(layer),
            "" if layer.spikes_per_neuron is None else f"{layer.spikes_per_neuron:.2f}",
            "+".join(f"{count:.0f}" for count in layer.events_per_image),
            "" if layer.lane_utilisation is None else f"{layer.lane_utilisation:.2f}",
            "no neurons"
            if layer.spikes is None
            else f"{layer.spikes_that_differ} of {layer.spikes}",
        ]
        for layer in compared.layers
    ]


def lanes_text(layer: ComparedLayer | PlannedLayer) -> str:
    """E of each connection with a plus, or what is there in the place of event lanes."""
    if layer.kind != LaneKind.EVENTS:
        return layer.kind
    return "+".join(str(lanes or "direct") for lanes in layer.E)


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
