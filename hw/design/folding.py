"""Folding of a network: P neurons and E event lanes of each layer, and what holds its bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...golden.basics.arithmetic import ceil_div
from ...golden.errors import RheobaseError
from ...golden.network.network import IMAGE, Connection, Network
from ...golden.network.windows import tap_offsets
from ..basics.checks import check_range
from .lane_obstacles import graph_obstacle, serial_obstacle
from .partition import largest_lanes
from .style import FAST, Style
from .synapses import is_direct, is_streamed, seen_channels


class WeightMemory(StrEnum):
    """What holds the weights of a layer. A distributed RAM is for what is written: not these."""

    BLOCK = "block"  #: block RAM
    LOGIC = "logic"  #: look-up tables: a read-only memory of 16 words takes one for each bit


class LaneKind(StrEnum):
    """What adds up the windows of a layer."""

    EVENTS = "events"  #: E lanes that search events; direct ones where the kernel is depthwise
    GRAPH = "graph"  #: constant adders for all channels, a plane of a window in each cycle
    SERIAL = "serial"  #: P adders that go through a linear layer's sums for each event


class LaneChoice(StrEnum):
    """Which kinds of lanes the search may give a layer."""

    EVENTS = "events"
    GRAPH = "graph"  #: a graph wherever a layer can have one
    SERIAL = "serial"  #: serial wherever a layer can be
    AUTO = "auto"  #: what takes least for the time that is aimed at


@dataclass(frozen=True)
class LayerFolding:
    """Folding of one layer.

    Attributes:
        neurons: P.
        lanes: E of each connection as a tuple (not read, 0 say, where the lane is direct), or the
            E of the connection with the largest window, of which the others get their share.
        row_words: per connection, whether a word of its buffer holds a pixel of one row and not a
            column of all rows: fewer block RAMs where that is wide and not deep, and weights
            that all rows of a ``sum_pool`` share, at a kernel row a cycle and E up to the
            channels. None for the default: where there is a ``sum_pool``. Pixels have none.
        weight_memory: what holds the weights; None for blocks where they are worth one.
        firing: F, a divisor of P: how many neurons fire at once, P / F times for each group. None
            for all P.
        extra_rows: per connection, rows that its buffer has beside the fewest that keep the
            pipeline moving: they even out rows that take longer than others. None for none.
        style: how it is built where speed and cells are at odds.
        large_rows: per connection, whether its buffer of row words is a memory of a single port,
            as the large RAMs of an iCE40 UltraPlus are: a word that is written holds up a read.
            None for none.
        lane_kind: what adds up the windows. With ``GRAPH``, P is all output channels, and
            ``lanes``, ``row_words`` and ``weight_memory`` are not read. With ``SERIAL`` ``lanes``,
            ``row_words`` and ``extra_rows`` are not, as nothing of a map is stored.
    """

    neurons: int
    lanes: int | tuple[int, ...]
    row_words: tuple[bool, ...] | None = None
    weight_memory: WeightMemory | None = None
    firing: int | None = None
    extra_rows: tuple[int, ...] | None = None
    style: Style = FAST
    large_rows: tuple[bool, ...] | None = None
    lane_kind: LaneKind = LaneKind.EVENTS

    @property
    def graph(self) -> bool:
        """An adder graph adds up its windows."""
        return self.lane_kind is LaneKind.GRAPH

    @property
    def serial(self) -> bool:
        """Its weights are added one after another."""
        return self.lane_kind is LaneKind.SERIAL

    def streamed(self, network: Network, index: int) -> bool:
        """Whether layer ``index`` is a streamed readout (``is_streamed``)."""
        return self.lane_kind is LaneKind.EVENTS and is_streamed(network, index, self.neurons)

    def is_large(self, number: int) -> bool:
        """Whether the buffer of connection ``number`` is a memory of a single port."""
        return self.large_rows is not None and self.large_rows[number]

    @property
    def turns(self) -> int:
        """How often neurons fire for each group of P channels."""
        return 1 if self.firing is None else self.neurons // self.firing

    def rows_beside(self, rows: Sequence[int]) -> tuple[int, ...]:
        """``rows`` of each connection's buffer, and the extra ones."""
        extra = self.extra_rows or (0,) * len(rows)
        return tuple(fewest + more for fewest, more in zip(rows, extra, strict=True))


Folding = tuple[LayerFolding, ...]


def connection_lanes(network: Network, index: int, fold: LayerFolding) -> tuple[int, ...]:
    """E of each connection of layer ``index``; 0 where the lane is direct, a graph, or serial.

    Where ``fold`` has one number, a smaller window gets lanes in proportion, at least one.
    """
    connections = network.layers[index].connections
    if fold.lane_kind is not LaneKind.EVENTS:
        return (0,) * len(connections)
    if isinstance(fold.lanes, tuple):
        return tuple(
            0 if is_direct(connection) else lanes
            for connection, lanes in zip(connections, fold.lanes, strict=True)
        )
    sizes = [
        0 if is_direct(connection) else _event_planes(network, connection) * _taps(connection)
        for connection in connections
    ]
    largest = max(sizes)
    return tuple(
        0
        if is_direct(connection)
        else min(most_lanes(connection, fold.neurons, rows), ceil_div(fold.lanes * size, largest))
        for connection, size, rows in zip(
            connections, sizes, connection_row_words(network, index, fold), strict=True
        )
    )


def connection_row_words(network: Network, index: int, fold: LayerFolding) -> tuple[bool, ...]:
    """Whether each connection of layer ``index`` has a buffer of row words."""
    connections = network.layers[index].connections
    if fold.lane_kind is not LaneKind.EVENTS:
        return (False,) * len(connections)
    chosen = fold.row_words or [connection.sum_pool is not None for connection in connections]
    return tuple(
        rows and connection.source != IMAGE
        for connection, rows in zip(connections, chosen, strict=True)
    )


def check_folding(network: Network, folding: Folding) -> None:
    """Raise ``RheobaseError`` naming the layer whose P or E is out of range."""
    if len(folding) != len(network.layers):
        raise RheobaseError(
            f"folding: {len(folding)} layers, must be one P and E for each of the "
            f"{len(network.layers)} layers"
        )
    for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True)):
        where = f"of layer {layer.name!r}"
        _check(f"P {where}", fold.neurons, layer.out_channels)
        if fold.row_words is not None and len(fold.row_words) != len(layer.connections):
            raise RheobaseError(
                f"folding: row_words {where} has {len(fold.row_words)} values, must be one for "
                f"each of its {len(layer.connections)} connections"
            )
        _check_firing(network, index, fold)
        _check_extra_rows(where, fold, len(layer.connections))
        _check_large_rows(where, fold, connection_row_words(network, index, fold))
        if fold.graph:
            check_graph(network, index, fold.neurons)
            continue
        if fold.serial:
            obstacle = serial_obstacle(network, index)
            if obstacle is not None:
                raise RheobaseError(f"folding: serial layer {layer.name!r} {obstacle}")
            continue
        most = [
            None if is_direct(connection) else most_lanes(connection, fold.neurons, rows)
            for connection, rows in zip(
                layer.connections, connection_row_words(network, index, fold), strict=True
            )
        ]
        if fold.streamed(network, index):
            # Its lanes share the words of its source as they come.
            most = [folding[layer.connections[0].source].neurons]
        if not isinstance(fold.lanes, tuple):
            _check(f"E {where}", fold.lanes, max((high for high in most if high), default=None))
            continue
        if len(fold.lanes) != len(most):
            raise RheobaseError(
                f"folding: E {where} has {len(fold.lanes)} values, must be one for each of its "
                f"{len(most)} connections"
            )
        for number, (lanes, high) in enumerate(zip(fold.lanes, most, strict=True)):
            if high is not None:
                _check(f"E of connection {number} {where}", lanes, high)


def check_graph(network: Network, index: int, neurons: int) -> None:
    """Raise ``RheobaseError`` unless layer ``index`` can have a graph lane with that P."""
    layer = network.layers[index]
    obstacle = graph_obstacle(network, index)
    if obstacle is not None:
        raise RheobaseError(f"folding: layer {layer.name!r} with a graph lane {obstacle}")
    if neurons != layer.out_channels:
        raise RheobaseError(
            f"folding: P of layer {layer.name!r} with a graph lane is {neurons}, must be its "
            f"{layer.out_channels} output channels"
        )


def _check_firing(network: Network, index: int, fold: LayerFolding) -> None:
    layer = network.layers[index]
    if fold.firing is None:
        return
    fires = layer.threshold is not None
    accepted = [
        firing
        for firing in range(1, fold.neurons + 1)
        if fold.neurons % firing == 0 and (fires or firing == fold.neurons)
    ]
    if isinstance(fold.firing, bool) or fold.firing not in accepted:
        raise RheobaseError(
            f"folding: firing neurons (F) of layer {layer.name!r} is {fold.firing!r}, must be "
            f"one of {', '.join(map(str, accepted))}"
        )


def _check_extra_rows(where: str, fold: LayerFolding, connections: int) -> None:
    rows = fold.extra_rows
    if rows is None:
        return
    if len(rows) != connections or any(not isinstance(n, int) or n < 0 for n in rows):
        raise RheobaseError(
            f"folding: extra_rows {where} is {rows!r}, must be an integer >= 0 for each of its "
            f"{connections} connections"
        )


def _check_large_rows(where: str, fold: LayerFolding, row_words: Sequence[bool]) -> None:
    large = fold.large_rows
    if large is None:
        return
    if len(large) != len(row_words) or any(
        chosen and not by_row for chosen, by_row in zip(large, row_words, strict=True)
    ):
        raise RheobaseError(
            f"folding: large_rows {where} is {large!r}, must be True for connections of row "
            f"words alone, {tuple(row_words)!r} here"
        )


def _check(what: str, value: object, high: int | None) -> None:
    """``value`` is in 1..``high``; where that is None nothing reads it."""
    check_range("folding", what, value, 0 if high is None else 1, high)


def _taps(connection: Connection) -> int:
    """Inputs that a window of ``connection`` holds, all channels together."""
    return connection.in_channels * connection.kernel[0] * connection.kernel[1] * connection.area


def _event_planes(network: Network, connection: Connection) -> int:
    """How many events an input can be in a layer's whole time."""
    return 8 if connection.source == IMAGE else network.steps_of(connection.source)


def most_lanes(connection: Connection, neurons: int, row_words: bool) -> int:
    """Largest E of a connection: the bits of a slab that one group of neurons sees."""
    rows, columns = (len(tap_offsets(connection, axis)) for axis in range(2))
    if connection.source != IMAGE:
        columns = 1
    return largest_lanes(1 if row_words else rows, columns, seen_channels(connection, neurons))
