"""One batch of images through the whole network, layer after layer, step after step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from ..network.exactness import exact_dtype
from ..network.network import IMAGE, Coding, Layer, Network, PoolRule
from ..network.windows import pool_maximum
from .convolution import Convolution
from .neurons import RateNeurons, fire_radix, radix_train
from .records import LayerRecord, external
from .statistics import window_events


class BatchRunner:
    """``network`` made ready for batches of images; threads may share it.

    What flows between layers: pixels less the zero point (images, rows, columns, channels), then
    in ``rate`` the spikes of all steps (T, images, ...), in ``radix`` the numbers that the trains
    spell (images, ...).
    """

    def __init__(self, network: Network, steps: int, delay: int, record: bool):
        self.network = network
        self.steps, self.delay, self.record = steps, delay, record
        self.rate = network.coding == Coding.RATE
        self.dtypes = [exact_dtype(network, index) for index in range(len(network.layers))]
        self.convolutions = [
            [Convolution(connection, dtype) for connection in layer.connections]
            for layer, dtype in zip(network.layers, self.dtypes, strict=True)
        ]

    def run(self, images: np.ndarray) -> tuple[tuple[np.ndarray, ...], list[LayerRecord]]:
        """Outputs of one batch, int64 (images, channels, rows, columns), and layers' records."""
        network = self.network
        pixels = images.transpose(0, 2, 3, 1)
        flows = {IMAGE: pixels.astype(np.float32) - network.zero_point.astype(np.float32)}
        waiting = Counter(
            connection.source for layer in network.layers for connection in layer.connections
        )
        outputs: list[np.ndarray] = []
        records: list[LayerRecord] = []
        for index, layer in enumerate(network.layers):
            flow, read, currents = self.run_layer(index, flows, len(images))
            if read is not None:
                outputs.append(read.astype(np.int64).transpose(0, 3, 1, 2))
            if self.record:
                records.append(self._layer_record(index, flows, pixels, flow, currents))
            if flow is not None:
                flows[index] = flow
            waiting.subtract(connection.source for connection in layer.connections)
            # A flow is dropped after the last layer that sees it.
            flows = {source: flow for source, flow in flows.items() if waiting[source]}
        return tuple(outputs), records

    def run_layer(
        self, index: int, flows: dict[int, np.ndarray], images: int
    ) -> tuple[np.ndarray | None, np.ndarray | None, list[np.ndarray]]:
        """What flows on from a layer, what is read out of it, and its currents for a record.

        What flows on is None without neurons, what is read out for a layer that is no output.
        """
        layer, steps = self.network.layers[index], self.network.steps_of(index, self.steps)
        channels, rows, columns = self.network.shapes[index].output
        shape = (images, rows, columns, channels)
        is_output = index in self.network.outputs
        recorded: list[np.ndarray] = []
        if not self.rate:
            (current,) = self._currents(index, flows, images)
            flow = None if layer.neurons is None else fire_radix(layer.neurons, current, steps)
            read = current if flow is None else flow
            return flow, read if is_output else None, [current]
        flow = neurons = None
        if layer.neurons is not None:
            # Spikes already in the type that the next layer most likely sums in.
            flow = np.empty((steps, *shape), np.float32)
            neurons = RateNeurons(layer.neurons, shape, self.dtypes[index])
        read = np.zeros(shape) if is_output else None
        for step, current in enumerate(self._currents(index, flows, images)):
            if self.record and not (step and layer.sees_only_image):
                recorded.append(current.copy())
            if neurons is not None and flow is not None:
                neurons.step(current, flow[step])
            if read is not None and step >= self.delay:
                read += current if flow is None else flow[step]
        return flow, read, recorded

    def _currents(
        self, index: int, flows: dict[int, np.ndarray], images: int
    ) -> Iterator[np.ndarray]:
        """Pooled currents with bias of each step (in ``radix`` of the whole train, once).

        Each is (images, rows, columns, channels) and overwritten by the next.
        """
        layer, dtype = self.network.layers[index], self.dtypes[index]
        channels, rows, columns = self.network.shapes[index].conv
        constant = np.empty((images, rows, columns * channels), dtype)
        # The bias is the same at all positions of a pooling, so it may as well stand before it.
        constant[:] = np.tile(layer.bias.astype(dtype), columns)
        constant = constant.reshape(images, rows, columns, channels)
        stepwise = []
        for convolution in self.convolutions[index]:
            source = convolution.connection.source
            if self.rate and source != IMAGE:
                stepwise.append(convolution)
            else:
                convolution.add(flows[source], constant)
        if not stepwise:
            pooled = pool_maximum(constant, layer.pool)
            yield from [pooled] * (self.steps if self.rate else 1)
            return
        current, pooling = np.empty_like(constant), _StepPooling(layer)
        for step in range(self.steps):
            current[:] = constant
            for convolution in stepwise:
                convolution.add(flows[convolution.connection.source][step], current)
            yield pooling.step(current)

    def _layer_record(
        self,
        index: int,
        flows: dict[int, np.ndarray],
        pixels: np.ndarray,
        flow: np.ndarray | None,
        currents: list[np.ndarray],
    ) -> LayerRecord:
        layer = self.network.layers[index]
        spikes = None
        if flow is not None:
            kind = np.int8 if layer.signed else bool
            spikes = external(flow.astype(kind) if self.rate else self._planes(index, flow))
        events = tuple(
            window_events(
                self.network, index, connection, self._set_bits(flows, pixels, connection.source)
            )
            for connection in layer.connections
        )
        return LayerRecord(
            layer.name, spikes, external(np.stack(currents)).astype(np.int64), events
        )

    def _set_bits(
        self, flows: dict[int, np.ndarray], pixels: np.ndarray, source: int
    ) -> np.ndarray:
        """Set bits of a source, or spikes, over all steps: (images, rows, columns, channels)."""
        if source == IMAGE:
            return np.bitwise_count(pixels)
        train = flows[source] if self.rate else self._planes(source, flows[source])
        return np.count_nonzero(train, axis=0)

    def _planes(self, index: int, numbers: np.ndarray) -> np.ndarray:
        """The planes that layer ``index`` fires for ``numbers``: bool, (its T, *shape)."""
        return radix_train(numbers, self.network.steps_of(index, self.steps))


class _StepPooling:
    """Max pooling of the currents of one step after the other, by the layer's rule."""

    def __init__(self, layer: Layer):
        self.pool = layer.pool
        self.cumulative = layer.pool is not None and layer.pool.rule == PoolRule.CUMULATIVE
        self.total: np.ndarray | None = None
        self.best: np.ndarray | None = None

    def step(self, current: np.ndarray) -> np.ndarray:
        """Pooled current of the next step; the first step's increment is the maximum itself."""
        if not self.cumulative:
            return pool_maximum(current, self.pool)
        if self.total is None:
            self.total = current.copy()
            self.best = pool_maximum(self.total, self.pool)
            return self.best
        self.total += current
        best = pool_maximum(self.total, self.pool)
        increment = best - self.best
        self.best = best
        return increment


def bytes_per_image(network: Network, steps: int) -> int:
    """Bytes that one image's flows and currents take at the layer where they are most."""
    last_use = {
        connection.source: index
        for index, layer in enumerate(network.layers)
        for connection in layer.connections
    }
    trains = steps if network.coding == Coding.RATE else 1
    live: dict[int, int] = {IMAGE: int(np.prod(network.input_shape)) * 4}
    most = 0
    for index, (layer, shape) in enumerate(zip(network.layers, network.shapes, strict=True)):
        # Constant, current, their total, padded and pooled maps; potential and what it fired.
        work = 8 * int(np.prod(shape.conv)) * exact_dtype(network, index).itemsize
        if layer.signed:
            # Net counts, and the limits that depend on them.
            work += 4 * int(np.prod(shape.output)) * exact_dtype(network, index).itemsize
        live[index] = int(np.prod(shape.output)) * trains * 4
        most = max(most, sum(live.values()) + work)
        live = {source: size for source, size in live.items() if last_use.get(source, -1) > index}
    return most
