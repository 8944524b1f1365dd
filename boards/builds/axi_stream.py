"""The accelerator with AXI4-Stream at its edge: a module around it."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import Shape

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.network import PIXEL_BITS, Network
from ...hw.accelerator.accelerator import result_layout, result_names
from ...hw.verilog.generation import TOP
from ...hw.verilog.ports import accelerator_ports
from .templates import rendered

#: What bits of a result are rounded up to: whole words of a processor.
_WORD = 32


@dataclass(frozen=True)
class _Output:
    """A result stream: its ports' prefix, its name in the accelerator, and its fields."""

    port: str
    name: str
    bits: int
    score: str
    answer: str
    last: int


def axi_stream(network: Network) -> str:
    """Verilog-2005 of module ``accelerator_axis``, which has ``accelerator`` in it.

    Results are tdata of 64 bits (score and class, 32 each), or more where a score needs them.
    """
    names = result_names(network)
    layouts = [result_layout(network, index) for index in range(len(names))]
    score_bits, answer_bits = (
        max(_words(layout[field]) for layout in layouts) for field in ("score", "prediction")
    )
    outputs = []
    for name, layout in zip(names, layouts, strict=True):
        score, answer, last = (layout[field] for field in ("score", "prediction", "last"))
        outputs.append(
            _Output(
                name.replace("results", "m_axis"),
                name,
                layout.size,
                _extended(name, score, score_bits),
                _extended(name, answer, answer_bits),
                last.offset,
            )
        )
    widths = {port.name: port.width for port in accelerator_ports(network)}
    return rendered(
        "axi_stream.v",
        top=TOP,
        steps=_range(widths["steps"]),
        delay=_range(widths["delay"]),
        pixel_bits=network.input_shape[0] * PIXEL_BITS,
        score_bits=score_bits,
        answer_bits=answer_bits,
        outputs=outputs,
    )


def _words(field) -> int:
    return ceil_div(Shape.cast(field.shape).width, _WORD) * _WORD


def _range(width: int) -> str:
    return "" if width == 1 else f"[{width - 1}:0] "


def _extended(name: str, field, bits: int) -> str:
    """A field of the signal ``name`` at ``bits`` bits."""
    shape = Shape.cast(field.shape)
    top = field.offset + shape.width - 1
    part = f"{name}[{top}:{field.offset}]" if shape.width > 1 else f"{name}[{top}]"
    missing = bits - shape.width
    if not missing:
        return part
    return f"{{{missing}{{{name}[{top}]}}}}, {part}" if shape.signed else f"{missing}'d0, {part}"
