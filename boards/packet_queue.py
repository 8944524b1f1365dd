"""Keeps frames until they are known to be good."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..golden.errors import RheobaseError
from ..hw.checks import check_range
from ..hw.queue import Queue
from ..hw.shapes import count_shape
from .frame_receiver import STATUS_SHAPE, FramePiece
from .protocol import CRC_BYTES, Error


class PacketLayout(data.StructLayout):
    """What came: ``length`` bytes follow on the queue's other output, none where refused.

    Members:
        length: bytes of the body.
        status: 0, or why the frame is refused.
    """

    def __init__(self, depth: int):
        super().__init__({"length": count_shape(depth), "status": STATUS_SHAPE})


class PacketQueue(wiring.Component):
    """Store and forward: a frame shows behind the queue only when its end has said that it is good.

    Its bytes are written behind those of the frames before; a bad end takes them back. The input
    never waits, since the line does not: a frame that finds no room is refused as ``BUSY``, and
    where even the list of packets is full it is dropped without a word.

    Args:
        depth: bytes, a power of two.
        packets: entries of the list of packets.
    """

    def __init__(self, depth: int, packets: int):
        check_range("PacketQueue", "depth", depth, 2 * CRC_BYTES, None)
        if depth & (depth - 1):
            raise RheobaseError(f"PacketQueue: depth is {depth}, accepted is a power of two")
        self.depth = depth
        self.packet_count = check_range("PacketQueue", "packets", packets, 2, None)
        self.packet_layout = PacketLayout(depth)
        super().__init__(
            {
                "pieces": In(stream.Signature(FramePiece())),
                "packets": Out(stream.Signature(self.packet_layout)),
                "bytes": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=8, depth=self.depth, init=[])
        write = memory.write_port()
        read = memory.read_port()
        m.submodules.list = packets = Queue(self.packet_layout, self.packet_count)

        # Positions have one bit more than addresses, so that full and empty differ.
        position = range(2 * self.depth)
        written = Signal(position)
        committed = Signal(position)
        taken = Signal(position)
        overflow = Signal()
        full = Signal()
        good = Signal()
        body_end = Signal(position)
        piece = self.pieces.payload
        m.d.comb += [
            full.eq((written - taken)[: len(taken)] == self.depth),
            self.pieces.ready.eq(1),
            write.addr.eq(written),
            write.data.eq(piece.data),
            write.en.eq(self.pieces.valid & ~piece.end & ~full),
            # The check sum has done its duty.
            body_end.eq(written - CRC_BYTES),
            good.eq((piece.status == 0) & ~overflow & packets.input.ready),
            packets.input.valid.eq(self.pieces.valid & piece.end),
            packets.input.payload.length.eq(Mux(good, body_end - committed, 0)),
            packets.input.payload.status.eq(Mux(overflow, Error.BUSY, piece.status)),
        ]
        with m.If(self.pieces.valid):
            with m.If(piece.end):
                m.d.sync += overflow.eq(0)
                with m.If(good):
                    m.d.sync += [committed.eq(body_end), written.eq(body_end)]
                with m.Else():
                    m.d.sync += written.eq(committed)
            with m.Elif(full):
                m.d.sync += overflow.eq(1)
            with m.Else():
                m.d.sync += written.eq(written + 1)

        fetch = Signal()
        m.d.comb += [
            fetch.eq((taken != committed) & (~self.bytes.valid | self.bytes.ready)),
            read.addr.eq(taken),
            read.en.eq(fetch),
            self.bytes.payload.eq(read.data),
        ]
        with m.If(fetch):
            m.d.sync += [taken.eq(taken + 1), self.bytes.valid.eq(1)]
        with m.Elif(self.bytes.ready):
            m.d.sync += self.bytes.valid.eq(0)
        wiring.connect(m, packets.output, wiring.flipped(self.packets))
        return m
