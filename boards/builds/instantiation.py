"""A filled-in template for somebody else's design to instantiate the accelerator."""

from __future__ import annotations

from amaranth import Shape

from ...golden.network import PIXEL_BITS
from ...hw.verilog.generation import TOP
from ..link.interface import AcceleratorInterface


def instantiation_template(interface: AcceleratorInterface) -> str:
    """Verilog: a wire for every port at its width, and the instance; what each is for is said."""
    identity = interface.identity
    channels, rows, columns = identity.input_shape
    score = interface.results["score"]
    prediction = interface.results["prediction"]
    last = interface.results["last"]
    limit = "0" if identity.radix else "0 .. T - 1"
    ports = (
        ("clk", 1, "clock, rising edge"),
        ("rst", 1, "reset, synchronous, high"),
        (
            "pixels__payload",
            channels * PIXEL_BITS,
            f"a pixel, channel c in bits [{PIXEL_BITS} c + {PIXEL_BITS - 1} : {PIXEL_BITS} c]; "
            f"{rows} x {columns} of them in raster order",
        ),
        ("pixels__valid", 1, "a pixel is offered"),
        ("pixels__ready", 1, "output: it is taken with the next edge"),
        ("steps", interface.steps.width, f"T, 1 .. {identity.steps}, with an image's first pixel"),
        ("delay", interface.delay.width, f"t0, {limit}, with an image's first pixel"),
        (
            "results__payload",
            interface.results.size,
            f"output: {identity.classes} beats per image, {_bits('score', score)}"
            f"{' signed' if identity.score_signed else ''}, {_bits('answer', prediction)}, "
            f"{_bits('last', last)}; the answer holds with the last beat",
        ),
        ("results__valid", 1, "output: a result is offered"),
        ("results__ready", 1, "it is taken with the next edge"),
    )
    lines = [
        f"// Network {identity.network_hash}: {channels} channels, {rows} x {columns} pixels,",
        f"// {identity.classes} classes, {'radix' if identity.radix else 'rate'} coding.",
    ]
    for name, width, meaning in ports:
        lines += [f"// {meaning}", f"wire {f'[{width - 1}:0] ' if width > 1 else ''}{name};"]
    lines += ["", f"{TOP} {TOP}_0 ("]
    names = [name for name, _, _ in ports]
    lines += [f"  .{name}({name})," for name in names[:-1]]
    lines += [f"  .{names[-1]}({names[-1]})", ");", ""]
    return "\n".join(lines)


def _bits(name: str, field) -> str:
    width = Shape.cast(field.shape).width
    return f"{name} in bits [{field.offset + width - 1} : {field.offset}]"
