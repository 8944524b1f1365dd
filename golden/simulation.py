"""The golden model: an integer network run exactly, in NumPy (DESIGN section 1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .convolution import Convolution
from .errors import RheobaseError
from .exactness import exact_dtype
from .network import IMAGE, Coding, Layer, Network, PoolRule
from .neurons import fire_radix, fire_rate, radix_train
from .records import LayerRecord, external, joined
from .statistics import popcount, window_events
from .windows import pool_maximum

#: Memory that one batch's largest array may take, in bytes. Small enough for the caches to help.
BATCH_BYTES = 8 * 2**20


@dataclass(frozen=True, eq=False)
class Simulation:
    """Answers of a network.

    Attributes:
        answers: int64, (images,): channel of the first output with the largest score, the lowest
            one on a tie; (images, rows, columns) where its map is larger than 1 x 1.
        scores: int64, (images, classes): counts or summed currents of the first output;
            (images, classes, rows, columns) where its map is larger than 1 x 1.
        outputs: int64, (images, channels, rows, columns), one for each of the network's outputs.
        steps, delay: T and t0 that were used.
        layers: one record per layer where they were asked for, else empty.
    """

    answers: np.ndarray
    scores: np.ndarray
    outputs: tuple[np.ndarray, ...]
    steps: int
    delay: int
    layers: tuple[LayerRecord, ...] = ()


def simulate(
    network: Network,
    images: np.ndarray,
    *,
    steps: int | None = None,
    delay: int | None = None,
    record: bool = False,
    batch_size: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Simulation:
    """Run ``network`` on ``images``.

    Args:
        images: uint8, (images, channels, rows, columns).
        steps, delay: T and t0; the network's own where None (t0 at most T - 1 then).
        record: keep every layer's spikes, currents and event counts.
        batch_size: images at a time; chosen so that memory stays bounded where None.
        progress: called with the number of images that each batch finished.

    Raises:
        RheobaseError: images of another shape or type, T or t0 out of range.
    """
    check_images(network, images)
    steps, delay = check_setting(network, steps, delay)
    if batch_size is None:
        batch_size = max(1, BATCH_BYTES // _bytes_per_image(network, steps))
    runner = _Runner(network, steps, delay, record)
    # The empty batch gives the results their shapes where there are no images.
    parts = [tuple(np.zeros((0, *shape), np.int64) for shape in network.output_shapes)]
    records = []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        batch_outputs, batch_records = runner.run(batch)
        parts.append(batch_outputs)
        records.append(batch_records)
        if progress is not None:
            progress(len(batch))
    outputs = tuple(np.concatenate(part) for part in zip(*parts, strict=True))
    scores = outputs[0]
    if scores.shape[2:] == (1, 1):
        scores = scores[:, :, 0, 0]
    return Simulation(
        answers=scores.argmax(axis=1),
        scores=scores,
        outputs=outputs,
        steps=steps,
        delay=delay,
        layers=joined(records) if record else (),
    )


def check_images(network: Network, images: np.ndarray) -> None:
    """Raise ``RheobaseError`` unless ``images`` are what ``network`` takes."""
    if (
        not isinstance(images, np.ndarray)
        or images.dtype != np.uint8
        or (images.shape[1:] != network.input_shape or images.ndim != 4)
    ):
        found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images)
        channels, rows, columns = network.input_shape
        raise RheobaseError(
            f"images: {found}, accepted is uint8 (images, {channels}, {rows}, {columns})"
        )


def check_setting(network: Network, steps: int | None, delay: int | None) -> tuple[int, int]:
    """T and t0 to use; ``RheobaseError`` where one is out of range."""
    steps = network.steps if steps is None else steps
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= network.steps:
        raise RheobaseError(f"T: {steps!r}, accepted is an integer in 1..{network.steps}")
    delay = min(network.delay, steps - 1) if delay is None else delay
    highest = 0 if network.coding == Coding.RADIX else steps - 1
    if isinstance(delay, bool) or not isinstance(delay, int) or not 0 <= delay <= highest:
        raise RheobaseError(
            f"t0: {delay!r}, accepted is an integer in 0..{highest} for T = {steps} in "
            f"{network.coding.value} coding"
        )
    return steps, delay


class _Runner:
    """``network`` made ready for batches of images.

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
        """Outputs of one batch, and its layers' records."""
        network = self.network
        pixels = images.transpose(0, 2, 3, 1)
        flows = {IMAGE: pixels.astype(np.float32) - network.zero_point.astype(np.float32)}
        waiting = Counter(
            connection.source for layer in network.layers for connection in layer.connections
        )
        outputs: list[np.ndarray] = []
        records: list[LayerRecord] = []
        for index, layer in enumerate(network.layers):
            currents = self._currents(index, flows)
            flow = self._fire(layer, currents)
            if index in network.outputs:
                outputs.append(self._read(currents, flow))
            if self.record:
                events = tuple(
                    window_events(network, index, connection, self._set_bits(flows, pixels, source))
                    for connection in layer.connections
                    for source in (connection.source,)
                )
                records.append(self._layer_record(layer, currents, flow, events))
            flows[index] = flow
            for connection in layer.connections:
                waiting[connection.source] -= 1
            # A flow is dropped after the last layer that sees it.
            for source in [source for source in flows if not waiting[source]]:
                del flows[source]
        return tuple(outputs), records

    def _currents(self, index: int, flows: dict[int, np.ndarray]) -> np.ndarray:
        """Pooled currents with bias: (T or 1, images, rows, columns, channels)."""
        network, layer = self.network, self.network.layers[index]
        images = flows[layer.connections[0].source].shape[-4]
        conv = network.shapes[index].conv
        size = (images, *conv[1:], conv[0])
        stepwise = self.rate and not layer.sees_only_image
        repeats = self.steps if stepwise else 1
        currents = np.zeros((repeats * images, *size[1:]), self.dtypes[index])
        for convolution in self.convolutions[index]:
            source = convolution.connection.source
            if stepwise and source == IMAGE:
                constant = np.zeros(size, self.dtypes[index])
                convolution.add(flows[source], constant)
                each = currents.reshape(repeats, *size)
                each += constant
            else:
                convolution.add(flows[source].reshape(-1, *flows[source].shape[-3:]), currents)
        pooled = self._pooled(layer, currents, repeats)
        pooled += layer.bias.astype(pooled.dtype)
        return pooled.reshape(repeats, images, *pooled.shape[1:])

    def _pooled(self, layer: Layer, currents: np.ndarray, repeats: int) -> np.ndarray:
        """Currents (repeats * images, ...) after max pooling by the layer's rule."""
        pool = layer.pool
        if pool is None or pool.rule == PoolRule.STEP or repeats == 1:
            return pool_maximum(currents, pool)
        stepwise = currents.reshape(repeats, -1, *currents.shape[1:])
        np.cumsum(stepwise, axis=0, out=stepwise)
        maxima = pool_maximum(currents, pool)
        stepwise = maxima.reshape(repeats, -1, *maxima.shape[1:])
        stepwise[1:] -= stepwise[:-1].copy()
        return maxima

    def _fire(self, layer: Layer, currents: np.ndarray) -> np.ndarray | None:
        """What flows on from the layer's neurons; None without."""
        if layer.threshold is None:
            return None
        if self.rate:
            return fire_rate(layer, currents, self.steps)
        return fire_radix(layer, currents[0], self.steps)

    def _read(self, currents: np.ndarray, flow: np.ndarray | None) -> np.ndarray:
        """What is read out of a layer in t0 < t <= T: int64, (images, channels, rows, columns)."""
        if flow is not None:
            read = flow[self.delay :].sum(axis=0) if self.rate else flow
        elif not self.rate:
            read = currents[0]
        elif len(currents) == 1:
            read = currents[0].astype(np.int64) * (self.steps - self.delay)
        else:
            read = currents[self.delay :].sum(axis=0, dtype=np.float64)
        return read.astype(np.int64).transpose(0, 3, 1, 2)

    def _set_bits(
        self, flows: dict[int, np.ndarray], pixels: np.ndarray, source: int
    ) -> np.ndarray:
        """Set bits of a source over all steps: (images, rows, columns, channels)."""
        if source == IMAGE:
            return popcount(pixels)
        if self.rate:
            return flows[source].sum(axis=0)
        return radix_train(flows[source], self.steps).sum(axis=0)

    def _layer_record(
        self,
        layer: Layer,
        currents: np.ndarray,
        flow: np.ndarray | None,
        events: tuple[np.ndarray, ...],
    ) -> LayerRecord:
        spikes = None
        if flow is not None:
            spikes = external(flow.astype(bool) if self.rate else radix_train(flow, self.steps))
        return LayerRecord(layer.name, spikes, external(currents).astype(np.int64), events)


def _bytes_per_image(network: Network, steps: int) -> int:
    """Bytes of the largest array that one image needs: all currents of a layer."""
    largest = 1
    for index, (layer, shape) in enumerate(zip(network.layers, network.shapes, strict=True)):
        repeats = steps if network.coding == Coding.RATE and not layer.sees_only_image else 1
        values = max(
            repeats * shape.conv[0] * shape.conv[1] * shape.conv[2],
            steps * shape.output[0] * shape.output[1] * shape.output[2],
        )
        largest = max(largest, values * exact_dtype(network, index).itemsize)
    return largest
