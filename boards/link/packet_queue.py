"""Keeps frames until they are known to be good."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.errors import RheobaseError
from ...hw.basics.checks import check_range
from ...hw.memories.memory_shape import MemoryShape
from ..protocol import CRC_BYTES, Error
from .block_memory import block_memory, block_shape
from .frame_receiver import FramePiece, PacketHeader

#: Words of a packet beside its bytes: the header.
HEADER_WORDS = 1


class PacketWord(data.StructLayout):
    """A word of a packet: its ``PacketHeader``, marked, then its bytes as they were received."""

    def __init__(self):
        super().__init__({"data": 8, "mark": 1})


def packet_memory(depth: int) -> MemoryShape:
    """What the words are kept in."""
    return block_shape(depth, PacketWord().size)


class PacketQueue(wiring.Component):
    """Store and forward: a frame shows behind the queue only when its end has said that it is good.

    Its bytes, check sum included, are written behind those of the frames before, after a word
    that is left free for the header; a bad end takes them back and leaves the header alone. The
    input waits for a few cycles at the most, since the line does not: a frame that finds no room
    is refused as ``BUSY``, and where there is no room for the header it is dropped without a word.

    Args:
        depth: words, a power of two.

    Members:
        pieces: in, stream; bytes and marks of packets.
        words: out, stream; those of good packets, and the errors of the others.
    """

    pieces: stream.Interface
    words: stream.Interface

    def __init__(self, depth: int):
        check_range("PacketQueue", "depth", depth, 2 * CRC_BYTES, None)
        if depth & (depth - 1):
            raise RheobaseError(f"PacketQueue: depth is {depth}, must be a power of two")
        self.depth = depth
        super().__init__(
            {
                "pieces": In(stream.Signature(FramePiece())),
                "words": Out(stream.Signature(PacketWord())),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        # Written is at the end of what is there, and read is what is there.
        m.submodules.memory = memory = block_memory(packet_memory(self.depth))
        write = memory.write_port()
        read = memory.read_port()

        # Positions have one bit more than addresses, so that full and empty differ.
        position = range(2 * self.depth)
        written = Signal(position, init=HEADER_WORDS)
        committed = Signal(position)
        taken = Signal(position)
        overflow = Signal()
        full = Signal()
        good = Signal()
        hidden = Signal()
        piece = self.pieces.payload
        header = PacketHeader()(piece.data)
        word = Signal(PacketWord())
        m.d.comb += [
            full.eq((written[:-1] == taken[:-1]) & (written[-1] != taken[-1])),
            good.eq((header.status == 0) & ~overflow),
            write.addr.eq(written),
            write.data.eq(word),
            word.data.eq(piece.data),
            word.mark.eq(piece.mark),
        ]
        with m.If(piece.end):
            m.d.comb += word.mark.eq(1)
            with m.If(overflow):
                m.d.comb += PacketHeader()(word.data).status.eq(Error.BUSY)
        back = Signal()
        onward = Signal()
        with m.If(back | onward):
            m.d.sync += written.eq(Mux(back, committed, written + 1))

        with m.FSM(name="packets"):
            with m.State("BYTES"):
                m.d.comb += [
                    self.pieces.ready.eq(~piece.end),
                    write.en.eq(self.pieces.valid & ~piece.end & ~full & ~overflow),
                    onward.eq(write.en),
                    back.eq(self.pieces.valid & piece.end),
                ]
                with m.If(self.pieces.valid):
                    with m.If(piece.end):
                        with m.If(good):
                            m.d.sync += committed.eq(written)
                        m.next = "HEADER"
                    with m.Elif(full):
                        m.d.sync += overflow.eq(1)
            with m.State("HEADER"):
                # At the frame's start. What is committed already is still without its header.
                m.d.comb += [
                    self.pieces.ready.eq(1),
                    hidden.eq(1),
                    write.en.eq(~full),
                    back.eq(good),
                    onward.eq(~full),
                ]
                m.next = "COMMIT"
            with m.State("COMMIT"):
                m.d.sync += committed.eq(written)
                m.next = "RESERVE"
            with m.State("RESERVE"):
                # Where not even the next frame's header has room when it comes, the frame has none.
                m.d.comb += onward.eq(~full)
                m.d.sync += overflow.eq(full)
                with m.If(~full | self.pieces.valid):
                    m.next = "BYTES"

        # Out of the memory, and from there into a register: the way out of block RAM is long.
        fetch = Signal()
        fetched = Signal()
        moves = Signal()
        m.d.comb += [
            moves.eq(~self.words.valid | self.words.ready),
            fetch.eq((taken != committed) & ~hidden & (~fetched | moves)),
            read.addr.eq(taken),
            read.en.eq(fetch),
        ]
        with m.If(moves):
            m.d.sync += [self.words.payload.eq(read.data), self.words.valid.eq(fetched)]
        with m.If(fetch):
            m.d.sync += [taken.eq(taken + 1), fetched.eq(1)]
        with m.Elif(moves):
            m.d.sync += fetched.eq(0)
        return m
