"""The golden model with some layers exact: no rounding, no clipping, no levels, no spike timing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from ...golden.network.bounds import Interval, train_range
from ...golden.network.network import IMAGE, Coding, Network
from ...golden.network.windows import pool_maximum
from ...golden.run.batch import BatchRunner
from ...golden.run.convolution import Convolution
from .real_layers import RealLayer

#: What flows out of a layer, and what is read out of it (``golden.run.batch``).
Result = tuple[np.ndarray | None, np.ndarray | None]
#: Called with a layer's index, what flows into it, and what it gives.
Watch = Callable[[int, dict[int, np.ndarray], Result], None]


class Totals:
    """What a layer receives and makes of it over all T steps at once.

    Numbers are (images, rows, columns, channels): spikes of all steps in ``rate``, what a train
    spells in ``radix``, currents without neurons.
    """

    def __init__(self, network: Network, layers: Sequence[RealLayer]) -> None:
        self.network, self.layers = network, layers
        self.rate = network.coding == Coding.RATE
        #: So many times the image and the bias are added.
        self.repeats = network.steps if self.rate else 1
        #: The part of the steps that is read out.
        self.window = (network.steps - network.delay) / network.steps if self.rate else 1.0
        kind = np.dtype(np.float64)
        self._integers = [[Convolution(c, kind) for c in x.connections] for x in network.layers]
        self._real = [
            [
                Convolution(replace(connection, weight=weight), kind)
                for connection, weight in zip(layer.connections, real.weights, strict=True)
            ]
            for layer, real in zip(network.layers, layers, strict=True)
        ]

    def number(self, flow: np.ndarray) -> np.ndarray:
        """The numbers of what flows out of neurons."""
        return flow.sum(axis=0, dtype=np.float64) if self.rate else flow.astype(np.float64)

    def exact(self, index: int, flows: dict[int, np.ndarray]) -> np.ndarray:
        """What the model makes of what flows in; it need not be whole."""
        return self._activation(index, self._current(index, flows, real=True))

    def scores(self, index: int, flows: dict[int, np.ndarray]) -> np.ndarray:
        """``exact``; the model's own scores, below 0 too, where neurons are for a readout alone."""
        if not self.layers[index].readout:
            return self.exact(index, flows)
        return self._current(index, flows, real=True) / self.network.layers[index].threshold

    def stages(self, index: int, flows: dict[int, np.ndarray]) -> list[np.ndarray]:
        """From what the model makes of what flows in to what neurons make of an even input.

        ``exact``; with the network's weights and biases; clipped; as whole spikes.
        """
        current = self._current(index, flows, real=False)
        rounded = self._activation(index, current)
        neurons = self.network.layers[index].neurons
        if neurons is None:
            return [self.exact(index, flows), rounded, rounded, rounded]
        ends = self._numbers(index)
        potential = current + neurons.initial_potential
        whole = np.clip(np.floor(potential / neurons.threshold), 0, ends.high)
        if neurons.negative_threshold is not None:
            beyond = (potential - neurons.silent_from) / neurons.negative_threshold
            whole += np.clip(np.floor(beyond), ends.low, 0)
        return [self.exact(index, flows), rounded, np.clip(rounded, ends.low, ends.high), whole]

    def delivered(self, result: Result) -> np.ndarray:
        """The numbers of what a layer gave, of all steps where not all were read out."""
        flow, read = result
        if flow is not None:
            return self.number(flow)
        assert read is not None  # a layer without neurons is read out
        return read / self.window

    def _numbers(self, index: int) -> Interval:
        """Least and largest number of a neuron of layer ``index``."""
        steps, signed = self.network.steps_of(index), self.network.layers[index].signed
        if self.rate:
            return Interval(-steps if signed else 0, steps)
        return train_range(steps, signed=signed)

    def _current(self, index: int, flows: dict[int, np.ndarray], *, real: bool) -> np.ndarray:
        layer = self.network.layers[index]
        channels, rows, columns = self.network.shapes[index].conv
        bias = self.layers[index].bias if real else layer.bias
        convolutions = (self._real if real else self._integers)[index]
        seen = []
        for convolution in convolutions:
            source = convolution.connection.source
            flow = flows[source]
            seen.append(flow * self.repeats if source == IMAGE else self.number(flow))
        total = np.empty((len(seen[0]), rows, columns, channels))
        total[:] = bias * self.repeats
        for convolution, maps in zip(convolutions, seen, strict=True):
            convolution.add(maps, total)
        return pool_maximum(total, layer.pool)

    def _activation(self, index: int, current: np.ndarray) -> np.ndarray:
        layer, real = self.network.layers[index], self.layers[index]
        if layer.threshold is None:
            return current
        active = np.maximum(current, 0)
        if layer.negative_threshold is not None:
            active += np.minimum(current, 0) * (layer.threshold / layer.negative_threshold)
        if real.cap is not None:
            largest = real.cap * self.repeats
            if real.levels is not None:
                step = largest / real.levels
                active = np.floor(active / step + 0.5) * step
            active = np.minimum(active, largest)
        return active / layer.threshold


class ExactLayers:
    """Runs a network with some layers as the model has them, whatever reaches them."""

    def __init__(self, network: Network, layers: Sequence[RealLayer]) -> None:
        self.totals = Totals(network, layers)
        self._runner = BatchRunner(network, network.steps, network.delay, False)

    def run(
        self,
        images: np.ndarray,
        exact: Collection[int] = (),
        known: Sequence[Result] = (),
        watch: Watch | None = None,
    ) -> list[Result]:
        """What each layer gives, where the layers ``exact`` are; they give the same at every step.

        Args:
            images: uint8, (images, channels, rows, columns).
            known: results in front of the first exact layer, which need not be run again.
            watch: called after each layer.
        """
        network = self.totals.network
        pixels = images.transpose(0, 2, 3, 1).astype(np.float32)
        flows = {IMAGE: pixels - network.zero_point.astype(np.float32)}
        results: list[Result] = []
        for index in range(len(network.layers)):
            if index < len(known):
                result = known[index]
            elif index in exact and not self.totals.layers[index].ones:
                result = self._exactly(index, flows)
            else:
                result = self._runner.run_layer(index, flows, len(images))[:2]
            if result[0] is not None:
                flows[index] = result[0]
            results.append(result)
            if watch is not None:
                watch(index, flows, result)
        return results

    def _exactly(self, index: int, flows: dict[int, np.ndarray]) -> Result:
        network = self.totals.network
        totals, steps = self.totals, network.steps
        number = totals.exact(index, flows)
        read = totals.scores(index, flows) * totals.window if index in network.outputs else None
        if network.layers[index].threshold is None:
            return None, read
        if not totals.rate:
            return number.astype(np.float32), read
        each = (number / steps).astype(np.float32)
        return np.broadcast_to(each, (steps, *each.shape)), read
