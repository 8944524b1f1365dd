"""The accelerator: pixels in, answers out, every layer of the network a stage of one pipeline."""

from __future__ import annotations

from amaranth import Cat, Module, Shape, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..golden.bounds import layer_bounds
from ..golden.network import PIXEL_BITS, Coding, Network, Readout
from .count_readout import CountReadout, count_score_shape
from .folding import Folding, check_folding
from .image_gate import ImageGate
from .layer import SpikingLayer
from .result_writer import ResultLayout, ResultWriter
from .shapes import count_shape, index_shape, signed_shape


class Accelerator(wiring.Component):
    """Hardware of ``network`` (DESIGN section 2), folded by P and E of each layer.

    Members:
        pixels: one pixel a beat, all channels (channel 0 in the low byte), raster order, image
            after image without a gap.
        steps, delay: T and t0, sampled with an image's first pixel; 1 <= T <= the network's, and
            0 <= t0 < T (0 in ``radix``). An image with another setting than those under way waits
            until the pipeline is empty.
        results: per image one beat per class, see ``ResultLayout``.

    Raises:
        RheobaseError: a P or E out of range, a network that the hardware does not support.
    """

    def __init__(self, network: Network, folding: Folding):
        check_folding(network, folding)
        self.network = network
        self.folding = folding
        channels = network.input_shape[0]
        self.layers: list[SpikingLayer] = []
        width = channels * PIXEL_BITS
        for index, fold in enumerate(folding):
            self.layers.append(SpikingLayer(network, index, fold, width))
            width = fold.neurons
        self.counter = None
        if network.readout == Readout.COUNT:
            radix = network.coding == Coding.RADIX
            self.counter = CountReadout(folding[-1].neurons, network.steps, radix=radix)
        self.score_shape = score_shape(network)
        self.result_layout = result_layout(network)
        super().__init__(
            {
                "pixels": In(stream.Signature(data.ArrayLayout(PIXEL_BITS, channels))),
                "steps": In(count_shape(network.steps)),
                "delay": In(index_shape(network.steps)),
                "results": Out(stream.Signature(self.result_layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        network = self.network
        channels, rows, columns = network.input_shape
        m.submodules.gate = gate = ImageGate(
            channels * PIXEL_BITS, rows * columns, network.steps, self._images_inside()
        )
        m.submodules.writer = writer = ResultWriter(
            self.score_shape, self.folding[-1].neurons, network.classes
        )
        m.d.comb += [
            gate.pixels.payload.eq(self.pixels.payload),
            gate.pixels.valid.eq(self.pixels.valid),
            self.pixels.ready.eq(gate.pixels.ready),
            gate.steps.eq(self.steps),
            gate.delay.eq(self.delay),
            gate.image_done.eq(self.results.valid & self.results.ready & self.results.payload.last),
        ]
        wiring.connect(m, writer.results, wiring.flipped(self.results))

        # The first layer takes a pixel as bit planes, most significant plane first.
        first = self.layers[0].words
        bits = gate.admitted.payload
        m.d.comb += [
            first.payload.eq(
                Cat(
                    bits[channel * PIXEL_BITS + plane]
                    for plane in reversed(range(PIXEL_BITS))
                    for channel in range(channels)
                )
            ),
            first.valid.eq(gate.admitted.valid),
            gate.admitted.ready.eq(first.ready),
        ]
        for index, layer in enumerate(self.layers):
            m.submodules[f"layer{index}"] = layer
            accumulating = Signal(len(layer.lanes), name=f"layer{index}_accumulating")
            m.d.comb += [layer.steps.eq(gate.steps_held), accumulating.eq(layer.accumulating)]
            if index + 1 < len(self.layers):
                _connect_spikes(m, layer.spikes, self.layers[index + 1].words, index)
        last = self.layers[-1]
        if self.counter is None:
            m.d.comb += last.delay.eq(gate.delay_held)
            wiring.connect(m, last.scores, writer.scores)
        else:
            m.submodules.counter = counter = self.counter
            m.d.comb += [
                counter.steps.eq(gate.steps_held),
                counter.delay.eq(gate.delay_held),
            ]
            _connect_spikes(m, last.spikes, counter.spikes, len(self.layers) - 1)
            wiring.connect(m, counter.scores, writer.scores)
        return m

    def _images_inside(self) -> int:
        """Most images that the layers' rows, queues and outputs can hold parts of at once."""
        return sum(2 + -(-layer.geometry.slots // layer.geometry.rows) for layer in self.layers) + 3


def score_shape(network: Network) -> Shape:
    """Shape of a class's score: a count, or summed currents."""
    if network.readout == Readout.COUNT:
        return count_score_shape(network.steps, radix=network.coding == Coding.RADIX)
    return signed_shape(layer_bounds(network, len(network.layers) - 1).potential)


def result_layout(network: Network) -> ResultLayout:
    """Layout of a result beat of ``network``'s accelerator."""
    return ResultLayout(score_shape(network), network.classes)


def _connect_spikes(m: Module, spikes, words, index: int) -> None:
    """Connect a layer to what follows it through signals that a simulation finds by name."""
    word = Signal(len(spikes.payload), name=f"layer{index}_spike_word")
    valid = Signal(name=f"layer{index}_spike_valid")
    ready = Signal(name=f"layer{index}_spike_ready")
    m.d.comb += [
        word.eq(spikes.payload),
        valid.eq(spikes.valid),
        spikes.ready.eq(ready),
        words.payload.eq(word),
        words.valid.eq(valid),
        ready.eq(words.ready),
    ]
