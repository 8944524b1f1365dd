"""What a design is counted in: components of a few kinds, and what they take of a device."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...golden.basics.arithmetic import ceil_div
from ..design.queues import QueueDesign
from ..design.style import Style
from ..memories.memory_shape import DISTRIBUTED_LUTS, MemoryShape, scratch_memory


class Kind(StrEnum):
    """Kinds of components, each with coefficients of its own."""

    RAM_QUEUE = "ram_queue"
    COLUMN_BUFFER = "column_buffer"
    ROW_BUFFER = "row_buffer"
    DIRECT = "direct"
    FRAME = "frame"
    GATHER = "gather"
    GLUE = "glue"
    GRAPH_LANE = "graph_lane"
    GRAPH_POOL = "graph_pool"
    GRAPH_WINDOWS = "graph_windows"
    JOIN = "join"
    LANE = "lane"
    LANE_QUEUED = "lane_queued"  # beside others, its queues apart from it
    LANE_OF_PLANES = "lane_of_planes"
    LANE_OF_PLANES_QUEUED = "lane_of_planes_queued"
    MAP_SUM = "map_sum"
    POOL = "pool"
    RADIX_NEURONS = "radix_neurons"
    RATE_NEURONS = "rate_neurons"
    SERIAL = "serial"
    SUMS = "sums"
    TURNS = "turns"
    TWO_REGISTERS = "two_registers"
    # Of memories, not of components.
    CONSTANT_BITS = "constant_bits"
    REGISTER_BITS = "register_bits"


#: Event lanes of any kind.
LANES = (Kind.LANE, Kind.LANE_QUEUED, Kind.LANE_OF_PLANES, Kind.LANE_OF_PLANES_QUEUED)
#: Window buffers of either layout.
BUFFERS = (Kind.COLUMN_BUFFER, Kind.ROW_BUFFER)


@dataclass(frozen=True)
class Item:
    """So many equal components.

    Attributes:
        kind: whose coefficients they have.
        features: what its look-up tables are linear in; the first is 1.
        memories: of each component, whose cells are not among the features.
        distributed: of each component, in distributed RAM: its cells are among the features.
    """

    kind: Kind
    features: tuple[float, ...]
    memories: tuple[MemoryShape, ...] = ()
    count: int = 1
    distributed: tuple[MemoryShape, ...] = ()


@dataclass(frozen=True)
class Area:
    """What a component, a layer or the whole design takes of a device.

    Attributes:
        luts: 4-input look-up tables as nextpnr counts them; on iCE40 and Gowin logic cells, as a
            register with no look-up table of its own in front takes one as well.
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


def distributed_rams(width: int, design: QueueDesign) -> tuple[MemoryShape, ...]:
    """The memory of a queue that is not in block RAM; none where it is registers."""
    return () if design.registers else (MemoryShape(design.depth, width, width, None),)


def distributed_luts(width: int, words: int = 1) -> int:
    """Look-up tables of a memory in 16 x 4 distributed RAMs."""
    return ceil_div(width, 4) * ceil_div(words, 16) * DISTRIBUTED_LUTS


def scratch(
    style: Style, memory: tuple[int, int] | None
) -> tuple[int, tuple[MemoryShape, ...], tuple[MemoryShape, ...]]:
    """A memory (words, width) that is read at once: look-up tables, or what it is apart from them.

    Distributed RAM is the former, registers, where there is none, the latter. The last of the three
    are the memories in distributed RAM.
    """
    if memory is None:
        return 0, (), ()
    words, width = memory
    shape = scratch_memory(width, words)
    # Where queues have to be in block RAM, there is no distributed RAM.
    if style.ram_queues:
        return 0, (shape,), ()
    return distributed_luts(width, words), (), (shape,)
