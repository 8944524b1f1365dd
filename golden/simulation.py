"""The golden model: an integer network run exactly, in NumPy (DESIGN section 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .bounds import effective_bias
from .errors import RheobaseError
from .exactness import exact_dtype
from .network import Coding, Network, PoolRule, Readout
from .statistics import popcount, window_events
from .windows import pool_maximum, weight_matrix, window_matrix

#: Memory that one batch's largest array may take, in bytes. Small enough for the caches to help.
BATCH_BYTES = 8 * 2**20


@dataclass(frozen=True, eq=False)
class LayerRecord:
    """What one layer did.

    Attributes:
        name: the layer's.
        spikes: bool, (images, T, channels, rows, columns); None without neurons.
        currents: int64, (images, T or 1, channels, rows, columns): what the neurons add, pooled
            and with bias; one step where it is constant (pixels) or added once (``radix``).
        window_events: int64, (images,): see ``statistics.window_events``.
    """

    name: str
    spikes: np.ndarray | None
    currents: np.ndarray
    window_events: np.ndarray

    @property
    def spikes_per_neuron(self) -> float:
        """Mean spikes per neuron and image (0 without neurons)."""
        if self.spikes is None or not self.spikes.size:
            return 0.0
        return float(self.spikes.sum() / (self.spikes.size / self.spikes.shape[1]))


@dataclass(frozen=True, eq=False)
class Simulation:
    """Answers of a network.

    Attributes:
        answers: int64, (images,): class with the largest score, the lowest one on a tie.
        scores: int64, (images, classes): counts or summed currents.
        steps, delay: T and t0 that were used.
        layers: one record per layer where they were asked for, else empty.
    """

    answers: np.ndarray
    scores: np.ndarray
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
    scores, records = [], []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        batch_scores, batch_records = _run(network, batch, steps, delay, record)
        scores.append(batch_scores)
        records.append(batch_records)
        if progress is not None:
            progress(len(batch))
    all_scores = np.concatenate(scores) if scores else np.zeros((0, network.classes), np.int64)
    return Simulation(
        answers=all_scores.argmax(axis=1),
        scores=all_scores,
        steps=steps,
        delay=delay,
        layers=_joined(records) if record else (),
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


def _run(
    network: Network, images: np.ndarray, steps: int, delay: int, record: bool
) -> tuple[np.ndarray, list[LayerRecord]]:
    """Scores (images, classes) of one batch, and its layers' records."""
    rate = network.coding == Coding.RATE
    records: list[LayerRecord] = []
    # What flows: pixels (images, rows, columns, channels), then in ``rate`` the spikes of all
    # steps (T * images, ...), in ``radix`` the numbers that the trains spell (images, ...).
    flow = images.transpose(0, 2, 3, 1)
    for index, layer in enumerate(network.layers):
        dtype = exact_dtype(network, index)
        set_bits = _set_bits(flow, index, rate, len(images)) if record else None
        currents = _currents(network, index, flow, steps, dtype)
        spikes = None
        if layer.threshold is None:
            flow = currents
        elif rate:
            flow = _fire_rate(layer, currents, steps, dtype)
            spikes = flow
        else:
            flow = _fire_radix(layer, currents[0], steps, dtype)
        if record:
            if not rate and layer.threshold is not None:
                numbers = flow.astype(np.int64)
                spikes = np.stack([(numbers >> (steps - 1 - t)) & 1 for t in range(steps)])
            records.append(
                LayerRecord(
                    name=layer.name,
                    spikes=None if spikes is None else _external(spikes).astype(bool),
                    currents=_external(currents).astype(np.int64),
                    window_events=window_events(network, index, set_bits),
                )
            )
    if network.readout == Readout.CURRENT:
        window = flow if len(flow) == 1 else flow[delay:]
        scores = window.astype(np.int64).sum(axis=0)
        if rate and len(flow) == 1:
            scores = scores * (steps - delay)
    else:
        scores = flow[delay:].sum(axis=0) if rate else flow
    return scores.reshape(len(images), -1).astype(np.int64), records


def _currents(
    network: Network, index: int, flow: np.ndarray, steps: int, dtype: np.dtype
) -> np.ndarray:
    """Pooled currents with bias: (T or 1, images, rows, columns, channels)."""
    layer = network.layers[index]
    pixels = index == 0
    train = flow.reshape(-1, *flow.shape[-3:])
    padding_value = network.zero_point if pixels else None
    windows = window_matrix(train.astype(dtype, copy=False), layer, padding_value)
    currents = windows @ weight_matrix(layer, dtype)
    bias = effective_bias(network, index).astype(dtype)
    if pixels or network.coding == Coding.RADIX:
        return pool_maximum(currents, layer.pool)[np.newaxis] + bias
    pool = layer.pool
    if pool is not None and pool.rule == PoolRule.CUMULATIVE:
        stepwise = currents.reshape(steps, -1, *currents.shape[1:])
        np.cumsum(stepwise, axis=0, out=stepwise)
        maxima = pool_maximum(currents, pool)
        maxima = maxima.reshape(steps, -1, *maxima.shape[1:])
        maxima[1:] -= maxima[:-1].copy()
        return maxima + bias
    pooled = pool_maximum(currents, pool)
    return pooled.reshape(steps, -1, *pooled.shape[1:]) + bias


def _fire_rate(layer, currents: np.ndarray, steps: int, dtype: np.dtype) -> np.ndarray:
    """Spikes (T, images, rows, columns, channels) of the published IF neuron (eq. 2-4)."""
    threshold = layer.threshold.astype(dtype)
    potential = np.empty(currents.shape[1:], dtype)
    potential[:] = layer.initial_potential
    # Spikes are 0.0 and 1.0 already in the type that the next layer most likely sums in.
    spikes = np.empty((steps, *potential.shape), np.float32)
    for step in range(steps):
        potential += currents[min(step, len(currents) - 1)]
        np.greater_equal(potential, threshold, out=spikes[step], casting="unsafe")
        potential -= spikes[step].astype(dtype, copy=False) * threshold
    return spikes


def _fire_radix(layer, current: np.ndarray, steps: int, dtype: np.dtype) -> np.ndarray:
    """n = clip(floor(v / threshold), 0, 2**T - 1): (images, rows, columns, channels)."""
    potential = current + layer.initial_potential.astype(dtype)
    # Division of floats rounds; integers do not.
    quotient = potential.astype(np.int64) // layer.threshold
    return np.clip(quotient, 0, 2**steps - 1)


def _set_bits(flow: np.ndarray, index: int, rate: bool, images: int) -> np.ndarray:
    """Set bits of each input pixel over channels and steps: (images, rows, columns)."""
    if index == 0:
        return popcount(flow).sum(axis=-1, dtype=np.int64)
    if rate:
        return flow.reshape(-1, images, *flow.shape[-3:]).sum(axis=(0, -1))
    numbers, bits = flow.astype(np.int64), 0
    while numbers.any():
        bits = bits + (numbers & 1)
        numbers = numbers >> 1
    return np.asarray(bits + np.zeros_like(numbers)).sum(axis=-1)


def _external(stepwise: np.ndarray) -> np.ndarray:
    """(T, images, rows, columns, channels) -> (images, T, channels, rows, columns)."""
    return stepwise.transpose(1, 0, 4, 2, 3)


def _bytes_per_image(network: Network, steps: int) -> int:
    """Bytes of the largest array that one image needs: the windows of a layer."""
    largest = 1
    for index, (layer, shape) in enumerate(zip(network.layers, network.shapes, strict=True)):
        repeats = steps if index > 0 and network.coding == Coding.RATE else 1
        taps = layer.kernel[0] * layer.kernel[1] * layer.in_channels
        windows = shape.conv[1] * shape.conv[2]
        fired = steps * shape.output[0] * shape.output[1] * shape.output[2]
        widest = max(repeats * windows * max(taps, layer.out_channels), fired)
        largest = max(largest, widest * exact_dtype(network, index).itemsize)
    return largest


def _joined(batches: list[list[LayerRecord]]) -> tuple[LayerRecord, ...]:
    """Records of all batches, layer by layer."""
    joined = []
    for layers in zip(*batches, strict=True):
        spikes = None if layers[0].spikes is None else np.concatenate([r.spikes for r in layers])
        joined.append(
            LayerRecord(
                name=layers[0].name,
                spikes=spikes,
                currents=np.concatenate([record.currents for record in layers]),
                window_events=np.concatenate([record.window_events for record in layers]),
            )
        )
    return tuple(joined)
