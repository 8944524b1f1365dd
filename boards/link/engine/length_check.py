"""Length check: a frame must be as long as its number of words says."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ....hw.basics.shapes import count_shape
from ...engine_protocol import LARGEST_BODY, WORD_BYTES
from ...protocol import CRC_BYTES, HEADER_BYTES, Error
from ..frame_receiver import FramePiece, PacketHeader


class LengthCheck(wiring.Component):
    """Passes pieces on; a good frame of another length is refused in its end as ``LENGTH``.

    So whoever reads a request takes as many words as it says, and no more of it comes.

    Members:
        pieces: in, stream.
        checked: out, stream.
    """

    pieces: stream.Interface
    checked: stream.Interface

    def __init__(self):
        super().__init__(
            {
                "pieces": In(stream.Signature(FramePiece())),
                "checked": Out(stream.Signature(FramePiece())),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        bare = HEADER_BYTES + CRC_BYTES
        count = Signal(count_shape(LARGEST_BODY + CRC_BYTES))
        due = Signal(8 + WORD_BYTES.bit_length())
        given = PacketHeader()(self.checked.payload.data)
        m.d.comb += [
            self.checked.valid.eq(self.pieces.valid),
            self.checked.payload.eq(self.pieces.payload),
            self.pieces.ready.eq(self.checked.ready),
        ]
        good = PacketHeader()(self.pieces.payload.data).status == 0
        with m.If(self.pieces.payload.end & good & (count != bare) & (count != due)):
            m.d.comb += given.status.eq(Error.LENGTH)
        with m.If(self.pieces.valid & self.pieces.ready):
            m.d.sync += count.eq(count + 1)
            with m.If(count == HEADER_BYTES):
                m.d.sync += due.eq(self.pieces.payload.data * WORD_BYTES + bare + 1)
            with m.If(self.pieces.payload.end):
                m.d.sync += count.eq(0)
        return m
