"""How many look-up tables and block RAMs a layer takes at a given folding.

Block RAMs are counted as they are built (``memory_shape``, ``memory_mapping``). Look-up tables are
a linear function, for each family and kind of component, of a few numbers that its logic grows
with; the coefficients (``cost_coefficients.py``) are fitted to what yosys makes of components
(``benchmarks/fit_costs.py``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ...golden.basics.arithmetic import ceil_div
from ...golden.errors import RheobaseError
from ...golden.network.bounds import Interval
from ...golden.network.network import Coding, Network, Readout
from ..basics.widths import index_bits
from ..design.connection_design import MAP_UNIT_BITS, ConnectionDesign, LaneDesign
from ..design.folding import Folding
from ..design.layer_design import LayerDesign, score_bounds
from ..design.queues import DIRECT_SUM_QUEUE_DEPTH, QueueDesign
from ..memories.devices import Family
from ..memories.memory_mapping import CONSTANT_BITS, mapped_memory
from ..memories.memory_shape import (
    CONSTANT_WORDS,
    MemoryShape,
    flag_memory,
    queue_memory,
    row_memory,
    weight_memory,
)
from ..memories.row_banks import row_banks
from ..memories.weight_banks import weight_banks
from .cost_coefficients import COEFFICIENTS
from .graph_area import graph_items
from .items import (
    Area,
    Item,
    Kind,
    distributed_luts,
    distributed_rams,
    scratch,
)
from .serial_area import serial_items


def item_area(item: Item, family: Family) -> Area:
    """Area of all components of ``item``."""
    weights = COEFFICIENTS[family].get(item.kind)
    if weights is None:
        raise RheobaseError(
            f"graph lanes on {family}: their look-up tables are not known, must be "
            f"{' or '.join(name for name, known in COEFFICIENTS.items() if item.kind in known)}"
        )
    luts = sum(weight * value for weight, value in zip(weights, item.features, strict=True))
    blocks = large = 0
    for shape in item.memories:
        mapped = mapped_memory(shape, family)
        blocks += mapped.block_rams
        large += mapped.large_rams
        luts += memory_luts(shape, family)
    return Area(luts * item.count, blocks * item.count, large * item.count)


def total_area(items: Iterable[Item], family: Family) -> Area:
    """Area of all ``items``."""
    return sum((item_area(item, family) for item in items), Area(0, 0))


def memory_luts(shape: MemoryShape, family: Family) -> float:
    """Look-up tables of a memory that is no block."""
    mapped = mapped_memory(shape, family)
    table = COEFFICIENTS[family]
    constants, registers = (table[kind][0] for kind in (Kind.CONSTANT_BITS, Kind.REGISTER_BITS))
    return (
        family.distributed_luts * mapped.distributed_rams
        + constants * mapped.constant_bits / CONSTANT_BITS
        + registers * mapped.register_bits
    )


def frame_area(network: Network, folding: Folding, family: Family = Family.ECP5) -> Area:
    """Area of what is around the layers: image gate, forks, counters, result writers."""
    features = [1.0, 0.0, 0.0]
    for output, index in enumerate(network.outputs):
        neurons, score = folding[index].neurons, score_bounds(network, output).bits
        if network.readout == Readout.COUNT:
            score -= 1  # a count has no sign
            features[2] += neurons * (score + 1)
        features[1] += neurons * score
    return item_area(Item(Kind.FRAME, tuple(features)), family)


def layer_items(design: LayerDesign, *, buffers: bool = True) -> list[Item]:
    """The components of a layer, with or without its window buffers."""
    if design.streamed:
        return _streamed(design)
    if design.serial:
        return [*serial_items(design), *_neurons(design)]
    if design.graph:
        return [*graph_items(design, buffers=buffers), *_neurons(design)]
    items = []
    for connection in design.connections:
        if buffers:
            items.append(buffer_item(connection))
        if connection.pixels:
            items.append(Item(Kind.GATHER, (1.0, _slab_bits(connection))))
        items += _direct(connection) if connection.direct else _events(connection)
    lanes = sum(max(1, lanes) for lanes in design.lanes)
    window = design.neurons * design.bounds.window.bits
    items.append(Item(Kind.JOIN, (1.0, window * (lanes - 1), float(lanes))))
    return items + _neurons(design)


def buffer_item(connection: ConnectionDesign) -> Item:
    """Row writer, walker, fetcher and their queues."""
    geometry, word_width = connection.geometry, connection.word_width
    width = geometry.channels * geometry.planes
    rows, columns = geometry.span
    window = geometry.slab_rows * width
    rotated = 0 if geometry.row_words else window * (geometry.slots - 1)
    flags = geometry.slots * ceil_div(geometry.columns, 16)
    words = geometry.word_rows * ceil_div(width, word_width)
    positions = len(geometry.positions) * len(geometry.slabs)
    ring = row_memory(geometry, word_width, large=connection.large)
    return Item(
        Kind.ROW_BUFFER if geometry.row_words else Kind.COLUMN_BUFFER,
        (
            1.0,
            window,
            rotated,
            flags,
            words,
            rows * columns + rows * geometry.slots,
            positions,
            index_bits(geometry.depth),
        ),
        (*row_banks(ring, split=connection.style.memory_banks), flag_memory(geometry)),
    )


def _slab_bits(connection: ConnectionDesign) -> int:
    """Bits of a slab on its way to the lanes."""
    geometry = connection.geometry
    return connection.slab_rows * connection.slab_columns * geometry.channels * geometry.planes


def _events(connection: ConnectionDesign) -> list[Item]:
    """The event lanes, what deals slabs to them, and the queue of units."""
    whole = connection.connection
    taps = connection.slab_rows * connection.slab_columns
    seen = taps * connection.planes * connection.channels
    fits = whole.groups == 1 or connection.channels == whole.weight.shape[1]
    chosen = seen * whole.groups if whole.groups > 1 and fits else 0
    masked = 0 if fits else _slab_bits(connection)
    swapped = seen * (connection.lanes - 1) if connection.swaps else 0
    units, glue = [], Item(Kind.GLUE, (1.0, chosen + masked + swapped))
    if connection.gives_units:
        units, glue = _unit_queue(connection, glue)
    return [*units, glue, *_lanes(connection)]


def _unit_queue(connection: ConnectionDesign, glue: Item) -> tuple[list[Item], Item]:
    """The queue of units, apart where it is in block RAM, and ``glue`` with it where it is not."""
    design, width = connection.unit_queue, sum(connection.unit_fields.values())
    if design.blocks:
        return [_ram_queue(width, design)], glue
    return [], Item(glue.kind, glue.features, distributed=distributed_rams(width, design))


def _lanes(connection: ConnectionDesign) -> list[Item]:
    """The event lanes of a connection, those of one size together."""
    neurons, queues = connection.neurons, connection.queues
    weight_width = neurons * connection.connection.weight_bits
    shift = 1 if connection.lane_planes > 1 or connection.separate_planes > 1 else 0
    # What turns a weight where it is subtracted is about as much as what shifts so many bits.
    turned = (weight_width + 2 * neurons) * connection.signed_trains
    items = []
    for lane, count in Counter(connection.lane_designs).items():
        sum_width = neurons * lane.sums.bits
        distributed = []
        queue_luts = []
        for design, width in ((queues.words, lane.word_bits), (queues.sums, sum_width)):
            if design is None:
                queue_luts.append(0)
            elif design.blocks:
                items.append(_ram_queue(width, design, count))
                queue_luts.append(0)
            else:
                distributed += distributed_rams(width, design)
                luts = width if design.registers else distributed_luts(width, design.depth)
                queue_luts.append(luts)
        words, sums = queue_luts
        banks = weight_banks(
            lane.words,
            weight_width,
            connection.weight_memory,
            split=connection.lane_style.memory_banks,
        )
        features = (
            1.0,
            lane.taps * lane.planes,
            words,
            sum_width,
            sum_width * shift + turned,
            sums,
            index_bits(lane.words),
        )
        kind = _lane_kind(connection, lane)
        items.append(Item(kind, features, banks.banks, count, tuple(distributed)))
        if banks.selected > 1:
            selected = weight_width * (banks.selected - 1)
            items.append(Item(Kind.GLUE, (0.0, selected), count=count))
    return items


def _lane_kind(connection: ConnectionDesign, lane: LaneDesign) -> Kind:
    """A lane that has block RAM for queues has all registers that one which is alone lacks."""
    apart = connection.queues.words is not None and connection.queues.words.blocks
    if lane.planes > 1:
        return Kind.LANE_OF_PLANES_QUEUED if apart else Kind.LANE_OF_PLANES
    return Kind.LANE_QUEUED if apart else Kind.LANE


def _ram_queue(width: int, design: QueueDesign, count: int = 1) -> Item:
    return Item(Kind.RAM_QUEUE, (1.0, width), (queue_memory(width, design.depth),), count)


def _direct(connection: ConnectionDesign) -> list[Item]:
    """A direct lane, and what picks its neurons' channels."""
    neurons, rows = connection.neurons, connection.slab_rows
    words = connection.groups * len(connection.geometry.slabs) * rows
    width = neurons * connection.connection.weight_bits
    sums = neurons * connection.direct_sums.bits
    constants, memories = words * width / CONSTANT_BITS, ()
    if words > CONSTANT_WORDS:
        constants, memories = 0, (weight_memory(words, width, connection.weight_memory),)
    gates = neurons * rows * (min(connection.groups, connection.connection.in_channels) - 1)
    waiting = distributed_rams(sums, QueueDesign(DIRECT_SUM_QUEUE_DEPTH))
    units, glue = [], Item(Kind.GLUE, (1.0, gates))
    if connection.gives_units:
        units, glue = _unit_queue(connection, glue)
    features = (1.0, neurons * rows, sums, constants)
    return [*units, Item(Kind.DIRECT, features, memories, distributed=waiting), glue]


def _neurons(design: LayerDesign) -> list[Item]:
    """Pool and neurons, or sums; and what lets neurons take turns."""
    firing, style = design.firing, design.style
    current = design.current.bits
    pooled = design.neurons * current
    items = []
    if not design.graph:
        luts, memories, small = scratch(style, design.accumulated_currents)
        features = (1.0, pooled * (design.positions > 1), luts, pooled * design.cumulative)
        items.append(Item(Kind.POOL, features, memories, distributed=small))

    groups = design.groups * design.turns
    rate = design.network.coding == Coding.RATE
    table = firing * Interval.of(design.bias).bits
    if design.fires:
        largest = int(design.parameters.threshold.max())
        table += firing * Interval(0, largest).bits * (2 if rate else 1)
    sides = 1
    if design.fires and design.parameters.signed and not design.parameters.neurons.linear:
        # What lies below L is found beside the potential, and has constants of its own.
        sides = 2
        largest = design.parameters.largest_threshold
        table += firing * (Interval.of(design.bias).bits + Interval(0, largest).bits)
    tables = table * ceil_div(groups, CONSTANT_BITS) if groups > 1 else 0
    luts, memories, distributed = scratch(style, design.waiting_states if rate else None)
    potential = firing * design.bounds.potential.bits
    if rate and sides == 1 and design.fires and design.parameters.signed and not design.cumulative:
        # A gate for each bit of a current, about half of what a bit of a potential takes.
        potential += firing * current / 2
    features = (1.0, potential * sides, firing * current * sides, luts, tables, firing)
    kind = Kind.SUMS
    if design.fires:
        kind = Kind.RATE_NEURONS if rate else Kind.RADIX_NEURONS
    items.append(Item(kind, features, memories, distributed=distributed))
    if design.fires:
        items.append(Item(Kind.TWO_REGISTERS, (1.0, design.neurons)))
    if design.turns > 1:
        luts, memories, distributed = scratch(style, design.waiting_trains)
        items.append(Item(Kind.TURNS, (1.0, pooled, luts), memories, distributed=distributed))
        if style.path_registers:
            items.append(Item(Kind.TWO_REGISTERS, (1.0, firing * current)))
    return items


def _streamed(design: LayerDesign) -> list[Item]:
    """A streamed readout: lanes without a buffer, and sums of an image."""
    (connection,) = design.connections
    lanes, total = connection.lanes, design.neurons * design.current.bits
    units, distributed = [], ()
    if connection.unit_queue.blocks:
        units = [_ram_queue(MAP_UNIT_BITS, connection.unit_queue)]
    else:
        distributed = distributed_rams(MAP_UNIT_BITS, connection.unit_queue)
    return [
        *units,
        *_lanes(connection),
        Item(Kind.JOIN, (1.0, total * (lanes - 1), float(lanes))),
        Item(Kind.MAP_SUM, (1.0, total), distributed=distributed),
    ]
