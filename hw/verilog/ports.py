"""Ports of an accelerator's Verilog, and what each is for, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth import Shape

from ...golden.network.network import PIXEL_BITS, Coding, Network
from ..accelerator.accelerator import result_layout, result_names
from ..basics.shapes import count_shape, index_shape


@dataclass(frozen=True)
class Port:
    """A port of module ``accelerator``.

    Attributes:
        width: bits.
        driven: the accelerator drives it: an output.
        meaning: one line.
    """

    name: str
    width: int
    driven: bool
    meaning: str


def accelerator_ports(network: Network) -> tuple[Port, ...]:
    """Ports of ``network``'s accelerator, its result streams last."""
    channels, rows, columns = network.input_shape
    most_delay = "0" if network.coding == Coding.RADIX else "0 .. T - 1"
    steps, delay = count_shape(network.steps).width, index_shape(network.steps).width
    ports = [
        Port("clk", 1, False, "clock, rising edge"),
        Port("rst", 1, False, "reset, synchronous, high"),
        Port(
            "pixels__payload",
            channels * PIXEL_BITS,
            False,
            f"a pixel, channel c in bits [{PIXEL_BITS} c + {PIXEL_BITS - 1} : {PIXEL_BITS} c]; "
            f"{rows} x {columns} of them in raster order, image after image",
        ),
        Port("pixels__valid", 1, False, "a pixel is offered"),
        Port("pixels__ready", 1, True, "it is taken with the next edge"),
        Port("steps", steps, False, f"T, 1 .. {network.steps}, with an image's first pixel"),
        Port("delay", delay, False, f"t0, {most_delay}, with an image's first pixel"),
    ]
    for output, name in enumerate(result_names(network)):
        ports += _result_ports(network, output, name)
    return tuple(ports)


def _result_ports(network: Network, output: int, name: str) -> Iterator[Port]:
    layout = result_layout(network, output)
    classes, rows, columns = network.output_shapes[output]
    beats = f"{classes} beats per image"
    if (rows, columns) != (1, 1):
        beats = f"{classes} beats per pixel of {rows} x {columns}"
    score, answer, last = (_bits(layout, field) for field in ("score", "prediction", "last"))
    signed = " signed" if Shape.cast(layout["score"].shape).signed else ""
    holds = "last beat" if (rows, columns) == (1, 1) else "pixel's last beat"
    yield Port(
        f"{name}__payload",
        layout.size,
        True,
        f"{beats}, score in {score}{signed}, answer in {answer}, last in {last}; the answer holds "
        f"with the {holds}",
    )
    yield Port(f"{name}__valid", 1, True, "a result is offered")
    yield Port(f"{name}__ready", 1, False, "it is taken with the next edge")


def _bits(layout, name: str) -> str:
    field = layout[name]
    width = Shape.cast(field.shape).width
    return f"bits [{field.offset + width - 1} : {field.offset}]"
