"""The host link: bytes from and to the line on one side, the accelerator on the other."""

from __future__ import annotations

from amaranth import Cat, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..hw.queue import Queue
from .command_dispatcher import REPLY_BODY_BYTES, CommandDispatcher
from .cycle_counters import CycleCounters
from .frame_receiver import FrameReceiver
from .frame_transmitter import FrameTransmitter, ReplyByte
from .image_feeder import ImageFeeder
from .interface import AcceleratorInterface
from .packet_queue import PacketQueue
from .reply_arbiter import ReplyArbiter
from .reply_writer import ReplyWriter
from .result_collector import ResultCollector
from .result_reporter import ResultReporter, TagLayout
from .uart_receiver import ReceivedByte


class HostLink(wiring.Component):
    """Frames in, pixels to the accelerator, results back, frames out (docs/host-link.md).

    Members:
        received, transmitted: bytes of the line.
        pixels, steps, delay, results: the accelerator's ports, seen from outside of it.
        busy: an image is inside the accelerator.
    """

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
        m.submodules.receiver = receiver = FrameReceiver(identity.largest_body)
        # Short requests take few bytes: more of them than images may wait.
        m.submodules.packets = packets = PacketQueue(interface.buffer_bytes, 2 * window)
        m.submodules.dispatcher = dispatcher = CommandDispatcher(
            identity, interface.steps, interface.delay, interface.buffer_bytes
        )
        m.submodules.writer = writer = ReplyWriter(identity.encode(), REPLY_BODY_BYTES)
        m.submodules.feeder = feeder = ImageFeeder(interface.pixel_bytes)
        m.submodules.tags = tags = Queue(TagLayout(), window)
        m.submodules.counters = counters = CycleCounters(window)
        m.submodules.collector = collector = ResultCollector(interface.results, identity.classes)
        m.submodules.reporter = reporter = ResultReporter(
            interface.results["prediction"].shape, interface.score, identity.classes
        )
        m.submodules.arbiter = arbiter = ReplyArbiter()
        m.submodules.transmitter = transmitter = FrameTransmitter()

        wiring.connect(m, wiring.flipped(self.received), receiver.bytes)
        wiring.connect(m, receiver.pieces, packets.pieces)
        wiring.connect(m, packets.packets, dispatcher.packets)
        wiring.connect(m, packets.bytes, dispatcher.bytes)
        wiring.connect(m, dispatcher.tags, tags.input)
        wiring.connect(m, dispatcher.image, feeder.bytes)
        wiring.connect(m, dispatcher.replies, writer.requests)
        wiring.connect(m, writer.replies, arbiter.commands)
        wiring.connect(m, tags.output, reporter.tags)
        wiring.connect(m, wiring.flipped(self.results), collector.results)
        wiring.connect(m, collector.answers, reporter.answers)
        wiring.connect(m, collector.scores, reporter.scores)
        wiring.connect(m, reporter.replies, arbiter.results)
        # Whether a byte needs an escape goes no further back than to this register.
        m.submodules.outgoing = outgoing = Queue(ReplyByte(), 1)
        wiring.connect(m, arbiter.replies, outgoing.input)
        wiring.connect(m, outgoing.output, transmitter.replies)
        wiring.connect(m, transmitter.bytes, wiring.flipped(self.transmitted))
        # A byte comes late out of block RAM: what is done with a pixel starts at a register.
        m.submodules.pixel_queue = pixel_queue = Queue(feeder.pixels.payload.shape(), 2)
        wiring.connect(m, feeder.pixels, pixel_queue.input)
        wiring.connect(m, pixel_queue.output, wiring.flipped(self.pixels))
        m.d.comb += [
            self.steps.eq(dispatcher.steps),
            self.delay.eq(dispatcher.delay),
            counters.started.eq(dispatcher.image_starts),
            counters.finished.eq(collector.finished),
            collector.cycles.eq(counters.elapsed),
            dispatcher.counters.eq(
                Cat(counters.images, counters.last, counters.busy, counters.total)
            ),
            self.busy.eq(counters.occupied),
        ]
        return m
