"""A board that answers from the golden model, behind a pseudo-terminal: no hardware to simulate."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from rheobase.boards.protocol import (
    COUNTER_BYTES,
    HEADER_BYTES,
    REPLY,
    WANT_SCORES,
    FrameDecoder,
    Identity,
    Message,
    decode_setting,
    encode_frame,
    encode_setting,
)
from rheobase.golden import Coding, Network, Readout, network_hash, run_golden

_SCORE_BYTES = 4


@contextmanager
def answering_board(network: Network) -> Iterator[str]:
    """The path of a serial port behind which ``network`` answers as a configured board does."""
    with answering(_Board(network).reply) as port:
        yield port


@contextmanager
def answering(reply: Callable[[bytes], bytes]) -> Iterator[str]:
    """The path of a serial port behind which each request's body gets the body ``reply`` gives."""
    master, slave = os.openpty()
    tty.setraw(slave)
    end = threading.Event()

    def serve() -> None:
        os.set_blocking(master, False)
        decoder = FrameDecoder()
        while not end.wait(0.001):
            try:
                received = os.read(master, 4096)
            except BlockingIOError:
                continue
            for body in decoder.feed(received):
                os.write(master, encode_frame(reply(body)))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        end.set()
        thread.join()
        os.close(master)
        os.close(slave)


class _Board:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.setting = network.steps, network.delay
        self.identity = Identity(
            network_hash=network_hash(network),
            input_shape=network.input_shape,
            classes=network.classes,
            steps=network.steps,
            delay=network.delay,
            radix=network.coding == Coding.RADIX,
            current=network.readout == Readout.CURRENT,
            score_bytes=_SCORE_BYTES,
            score_signed=True,
            window=2,
            clock=12_000_000,
        )

    def reply(self, body: bytes) -> bytes:
        kind, sequence, payload = body[0], body[1], body[HEADER_BYTES:]
        return bytes([kind | REPLY, sequence]) + self._payload(Message(kind), payload)

    def _payload(self, kind: Message, payload: bytes) -> bytes:
        if kind == Message.SET:
            self.setting = decode_setting(payload)
            return encode_setting(*self.setting)
        if kind == Message.IDENTIFY:
            return self.identity.encode() + encode_setting(*self.setting)
        if kind == Message.COUNTERS:
            return bytes(sum(COUNTER_BYTES))
        channels, rows, columns = self.network.input_shape
        pixels = np.frombuffer(payload[1:], np.uint8).reshape(1, rows, columns, channels)
        steps, delay = self.setting
        found = run_golden(self.network, pixels.transpose(0, 3, 1, 2), steps=steps, delay=delay)
        answer = int(found.answers[0]).to_bytes(2, "little") + (100).to_bytes(4, "little")
        scores = found.scores[0].astype("<i4").tobytes()
        return answer + (scores if payload[0] & WANT_SCORES else b"")
