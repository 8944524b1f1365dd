"""Components of the host link against what Python says they must give, with random stalls."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from rheobase.boards.command_dispatcher import CommandDispatcher
from rheobase.boards.cycle_counters import CycleCounters
from rheobase.boards.frame_receiver import FramePiece, FrameReceiver
from rheobase.boards.frame_transmitter import FrameTransmitter, ReplyByte
from rheobase.boards.image_feeder import ImageFeeder
from rheobase.boards.packet_queue import PacketLayout, PacketQueue
from rheobase.boards.protocol import (
    ESCAPE,
    FLAG,
    Error,
    Identity,
    encode_frame,
    encode_setting,
)
from rheobase.boards.reply_arbiter import ReplyArbiter
from rheobase.boards.reply_writer import ReplyLayout, ReplyWriter
from rheobase.boards.result_collector import AnswerLayout, ResultCollector
from rheobase.boards.result_reporter import ResultReporter, TagLayout
from rheobase.boards.uart_receiver import ReceivedByte
from rheobase.golden import RheobaseError
from rheobase.hw.result_writer import ResultLayout
from rheobase.sim.bench import run_bench
from support.components import check_exchange, encode

BENCHES = Path(__file__).parent / "benches"


def _random_bytes(rng, count):
    return rng.integers(0, 256, count).astype(np.uint8).tobytes()


def _checked(body):
    return body + zlib.crc32(body).to_bytes(4, "little")


def _pieces(content, status=None):
    """Pieces of a frame with these bytes, and its end where it has a verdict."""
    pieces = [{"data": byte, "end": 0, "status": 0} for byte in content]
    if status is not None:
        pieces.append({"data": 0, "end": 1, "status": status})
    return pieces


def _masks(pieces):
    """An end has no data, and a byte no status."""
    full = encode(FramePiece(), {"data": 0xFF, "end": 1, "status": 7})
    byte = encode(FramePiece(), {"data": 0xFF, "end": 1, "status": 0})
    end = full & ~encode(FramePiece(), {"data": 0xFF, "end": 0, "status": 0})
    return [end if piece["end"] else byte for piece in pieces]


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

    for _ in range(6):
        good(_random_bytes(rng, rng.integers(2, largest + 1)))
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
        FrameReceiver(largest),
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


def test_packet_queue():
    """Frames with room for all: good ones pass, bad ones leave their reason and nothing else."""
    rng = np.random.default_rng(6)
    pieces, packets, content = [], [], []
    for _ in range(7):
        body = _random_bytes(rng, rng.integers(2, 10))
        status = int(rng.choice([0, 0, Error.CORRUPT, Error.SHORT]))
        pieces += _pieces(_checked(body), status)
        packets.append({"length": 0 if status else len(body), "status": status})
        content += [] if status else list(body)
    check_exchange(
        PacketQueue(depth=128, packets=8),
        {"pieces": (FramePiece(), pieces)},
        {"packets": (PacketLayout(128), packets), "bytes": (8, content)},
    )


def test_packet_queue_without_room():
    """16 bytes and 4 packets: what does not fit is refused, what comes after it can fit again.

    The word that waits at the output frees one place, and the list's last entry is a limit too.
    """
    frames = [(b"abcdefg", 0), (b"12345678", 0), (b"xy", Error.CORRUPT), (b"uv", 0), (b"zz", 0)]
    pieces = [piece for body, status in frames for piece in _pieces(_checked(body), status)]
    packets = [
        {"length": 7, "status": 0},
        {"length": 0, "status": Error.BUSY},
        {"length": 0, "status": Error.CORRUPT},
        {"length": 2, "status": 0},
    ]
    run_bench(
        PacketQueue(depth=16, packets=4),
        "packet_queue_bench",
        BENCHES,
        {
            "seed": 1,
            "pieces": [encode(FramePiece(), piece) for piece in pieces],
            "packets": [encode(PacketLayout(16), packet) for packet in packets],
            "bytes": list(b"abcdefguv"),
        },
    )
    with pytest.raises(RheobaseError, match="depth is 24, accepted is a power of two"):
        PacketQueue(depth=24, packets=4)


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


@pytest.mark.parametrize("classes", [1, 5])
def test_result_collector(classes):
    rng = np.random.default_rng(8)
    layout = ResultLayout(signed(11), classes)
    scores = rng.integers(-1024, 1024, (6, classes))
    beats = [
        {"score": int(score), "prediction": index % classes, "last": int(index == classes - 1)}
        for image in scores
        for index, score in enumerate(image)
    ]
    answer = {"prediction": classes - 1, "cycles": 77}
    check_exchange(
        ResultCollector(layout, classes),
        {"results": (layout, beats)},
        {
            "scores": (signed(11), scores.reshape(-1).tolist()),
            "answers": (AnswerLayout(layout["prediction"].shape), [answer] * len(scores)),
        },
        ports={"cycles": 77},
    )


@pytest.mark.parametrize("score", [unsigned(5), signed(11), signed(24)], ids=repr)
def test_result_reporter(score):
    rng = np.random.default_rng(9)
    score = Shape.cast(score)
    classes, images, prediction = 3, 8, unsigned(2)
    low = -(2 ** (score.width - 1)) if score.signed else 0
    scores = rng.integers(low, low + 2**score.width, (images, classes))
    answers = rng.integers(0, classes, images)
    cycles = rng.integers(0, 2**32, images)
    wanted = rng.integers(0, 2, images)
    replies = []
    for image in range(images):
        body = bytes([0x83, 200 + image, int(answers[image]), 0])
        body += int(cycles[image]).to_bytes(4, "little")
        if wanted[image]:
            for value in scores[image]:
                body += int(value).to_bytes(-(-score.width // 8), "little", signed=score.signed)
        replies += [{"data": b, "last": int(i == len(body) - 1)} for i, b in enumerate(body)]
    check_exchange(
        ResultReporter(prediction, score, classes),
        {
            "tags": (
                TagLayout(),
                [{"sequence": 200 + i, "scores": int(wanted[i])} for i in range(images)],
            ),
            "answers": (
                AnswerLayout(prediction),
                [
                    {"prediction": int(answer), "cycles": int(count)}
                    for answer, count in zip(answers, cycles, strict=True)
                ],
            ),
            "scores": (score, scores.reshape(-1).tolist()),
        },
        {"replies": (ReplyByte(), replies)},
    )  # fmt: skip


def test_reply_arbiter():
    rng = np.random.default_rng(10)
    sent = {"commands": [], "results": []}
    for name, mark in (("commands", 0), ("results", 0x80)):
        for _ in range(12):
            reply = [mark | int(b) for b in rng.integers(0, 128, rng.integers(1, 6))]
            sent[name] += [*reply[:-1], reply[-1] | 0x100]
    run_bench(ReplyArbiter(), "reply_arbiter_bench", BENCHES, {"seed": 1, **sent})


def test_cycle_counters():
    run_bench(CycleCounters(3), "cycle_counters_bench", BENCHES, {"seed": 1, "images": 3})


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
    counters = int.from_bytes(bytes(range(1, 21)), "little")
    rng = np.random.default_rng(11)
    packets, content, replies, tags, image_bytes = [], [], [], [], []
    setting = (identity.steps, identity.delay)

    def request(body):
        packets.append({"length": len(body), "status": 0})
        content.extend(body)

    def reply(kind, sequence, body):
        replies.append(
            {
                "kind": kind,
                "sequence": sequence,
                "identity": int(kind == 0x81),
                "length": len(body),
                "body": int.from_bytes(body, "little"),
            }
        )

    def refused(sequence, error):
        reply(0xFF, sequence, bytes([error]))

    for sequence in range(1, 9):
        request(bytes([1, sequence]))
        reply(0x81, sequence, encode_setting(*setting))
        image = _random_bytes(rng, identity.image_bytes)
        request(bytes([3, sequence, sequence & 1]) + image)
        tags.append({"sequence": sequence, "scores": sequence & 1})
        image_bytes += image
        for error in (Error.CORRUPT, Error.BUSY):
            packets.append({"length": 0, "status": error})
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
        reply(0x84, sequence, bytes(range(1, 21)))
        asked = (int(rng.integers(0, 9)), int(rng.integers(0, 9)) * int(rng.integers(0, 2)))
        asked = {2: (7, 0), 3: (0, 0), 4: (263, 0), 5: (3, 259)}.get(sequence, asked)
        request(bytes([2, sequence]) + encode_setting(*asked))
        steps, delay = asked
        if 1 <= steps <= 7 and (delay == 0 if radix else delay < steps):
            setting = asked
            reply(0x82, sequence, encode_setting(*setting))
        else:
            refused(sequence, Error.RANGE)
    # The exchange runs four times without a reset: end as after a reset.
    final = (identity.steps, identity.delay)
    request(bytes([2, 99]) + encode_setting(*final))
    reply(0x82, 99, encode_setting(*final))
    check_exchange(
        CommandDispatcher(identity, unsigned(3), unsigned(3), 64),
        {"packets": (PacketLayout(64), packets), "bytes": (8, content)},
        {
            "replies": (ReplyLayout(20), replies),
            "tags": (TagLayout(), tags),
            "image": (8, image_bytes),
        },
        ports={"counters": counters},
    )


def test_reply_writer():
    rng = np.random.default_rng(12)
    identity = bytes(range(100, 158))
    requests, replies = [], []
    for length in (1, 4, 20, 1, 7):
        for asked in (0, 1):
            kind, sequence = (int(value) for value in rng.integers(0, 256, 2))
            body = _random_bytes(rng, length)
            requests.append(
                {
                    "kind": kind,
                    "sequence": sequence,
                    "identity": asked,
                    "length": length,
                    "body": int.from_bytes(body, "little"),
                }
            )
            sent = bytes([kind, sequence]) + identity * asked + body
            replies += [{"data": b, "last": int(i == len(sent) - 1)} for i, b in enumerate(sent)]
    check_exchange(
        ReplyWriter(identity, 20),
        {"requests": (ReplyLayout(20), requests)},
        {"replies": (ReplyByte(), replies)},
    )
