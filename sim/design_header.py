"""C++ header that tells the harness how to drive and watch one accelerator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amaranth.hdl import Shape
from jinja2 import Environment, StrictUndefined

from ..golden.network.network import Network
from ..hw.accelerator.accelerator import result_layout, result_names
from ..hw.design.layer_design import LayerDesign
from ..hw.verilog.generation import TOP
from ..hw.verilog.probes import probes

#: Cycles without any movement after which the harness calls it a hang, at the least.
LEAST_HANG_CYCLES = 100_000
_TEMPLATE = Path(__file__).with_name("design.h.jinja")
_FIELDS = Path(__file__).with_name("fields.h")


@dataclass(frozen=True)
class _Field:
    """Bits of a signal."""

    name: str
    low: int
    width: int
    signed: bool = False


@dataclass(frozen=True)
class _Output:
    """A result stream: its name, a beat's fields, and how many beats there are."""

    name: str
    classes: int
    pixels: int
    score: _Field
    prediction: _Field
    last: _Field


@dataclass(frozen=True)
class _Layer:
    """Signals of a layer's spike words; ``neurons`` is 0 where it has none.

    Attributes:
        trains: spike words per image and time step.
        steps: largest T of the layer; an image with a smaller one has fewer words.
    """

    index: int
    word: str
    valid: str
    ready: str
    neurons: int
    trains: int
    steps: int


def control_file(signals: list[str]) -> str:
    """Verilator configuration that makes ``signals`` of the top module readable, and no others."""
    lines = [f'public_flat_rd -module "{TOP}" -var "{signal}"' for signal in signals]
    return "\n".join(["`verilator_config", *lines, ""])


def design_headers(designs: Sequence[LayerDesign], *, watched: bool = True) -> dict[str, str]:
    """Headers that ``harness.cpp`` includes, texts by file name.

    Without ``watched`` the harness sees the ports alone: no spikes are recorded and no
    accumulations counted.
    """
    network = designs[0].network
    channels, rows, columns = network.input_shape
    found = probes(designs)
    layers = [
        _Layer(
            index=index,
            word=probe.word,
            valid=probe.valid,
            ready=probe.ready,
            neurons=probe.neurons if probe.word else 0,
            trains=shape.output[1] * shape.output[2] * probe.groups * probe.step_planes,
            steps=network.steps_of(index),
        )
        for index, (shape, probe) in enumerate(zip(network.shapes, found, strict=True))
    ]
    counters = [
        _Field(probe.accumulating, sum(probe.bits[:number]), bits)
        for probe in found
        for number, bits in enumerate(probe.bits)
    ]
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["signal"] = lambda name: f"model.rootp->{TOP}__DOT__{name}"
    text = environment.from_string(_TEMPLATE.read_text()).render(
        channels=channels,
        pixels=rows * columns,
        outputs=[
            _output(network, output, name) for output, name in enumerate(result_names(network))
        ],
        layers=layers if watched else [],
        counters=counters if watched else [],
        hang_cycles=hang_cycles(designs),
    )
    return {"design.h": text, _FIELDS.name: _FIELDS.read_text()}


def hang_cycles(designs: Sequence[LayerDesign]) -> int:
    """Cycles without any movement that no accelerator of ``designs`` takes while it works."""
    network = designs[0].network
    trains = (
        shape.output[1] * shape.output[2] * probe.groups * probe.step_planes
        for shape, probe in zip(network.shapes, probes(designs), strict=True)
    )
    return max(LEAST_HANG_CYCLES, 4 * max(trains) * network.steps)


def _output(network: Network, output: int, name: str) -> _Output:
    layout = result_layout(network, output)
    classes, rows, columns = network.output_shapes[output]
    fields = {}
    for member in layout.members:
        shape = Shape.cast(layout[member].shape)
        fields[member] = _Field(member, layout[member].offset, shape.width, shape.signed)
    return _Output(name, classes, rows * columns, **fields)
