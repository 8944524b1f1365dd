"""The accelerator: pixels in, answers out, every layer of the network a stage of one pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from amaranth import (
    Cat,
    Const,
    Module,
    ResetSignal,
    Shape,
    Signal,
    Value,
)
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.network import IMAGE, PIXEL_BITS, Coding, Network
from ..basics.fork import StreamFork
from ..basics.queue import Queue
from ..basics.reset_domain import reset_domain
from ..basics.shapes import count_shape, index_shape, signed_shape
from ..basics.step_words import step_words
from ..design.folding import Folding
from ..design.layer_design import network_design, score_bounds
from ..readout.count_readout import CountReadout
from ..readout.result_writer import ResultLayout, ResultWriter
from .image_gate import ImageGate
from .layer import SpikingLayer
from .map_end import MapEnd
from .own_steps import OwnSteps
from .reset_wave import ResetWave
from .streamed_readout import StreamedReadout

#: Fewer cycles than any layer takes from its T to its first word: 24 in the smallest one.
SETTING_LEAD = 8


@dataclass(frozen=True)
class _Setting:
    """T and t0 of the images under way."""

    steps: Signal
    delay: Signal


class Accelerator(wiring.Component):
    """Hardware of ``network`` (docs/hardware.md), folded by P and E of each layer.

    Args:
        spare_rows: of each connection's buffer; ``folded_spare_rows`` where None.

    Members:
        pixels: in, stream; one pixel a beat, all channels (channel 0 in the low byte), raster
            order, image after image without a gap.
        steps, delay: in; T and t0, sampled with an image's first pixel; 1 <= T <= the network's,
            and 0 <= t0 < T (0 in ``radix``). An image with another setting than those under way
            waits until the pipeline is empty.
        results: of the network's first output, per image one beat per class of each pixel of its
            map, see ``ResultLayout``.
        results_1 ...: of the other outputs. A pipeline with several outputs runs only while all of
            them are taken.

    Raises:
        RheobaseError: a P or E out of range.
    """

    pixels: stream.Interface
    steps: Signal
    delay: Signal

    def __init__(
        self,
        network: Network,
        folding: Folding,
        spare_rows: tuple[tuple[int, ...], ...] | None = None,
    ):
        self.network = network
        self.folding = folding
        self.design = network_design(network, folding, spare_rows)
        #: Small enough for one reset, and for a pixel's way through the image gate.
        self.small = not any(layer.style.path_registers for layer in self.design)
        self.layers = [
            StreamedReadout(layer) if layer.streamed else SpikingLayer(layer)
            for layer in self.design
        ]
        members = {
            "pixels": In(stream.Signature(data.ArrayLayout(PIXEL_BITS, network.input_shape[0]))),
            "steps": In(count_shape(network.steps)),
            "delay": In(index_shape(network.steps)),
        }
        for output, name in enumerate(result_names(network)):
            members[name] = Out(stream.Signature(result_layout(network, output)))
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        network = self.network
        channels, rows, columns = network.input_shape
        unread_ends = self._unread_ends()
        add = self._domains(m)
        gate = add(
            "gate",
            ImageGate(
                channels * PIXEL_BITS,
                rows * columns,
                network.steps,
                self._images_inside(),
                outputs=len(network.outputs) + len(unread_ends),
            ),
        )
        results = [getattr(self, name) for name in result_names(network)]
        # ``outer`` is reset a cycle after the port: until then nothing of what it holds may be
        # seen, nor a pixel be taken.
        closed = Const(0) if self.small else ResetSignal("outer")
        m.d.comb += [
            gate.pixels.payload.eq(self.pixels.payload),
            gate.pixels.valid.eq(self.pixels.valid),
            self.pixels.ready.eq(gate.pixels.ready & ~closed),
            gate.steps.eq(self.steps),
            gate.delay.eq(self.delay),
        ]
        done = [r.valid & r.ready & r.payload.last for r in results]
        pixels = gate.admitted
        if not self.small:
            # Whether an image may enter would come late to where its pixels are written.
            admitted = add("admitted", Queue(gate.admitted.payload.shape(), 2, reset_less=True))
            wiring.connect(m, gate.admitted, admitted.input)
            pixels = admitted.output

        # A layer that sees the image takes a pixel as bit planes, most significant plane first.
        planes = stream.Signature(channels * PIXEL_BITS).create()
        m.d.comb += [
            planes.payload.eq(
                Cat(
                    pixels.payload[channel * PIXEL_BITS + plane]
                    for plane in reversed(range(PIXEL_BITS))
                    for channel in range(channels)
                )
            ),
            planes.valid.eq(pixels.valid),
            pixels.ready.eq(planes.ready),
        ]
        _distribute(m, add, planes, self._readers(IMAGE), "image", "outer")
        settings = self._settings(m, gate)
        for index, layer in enumerate(self.layers):
            add(f"layer{index}", layer, f"layer{index}")
            accumulating = Signal(len(layer.accumulating), name=f"layer{index}_accumulating")
            m.d.comb += [layer.steps.eq(settings[index].steps), accumulating.eq(layer.accumulating)]
        counters = {
            index: self._add_output(m, add, settings[index], output, results[output], closed)
            for output, index in enumerate(network.outputs)
        }
        for index, layer in enumerate(self.layers):
            if layer.design.fires:
                spikes = _visible(m, layer.spikes, index)
                readers = self._readers(index)
                if index in counters:
                    readers.append(counters[index])
                # What is beside a layer has its reset: that of the whole would come from far away.
                domain = f"layer{index}"
                _distribute(m, add, spikes, readers, domain, domain)
                if index in unread_ends:
                    _, rows, columns = network.shapes[index].output
                    groups = ceil_div(network.layers[index].out_channels, len(spikes.payload))
                    words = rows * columns * groups
                    steps, planes = layer.design.steps, layer.design.step_planes
                    end = add(f"end{index}", MapEnd(words, steps * planes), domain)
                    own = self._own_steps(m, settings[index], steps)
                    m.d.comb += [
                        end.moves.eq(spikes.valid & spikes.ready),
                        end.steps.eq(step_words(own, planes)),
                    ]
                    done.append(end.done)
        # A cycle later, as results leave far from where pixels come in.
        m.d.outer += gate.image_done.eq(Cat(done))
        return m

    def _domains(self, m: Module) -> Callable:
        """Domains of one clock: ``outer``, and one for each layer; they differ in their resets.

        Gives a function that adds a component by its name to one of them, and gives it back.
        """
        names = [f"layer{index}" for index in range(len(self.layers))]
        if self.small:
            domains = dict.fromkeys(("outer", *names), ResetSignal())
        else:
            m.submodules.resets = resets = ResetWave(len(self.layers))
            m.d.comb += resets.asserted.eq(ResetSignal())
            domains = {"outer": resets.outer_reset}
            domains |= zip(names, resets.stage_resets, strict=True)
        into = {name: reset_domain(m, name, reset) for name, reset in domains.items()}

        def add(name: str, component: wiring.Component, domain: str = "outer"):
            m.submodules[name] = into[domain](component)
            return component

        return add

    def _unread_ends(self) -> set[int]:
        """Layers of whose map some reader does not keep the last word."""
        found = set()
        for connection in (connection for layer in self.design for connection in layer.connections):
            part, (_, rows, columns) = connection.part, connection.source_map
            kept = (part.rows[-1], part.columns[-1], part.groups[-1])
            last = (rows - 1, columns - 1, connection.source_groups - 1)
            if not connection.pixels and kept != last:
                found.add(connection.connection.source)
        return found

    def _readers(self, source: int) -> list:
        """Streams that take the words of ``source``."""
        return [
            self.layers[index].words[number]
            for index, layer in enumerate(self.network.layers)
            for number, connection in enumerate(layer.connections)
            if connection.source == source
        ]

    def _settings(self, m: Module, gate: ImageGate) -> list[_Setting]:
        """T and t0 for each layer, handed on from layer to layer as the map is.

        One register would have to reach the whole device. Each layer's is there before the first
        word of any of its sources (``setting_sources``).
        """
        known = {IMAGE: _Setting(gate.steps_held, gate.delay_held)}
        for index, source in enumerate(setting_sources(self.network)):
            before = known[source]
            own = _Setting(
                Signal.like(gate.steps_held, name=f"layer{index}_steps"),
                Signal.like(gate.delay_held, name=f"layer{index}_delay"),
            )
            m.d.outer += [own.steps.eq(before.steps), own.delay.eq(before.delay)]
            known[index] = own
        return [known[index] for index in range(len(self.layers))]

    def _add_output(
        self, m: Module, add: Callable, setting: _Setting, output: int, results, closed: Value
    ):
        """What reads an output's layer out; gives the stream that takes its spikes, if it fires.

        No result is offered while ``closed``.
        """
        network = self.network
        index = network.outputs[output]
        layer = self.layers[index]
        classes, rows, columns = network.output_shapes[output]
        neurons = self.folding[index].neurons
        writer = add(
            f"writer{output}",
            ResultWriter(score_shape(network, output), neurons, classes, pixels=rows * columns),
        )
        m.d.comb += [
            results.payload.eq(writer.results.payload),
            results.valid.eq(writer.results.valid & ~closed),
            writer.results.ready.eq(results.ready),
        ]
        if not layer.design.fires:
            m.d.comb += layer.delay.eq(setting.delay)
            wiring.connect(m, layer.scores, writer.scores)
            return None
        radix = network.coding == Coding.RADIX
        steps = layer.design.steps
        counter = add(f"counter{output}", CountReadout(neurons, steps, radix=radix))
        m.d.comb += [
            counter.steps.eq(self._own_steps(m, setting, steps)),
            counter.delay.eq(setting.delay),
        ]
        wiring.connect(m, counter.scores, writer.scores)
        return counter.spikes

    def _own_steps(self, m: Module, setting: _Setting, most: int) -> Signal:
        """T of a layer that fires ``most`` planes at most."""
        return OwnSteps(m, setting.steps, self.network.steps, "outer").of(most)

    def _images_inside(self) -> int:
        """Most images that the layers' rows, queues and outputs can hold parts of at once."""
        return 3 + sum(layer.images_inside for layer in self.design)


def setting_sources(network: Network) -> list[int]:
    """For each layer, the source that hands on T and t0, a cycle after it has them itself.

    That of the first connection, unless another source has them so much earlier that its words
    could overtake them.
    """
    cycles = {IMAGE: 0}
    found = []
    for index, layer in enumerate(network.layers):
        sources = [connection.source for connection in layer.connections]
        earliest = min(sources, key=cycles.__getitem__)
        late = cycles[sources[0]] - cycles[earliest] > SETTING_LEAD
        found.append(earliest if late else sources[0])
        cycles[index] = cycles[found[-1]] + 1
    return found


def result_names(network: Network) -> tuple[str, ...]:
    """Names of the result streams, one for each of the network's outputs."""
    others = (f"results_{output}" for output in range(1, len(network.outputs)))
    return ("results", *others)


def score_shape(network: Network, output: int = 0) -> Shape:
    """Shape of an output's score: a count, or summed currents."""
    return signed_shape(score_bounds(network, output))


def result_layout(network: Network, output: int = 0) -> ResultLayout:
    """Layout of a result beat of ``network``'s accelerator."""
    return ResultLayout(score_shape(network, output), network.output_shapes[output][0])


def _visible(m: Module, spikes, index: int):
    """A layer's spikes through signals that a simulation finds by name."""
    word = Signal(len(spikes.payload), name=f"layer{index}_spike_word")
    valid = Signal(name=f"layer{index}_spike_valid")
    ready = Signal(name=f"layer{index}_spike_ready")
    seen = stream.Signature(len(spikes.payload)).create()
    m.d.comb += [
        word.eq(spikes.payload),
        valid.eq(spikes.valid),
        spikes.ready.eq(ready),
        seen.payload.eq(word),
        seen.valid.eq(valid),
        ready.eq(seen.ready),
    ]
    return seen


def _distribute(m: Module, add: Callable, source, readers: list, name: str, domain: str) -> None:
    """Give every word of ``source`` to all ``readers``."""
    outputs = [source]
    if len(readers) > 1:
        fork = add(f"{name}_fork", StreamFork(len(source.payload), len(readers)), domain)
        m.d.comb += [
            fork.input.payload.eq(source.payload),
            fork.input.valid.eq(source.valid),
            source.ready.eq(fork.input.ready),
        ]
        outputs = fork.outputs
    for output, reader in zip(outputs, readers, strict=True):
        m.d.comb += [
            reader.payload.eq(output.payload),
            reader.valid.eq(output.valid),
            output.ready.eq(reader.ready),
        ]
