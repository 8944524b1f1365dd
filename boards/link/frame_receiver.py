"""Bytes from the line to checked frames."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.hdl import Shape
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...hw.basics.checks import check_range
from ...hw.basics.shapes import count_shape
from ..protocol import CRC_BYTES, ESCAPE, FLAG, HEADER_BYTES, SETTING_BYTES, TOGGLE, Error
from .line.uart_receiver import ReceivedByte
from .serial_crc import RESIDUE, SerialCrc

STATUS_SHAPE = Shape.cast(range(max(Error) + 1))
_BARE = HEADER_BYTES + CRC_BYTES


class PacketHeader(data.StructLayout):
    """What is known of a frame at its end, in a byte.

    Members:
        status: 0 where the frame is good, else why it is refused.
        bare, setting, image: it has the length of a request without payload, to set, to classify.
        begins: 1: tells it from the mark behind an image.
    """

    def __init__(self):
        super().__init__(
            {
                "status": STATUS_SHAPE,
                "bare": 1,
                "setting": 1,
                "image": 1,
                "_": 7 - 3 - STATUS_SHAPE.width,
                "begins": 1,
            }
        )


class FramePiece(data.StructLayout):
    """A byte of a frame, or (with ``end``) the verdict on it.

    Members:
        data: the byte, the last four of a frame are its check sum; or a ``PacketHeader``.
        end: no byte, but the end of the frame.
        mark: this byte of the check sum is where an image has ended, if the frame holds one;
            its highest bit is 0.
    """

    def __init__(self):
        super().__init__({"data": 8, "end": 1, "mark": 1})


class FrameReceiver(wiring.Component):
    """Undoes the stuffing, checks length and check sum, and gives the verdict with the end.

    Nothing between two flags is no frame and passes unnoticed, so flags may stand alone. Every
    flag starts anew: no damage outlives the frame that it is in. A byte takes ten cycles.

    Args:
        image_bytes: of a request to classify.
        largest_body: bytes of the largest body; the pieces of a larger one are not given out.

    Members:
        bytes: in, stream; what the line brings.
        pieces: out, stream; the packets' bytes and marks.
    """

    bytes: stream.Interface
    pieces: stream.Interface

    def __init__(self, image_bytes: int, largest_body: int):
        self.image_end = HEADER_BYTES + 1 + image_bytes
        self.largest_body = check_range(
            "FrameReceiver",
            "largest_body",
            largest_body,
            max(self.image_end, HEADER_BYTES + SETTING_BYTES),
            None,
        )
        super().__init__(
            {
                "bytes": In(stream.Signature(ReceivedByte())),
                "pieces": Out(stream.Signature(FramePiece())),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.crc = crc = SerialCrc()
        largest = self.largest_body + CRC_BYTES
        count = Signal(count_shape(largest))
        escaped = Signal()
        # A byte that was damaged; a byte more than the largest body has.
        damaged = Signal()
        too_long = Signal()
        received = self.bytes.payload
        piece = self.pieces.payload
        bit = Signal(3)
        is_flag = Signal()
        is_escape = Signal()
        full = Signal()
        gives = Signal()
        m.d.comb += [
            is_flag.eq((received.data == FLAG) & ~received.damaged),
            is_escape.eq((received.data == ESCAPE) & ~escaped & ~received.damaged),
            full.eq(count == largest),
            piece.end.eq(is_flag),
            crc.bit.eq(received.data.bit_select(bit, 1) ^ (escaped & (1 << bit == TOGGLE))),
        ]
        status = Signal(STATUS_SHAPE)
        lengths = {
            "bare": _BARE,
            "setting": _BARE + SETTING_BYTES,
            "image": self.image_end + CRC_BYTES,
        }
        with m.If(too_long):
            m.d.comb += status.eq(Error.OVERSIZED)
        with m.Elif(damaged | escaped):
            m.d.comb += status.eq(Error.CORRUPT)
        with m.Elif((count[3:] == 0) & (count[:3] < _BARE)):
            m.d.comb += status.eq(Error.SHORT)
        with m.Elif(crc.sum != RESIDUE):
            m.d.comb += status.eq(Error.CORRUPT)
        with m.If(is_flag):
            header = PacketHeader()(piece.data)
            m.d.comb += [header.status.eq(status), header.begins.eq(1)]
            for name, length in lengths.items():
                m.d.comb += header[name].eq(count == length)
        with m.Else():
            m.d.comb += [
                piece.data.eq(received.data ^ (escaped << TOGGLE.bit_length() - 1)),
                piece.mark.eq(count == self.image_end),
            ]
            with m.If(piece.mark):
                m.d.comb += piece.data[-1].eq(0)

        with m.FSM(name="receiver"):
            with m.State("BYTE"):
                # A flag after something ends it; a byte is given unless it is too many.
                empty = (count == 0) & ~escaped & ~damaged
                with m.If(is_flag):
                    m.d.comb += gives.eq(~empty)
                with m.Else():
                    m.d.comb += gives.eq(~(is_escape | full | received.damaged))
                m.d.comb += self.pieces.valid.eq(self.bytes.valid & gives)
                with m.If(self.bytes.valid & (self.pieces.ready | ~gives)):
                    with m.If(gives & ~is_flag):
                        m.next = "CHECK"
                    with m.Else():
                        m.d.comb += self.bytes.ready.eq(1)
                        m.d.sync += escaped.eq(is_escape)
                    with m.If(is_flag):
                        m.d.comb += crc.start.eq(1)
                        m.d.sync += [count.eq(0), damaged.eq(0), too_long.eq(0)]
                    with m.Elif(received.damaged):
                        m.d.sync += damaged.eq(1)
                    with m.Elif(~is_escape & full):
                        m.d.sync += too_long.eq(1)
            with m.State("CHECK"):
                # The byte waits outside until its last bit is in the check sum.
                m.d.comb += crc.shift.eq(1)
                m.d.sync += bit.eq(bit + 1)
                with m.If(bit == 7):
                    m.d.comb += self.bytes.ready.eq(1)
                    m.d.sync += [count.eq(count + 1), escaped.eq(0)]
                    m.next = "BYTE"
        return m
