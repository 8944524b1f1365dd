"""The host link: bytes from and to the line on one side, the accelerator on the other."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...hw.basics.queue import Queue
from ..protocol import SETTING_BYTES
from .command_dispatcher import CommandDispatcher
from .cycle_counters import CycleCounters
from .frame_receiver import FrameReceiver
from .frame_transmitter import FrameTransmitter
from .image_feeder import ImageFeeder
from .interface import AcceleratorInterface
from .line.uart_receiver import ReceivedByte
from .packet_queue import PacketQueue
from .reply_writer import ReplyWriter, TagLayout
from .result_collector import ResultCollector


class HostLink(wiring.Component):
    """Frames in, pixels to the accelerator, results back, frames out (docs/host-link.md).

    ::

        received -> receiver -> packets -> dispatcher -> feeder -> pixel queue -> pixels
                                               |  '-> tags --------.
                                               v                   v
        transmitted <- transmitter <- replies' writer <- answers <- collector <- results
                                           ^
                                        counters

    Members:
        received, transmitted: bytes of the line.
        pixels, steps, delay, results: the accelerator's ports, seen from outside of it.
        busy: out; an image is inside the accelerator.
    """

    received: stream.Interface
    transmitted: stream.Interface
    pixels: stream.Interface
    steps: Signal
    delay: Signal
    results: stream.Interface
    busy: Signal

    def __init__(self, interface: AcceleratorInterface):
        self.interface = interface
        super().__init__(
            {
                "received": In(stream.Signature(ReceivedByte())),
                "transmitted": Out(stream.Signature(8)),
                "pixels": Out(stream.Signature(interface.pixels)),
                "steps": Out(interface.steps),
                "delay": Out(interface.delay),
                "results": In(stream.Signature(interface.results)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        interface, identity = self.interface, self.interface.identity
        window = max(2, identity.window)
        m.submodules.receiver = receiver = FrameReceiver(
            identity.image_bytes, identity.largest_body
        )
        m.submodules.packets = packets = PacketQueue(interface.buffer_bytes)
        m.submodules.dispatcher = dispatcher = CommandDispatcher(
            identity, interface.steps, interface.delay
        )
        m.submodules.feeder = feeder = ImageFeeder(interface.pixel_bytes)
        m.submodules.tags = tags = Queue(TagLayout(), window)
        m.submodules.counters = counters = CycleCounters(
            window, identity.encode() + bytes(SETTING_BYTES)
        )
        m.submodules.collector = collector = ResultCollector(interface.results, identity.classes)
        m.submodules.writer = writer = ReplyWriter(
            interface.results["prediction"].shape,
            interface.score,
            identity.classes,
            window,
            interface.steps,
            interface.delay,
        )
        m.submodules.transmitter = transmitter = FrameTransmitter()

        wiring.connect(m, wiring.flipped(self.received), receiver.bytes)
        wiring.connect(m, receiver.pieces, packets.pieces)
        wiring.connect(m, packets.words, dispatcher.words)
        wiring.connect(m, dispatcher.tags, tags.input)
        wiring.connect(m, dispatcher.image, feeder.bytes)
        wiring.connect(m, dispatcher.replies, writer.commands)
        wiring.connect(m, tags.output, writer.tags)
        wiring.connect(m, wiring.flipped(self.results), collector.results)
        wiring.connect(m, collector.answers, writer.answers)
        wiring.connect(m, writer.replies, transmitter.replies)
        wiring.connect(m, transmitter.bytes, wiring.flipped(self.transmitted))
        # A byte comes late out of block RAM: what is done with a pixel starts at a register.
        m.submodules.pixel_queue = pixel_queue = Queue(feeder.pixels.payload.shape(), 2)
        wiring.connect(m, feeder.pixels, pixel_queue.input)
        wiring.connect(m, pixel_queue.output, wiring.flipped(self.pixels))
        m.d.comb += [
            self.steps.eq(dispatcher.steps),
            self.delay.eq(dispatcher.delay),
            writer.steps.eq(dispatcher.steps),
            writer.delay.eq(dispatcher.delay),
            counters.started.eq(dispatcher.image_starts),
            dispatcher.may_start.eq(counters.may_start),
            counters.finished.eq(collector.finished),
            collector.may_finish.eq(counters.may_finish),
            counters.snapshot.eq(dispatcher.snapshot),
            dispatcher.snapped.eq(counters.snapped),
            counters.address.eq(writer.address),
            writer.stored.eq(counters.data),
            writer.settled.eq(counters.settled),
            collector.score_index.eq(writer.score_index),
            writer.score.eq(collector.score),
            self.busy.eq(counters.occupied),
        ]
        return m
