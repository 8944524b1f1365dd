"""A report's page: one HTML file that holds everything it needs, and asks nothing of a network."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from .diagram import diagram

_FOLDER = Path(__file__).with_name("page")
#: In this order, they share one scope.
_SCRIPTS = ("load.js", "figures.js", "controls.js")


def page(contents: dict[str, Any], json_name: str) -> str:
    """The HTML of what ``report_contents`` gave.

    Args:
        json_name: of the file that holds the same beside it.
    """
    from plotly.offline import get_plotlyjs

    environment = Environment(undefined=StrictUndefined, autoescape=True)
    packed = gzip.compress(get_plotlyjs().encode(), compresslevel=9, mtime=0)
    # Nothing in a script element may end it.
    text = json.dumps(contents, separators=(",", ":")).replace("<", "\\u003c")
    return environment.from_string((_FOLDER / "page.html.jinja").read_text()).render(
        **contents,
        layers=contents["network"]["layers"],
        cards=_cards(contents),
        accuracy_note=_accuracy_note(contents),
        hardware_note=_hardware_note(contents),
        diagram=diagram(contents["network"]),
        css=(_FOLDER / "page.css").read_text(),
        json=text,
        json_name=json_name,
        plotly=base64.b64encode(packed).decode(),
        script="\n".join((_FOLDER / name).read_text() for name in _SCRIPTS),
    )


def _cards(contents: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Key figures: name, value, note."""
    found = []
    accuracy, hardware, board = (contents[key] for key in ("accuracy", "hardware", "board"))
    if accuracy is not None:
        found.append(("right answers", f"{accuracy['golden']['percent']:.2f} %", "golden model"))
        if accuracy["cnn"] is not None:
            note = "the same images" if accuracy["cnn"]["measured"] else "as converted"
            found.append(("the CNN's", f"{accuracy['cnn']['percent']:.2f} %", note))
    if contents["images"] is None:
        found.extend(_converted(contents["network"]["provenance"]))
    if hardware is not None:
        compared = f"{hardware['spikes_compared']:,} spikes compared"
        found.append(("spikes that differ", f"{hardware['spikes_that_differ']:,}", compared))
        latency = f"latency {hardware['latency_cycles']:,}"
        found.append(("cycles an image", f"{hardware['cycles_per_image']:,.0f}", latency))
        if hardware["images_per_second"] is not None:
            clock = f"at {hardware['clock_hz'] / 1e6:g} MHz"
            found.append(("images a second", f"{hardware['images_per_second']:,.0f}", clock))
    if board is not None:
        for entry in board["usage"]:
            limit = f"of {entry['available']:,}" + ", predicted" * board["predicted"]
            found.append((entry["kind"], f"{entry['used']:,}", limit))
    return found


def _converted(provenance: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """Key figures that the network's file has from its conversion."""
    if provenance is None or not provenance["test_images"]:
        return []
    note = f"as converted, {provenance['test_images']:,} images"
    figures = (("right answers", "network_accuracy"), ("the CNN's", "cnn_accuracy"))
    return [
        (name, f"{provenance[key]:.2f} %", note)
        for name, key in figures
        if provenance[key] is not None
    ]


def _accuracy_note(contents: dict[str, Any]) -> str:
    accuracy = contents["accuracy"]
    if accuracy is None:
        return ""
    cnn = accuracy["cnn"]
    parts = ["Bars are intervals of 95 % (Wilson)."]
    if cnn is None:
        parts.append("What the CNN has on these images is not known: no model was given.")
    elif not cnn["measured"]:
        parts.append(f"The CNN's line is what `convert` measured on {cnn['images']:,} images.")
    if accuracy["same_as_cnn"] is not None:
        parts.append(f"{accuracy['same_as_cnn']['percent']:.1f} % of the answers are the CNN's.")
    if contents["network"]["coding"] == "radix":
        parts.append("In `radix` T belongs to the network's thresholds: there is one.")
    return " ".join(parts)


def _hardware_note(contents: dict[str, Any]) -> str:
    hardware = contents["hardware"]
    if hardware is None:
        return ""
    verdict = "every answer, score and spike is the golden model's"
    if not hardware["equal"]:
        verdict = f"DIFFERENT from the golden model, first at {hardware['first_difference']}"
    return f"{hardware['images']:,} images in Verilator: {verdict}."
