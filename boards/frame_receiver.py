"""Bytes from the line to checked frames."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.hdl import Shape
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from ..hw.checks import check_range
from ..hw.shapes import count_shape
from .protocol import CRC_BYTES, ESCAPE, FLAG, HEADER_BYTES, TOGGLE, Error
from .uart_receiver import ReceivedByte

STATUS_SHAPE = Shape.cast(range(max(Error) + 1))


class FramePiece(data.StructLayout):
    """A byte of a frame, or (with ``end``) its end.

    Members:
        data: the byte; the last four of a frame are its check sum.
        end: no byte, but the end of the frame.
        status: with ``end``: 0 where the frame is good, else why it is refused.
    """

    def __init__(self):
        super().__init__({"data": 8, "end": 1, "status": STATUS_SHAPE})


class FrameReceiver(wiring.Component):
    """Undoes the stuffing, checks length and check sum, and gives the verdict with the end.

    Nothing between two flags is no frame and passes unnoticed, so flags may stand alone. Every
    flag starts anew: no damage outlives the frame that it is in.

    Args:
        largest_body: bytes of the largest body; the pieces of a larger one are not given out.
    """

    def __init__(self, largest_body: int):
        self.largest_body = check_range(
            "FrameReceiver", "largest_body", largest_body, HEADER_BYTES, None
        )
        super().__init__(
            {
                "bytes": In(stream.Signature(ReceivedByte())),
                "pieces": Out(stream.Signature(FramePiece())),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()
        largest = self.largest_body + CRC_BYTES
        count = Signal(count_shape(largest + 1))
        escaped = Signal()
        damaged = Signal()
        received = self.bytes.payload
        piece = self.pieces.payload
        is_flag = Signal()
        is_escape = Signal()
        too_large = Signal()
        empty = Signal()
        gives = Signal()
        taken = Signal()
        m.d.comb += [
            is_flag.eq((received.data == FLAG) & ~received.damaged),
            is_escape.eq((received.data == ESCAPE) & ~escaped & ~received.damaged),
            too_large.eq(count >= largest),
            empty.eq((count == 0) & ~escaped & ~damaged),
            # A flag after something ends it; a byte is given unless it is too many.
            gives.eq(Mux(is_flag, ~empty, ~is_escape & ~too_large & ~received.damaged)),
            self.pieces.valid.eq(self.bytes.valid & gives),
            self.bytes.ready.eq(self.pieces.ready | ~gives),
            taken.eq(self.bytes.valid & self.bytes.ready),
            piece.end.eq(is_flag),
            piece.data.eq(received.data ^ Mux(escaped, TOGGLE, 0)),
            crc.data.eq(piece.data),
            crc.valid.eq(taken & gives & ~is_flag),
            crc.start.eq(taken & is_flag),
        ]
        with m.If(is_flag):
            with m.If(count > largest):
                m.d.comb += piece.status.eq(Error.OVERSIZED)
            with m.Elif(damaged | escaped):
                m.d.comb += piece.status.eq(Error.CORRUPT)
            with m.Elif(count < HEADER_BYTES + CRC_BYTES):
                m.d.comb += piece.status.eq(Error.SHORT)
            with m.Elif(~crc.match_detected):
                m.d.comb += piece.status.eq(Error.CORRUPT)
        with m.If(taken):
            with m.If(is_flag):
                m.d.sync += [count.eq(0), escaped.eq(0), damaged.eq(0)]
            with m.Else():
                m.d.sync += escaped.eq(is_escape)
                with m.If(received.damaged):
                    m.d.sync += damaged.eq(1)
                with m.Elif(~is_escape & (count <= largest)):
                    m.d.sync += count.eq(count + 1)
        return m
