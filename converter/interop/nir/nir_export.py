"""An IF network as a NIR graph (docs/interop.md has the convention)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ....golden.basics.output_files import whole_file
from ....golden.errors import RheobaseError
from ....golden.network.has_network import HasNetwork, network_of
from ....golden.network.network import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    SumPool,
    sum_pool_shape,
)
from ....golden.network.unchecked_network import UncheckedNetwork
from . import nir_convention as convention

if TYPE_CHECKING:
    import nir

#: A firing threshold is met at equality; NIR's neuron fires above it. Integers never lie half a
#: unit apart, so with this much more both fire alike.
_HALF = 0.5


def export_nir(network: Network | HasNetwork, path: str | Path) -> None:
    """Write ``network``, or that of a conversion, to ``path`` as a NIR graph of the same integers.

    Raises:
        RheobaseError: NIR has no form for the network (``radix`` coding, neurons that fire
            signed), or the file cannot be written; a ``MachineError`` where ``nir`` is absent.
    """
    found = network_of(network)
    check_representable(found)
    shift = None
    if found.zero_point.any():
        shift = -found.zero_point.astype(np.float64)
    graph = nir_graph(found, gain=None, shift=shift, more_potential=_HALF)
    write_nir(graph, Path(path))


def write_nir(graph: nir.NIRGraph, path: Path) -> None:
    """Write ``graph`` to ``path``, whole or not at all."""
    import nir

    with whole_file(path) as file:
        nir.write(file, graph)


def check_representable(network: UncheckedNetwork) -> None:
    """Raise ``RheobaseError`` where NIR's IF neurons are not those of ``network``."""
    if network.coding != Coding.RATE:
        raise RheobaseError(
            f"network: {network.coding} coding, must be rate for NIR, whose spikes all count the "
            "same"
        )
    signed = [layer.name for layer in network.layers if layer.signed]
    if signed:
        raise RheobaseError(
            f"network: {', '.join(signed)} fire signed, must be neurons without negative spikes "
            "for NIR (convert with --no-take-back --growth inf)"
        )


def nir_graph(
    network: UncheckedNetwork,
    *,
    gain: np.ndarray | None,
    shift: np.ndarray | None,
    more_potential: float,
) -> nir.NIRGraph:
    """The graph of ``network``, whose weights may be integers or floating point.

    Args:
        gain, shift: (input channels,): what connections from the image see is gain * pixel +
            shift; 1 and 0 where None.
        more_potential: is added to every initial potential.
    """
    return _Writer(network, more_potential).graph(gain, shift)


class _Writer:
    """Collects nodes and edges, layer by layer."""

    def __init__(self, network: UncheckedNetwork, more_potential: float) -> None:
        self.network = network
        self.more_potential = more_potential
        self.nodes: dict[str, nir.NIRNode] = {}
        self.edges: list[tuple[str, str]] = []
        self.vectors = _vectors(network)
        #: Node that gives a layer's spikes, by the layer's index.
        self.spikes: dict[int, str] = {}

    def graph(self, gain: np.ndarray | None, shift: np.ndarray | None) -> nir.NIRGraph:
        import nir

        network = self.network
        shape = network.input_shape
        last = self._add("input", nir.Input({"input": np.array(shape)}))
        if gain is not None or shift is not None:
            weight = np.diag(np.ones(shape[0]) if gain is None else gain)[:, :, None, None]
            normalise = _convolution(
                Connection(IMAGE, weight), shape, np.zeros(shape[0]) if shift is None else shift
            )
            last = self._add("input.normalise", normalise, last)
        self.spikes[IMAGE] = last
        for index, layer in enumerate(network.layers):
            end = self._layer(index, layer)
            if index in network.outputs:
                shape = self._shape(index)
                name = "output" if len(network.outputs) == 1 else f"output.{layer.name}"
                self._add(name, nir.Output({"output": np.array(shape)}), end)
        return nir.NIRGraph(
            self.nodes,
            self.edges,
            metadata=convention.graph_metadata(network),
            type_check=False,
        )

    def _layer(self, index: int, layer: Layer) -> str:
        """Nodes of a layer; the name of the last one."""
        import nir

        fires = layer.threshold is not None
        ends = []
        for number, connection in enumerate(layer.connections):
            several = len(layer.connections) > 1
            name = layer.name if not fires and not several else f"{layer.name}.weight"
            bias = layer.bias if number == 0 else np.zeros_like(layer.bias)
            ends.append(self._connection(name, index, connection, bias))
        if layer.pool is not None:
            rows, columns = layer.pool.kernel, layer.pool.stride
            pool = nir.AvgPool2d(
                np.array(rows),
                np.array(columns),
                np.array(layer.pool.padding),
                metadata=convention.max_pool_metadata(layer.pool.rule),
            )
            ends = [self._add(f"{layer.name}.pool", pool, *ends)]
        if not fires and len(ends) == 1:
            return ends[0]
        if not fires:
            # Several edges into one node are summed, so a sum has a node of its own.
            ones = np.ones(self._shape(index), np.float32)
            return self._add(layer.name, nir.Scale(ones), *ends)
        assert layer.threshold is not None and layer.initial_potential is not None
        threshold, start = (
            _compact(np.broadcast_to(_per_map(values, self._shape(index)), self._shape(index)))
            for values in (layer.threshold, layer.initial_potential + self.more_potential)
        )
        neurons = nir.IF(
            r=np.ones_like(threshold),
            v_threshold=threshold,
            v_reset=np.zeros_like(threshold),
            metadata=convention.neuron_metadata(start),
        )
        self.spikes[index] = self._add(layer.name, neurons, *ends)
        return self.spikes[index]

    def _connection(self, name: str, index: int, connection: Connection, bias: np.ndarray) -> str:
        """Nodes of a connection; the name of the last one."""
        import nir

        network, source = self.network, connection.source
        last = self.spikes[source]
        shape = network.input_shape if source == IMAGE else network.shapes[source].output
        channels = len(bias)
        connection = _whole(connection, shape[0], channels)
        if connection.sum_pool is not None:
            last, shape = self._sum_pool(f"{name}.sum", connection.sum_pool, shape, last)
        if index not in self.vectors:
            return self._add(name, _convolution(connection, shape, bias), last)
        weight = _dense(connection, shape[0], channels).reshape(channels, -1)
        if source not in self.vectors:
            flatten = nir.Flatten({"input": np.array(shape)}, start_dim=0, end_dim=-1)
            last = self._add(f"{name}.flatten", flatten, last)
        weight = _compact(weight)
        linear = nir.Affine(weight, _compact(bias)) if bias.any() else nir.Linear(weight)
        return self._add(name, linear, last)

    def _sum_pool(
        self, name: str, sums: SumPool, shape: tuple[int, int, int], last: str
    ) -> tuple[str, tuple[int, int, int]]:
        import nir

        size = sum_pool_shape(sums, shape[1:])
        padding = sums.padding[:2]
        if padding != sums.padding[2:]:
            # A kernel of one puts zeros around the map, more of them on one side.
            one = np.ones((shape[0], 1, 1, 1))
            alone = Connection(IMAGE, one, padding=sums.padding, groups=shape[0])
            node = _convolution(alone, shape, np.zeros(shape[0]))
            last = self._add(f"{name}.pad", node, last)
            padding = (0, 0)
        fields = (np.array(values) for values in (sums.kernel, sums.stride, padding))
        node = nir.SumPool2d(*fields)
        return self._add(name, node, last), (shape[0], *size)

    def _shape(self, index: int) -> tuple[int, ...]:
        """What an output or a layer's neurons are in the graph."""
        shape = self.network.shapes[index].output
        return shape[:1] if index in self.vectors else shape

    def _add(self, name: str, node: nir.NIRNode, *sources: str) -> str:
        """The name that the node got: HDF5 takes a slash for a folder, and names are unique."""
        base = name = name.replace("/", "|").strip(".") or "node"
        number = 2
        while name in self.nodes:
            name, number = f"{base}#{number}", number + 1
        self.nodes[name] = node
        self.edges += [(source, name) for source in sources]
        return name


def _vectors(network: UncheckedNetwork) -> set[int]:
    """Layers that are linear on flattened maps, and are seen by such layers alone."""
    found = {
        index
        for index, layer in enumerate(network.layers)
        if layer.pool is None
        and all(
            _covers(connection, shape)
            for connection, shape in zip(
                layer.connections, network.shapes[index].inputs, strict=True
            )
        )
    }
    while True:
        refused = {
            connection.source
            for index, layer in enumerate(network.layers)
            for connection in layer.connections
            if connection.source in found
            and (index not in found or connection.sum_pool is not None)
        }
        if not refused:
            return found
        found -= refused


def _covers(connection: Connection, source: tuple[int, int, int]) -> bool:
    """Whether the kernel is as large as the map that it sees."""
    size = source[1:]
    if connection.sum_pool is not None:
        size = sum_pool_shape(connection.sum_pool, size)
    return connection.kernel == tuple(size) == connection.extent and not any(connection.padding)


def _whole(connection: Connection, source_channels: int, channels: int) -> Connection:
    """The connection with all of its source's and its layer's channels; absent weights are 0."""
    if (connection.in_channels, connection.out_channels) == (source_channels, channels):
        return connection
    weight = _dense(connection, source_channels, channels)
    return replace(connection, weight=weight, groups=1, in_start=0, out_start=0)


def _dense(connection: Connection, source_channels: int, channels: int) -> np.ndarray:
    """Weights (channels, source channels, rows, columns) of all channels, without groups."""
    weight = connection.weight
    dense = np.zeros((channels, source_channels, *connection.kernel), weight.dtype)
    outputs, inputs = len(weight) // connection.groups, weight.shape[1]
    for group in range(connection.groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        first = connection.in_start + group * inputs
        into = dense[connection.out_start + rows.start : connection.out_start + rows.stop]
        into[:, first : first + inputs] = weight[rows]
    return dense


def _convolution(connection: Connection, shape: tuple[int, ...], bias: np.ndarray) -> nir.Conv2d:
    """``connection`` as a node; NIR pads both sides alike, so a kernel gets zeros where not."""
    import nir

    weight, dilation, padding = connection.weight, list(connection.dilation), []
    for axis in (0, 1):
        before, after = connection.padding[axis], connection.padding[axis + 2]
        both = max(before, after, 0)
        padding.append(both)
        missing = (both - before, both - after)
        if any(steps % dilation[axis] for steps in missing):
            weight = _spread(weight, axis + 2, dilation[axis])
            dilation[axis] = 1
        zeros = [(0, 0)] * 4
        zeros[axis + 2] = (missing[0] // dilation[axis], missing[1] // dilation[axis])
        weight = np.pad(weight, zeros)
    return nir.Conv2d(
        input_shape=(int(shape[1]), int(shape[2])),
        weight=_compact(weight),
        stride=connection.stride,
        padding=(padding[0], padding[1]),
        dilation=(dilation[0], dilation[1]),
        groups=connection.groups,
        bias=_compact(bias),
    )


def _spread(weight: np.ndarray, axis: int, dilation: int) -> np.ndarray:
    """The same kernel without dilation: zeros between its taps."""
    shape = list(weight.shape)
    shape[axis] = (shape[axis] - 1) * dilation + 1
    spread = np.zeros(shape, weight.dtype)
    index: list[Any] = [slice(None)] * weight.ndim
    index[axis] = slice(None, None, dilation)
    spread[tuple(index)] = weight
    return spread


def _per_map(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(channels,) so that it broadcasts against ``shape``."""
    return values.reshape(-1, *[1] * (len(shape) - 1))


def _compact(values: np.ndarray) -> np.ndarray:
    """In 32-bit floating point, which every tool takes, unless that would change a value."""
    short = values.astype(np.float32)
    return short if np.array_equal(short, values) else values.astype(np.float64)
