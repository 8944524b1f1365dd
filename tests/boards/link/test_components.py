"""Components of the host link against what Python says they must give, with random stalls."""

import zlib

import numpy as np
import pytest
from amaranth.hdl import unsigned

from rheobase.boards.link.command_dispatcher import CommandDispatcher
from rheobase.boards.link.frame_receiver import FramePiece, FrameReceiver, PacketHeader
from rheobase.boards.link.frame_transmitter import FrameTransmitter, ReplyByte
from rheobase.boards.link.image_feeder import ImageFeeder
from rheobase.boards.link.line.uart_receiver import ReceivedByte
from rheobase.boards.link.packet_queue import PacketQueue, PacketWord
from rheobase.boards.link.reply_writer import ReplyRequest, TagLayout
from rheobase.boards.protocol import (
    ESCAPE,
    FLAG,
    Error,
    Identity,
    encode_frame,
    encode_setting,
)
from rheobase.golden import RheobaseError
from rheobase.sim.bench import run_bench
from tests.support.simulation.components import check_exchange, encode


def _random_bytes(rng, count):
    return rng.integers(0, 256, count).astype(np.uint8).tobytes()


def _checked(body):
    return body + zlib.crc32(body).to_bytes(4, "little")


def _header(status, length=0, image_bytes=0):
    """Header of a frame of ``length`` bytes, check sum included."""
    fields = {
        "status": status,
        "bare": int(length == 6),
        "setting": int(length == 10),
        "image": int(length == 7 + image_bytes),
        "begins": 1,
    }
    return encode(PacketHeader(), fields)


def _pieces(content, status=None, image_bytes=9):
    """Pieces of a frame with these bytes, and its end where it has a verdict."""
    pieces = [{"data": byte, "end": 0, "mark": 0} for byte in content]
    if len(content) > 3 + image_bytes:
        pieces[3 + image_bytes].update(mark=1, data=content[3 + image_bytes] & 0x7F)
    if status is not None:
        header = _header(status, len(content), image_bytes)
        pieces.append({"data": header, "end": 1, "mark": 0})
    return pieces


def _masks(pieces):
    """The lengths in a header count where the frame is good, and an end has no mark."""
    every = encode(FramePiece(), {"data": 0xFF, "end": 1, "mark": 1})
    good = encode(FramePiece(), {"data": 0xFF, "end": 1, "mark": 0})
    bad = encode(FramePiece(), {"data": _header(7), "end": 1, "mark": 0})
    return [(bad if piece["data"] & 7 else good) if piece["end"] else every for piece in pieces]


def _line(wire, damaged=()):
    return [{"data": byte, "damaged": int(i in damaged)} for i, byte in enumerate(wire)]


def test_frame_receiver():
    rng = np.random.default_rng(4)
    largest = 12
    line, pieces = [], []

    def good(body):
        line.extend(_line(encode_frame(body)))
        pieces.extend(_pieces(_checked(body), 0))

    def bad(wire, content, status, damaged=()):
        line.extend(_line(wire, damaged))
        pieces.extend(_pieces(content, status))

    for _ in range(2):
        good(_random_bytes(rng, rng.integers(2, largest + 1)))
        for length in (2, 6, largest - 1, largest):
            good(_random_bytes(rng, length))
        good(bytes([FLAG, ESCAPE, FLAG ^ 0x20, ESCAPE ^ 0x20, FLAG, FLAG]))
        # Flags alone are nothing.
        line.extend(_line(bytes([FLAG] * int(rng.integers(0, 4)))))
        body = bytes([1, 2, 3, 4, 5])
        flipped = bytearray(_checked(body))
        flipped[int(rng.integers(len(flipped)))] ^= 0x80
        if not {FLAG, ESCAPE} & set(flipped):
            bad(bytes([FLAG, *flipped, FLAG]), flipped, Error.CORRUPT)
        bad(bytes([FLAG, *_checked(b"\x05"), FLAG]), _checked(b"\x05"), Error.SHORT)
        bad(bytes([1, FLAG]), [1], Error.SHORT)
        # Too many bytes are cut off; the next frame is whole again.
        long = bytes(range(1, largest + 9))
        bad(bytes([FLAG, *long, FLAG]), long[: largest + 4], Error.OVERSIZED)
        good(bytes([9, 8]))
        # An escape in front of a flag, and a byte that the line damaged, are refused; the latter
        # is no flag even if it looks like one.
        bad(bytes([1, 2, 3, 4, 5, 6, 7, ESCAPE, FLAG]), [1, 2, 3, 4, 5, 6, 7], Error.CORRUPT)
        wire = bytes([1, 2, FLAG, 3, 4, 5, 6, FLAG])
        bad(wire, [1, 2, 3, 4, 5, 6], Error.CORRUPT, damaged={2})
        bad(bytes([7, FLAG]), [], Error.CORRUPT, damaged={0})
    check_exchange(
        FrameReceiver(largest - 3, largest),
        {"bytes": (ReceivedByte(), line)},
        {"pieces": (FramePiece(), pieces)},
        masks={"pieces": _masks(pieces)},
    )


def test_frame_transmitter():
    rng = np.random.default_rng(5)
    bodies = [
        rng.integers(0, 256, rng.integers(1, 30)).astype(np.uint8).tobytes() for _ in range(9)
    ]
    bodies += [bytes([FLAG, ESCAPE]), bytes([ESCAPE, FLAG])]
    # Check sums that need stuffing themselves: found by looking for them.
    bodies += [
        next(
            body
            for body in (n.to_bytes(4, "little") for n in range(10_000))
            if byte in zlib.crc32(body).to_bytes(4, "little")[-1:]
        )
        for byte in (FLAG, ESCAPE)
    ]
    replies = [
        {"data": byte, "last": int(index == len(body) - 1)}
        for body in bodies
        for index, byte in enumerate(body)
    ]
    wire = b"".join(map(encode_frame, bodies))
    check_exchange(
        FrameTransmitter(), {"replies": (ReplyByte(), replies)}, {"bytes": (8, list(wire))}
    )


def _words(content, status, *, whole):
    """A packet's words: its header, and its bytes where it is good."""
    *pieces, end = _pieces(content, status)
    words = [{"data": end["data"] if whole else _header(status), "mark": 1}]
    return words + [{"data": p["data"], "mark": p["mark"]} for p in pieces if not status]


def test_packet_queue():
    """Frames with room for all: good ones pass, bad ones leave their reason and nothing else."""
    rng = np.random.default_rng(6)
    pieces, words = [], []
    for _ in range(7):
        content = _checked(_random_bytes(rng, rng.integers(2, 12)))
        status = int(rng.choice([0, 0, Error.CORRUPT, Error.SHORT]))
        pieces += _pieces(content, status)
        words += _words(content, status, whole=True)
    check_exchange(
        PacketQueue(depth=128),
        {"pieces": (FramePiece(), pieces)},
        {"words": (PacketWord(), words)},
    )


def test_packet_queue_without_room():
    """16 words: what does not fit is refused, what comes after it can fit again, to the last word.

    The words that wait at the output free two places. Where there is no room for a header either,
    nothing is left of a frame.
    """
    frames = [
        (b"abcdefghijkl", 0),
        (b"123456", 0),
        (b"12", Error.CORRUPT),
        (b"uv", 0),
        (b"w", 0),
        (b"z", Error.SHORT),
    ]
    words = [
        *_words(b"abcdefghijkl", 0, whole=True),
        *_words(b"", Error.BUSY, whole=False),
        *_words(b"12", Error.CORRUPT, whole=True),
        *_words(b"uv", 0, whole=True),
    ]
    assert len(words) == 16 + 2
    refused = encode(PacketWord(), {"data": _header(7), "mark": 1})
    run_bench(
        PacketQueue(depth=16),
        "tests.boards.benches.packet_queue_bench",
        {
            "seed": 1,
            "end": encode(FramePiece(), {"data": _header(0), "end": 1, "mark": 0}),
            "mark": encode(PacketWord(), {"data": 0, "mark": 1}),
            "status": 7,
            "busy": int(Error.BUSY),
            "pieces": [
                encode(FramePiece(), piece)
                for content, status in frames
                for piece in _pieces(content, status)
            ],
            "words": [encode(PacketWord(), word) for word in words],
            "masks": [refused if word["mark"] and word["data"] & 7 else 0x1FF for word in words],
        },
    )
    with pytest.raises(RheobaseError, match="depth is 24, must be a power of two"):
        PacketQueue(depth=24)


def test_image_feeder():
    """With one channel it is wires only, which the whole board's tests run through."""
    channels = 3
    pixels = np.random.default_rng(7).integers(0, 256, (20, channels))
    expected = [sum(int(v) << 8 * c for c, v in enumerate(pixel)) for pixel in pixels]
    check_exchange(
        ImageFeeder(channels),
        {"bytes": (8, pixels.reshape(-1).tolist())},
        {"pixels": (8 * channels, expected)},
    )


def _identity(**changes):
    fields = {
        "network_hash": bytes(range(32)).hex(),
        "input_shape": (2, 2, 3),
        "classes": 10,
        "steps": 7,
        "delay": 2,
        "radix": False,
        "current": True,
        "score_bytes": 2,
        "score_signed": True,
        "window": 2,
        "clock": 25_000_000,
    }
    return Identity(**{**fields, **changes})


@pytest.mark.parametrize("radix", [False, True])
def test_command_dispatcher(radix):
    """All requests, all refusals; what is refused changes nothing and passes nothing on."""
    identity = _identity(radix=radix, delay=0 if radix else 2)
    rng = np.random.default_rng(11)
    words, replies, tags, image_bytes, settings = [], [], [], [], []
    setting = (identity.steps, identity.delay)
    full = encode(ReplyRequest(), {"message": 7, "sequence": 0xFF, "code": 7})
    unknown = encode(ReplyRequest(), {"message": 0, "sequence": 0xFF, "code": 7})

    def request(body):
        content = _checked(body)
        words.append({"data": _header(0, len(content), identity.image_bytes), "mark": 1})
        pieces = _pieces(content, image_bytes=identity.image_bytes)
        words.extend({"data": piece["data"], "mark": piece["mark"]} for piece in pieces)

    def reply(message, sequence):
        replies.append({"message": message, "sequence": sequence, "code": 0})

    def refused(sequence, error):
        replies.append({"message": 0, "sequence": sequence, "code": error})

    for sequence in range(1, 9):
        request(bytes([1, sequence]))
        reply(1, sequence)
        settings.append(setting)
        image = _random_bytes(rng, identity.image_bytes)
        request(bytes([3, sequence, sequence & 1]) + image)
        tags.append({"sequence": sequence, "scores": sequence & 1})
        image_bytes += image
        for error in (Error.CORRUPT, Error.BUSY):
            words.append({"data": _header(error), "mark": 1})
            refused(0, error)
        for wrong in (
            bytes([3, 50, 1]) + image[:-1],
            bytes([3, 50, 1]) + image + b"!",
            b"\x03\x32",
        ):
            request(wrong)
            refused(50, Error.LENGTH)
        request(bytes([9, 51, 1, 2]))
        refused(51, Error.UNKNOWN)
        request(bytes([4, sequence]))
        reply(4, sequence)
        asked = (int(rng.integers(0, 9)), int(rng.integers(0, 9)) * int(rng.integers(0, 2)))
        asked = {2: (7, 0), 3: (0, 0), 4: (263, 0), 5: (3, 259)}.get(sequence, asked)
        request(bytes([2, sequence]) + encode_setting(*asked))
        steps, delay = asked
        if 1 <= steps <= 7 and (delay == 0 if radix else delay < steps):
            setting = asked
            reply(2, sequence)
            settings.append(setting)
        else:
            refused(sequence, Error.RANGE)
    # The exchange runs four times without a reset: end as after a reset.
    final = (identity.steps, identity.delay)
    request(bytes([2, 99]) + encode_setting(*final))
    reply(2, 99)
    settings.append(final)
    run_bench(
        CommandDispatcher(identity, unsigned(3), unsigned(3)),
        "tests.boards.benches.command_dispatcher_bench",
        {
            "seed": 1,
            "words": [encode(PacketWord(), word) for word in words],
            "replies": [encode(ReplyRequest(), reply) for reply in replies],
            "masks": [unknown if reply["code"] else full for reply in replies],
            "tags": [encode(TagLayout(), tag) for tag in tags],
            "image": image_bytes,
            "settings": settings,
        },
    )
