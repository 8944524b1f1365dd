"""The host link's frames and messages (docs/host-link.md), for the host and for the hardware.

Frames are those of asynchronous HDLC (RFC 1662): flag, body and check sum with flags and escapes
stuffed, flag. The check sum is CRC-32 (ISO-HDLC), least significant byte first.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

VERSION = 1
#: Bits per second of the serial line where nothing else is asked for.
DEFAULT_BAUD = 3_000_000
FLAG, ESCAPE, TOGGLE = 0x7E, 0x7D, 0x20
#: Bytes of the check sum, and of a body's header (type, sequence number).
CRC_BYTES, HEADER_BYTES = 4, 2
MAGIC = b"RHEO"
#: Set in the type of a reply.
REPLY = 0x80


class Message(IntEnum):
    """Types of requests."""

    IDENTIFY = 1  #: what is configured
    SET = 2  #: T and t0 of the images that follow
    CLASSIFY = 3  #: one image
    COUNTERS = 4  #: cycle counters


#: Type of a reply that refuses a request.
ERROR = 0xFF


class Error(IntEnum):
    """Why a request was refused. The first four concern a frame that has no trusted header."""

    CORRUPT = 1  #: wrong check sum, a damaged byte, or an escape in front of a flag
    SHORT = 2  #: fewer bytes than header and check sum
    OVERSIZED = 3  #: more bytes than the largest request
    BUSY = 4  #: no room for it: more images in flight than the window
    LENGTH = 5  #: not the length that the message has
    UNKNOWN = 6  #: no such message
    RANGE = 7  #: T or t0 out of range


#: Errors whose reply has no sequence number (0 instead).
UNTRUSTED = frozenset({Error.CORRUPT, Error.SHORT, Error.OVERSIZED, Error.BUSY})

#: Bits of the first byte of a classify request.
WANT_SCORES = 1
_IDENTITY = struct.Struct("<4s4B6H2BI32s")
_SETTING = struct.Struct("<HH")
#: Bytes of a score that 64-bit integers hold, and of the longest frame that a host takes (a reply
#: with as many scores as can be, all bytes stuffed).
LARGEST_SCORE_BYTES = 8
_LONGEST_FRAME = 2 * (2**16 * LARGEST_SCORE_BYTES + 64)
IDENTITY_BYTES = _IDENTITY.size + _SETTING.size
SETTING_BYTES = _SETTING.size
#: Bytes of the counters: images, cycles of the last one, busy cycles, all cycles.
COUNTER_BYTES = (4, 4, 6, 6)
#: Bytes of the answer and the cycles in a classify reply.
ANSWER_BYTES, CYCLES_BYTES = 2, 4


@dataclass(frozen=True)
class Identity:
    """What a device says it is.

    Attributes:
        network_hash: SHA-256 of the network, 64 hexadecimal digits.
        input_shape: (channels, rows, columns) of an image.
        classes: number of scores.
        steps: largest T, and the one after a reset.
        delay: t0 after a reset.
        radix: coding; ``rate`` where False.
        current: readout; ``count`` where False.
        score_bytes: bytes of a score, ``score_signed``: whether it is in two's complement.
        window: images that may be unanswered at a time.
        clock: frequency of the accelerator, Hz.
        version: of the protocol.
    """

    network_hash: str
    input_shape: tuple[int, int, int]
    classes: int
    steps: int
    delay: int
    radix: bool
    current: bool
    score_bytes: int
    score_signed: bool
    window: int
    clock: int
    version: int = VERSION

    @property
    def image_bytes(self) -> int:
        channels, rows, columns = self.input_shape
        return channels * rows * columns

    @property
    def largest_body(self) -> int:
        """Bytes of the longest request, without check sum."""
        return max(HEADER_BYTES + 1 + self.image_bytes, HEADER_BYTES + SETTING_BYTES)

    def encode(self) -> bytes:
        """The constant part of an identify reply."""
        return _IDENTITY.pack(
            MAGIC,
            self.version,
            self.radix,
            self.current,
            self.score_bytes | (0x80 if self.score_signed else 0),
            *self.input_shape,
            self.classes,
            self.steps,
            self.delay,
            self.window,
            0,
            self.clock,
            bytes.fromhex(self.network_hash),
        )


def decode_identity(payload: bytes) -> tuple[Identity, tuple[int, int]]:
    """Identity, and the T and t0 that are set.

    Raises:
        ValueError: the payload is none, or of another protocol version.
    """
    if len(payload) != IDENTITY_BYTES or payload[: len(MAGIC)] != MAGIC:
        raise ValueError("no identity")
    (
        _,
        version,
        radix,
        current,
        score,
        channels,
        rows,
        columns,
        classes,
        steps,
        delay,
        window,
        _,
        clock,
        digest,
    ) = _IDENTITY.unpack_from(payload)
    if version != VERSION:
        raise ValueError(f"protocol version {version}, must be {VERSION}")
    if 0 in (channels, rows, columns, classes, steps, window, clock):
        raise ValueError("an identity with a size of 0")
    if not 1 <= score & 0x7F <= LARGEST_SCORE_BYTES:
        raise ValueError(f"scores of {score & 0x7F} bytes, must be 1 to {LARGEST_SCORE_BYTES}")
    identity = Identity(
        network_hash=digest.hex(),
        input_shape=(channels, rows, columns),
        classes=classes,
        steps=steps,
        delay=delay,
        radix=bool(radix),
        current=bool(current),
        score_bytes=score & 0x7F,
        score_signed=bool(score & 0x80),
        window=window,
        clock=clock,
        version=version,
    )
    return identity, _SETTING.unpack_from(payload, _IDENTITY.size)


def encode_setting(steps: int, delay: int) -> bytes:
    """Payload of a set request and of its reply."""
    return _SETTING.pack(steps, delay)


def decode_setting(payload: bytes) -> tuple[int, int]:
    """T and t0 (``ValueError`` where the payload is not both)."""
    if len(payload) != SETTING_BYTES:
        raise ValueError("no setting")
    return _SETTING.unpack(payload)


def encode_frame(body: bytes) -> bytes:
    """``body`` as it goes over the wire, with check sum, stuffing and both flags."""
    checked = body + zlib.crc32(body).to_bytes(CRC_BYTES, "little")
    stuffed = checked.replace(bytes([ESCAPE]), bytes([ESCAPE, ESCAPE ^ TOGGLE]))
    stuffed = stuffed.replace(bytes([FLAG]), bytes([ESCAPE, FLAG ^ TOGGLE]))
    return bytes([FLAG]) + stuffed + bytes([FLAG])


class FrameDecoder:
    """Wire bytes to bodies; whatever is damaged is left out and counted in ``damaged``."""

    def __init__(self) -> None:
        self.damaged = 0
        self._pending = bytearray()

    def feed(self, received: bytes) -> list[bytes]:
        """Bodies that ``received`` completes."""
        bodies = []
        *ended, rest = received.split(bytes([FLAG]))
        for part in ended:
            self._pending += part[: max(0, _LONGEST_FRAME - len(self._pending))]
            if self._pending:
                body = _unstuffed(bytes(self._pending))
                if body is None:
                    self.damaged += 1
                else:
                    bodies.append(body)
            self._pending.clear()
        # What has no end is no frame, and takes no more memory than one.
        self._pending += rest[: max(0, _LONGEST_FRAME - len(self._pending))]
        return bodies


def _unstuffed(stuffed: bytes) -> bytes | None:
    """The body within one frame, None where it is damaged."""
    first, *rest = stuffed.split(bytes([ESCAPE]))
    if not all(rest):
        # Two escapes in a row, or one in front of the flag.
        return None
    checked = first + b"".join(bytes([part[0] ^ TOGGLE]) + part[1:] for part in rest)
    body, check = checked[:-CRC_BYTES], checked[-CRC_BYTES:]
    if len(body) < HEADER_BYTES or zlib.crc32(body) != int.from_bytes(check, "little"):
        return None
    return body
