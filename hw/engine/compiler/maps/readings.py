"""What each layer reads of which map: connections that see maps side by side are one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from .....golden.basics.arithmetic import ceil_div
from .....golden.network.bounds import fed_channels
from .....golden.network.network import IMAGE, Coding, Connection, Network
from ...design import DIGIT_BITS, WORD_DIGITS
from ...program import Kind
from ...trains import TrainFormat
from .positions import Positions, layer_positions
from .stored_maps import ImageView, Member, Source, StoredMap
from .taps import Taps, axis_taps


@dataclass(frozen=True, eq=False)
class Reading:
    """Connections of a layer that see one source with windows of one kind.

    Attributes:
        source: what they see.
        connections: and where in the source channel 0 of each one's own source lies.
        rows, columns: what a window reaches.
    """

    source: Source
    connections: tuple[tuple[Connection, int], ...]
    rows: Taps
    columns: Taps

    @property
    def marked(self) -> bool:
        """What is seen depends on ``Taps.marks``."""
        return self.rows.marks is not None or self.columns.marks is not None

    def channels(self, first: int, end: int) -> tuple[int, int] | None:
        """(first, end) of the source's channels that the layer's from ``first`` to ``end`` see."""
        ranges = [
            seen
            for connection, start in self.connections
            if (seen := _seen(connection, start, first, end))
        ]
        return (min(s[0] for s in ranges), max(s[1] for s in ranges)) if ranges else None

    def weight(self, first: int, end: int) -> np.ndarray:
        """Weights of the layer's channels from ``first`` to ``end``.

        Returns:
            int64, (channels, channels of the source from the first that is seen on, kinds of rows,
            kinds of columns).
        """
        seen = self.channels(first, end)
        if seen is None:
            raise ValueError("none of these channels sees the source")
        kernel = self.connections[0][0].kernel
        dense = np.zeros((end - first, seen[1] - seen[0], *kernel), np.int64)
        for connection, start in self.connections:
            fed = fed_channels(connection)
            fan_in, fan_out = connection.weight.shape[1], _fan_out(connection)
            for group in range(connection.groups):
                low = max(first, fed.start + group * fan_out)
                high = min(end, fed.start + (group + 1) * fan_out)
                if low < high:
                    at = start + connection.in_start + group * fan_in - seen[0]
                    dense[low - first : high - first, at : at + fan_in] += connection.weight[
                        low - fed.start : high - fed.start
                    ]
        if self._plain:
            return dense
        return np.einsum("oikl,rk,cl->oirc", dense, self.rows.counts, self.columns.counts)

    @cached_property
    def _plain(self) -> bool:
        """Every kind of row and column is one of the kernel's own."""
        return all(
            np.array_equal(taps.counts, np.eye(taps.counts.shape[1]))
            for taps in (self.rows, self.columns)
        )

    @cached_property
    def extremes(self) -> tuple[int, int]:
        """Least and greatest weight, of 0 and all."""
        least = greatest = 0
        for connection, _ in self.connections:
            weight = connection.weight
            if not self._plain:
                counts = self.rows.counts, self.columns.counts
                weight = np.einsum("oikl,rk,cl->oirc", weight.astype(np.int64), *counts)
            least, greatest = min(least, int(weight.min())), max(greatest, int(weight.max()))
        return least, greatest


@dataclass(frozen=True)
class Readings:
    """Of a network.

    Attributes:
        of_layers: of each layer.
        maps: all that are written.
        map_of: of each layer, the one that it writes.
    """

    of_layers: tuple[tuple[Reading, ...], ...]
    maps: tuple[StoredMap, ...]
    map_of: tuple[StoredMap, ...]


def network_readings(network: Network) -> Readings:
    """Maps of ``network`` and what its layers read of them."""
    maps = _stored_maps(network)
    map_of = {member.layer: stored for stored in maps for member in stored.members}
    of_layers = []
    for index, layer in enumerate(network.layers):
        positions = layer_positions(network, index)
        readings = []
        for cluster in _clusters(network, index):
            sources = [layer.connections[number].source for number in cluster]
            # Weights of one map that is seen twice would add up to wider ones.
            apart = sources[0] == IMAGE or len(set(sources)) < len(sources)
            if apart or len({map_of[source] for source in sources}) > 1:
                clusters = [(number,) for number in cluster]
            else:
                clusters = [cluster]
            for numbers in clusters:
                readings += _readings(network, index, numbers, map_of, positions)
        of_layers.append(tuple(readings))
    return Readings(tuple(of_layers), maps, tuple(map_of[i] for i in range(len(network.layers))))


def _readings(
    network: Network,
    index: int,
    numbers: tuple[int, ...],
    map_of: dict[int, StoredMap],
    positions: Positions,
) -> list[Reading]:
    """What connections ``numbers`` of a layer see of one source: together, all of it."""
    layer = network.layers[index]
    connections = [layer.connections[number] for number in numbers]
    first = connections[0]
    size = network.shapes[index].inputs[numbers[0]][1:]
    all_rows = axis_taps(first, 0, size[0], positions.rows)
    all_columns = axis_taps(first, 1, size[1], positions.columns)
    if first.source == IMAGE:
        (rows,), (columns,) = all_rows, all_columns
        top, left = -rows.first, -columns.first
        view = ImageView(
            first_channel=first.in_start,
            channels=first.in_channels,
            bottom=rows.limit,
            right=columns.limit,
            rows=(positions.rows - 1) * rows.step + rows.offsets[-1] + top + 1,
            supers=(positions.columns - 1) * columns.step + columns.offsets[-1] + left + 1,
            row_step=1,
            super_step=1,
            pixel_rows=(-top,),
            pixel_columns=(-left,),
            marked_rows=(-top,),
            marked_columns=(-left,),
        )
        rows, columns = rows.shifted(top, view.rows), columns.shifted(left, view.columns)
        return [Reading(view, ((first, 0),), rows, columns)]
    source = map_of[first.source]
    placed = tuple((one, source.member(one.source).first) for one in connections)
    return [
        Reading(source, placed, rows.in_digit_rows(source.digit_rows), columns)
        for rows, columns in product(all_rows, all_columns)
    ]


def _seen(connection: Connection, start: int, first: int, end: int) -> tuple[int, int] | None:
    """The source's channels that the layer's from ``first`` to ``end`` see over a connection."""
    fed = fed_channels(connection)
    low, high = max(first, fed.start) - fed.start, min(end, fed.stop) - fed.start
    if low >= high:
        return None
    fan_in, fan_out = connection.weight.shape[1], _fan_out(connection)
    start += connection.in_start
    return start + low // fan_out * fan_in, start + ((high - 1) // fan_out + 1) * fan_in


def _fan_out(connection: Connection) -> int:
    """Output channels of a group."""
    return connection.out_channels // connection.groups


def _clusters(network: Network, index: int) -> list[tuple[int, ...]]:
    """Connections of a layer, those together that see whole maps of one size in the same way."""
    clusters: dict[object, list[int]] = defaultdict(list)
    shape = network.shapes[index]
    for number, connection in enumerate(network.layers[index].connections):
        source = shape.inputs[number]
        key: object = number
        if (
            connection.source != IMAGE
            and connection.groups == 1
            and connection.in_channels == source[0]
        ):
            key = (
                connection.out_channels,
                connection.out_start,
                connection.kernel,
                connection.stride,
                connection.padding,
                connection.dilation,
                connection.sum_pool,
                source[1:],
            )
        clusters[key].append(number)
    return [tuple(cluster) for cluster in clusters.values()]


def _stored_maps(network: Network) -> tuple[StoredMap, ...]:
    """A map for each layer, or for layers that all others see side by side in one way."""
    seen_with: dict[int, set[tuple[int, ...]]] = defaultdict(set)
    for index, layer in enumerate(network.layers):
        for cluster in _clusters(network, index):
            sources = tuple(sorted(layer.connections[number].source for number in cluster))
            for source in sources:
                seen_with[source].add(sources)
    groups: dict[tuple[int, ...], None] = {}
    for index in range(len(network.layers)):
        together = seen_with.get(index, set())
        sources = next(iter(together)) if len(together) == 1 else (index,)
        alike = (
            len(set(sources)) == len(sources)
            and all(seen_with[source] == together for source in sources)
            and len({_number_format(network, source) for source in sources}) == 1
        )
        groups[sources if alike else (index,)] = None
    return tuple(_stored_map(network, sources) for sources in groups)


def _number_format(network: Network, index: int) -> tuple[Kind, int, bool]:
    layer = network.layers[index]
    if layer.threshold is None:
        return Kind.CURRENTS, 0, True
    steps = network.steps_of(index)
    if network.coding == Coding.RATE:
        return Kind.DIGITS, 1, layer.signed
    return Kind.DIGITS if steps <= DIGIT_BITS else Kind.BYTES, steps, layer.signed


def _stored_map(network: Network, layers: Iterable[int]) -> StoredMap:
    members, first = [], 0
    for layer in layers:
        channels, rows, columns = network.shapes[layer].output
        members.append(Member(layer, first, channels))
        first += ceil_div(channels, WORD_DIGITS) * WORD_DIGITS
    kind, steps, signed = _number_format(network, members[0].layer)
    train = None
    if network.coding == Coding.RATE and kind != Kind.CURRENTS:
        train = TrainFormat(network.steps, signed)
        rows *= train.digits
    return StoredMap(tuple(members), kind, steps, signed, rows, columns, train)
