"""The network as boxes in a column, and arrows between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_WIDTH, _HEIGHT, _GAP, _LEFT, _TOP = 330, 80, 24, 10, 8
#: Between arrows that pass beside boxes, and how many lie side by side.
_LANE, _LANES = 14, 8


@dataclass(frozen=True)
class Box:
    """A box of the diagram, in pixels."""

    x: int
    y: int
    width: int
    height: int
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Diagram:
    """Attributes:
    width, height: pixels.
    edges: paths of arrows, as SVG has them.
    """

    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[str, ...]


def diagram(network: dict[str, Any]) -> Diagram:
    """Of a report's ``network``: the image, then a box for each layer.

    An arrow from the box right above is straight; others pass on the right.
    """
    image = " × ".join(map(str, network["input"]))
    boxes = [_box(0, "image", (f"{image} pixels of 8 bits",))]
    edges = []
    beside = 0
    for number, layer in enumerate(network["layers"], start=1):
        boxes.append(_box(number, layer["name"], _lines(layer)))
        for source in layer["from"]:
            above = 0 if source is None else source + 1
            if above == number - 1:
                middle = _LEFT + _WIDTH // 2
                edges.append(f"M{middle} {_y(above) + _HEIGHT} V{_y(number)}")
            else:
                right = _LEFT + _WIDTH
                lane = right + _LANE * (1 + beside % _LANES)
                start, end = _y(above) + _HEIGHT // 2, _y(number) + _HEIGHT // 2
                edges.append(f"M{right} {start} H{lane} V{end} H{right}")
                beside += 1
    width = _LEFT + _WIDTH + _LANE * (1 + min(beside, _LANES)) + _LEFT
    return Diagram(width, _y(len(boxes)), tuple(boxes), tuple(edges))


def _y(number: int) -> int:
    return _TOP + number * (_HEIGHT + _GAP)


def _box(number: int, title: str, lines: tuple[str, ...]) -> Box:
    return Box(_LEFT, _y(number), _WIDTH, _HEIGHT, title, lines)


def _lines(layer: dict[str, Any]) -> tuple[str, ...]:
    kernels = ", ".join(kernel.replace("x", " × ") for kernel in layer["kernels"])
    if layer["max_pool"]:
        kernels += f"; max pooling {layer['max_pool'].replace('x', ' × ')}"
    bits = "+".join(map(str, layer["weight_bits"]))
    shape = " × ".join(map(str, layer["shape"]))
    third = "read out as currents"
    if layer["threshold"] is not None:
        low, high = layer["threshold"]
        signed = "signed, " if layer["signed"] else ""
        third = f"{signed}threshold {low:,} to {high:,}"
    return kernels, f"{shape}; {bits} bits a weight", third
