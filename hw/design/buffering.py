"""How many rows each connection's buffer needs, so that the whole graph never stands still.

A model of rows: a layer gives out a whole row at once, when all rows that it needs are there and
every buffer that keeps the row has a free slot; after it, rows that no later one needs are given
back. docs/hardware.md says why the hardware runs on wherever this model does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...golden.network.network import IMAGE, Network
from .folding import Folding
from .geometry import window_geometry
from .map_part import map_part

#: Rows of each connection of each layer.
Rows = tuple[tuple[int, ...], ...]

#: Images that the model is run for. The state between two images repeats from the second on.
MODEL_IMAGES = 4


@dataclass
class _Buffer:
    """One connection in the model."""

    layer: int
    number: int
    source: int
    kept: frozenset[int]  # rows of the source's map
    needed: tuple[int, ...]  # per row of the layer, see ``WindowGeometry``
    released: tuple[int, ...]
    slots: int = 0
    filled: int = 0


@dataclass
class _Node:
    """The image, or a layer."""

    rows: int
    inputs: list[_Buffer] = field(default_factory=list)
    outputs: list[_Buffer] = field(default_factory=list)
    done: int = 0

    @property
    def row(self) -> int:
        return self.done % self.rows

    def has_rows(self) -> bool:
        return all(buffer.filled >= buffer.needed[self.row] for buffer in self.inputs)

    def full(self) -> list[_Buffer]:
        """Buffers that keep the next row and have no free slot."""
        return [b for b in self.outputs if self.row in b.kept and b.filled == b.slots]


def fewest_spare_rows(network: Network) -> Rows:
    """Fewest spare rows of each connection with which the row model runs over several images.

    Where it stands still, a buffer is full whose layer waits for rows over another connection:
    that one gets a slot more. None of the spare rows found this way can be spared alone.
    """
    spare = {
        (index, number): 0
        for index, layer in enumerate(network.layers)
        for number in range(len(layer.connections))
    }
    blocked = blocking_connection(network, _rows(network, spare))
    while blocked is not None:
        spare[blocked] += 1
        blocked = blocking_connection(network, _rows(network, spare))
    for key in spare:
        while spare[key]:
            fewer = spare | {key: spare[key] - 1}
            if blocking_connection(network, _rows(network, fewer)) is not None:
                break
            spare = fewer
    return _rows(network, spare)


def default_spare_rows(network: Network) -> Rows:
    """The fewest spare rows, and what lets each source run ahead by one row of outputs."""
    return tuple(
        tuple(
            rows + window_geometry(network, index, number, 1).spare_rows
            for number, rows in enumerate(layer)
        )
        for index, layer in enumerate(fewest_spare_rows(network))
    )


def folded_spare_rows(network: Network, folding: Folding) -> Rows:
    """The default spare rows, and those that each layer's folding adds."""
    return tuple(
        fold.rows_beside(rows)
        for rows, fold in zip(default_spare_rows(network), folding, strict=True)
    )


def blocking_connection(network: Network, spare_rows: Rows) -> tuple[int, int] | None:
    """(layer, connection) whose full buffer makes the model stand still; None where it runs on."""
    nodes = row_model(network, spare_rows)
    total = {index: node.rows * MODEL_IMAGES for index, node in nodes.items()}
    moved = True
    while moved:
        moved = False
        for index, node in nodes.items():
            while node.done < total[index] and node.has_rows() and not node.full():
                for buffer in node.outputs:
                    buffer.filled += node.row in buffer.kept
                for buffer in node.inputs:
                    buffer.filled -= buffer.released[node.row]
                node.done += 1
                moved = True
    if all(node.done == total[index] for index, node in nodes.items()):
        return None
    # The last layer with a full buffer behind it: what follows waits for rows, not for slots.
    full = [buffer for node in nodes.values() for buffer in node.full() if node.has_rows()]
    found = max(full, key=lambda buffer: buffer.source)
    return found.layer, found.number


def row_model(network: Network, spare_rows: Rows) -> dict[int, _Node]:
    nodes = {IMAGE: _Node(network.input_shape[1])}
    for index, layer in enumerate(network.layers):
        shape = network.shapes[index]
        nodes[index] = node = _Node(shape.output[1])
        for number, connection in enumerate(layer.connections):
            geometry = window_geometry(network, index, number, 1, spare_rows[index][number])
            part = map_part(connection, shape.inputs[number], shape.conv[1:], 1)
            rows = range(geometry.output[0])
            buffer = _Buffer(
                layer=index,
                number=number,
                source=connection.source,
                kept=frozenset(part.rows),
                needed=tuple(geometry.rows_needed(row) for row in rows),
                released=tuple(geometry.rows_released(row) for row in rows),
                slots=geometry.slots,
            )
            node.inputs.append(buffer)
            nodes[connection.source].outputs.append(buffer)
    return nodes


def _rows(network: Network, spare: dict[tuple[int, int], int]) -> Rows:
    return tuple(
        tuple(spare[index, number] for number in range(len(layer.connections)))
        for index, layer in enumerate(network.layers)
    )
