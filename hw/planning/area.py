"""How many look-up tables and block RAMs a layer takes at a given folding.

Block RAMs are counted as they are built (``memory_shape``, ``memory_mapping``). Look-up tables are
a linear function, for each family and kind of component, of a few numbers that its logic grows
with; the coefficients (``cost_coefficients.py``) are fitted to what yosys makes of components
(``benchmarks/fit_costs.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...golden.bounds import Interval, connection_bounds, effective_bias, layer_bounds
from ...golden.network import IMAGE, Coding, Connection, Network, PoolRule, Readout
from ..accelerator.connection import UNIT_QUEUE_DEPTH
from ..basics.shapes import index_shape
from ..design.folding import Folding, LayerFolding, connection_lanes, connection_row_words
from ..design.geometry import WindowGeometry, is_radix_spikes, window_geometry
from ..design.partition import pixel_plane_parts
from ..design.payloads import UnitLayout
from ..design.synapses import fed_groups, fits_parts, is_direct
from ..lanes.direct_lane import CONSTANT_WORDS
from ..lanes.event_lane import SUM_QUEUE_DEPTH, WORD_QUEUE_DEPTH
from ..memories.devices import Family
from ..memories.memory_mapping import CONSTANT_BITS, DISTRIBUTED_LUTS, mapped_memory
from ..memories.memory_shape import (
    MemoryShape,
    flag_memory,
    queue_memory,
    row_memory,
    scratch_memory,
    weight_memory,
)
from ..memories.row_banks import row_banks
from ..memories.weight_banks import weight_banks
from ..readout.map_sum import MapUnitLayout
from ..readout.streamed_readout import is_streamed
from .cost_coefficients import COEFFICIENTS


@dataclass(frozen=True)
class Part:
    """So many equal components.

    Attributes:
        kind: names the coefficients.
        features: what its look-up tables are linear in; the first is 1.
        memories: of each component, those with a clocked read port.
    """

    kind: str
    features: tuple[float, ...]
    memories: tuple[MemoryShape, ...] = ()
    count: int = 1


@dataclass(frozen=True)
class Area:
    """What a part of the design takes of a device.

    Attributes:
        luts: 4-input look-up tables as nextpnr counts them; on iCE40 logic cells, as a register
            with no look-up table of its own in front takes one as well.
        block_rams: of the family's common kind.
        large_rams: of one port.
    """

    luts: float
    block_rams: int
    large_rams: int = 0

    def __add__(self, other: Area) -> Area:
        return Area(
            self.luts + other.luts,
            self.block_rams + other.block_rams,
            self.large_rams + other.large_rams,
        )

    def __sub__(self, other: Area) -> Area:
        return Area(
            self.luts - other.luts,
            self.block_rams - other.block_rams,
            self.large_rams - other.large_rams,
        )


def part_area(part: Part, family: Family) -> Area:
    """Area of all components of ``part``."""
    weights = COEFFICIENTS[family][part.kind]
    luts = sum(weight * value for weight, value in zip(weights, part.features, strict=True))
    blocks = large = 0
    for shape in part.memories:
        mapped = mapped_memory(shape, family)
        blocks += mapped.block_rams
        large += mapped.large_rams
        luts += memory_luts(shape, family)
    return Area(luts * part.count, blocks * part.count, large * part.count)


def memory_luts(shape: MemoryShape, family: Family) -> float:
    """Look-up tables of a memory that is no block."""
    mapped = mapped_memory(shape, family)
    table = COEFFICIENTS[family]
    constants, registers = (table[kind][0] for kind in ("constant_bits", "register_bits"))
    return (
        DISTRIBUTED_LUTS * mapped.distributed_rams
        + constants * mapped.constant_bits / CONSTANT_BITS
        + registers * mapped.register_bits
    )


def layer_area(
    network: Network,
    index: int,
    fold: LayerFolding,
    word_widths: Sequence[int],
    spare_rows: Sequence[int],
    family: Family = Family.ECP5,
) -> Area:
    """Area of layer ``index``; ``word_widths`` and ``spare_rows`` are its connections'."""
    parts = layer_parts(network, index, fold, word_widths, spare_rows)
    total = Area(0, 0)
    for part in parts:
        total += part_area(part, family)
    return total


def frame_area(network: Network, folding: Folding, family: Family = Family.ECP5) -> Area:
    """Area of what is around the layers: image gate, forks, counters, result writers."""
    features = [1.0, 0.0, 0.0]
    for output in network.outputs:
        fold = folding[output]
        score = layer_bounds(network, output).potential.bits
        if network.readout == Readout.COUNT:
            score = network.steps if network.coding == Coding.RADIX else network.steps.bit_length()
            features[2] += fold.neurons * (score + 1)
        features[1] += fold.neurons * score
    return part_area(Part("frame", tuple(features)), family)


def word_widths(network: Network, index: int, folding: Folding) -> tuple[int, ...]:
    """Bits of a word of each connection's source: its P, or a whole pixel."""
    return tuple(
        network.input_shape[0] * 8
        if connection.source == IMAGE
        else folding[connection.source].neurons
        for connection in network.layers[index].connections
    )


def layer_parts(
    network: Network,
    index: int,
    fold: LayerFolding,
    word_widths: Sequence[int],
    spare_rows: Sequence[int],
    *,
    buffers: bool = True,
) -> list[Part]:
    """The components of layer ``index``, with or without its window buffers."""
    layer = network.layers[index]
    lanes = connection_lanes(network, index, fold)
    if is_streamed(network, index, fold.neurons):
        return _streamed(network, index, fold, lanes[0], word_widths[0])
    groups = -(-layer.out_channels // fold.neurons)
    row_words = connection_row_words(network, index, fold)
    parts = []
    joined = 0
    for number, connection in enumerate(layer.connections):
        pixels = connection.source == IMAGE
        geometry = _geometry(
            network, index, number, word_widths[number], spare_rows[number], row_words[number]
        )
        if buffers:
            parts.append(
                _buffer(geometry, word_widths[number], fold.is_large(number), fold.compact)
            )
        columns = geometry.kernel[1] if pixels else 1
        if pixels:
            bits = geometry.kernel[0] * geometry.kernel[1] * geometry.channels * geometry.planes
            parts.append(Part("gather", (1.0, bits)))
        slab_bits = geometry.slab_rows * columns * geometry.channels * geometry.planes
        joined += max(1, lanes[number])
        if is_direct(connection):
            parts += _direct(network, index, number, fold, groups, geometry)
            continue
        fits = connection.groups == 1 or fits_parts(connection, fold.neurons)
        channels = connection.weight.shape[1] if fits else connection.in_channels
        seen = geometry.slab_rows * columns * geometry.planes * channels
        shared = connection.groups if connection.groups > 1 and fits else 0
        slabs = len(geometry.slabs) // columns
        area = connection.area if geometry.row_words else 1
        sum_columns = connection.sum_pool.kernel[1] if connection.sum_pool else 1
        stored = slabs // (area if geometry.row_words else sum_columns)
        blocks = len(fed_groups(connection, fold.neurons))
        alone = lanes[number] == 1 and len(layer.connections) == 1
        if number == 0 and fold.compact and not alone:
            units = UnitLayout(len(geometry.positions), groups).size
            parts.append(_block_queue(units, UNIT_QUEUE_DEPTH))
        swaps = lanes[number] > 1 and geometry.row_words and stored > 1
        swapped = seen * (lanes[number] - 1) if swaps else 0
        gates = seen * shared + (0 if fits else slab_bits) + swapped
        parts.append(Part("glue", (1.0, gates)))
        parts += _lanes(
            network, index, number, fold, lanes[number],
            taps=geometry.slab_rows * columns * channels, planes=geometry.planes,
            words_of_tap=blocks * stored, alone=alone, swaps=swaps,
        )  # fmt: skip
    window = _layer_bounds(network, index).window.bits
    parts.append(Part("join", (1.0, fold.neurons * window * (joined - 1), float(joined))))
    parts += _neurons(network, index, fold, groups)
    return parts


def _buffer(geometry: WindowGeometry, word_width: int, large: bool, compact: bool) -> Part:
    """Row writer, walker, fetcher and their queues."""
    width = geometry.channels * geometry.planes
    rows, columns = geometry.span
    window = geometry.slab_rows * width
    rotated = 0 if geometry.row_words else window * (geometry.slots - 1)
    flags = geometry.slots * -(-geometry.columns // 16)
    words = geometry.word_rows * -(-width // word_width)
    positions = len(geometry.positions) * len(geometry.slabs)
    depth = index_shape(geometry.depth).width
    rows_held = row_banks(row_memory(geometry, word_width, large=large), compact=compact)
    return Part(
        "row_buffer" if geometry.row_words else "column_buffer",
        (
            1.0, window, rotated, flags, words, rows * columns + rows * geometry.slots, positions,
            depth,
        ),
        (*rows_held, flag_memory(geometry)),
    )  # fmt: skip


def _lanes(
    network: Network,
    index: int,
    number: int,
    fold: LayerFolding,
    lanes: int,
    *,
    taps: int,
    planes: int,
    words_of_tap: int,
    alone: bool,
    swaps: bool = False,
) -> list[Part]:
    """The event lanes of a connection: of two sizes where its taps cannot be dealt evenly.

    ``lanes`` is E, ``planes`` those of a word, of which a lane of pixels may have a part. Lanes
    that swap their taps are all of the larger size.
    """
    connection = network.layers[index].connections[number]
    radix = is_radix_spikes(network, connection.source)
    queued = (planes > 1 or (radix and network.steps > 1)) and not alone
    # Pixels are dealt by planes as well; a sum of fewer planes is narrower.
    plane_parts = pixel_plane_parts(lanes) if planes > 1 else 1
    whole, planes, lanes = planes, planes // plane_parts, lanes // plane_parts
    shift = 1 if planes > 1 or (radix and network.steps > 1) else 0
    part_of_range = lanes * (2**whole - 1) // (2**planes - 1)
    whole_range = _connection_range(network, connection)
    bits = fold.neurons * Interval(
        whole_range.low // part_of_range, whole_range.high // part_of_range
    ).bits
    parts = []
    least, more = divmod(taps, lanes)
    if more and swaps:
        least, more = least + 1, 0
    for size, count in ((least, plane_parts * (lanes - more)), (least + 1, plane_parts * more)):
        if not count or not size:
            continue
        words = words_of_tap * size
        address = index_shape(words).width
        word = size * planes + address + 1
        # Queues of registers or of distributed RAM, or none, or in block RAM.
        queue = word if alone else _distributed_luts(word)
        sums = _distributed_luts(bits, SUM_QUEUE_DEPTH) if queued else 0
        if fold.compact:
            if not alone:
                parts.append(_block_queue(word, WORD_QUEUE_DEPTH, count))
            if queued:
                parts.append(_block_queue(bits, SUM_QUEUE_DEPTH, count))
            queue = sums = 0
        width = fold.neurons * connection.weight_bits
        banks = weight_banks(words, width, fold.weight_memory, compact=fold.compact)
        kind = "lane_of_planes" if planes > 1 else "lane"
        if fold.compact and not alone:
            kind += "_queued"  # it has the registers that a lane which is alone can do without
        features = (1.0, size * planes, queue, bits, bits * shift, sums, address)
        parts.append(Part(kind, features, banks.banks, count))
        if banks.selected > 1:
            parts.append(Part("glue", (0.0, width * (banks.selected - 1)), count=count))
    return parts


def _block_queue(width: int, depth: int, count: int = 1) -> Part:
    return Part("block_queue", (1.0, width), (queue_memory(width, depth),), count)


def _distributed_luts(width: int, words: int = 1) -> int:
    """Look-up tables of a memory in 16 x 4 distributed RAMs."""
    return -(-width // 4) * -(-words // 16) * DISTRIBUTED_LUTS


def _scratch(width: int, words: int, compact: bool) -> tuple[int, tuple[MemoryShape, ...]]:
    """Distributed RAM of a memory that is read at once, or where there is none the memory."""
    if compact:
        return 0, (scratch_memory(width, words),)
    return _distributed_luts(width, words), ()


def _direct(network, index, number, fold, groups, geometry) -> list[Part]:
    """A direct lane, and what picks its neurons' channels."""
    connection = network.layers[index].connections[number]
    rows = geometry.slab_rows
    words = groups * len(geometry.slabs) * rows
    width = fold.neurons * connection.weight_bits
    bits = fold.neurons * _connection_range(network, connection).bits
    constants = words * width / CONSTANT_BITS if words <= CONSTANT_WORDS else 0
    memories = () if words <= CONSTANT_WORDS else (weight_memory(words, width, fold.weight_memory),)
    features = (1.0, fold.neurons * rows, bits, constants)
    gates = fold.neurons * rows * (min(groups, connection.in_channels) - 1)
    return [Part("direct", features, memories), Part("glue", (1.0, gates))]


def _neurons(network: Network, index: int, fold: LayerFolding, groups: int) -> list[Part]:
    """Pool and neurons, or sums; and what lets neurons take turns."""
    layer = network.layers[index]
    bounds = _layer_bounds(network, index)
    positions = layer.pool.kernel[0] * layer.pool.kernel[1] if layer.pool else 1
    rate = network.coding == Coding.RATE
    cumulative = layer.pool is not None and layer.pool.rule == PoolRule.CUMULATIVE
    kept = rate and positions > 1 and not layer.sees_only_image and cumulative
    width = (bounds.pooled if kept else bounds.window).bits
    pooled = fold.neurons * width
    ram, scratch = _scratch(pooled, positions, fold.compact) if kept else (0, ())
    parts = [Part("pool", (1.0, pooled * (positions > 1), ram, pooled * kept), scratch)]

    firing, groups = fold.neurons // fold.turns, groups * fold.turns
    state = firing * bounds.potential.bits
    table = firing * _bias_range(network, index).bits
    if layer.threshold is not None:
        table += firing * Interval(0, int(layer.threshold.max())).bits * (2 if rate else 1)
    tables = table * -(-groups // CONSTANT_BITS) if groups > 1 else 0
    together = rate and not layer.sees_only_image
    states, scratch = 0, ()
    if together and fold.turns > 1:
        states, scratch = _scratch(state, fold.turns, fold.compact)
    kind = "sums" if layer.threshold is None else f"{network.coding.value}_neurons"
    parts.append(Part(kind, (1.0, state, firing * width, states, tables, firing), scratch))
    if layer.threshold is not None:
        parts.append(Part("two_registers", (1.0, fold.neurons)))
    if fold.turns > 1:
        trains = fold.neurons - firing, 1 if together else network.steps
        ram, scratch = _scratch(*trains, fold.compact)
        parts.append(Part("turns", (1.0, pooled, ram), scratch))
        if not fold.compact:
            parts.append(Part("two_registers", (1.0, firing * width)))
    return parts


def _streamed(network, index, fold, lanes: int, word_width: int) -> list[Part]:
    """A streamed readout: lanes without a buffer, and sums of an image."""
    (connection,) = network.layers[index].connections
    words = -(-connection.in_channels // word_width)
    total = fold.neurons * layer_bounds(network, index).pooled.bits
    units = (_block_queue(MapUnitLayout().size, WORD_QUEUE_DEPTH),) if fold.compact else ()
    return [
        *units,
        *_lanes(
            network, index, 0, fold, lanes, taps=word_width, planes=1, words_of_tap=words,
            alone=False,
        ),
        Part("join", (1.0, total * (lanes - 1), float(lanes))),
        Part("map_sum", (1.0, total)),
    ]  # fmt: skip


@lru_cache(maxsize=4096)
def _geometry(network, index, number, word_width, spare_rows, row_words) -> WindowGeometry:
    return window_geometry(network, index, number, word_width, spare_rows, row_words=row_words)


_layer_bounds = lru_cache(maxsize=1024)(layer_bounds)


@lru_cache(maxsize=1024)
def _connection_range(network: Network, connection: Connection) -> Interval:
    """Of the sums of all channels of ``connection``."""
    return Interval.of(*connection_bounds(network, connection))


@lru_cache(maxsize=1024)
def _bias_range(network: Network, index: int) -> Interval:
    return Interval.of(effective_bias(network, index))
