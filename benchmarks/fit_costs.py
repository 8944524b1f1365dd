"""Fit the folding's area model to yosys: writes hw/planning/cost_coefficients.py.

    python -m benchmarks.fit_costs [--family ice40] [--only KINDS]

Components of many shapes are synthesised for one family, each alone; for each kind of component,
look-up tables (ECP5; else logic cells) are fitted by least squares of the relative error, with no
negative coefficient, to the features that hw/planning/area.py names. Run it again after a component
has changed: what has not changed is taken from the cache. Prints how far off the fit is for each
kind.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.bounds import Interval
from rheobase.golden.network.network import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Pool,
    Readout,
    SumPool,
)
from rheobase.hw.accelerator.image_gate import ImageGate
from rheobase.hw.accelerator.layer import SpikingLayer
from rheobase.hw.accelerator.serial_connection import SerialConnection
from rheobase.hw.accelerator.streamed_readout import StreamedReadout
from rheobase.hw.basics.queue import Queue
from rheobase.hw.basics.shapes import signed_shape
from rheobase.hw.design.buffering import default_spare_rows
from rheobase.hw.design.folding import LaneKind, LayerFolding, WeightMemory
from rheobase.hw.design.layer_design import layer_design, word_widths
from rheobase.hw.design.queues import WORD_QUEUE_DEPTH
from rheobase.hw.lanes.event_lane import EventLane
from rheobase.hw.memories.devices import Family
from rheobase.hw.memories.memory_mapping import CONSTANT_BITS
from rheobase.hw.memories.ram_queue import RamQueue
from rheobase.hw.planning import area
from rheobase.hw.planning.area import layer_items, memory_luts
from rheobase.hw.planning.items import BUFFERS, LANES, Item, Kind
from rheobase.hw.readout.count_readout import CountReadout
from rheobase.hw.readout.result_writer import ResultWriter
from rheobase.hw.verilog.generation import to_verilog
from rheobase.sim.synthesis import (
    ICEBREAKER,
    TANG_NANO_20K,
    ULX3S_85F,
    PackagedDevice,
    count_resources,
    synthesise,
)
from rheobase.sim.tools.cache import cached, content_key
from rheobase.sim.tools.eda_tools import find_tool

TARGET = Path(area.__file__).with_name("cost_coefficients.py")
#: Look-up tables of a bit of a memory in registers: the selector in front of its output, and on
#: iCE40, which has no distributed RAM, the register's cell. Not fitted.
REGISTER_BIT_LUTS = {Family.ECP5: 1.0, Family.ICE40: 2.0, Family.GOWIN: 1.0}
#: What graph layers have in place of event lanes.
GRAPH_KINDS = (Kind.GRAPH_WINDOWS, Kind.GRAPH_LANE, Kind.GRAPH_POOL)
DEVICES = {
    Family.ECP5: ULX3S_85F,
    Family.ICE40: ICEBREAKER,
    Family.GOWIN: TANG_NANO_20K,
}


@dataclass(frozen=True)
class Sample:
    """A layer behind another one, and its folding.

    Attributes:
        channels: of the image, of the layer in front, of this one.
        direct: it has an identity shortcut beside its kernel.
        source_neurons: P of the layer in front.
        firing: F.
    """

    coding: Coding
    steps: int
    channels: tuple[int, int, int]
    size: int
    bits: int
    kernel: int
    pool: bool
    neurons: int
    lanes: int
    source_neurons: int
    row_words: bool = False
    direct: bool = False
    firing: int | None = None


RATE, RADIX = Coding.RATE, Coding.RADIX
SAMPLES = (
    Sample(RATE, 8, (1, 8, 16), 14, 8, 3, True, 16, 3, 8),
    Sample(RATE, 16, (1, 16, 32), 7, 4, 3, True, 11, 2, 8),
    Sample(RATE, 4, (1, 6, 10), 9, 6, 5, False, 5, 1, 3),
    Sample(RATE, 32, (3, 16, 16), 12, 8, 3, False, 8, 4, 4),
    Sample(RATE, 8, (2, 4, 6), 8, 8, 2, True, 2, 1, 2),
    Sample(RATE, 32, (3, 32, 32), 8, 5, 3, False, 16, 8, 16, True, True),
    Sample(RATE, 8, (1, 8, 16), 14, 8, 3, True, 8, 2, 8, firing=2),
    Sample(RATE, 32, (3, 16, 16), 12, 4, 3, False, 16, 2, 8, True, True, 4),
    Sample(RATE, 16, (1, 12, 20), 8, 6, 3, False, 10, 1, 6, firing=1),
    Sample(RATE, 8, (1, 16, 32), 8, 8, 3, True, 16, 4, 16, firing=8),
    Sample(RADIX, 3, (1, 8, 16), 14, 4, 3, True, 16, 6, 8),
    Sample(RADIX, 3, (1, 8, 16), 14, 4, 3, True, 16, 2, 8, firing=4),
    Sample(RADIX, 4, (3, 16, 16), 16, 8, 3, False, 16, 2, 16, True, True, 4),
    Sample(RADIX, 4, (3, 32, 32), 16, 8, 3, False, 8, 3, 8, True, True, 1),
    Sample(RADIX, 4, (3, 64, 64), 8, 4, 3, False, 16, 4, 11, True, False, 2),
    Sample(RADIX, 4, (3, 16, 32), 16, 8, 3, False, 32, 1, 8, True, False, 1),
    Sample(RADIX, 6, (1, 5, 9), 8, 6, 4, True, 3, 2, 5),
    Sample(RADIX, 4, (3, 64, 64), 8, 8, 3, False, 4, 1, 4, True, False, 2),
    Sample(RADIX, 2, (2, 12, 8), 6, 3, 1, False, 8, 5, 6, True),
    Sample(RADIX, 4, (3, 48, 20), 10, 8, 3, False, 20, 12, 16, True, True, 5),
    Sample(RADIX, 4, (3, 64, 64), 8, 8, 3, False, 8, 1, 8, True, True, 1),
)
#: An iCE40 holds little: few neurons, and lanes that are alone.
SMALL_SAMPLES = (
    Sample(RADIX, 3, (1, 8, 16), 14, 4, 3, True, 4, 1, 3, firing=1),
    Sample(RADIX, 3, (1, 8, 16), 14, 4, 3, True, 6, 1, 4, True, firing=1),
    Sample(RADIX, 3, (1, 16, 16), 12, 4, 3, True, 2, 1, 2, True, firing=1),
    Sample(RADIX, 4, (3, 16, 16), 16, 8, 3, False, 8, 1, 4, True, True, 1),
    Sample(RADIX, 6, (1, 5, 9), 8, 6, 4, True, 3, 1, 5, firing=1),
    Sample(RADIX, 2, (2, 12, 8), 6, 3, 1, False, 8, 1, 6, True, firing=2),
    Sample(RADIX, 3, (1, 6, 12), 10, 4, 5, True, 1, 1, 1, True),
    Sample(RADIX, 4, (1, 16, 32), 12, 6, 3, True, 8, 1, 8, firing=2),
    Sample(RADIX, 3, (1, 8, 16), 14, 4, 3, False, 4, 2, 4),
    Sample(RATE, 8, (1, 8, 16), 14, 8, 3, True, 4, 1, 2, firing=1),
    Sample(RATE, 16, (1, 16, 32), 7, 4, 3, True, 3, 1, 4, True, firing=1),
    Sample(RATE, 4, (1, 6, 10), 9, 6, 5, False, 5, 1, 3),
    Sample(RATE, 8, (2, 4, 6), 8, 8, 2, True, 2, 1, 2),
    Sample(RATE, 8, (3, 16, 16), 10, 5, 3, False, 8, 1, 4, True, True, 2),
    Sample(RATE, 16, (1, 12, 20), 8, 6, 3, False, 2, 1, 6, firing=1),
    Sample(RATE, 8, (1, 8, 16), 10, 4, 3, True, 8, 1, 4, firing=8),
    Sample(RATE, 8, (1, 8, 16), 10, 4, 3, False, 4, 2, 2),
    Sample(RADIX, 3, (1, 8, 16), 8, 4, 3, False, 4, 4, 4),
    Sample(RADIX, 3, (1, 8, 12), 8, 6, 3, True, 2, 6, 4, firing=1),
    Sample(RATE, 8, (1, 8, 16), 8, 4, 3, True, 2, 4, 4, firing=1),
)
#: Layers with graph lanes: small ones, as each weight is logic.
GRAPH_SAMPLES = (
    Sample(RADIX, 3, (1, 4, 8), 12, 4, 3, True, 8, 1, 4),
    Sample(RADIX, 4, (3, 6, 4), 10, 6, 3, False, 4, 1, 6),
    Sample(RADIX, 2, (2, 12, 8), 6, 3, 1, False, 8, 1, 12),
    Sample(RATE, 8, (1, 6, 6), 10, 4, 3, True, 6, 1, 6),
    Sample(RATE, 8, (2, 4, 6), 8, 8, 2, True, 6, 1, 4),
    Sample(RADIX, 3, (1, 8, 10), 14, 4, 3, True, 10, 1, 8),
)

#: Coding, T, channels and size of the image, neurons of a hidden layer, bits of a weight, P of the
#: two layers: networks of serial layers.
SERIAL_SAMPLES = (
    (RADIX, 3, (1, 14), 24, 4, (1, 1)),
    (RADIX, 4, (1, 28), 42, 5, (1, 1)),
    (RADIX, 4, (1, 14), 64, 8, (2, 2)),
    (RADIX, 3, (3, 8), 40, 6, (4, 5)),
    (RADIX, 6, (2, 10), 30, 4, (3, 1)),
    (RADIX, 2, (1, 20), 96, 8, (8, 10)),
    (RATE, 8, (1, 16), 32, 8, (1, 1)),
    (RATE, 16, (3, 8), 20, 4, (2, 5)),
    (RATE, 4, (1, 28), 32, 5, (4, 2)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", type=Family, default=Family.ECP5, help="ecp5, ice40 or gowin")
    parser.add_argument("--only", help="kinds, with commas; the others keep their coefficients")
    arguments = parser.parse_args()
    measured: dict[str, dict[tuple[float, ...], float]] = {}
    family, only = arguments.family, arguments.only
    components = (
        *_components(family, only),
        *_graphs(family, only),
        *_serial(family, only),
        *_frames(family, only),
    )
    for kind, features, luts in components:
        if np.isfinite(luts):
            measured.setdefault(kind, {})[features] = luts
    # Kinds that are not measured, as all their components were left out, keep what they have.
    coefficients = dict(area.COEFFICIENTS[family])
    for kind, samples in sorted(measured.items()):
        table = np.array(list(samples))
        luts = np.maximum(np.array(list(samples.values())), 1.0)
        scale = np.maximum(luts, 20.0)
        fitted, _ = nnls(table / scale[:, np.newaxis], luts / scale)
        off = table @ fitted / luts - 1
        coefficients[kind] = tuple(round(float(value), 4) for value in fitted)
        print(
            f"{kind}: {len(luts)} samples, {luts.min():.0f}..{luts.max():.0f} LUT4, "
            f"mean error {np.abs(off).mean():.1%}, largest {np.abs(off).max():.1%}",
            flush=True,
        )
    coefficients["register_bits"] = (REGISTER_BIT_LUTS[family],)
    write({**area.COEFFICIENTS, family.value: coefficients})


def write(coefficients: dict[str, dict[str, tuple[float, ...]]]) -> None:
    """The module of coefficients."""
    lines = [
        '"""Look-up tables of components: written by `python -m benchmarks.fit_costs`, '
        'not by hand."""',
        "",
        "#: Per family and kind of component, what each of its features (``area.py``) adds.",
        "COEFFICIENTS: dict[str, dict[str, tuple[float, ...]]] = {",
    ]
    for family, kinds in coefficients.items():
        lines.append(f'    "{family}": {{')
        for kind, values in sorted(kinds.items()):
            listed = ", ".join(str(value) for value in values) + ("," if len(values) == 1 else "")
            lines.append(f'        "{kind}": ({listed}),')
        lines.append("    },")
    TARGET.write_text("\n".join([*lines, "}", ""]))


def _wanted(only: str | None, kind: str) -> bool:
    return only is None or kind in only.split(",")


def _components(family: Family, only: str | None) -> Iterator[tuple[str, tuple[float, ...], float]]:
    """(kind, features, measured look-up tables less those of its memories)."""
    device, small = DEVICES[family], family is Family.ICE40
    for number, sample in enumerate(SMALL_SAMPLES if small else SAMPLES):
        network = _network(sample)
        spare = default_spare_rows(network)
        folding = (
            LayerFolding(sample.source_neurons, (1, 2, 4, 6)[number % 4] if small else 2),
            LayerFolding(
                sample.neurons,
                sample.lanes,
                (sample.row_words,) * (1 + sample.direct) if sample.row_words else None,
                WeightMemory.BLOCK,
                sample.firing,
            ),
            # Streamed, or with a window buffer.
            LayerFolding(10 if number % 2 else (1, 2, 5)[number % 3], 1),
        )
        folding = tuple(
            replace(fold, style=family.style, weight_memory=WeightMemory.BLOCK) for fold in folding
        )
        for index, fold in enumerate(folding):
            widths = word_widths(network, index, folding)
            design = layer_design(network, index, fold, widths, spare[index])
            items = layer_items(design)
            if design.streamed:
                layer = StreamedReadout(design)
                wanted = [item for item in items if item.kind is Kind.MAP_SUM]
                if wanted and _wanted(only, Kind.MAP_SUM):
                    others = _luts(layer.join, device)
                    others += sum(_luts(lane, device) for lane in layer.lanes)
                    yield Kind.MAP_SUM, wanted[0].features, _luts(layer, device) - others
                continue
            layer = SpikingLayer(design)
            yield from _layer(layer, items, index, family, only, sample)


def _graphs(family: Family, only: str | None) -> Iterator[tuple[str, tuple[float, ...], float]]:
    """The same of layers with graph lanes."""
    if not any(_wanted(only, kind) for kind in GRAPH_KINDS):
        return
    device = DEVICES[family]
    for sample in GRAPH_SAMPLES:
        network = _network(sample)
        spare = default_spare_rows(network)
        folding = tuple(
            LayerFolding(layer.out_channels, 1, style=family.style, lane_kind=LaneKind.GRAPH)
            for layer in network.layers[:2]
        )
        folding += (LayerFolding(10, 1),)
        for index, fold in enumerate(folding[:2]):
            widths = word_widths(network, index, folding)
            design = layer_design(network, index, fold, widths, spare[index])
            layer = SpikingLayer(design)
            (path,) = layer.connections
            built = {
                Kind.GRAPH_WINDOWS: path.buffer,
                Kind.GRAPH_LANE: path.lane,
                Kind.GRAPH_POOL: layer.group.pool,
            }
            for item in layer_items(design):
                if item.kind in built and _wanted(only, item.kind):
                    memories = sum(memory_luts(shape, family) for shape in item.memories)
                    yield item.kind, item.features, _luts(built[item.kind], device) - memories


def _serial(family: Family, only: str | None) -> Iterator[tuple[str, tuple[float, ...], float]]:
    """The same of serial layers."""
    if not _wanted(only, Kind.SERIAL):
        return
    device = DEVICES[family]
    for coding, steps, (channels, size), hidden, bits, neurons in SERIAL_SAMPLES:
        network = _linear_network(coding, steps, channels, size, hidden, bits)
        folding = tuple(
            LayerFolding(p, 1, style=family.style, lane_kind=LaneKind.SERIAL) for p in neurons
        )
        for index, fold in enumerate(folding):
            design = layer_design(network, index, fold, word_widths(network, index, folding))
            path = SerialConnection(design)
            (item,) = (item for item in layer_items(design) if item.kind is Kind.SERIAL)
            parts = (path.marks, path.events, path.adder)
            memories = sum(memory_luts(shape, family) for shape in item.memories)
            yield item.kind, item.features, sum(_luts(part, device) for part in parts) - memories


def _linear_network(
    coding: Coding, steps: int, channels: int, size: int, hidden: int, bits: int
) -> Network:
    """An image, a hidden layer and a readout of 10 classes, both linear."""
    rng = np.random.default_rng(1)
    limit = 2 ** (bits - 1)

    def layer(name: str, source: int, weight: np.ndarray, *, fires: bool) -> Layer:
        channels = len(weight)
        threshold = rng.integers(500, 1000, channels).astype(np.int32)
        bias = rng.integers(-250, 250, channels).astype(np.int32)
        neurons = (threshold, threshold // 2) if fires else (None, None)
        return Layer(name, (Connection(source, weight, bits),), bias, *neurons)

    def weights(*shape: int) -> np.ndarray:
        return rng.integers(-limit, limit, shape).astype(np.int8)

    return Network(
        input_shape=(channels, size, size),
        zero_point=np.zeros(channels, np.uint8),
        layers=(
            layer("hidden", IMAGE, weights(hidden, channels, size, size), fires=True),
            layer("out", 0, weights(10, hidden, 1, 1), fires=False),
        ),
        coding=coding,
        steps=steps,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(1,),
    )


def _layer(layer, items: list[Item], index: int, family: Family, only: str | None, sample: Sample):
    """Samples of one layer's components."""
    device = DEVICES[family]
    paths = iter(layer.connections)
    path = None
    for item in items:
        if item.kind in BUFFERS:
            path = next(paths)
            component = path.buffer
        elif item.kind is Kind.GATHER:
            component = path.gather
        elif item.kind in LANES:
            component = next(
                lane
                for lane in path.lanes
                if lane.filter.taps * lane.scanner.planes == item.features[1]
            )
            if _wanted(only, "constant_bits") and sample.bits * sample.neurons < 70 and index == 1:
                bits = _constants(component, item, device)
                if bits is not None:
                    yield bits
        elif item.kind is Kind.DIRECT:
            component = path.lanes[0]
        elif item.kind is Kind.JOIN:
            component = layer.join
        elif item.kind is Kind.TURNS:
            if _wanted(only, item.kind):
                group = layer.group
                yield (
                    item.kind,
                    item.features,
                    _luts(group.turns, device) + _luts(group.trains, device),
                )
            continue
        elif item.kind is Kind.RAM_QUEUE:
            component = RamQueue(int(item.features[1]), WORD_QUEUE_DEPTH)
        elif item.kind is Kind.TWO_REGISTERS:
            component = Queue(int(item.features[1]), 2)
        elif item.kind is Kind.GLUE:
            if _wanted(only, "glue") and len(path.lanes) <= 2 and index == 1:
                whole = _luts(path, device) - _luts(path.buffer, device)
                whole -= sum(_luts(lane, device) for lane in path.lanes)
                yield "glue", item.features, whole
            continue
        elif item.kind is Kind.POOL:
            component = layer.group.pool
        else:
            component = layer.group.neurons
        if _wanted(only, item.kind):
            built = sum(memory_luts(shape, family) for shape in item.memories)
            if item.kind in (Kind.LANE_QUEUED, Kind.LANE_OF_PLANES_QUEUED):
                built += sum(_luts(queue, device) for queue in _ram_queues(component))
            yield item.kind, item.features, _luts(component, device) - built


def _ram_queues(lane: EventLane) -> Iterator[RamQueue]:
    """The queues in block RAM of a lane."""
    for design, layout in (
        (lane.queues.words, lane.filter.word_layout),
        (lane.queues.sums, lane.sums_layout),
    ):
        if design is not None and design.blocks:
            yield RamQueue(layout, design.depth)


def _constants(lane, item: Item, device: PackagedDevice):
    """What the weights of a lane take in logic."""
    (shape,) = item.memories
    blocks = _luts(lane, device)
    lane.accumulator.weight_memory = WeightMemory.LOGIC
    logic = _luts(lane, device)
    lane.accumulator.weight_memory = WeightMemory.BLOCK
    if not logic > blocks:
        return None
    return "constant_bits", (shape.words * shape.width / CONSTANT_BITS,), logic - blocks


def _frames(family: Family, only: str | None):
    """Image gate, counter and result writer."""
    if not _wanted(only, "frame"):
        return
    device = DEVICES[family]
    for neurons, score, steps, classes, count in (
        (1, 8, 8, 10, False),
        (2, 14, 8, 10, False),
        (10, 18, 4, 10, False),
        (5, 4, 16, 20, True),
        (10, 5, 5, 10, True),
    ):
        luts = _luts(ImageGate(24, 1024, steps, 30), device)
        writer = ResultWriter(signed_shape(Interval(-(2 ** (score - 1)), 0)), neurons, classes)
        luts += _luts(writer, device)
        if count:
            luts += _luts(CountReadout(neurons, steps, radix=False), device)
        yield "frame", (1.0, neurons * score, neurons * (score + 1) * count), luts


def _luts(component, device: PackagedDevice) -> float:
    """Look-up tables of a component alone; NaN where yosys fails (0.70 does on a few)."""
    text = to_verilog(component, "component")
    try:
        return float(synthesise(text, "component", device).resources.luts)
    except RheobaseError:
        pass
    # Flattened and cleaned up before anything else, it does not fail on most of those.
    script = (
        "read_verilog design.v; hierarchy -top component; proc; flatten; opt -full; "
        f"synth_{device.family} -top component; write_json netlist.json"
    )
    yosys = find_tool("yosys")

    def build(folder: Path) -> None:
        (folder / "design.v").write_text(text)
        yosys.run(["-q", "-p", script], folder, "yosys on a component")

    try:
        folder = cached("synthesis", content_key([text, script, yosys.version]), build)
    except RheobaseError as error:
        print(f"left out: {type(component).__name__}: {error}", flush=True)
        return float("nan")
    return float(count_resources(folder / "netlist.json", "component").luts)


def _network(sample: Sample) -> Network:
    """Image, a 3x3 layer in front, the sampled layer, and global average pooling to 10 classes."""
    rng = np.random.default_rng(1)
    inputs, hidden, outputs = sample.channels

    def weights(*shape: int, bits: int = sample.bits) -> np.ndarray:
        limit = 2 ** (bits - 1)
        values = np.round(rng.normal(0, limit / 2.5, shape)).clip(-limit, limit - 1)
        return values.astype(np.int8 if bits <= 8 else np.int16)

    def layer(name: str, connections: tuple[Connection, ...], channels: int, pool) -> Layer:
        top = 100 if connections[0].source == IMAGE else 1
        spread = int(top * 2**sample.bits * np.sqrt(connections[0].weight[0].size)) + 4
        threshold = rng.integers(spread // 2, spread, channels).astype(np.int32)
        bias = rng.integers(-spread // 4, spread // 4, channels).astype(np.int32)
        return Layer(name, connections, bias, threshold, (threshold // 2).astype(np.int32), pool)

    padding = (sample.kernel // 2, sample.kernel // 2) * 2
    first = layer(
        "first",
        (Connection(IMAGE, weights(hidden, inputs, 3, 3), sample.bits, padding=(1, 1, 1, 1)),),
        hidden,
        None,
    )
    kernel = weights(outputs, hidden, sample.kernel, sample.kernel)
    connections = [Connection(0, kernel, sample.bits, padding=padding)]
    if sample.direct:
        shared = min(hidden, outputs)
        shortcut = np.abs(weights(shared, 1, 1, 1, bits=12)) + 1
        connections.append(Connection(0, shortcut.astype(np.int16), 13, groups=shared))
    pool = Pool((2, 2), (2, 2)) if sample.pool else None
    second = layer("second", tuple(connections), outputs, pool)
    side = sample.size + 2 * (sample.kernel // 2) - sample.kernel + 1
    side = side // 2 if sample.pool else side
    averaged = Connection(
        1, weights(10, outputs, 1, 1), sample.bits, sum_pool=SumPool((side, side), (1, 1))
    )
    bias = rng.integers(-9, 9, 10).astype(np.int32)
    return Network(
        input_shape=(inputs, sample.size, sample.size),
        zero_point=np.full(inputs, 33 if sample.steps % 3 else 0, np.uint8),
        layers=(first, second, Layer("last", (averaged,), bias, None, None)),
        coding=sample.coding,
        steps=sample.steps,
        delay=0,
        readout=Readout.CURRENT,
        outputs=(2,),
    )


if __name__ == "__main__":
    main()
