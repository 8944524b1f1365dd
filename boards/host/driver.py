"""Host driver: talks to a configured board over a serial port."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import serial

from ...golden.errors import MachineError, RheobaseError
from ...golden.files.file import network_hash
from ...golden.network.has_network import HasNetwork
from ...golden.network.network import Network
from ..engine_protocol import MAGIC as ENGINE_MAGIC
from ..protocol import (
    ANSWER_BYTES,
    COUNTER_BYTES,
    CYCLES_BYTES,
    DEFAULT_BAUD,
    ERROR,
    REPLY,
    WANT_SCORES,
    Error,
    Identity,
    Message,
    decode_identity,
    decode_setting,
    encode_setting,
)
from .serial_client import ATTEMPTS, DEFAULT_TIMEOUT, SerialClient, is_untrusted

#: Seconds that the images of an earlier connection may take to be answered.
_SETTLING = 60.0


@dataclass(frozen=True)
class Counters:
    """The board's cycle counters.

    Attributes:
        images: images answered since the reset.
        last: cycles of the last one.
        busy: cycles with at least one image inside the accelerator.
        total: cycles since the reset.
    """

    images: int
    last: int
    busy: int
    total: int


@dataclass(frozen=True, eq=False)
class Classified:
    """What the board answered.

    Attributes:
        answers: int64, (images,).
        scores: int64, (images, classes); None where they were not asked for.
        cycles: int64, (images,): from an image's start into the accelerator to its last result.
        resent: requests that were sent again since they or their answer were damaged.
    """

    answers: np.ndarray
    scores: np.ndarray | None
    cycles: np.ndarray
    resent: int


class Board(SerialClient):
    """A configured board at a serial port, which is this one's alone; a context manager.

        with rheobase.Board("/dev/ttyUSB0") as board:
            print(board.classify(images).answers)

    Images that an earlier connection left in the board are waited for: it begins when no reply to
    them is left in the board or on the line.

    Args:
        port: its name, or one that is open.
        baud: as the bitstream was built for.
        timeout: seconds of silence after which a request is sent again, 4 times in all.
        network: what the board must be configured with, if given; a conversion does as well.

    Attributes:
        identity: what is configured.

    Raises:
        RheobaseError: another network is configured; a ``MachineError`` where the port cannot be
            opened or is in use, or nothing answers.
    """

    def __init__(
        self,
        port: str | serial.Serial,
        *,
        baud: int = DEFAULT_BAUD,
        timeout: float = DEFAULT_TIMEOUT,
        network: Network | HasNetwork | None = None,
    ):
        super().__init__(port, baud=baud, timeout=timeout)
        self.identity: Identity | None = None
        try:
            self._listen_for_silence()
            self.identity, _ = self._identify()
            self._settle()
            self.identity, self._setting = self._identify()
            if network is not None:
                self._check_network(network_hash(network))
        except BaseException:
            self.close()
            raise

    @property
    def setting(self) -> tuple[int, int]:
        """T and t0 that are set."""
        return self._setting

    def set(self, steps: int, delay: int) -> None:
        """Set T and t0 of the images that follow.

        Raises:
            RheobaseError: out of range, or no answer.
        """
        if not (0 <= steps < 2**16 and 0 <= delay < 2**16):
            raise self._refused(Error.RANGE, f"T = {steps}, t0 = {delay}")
        reply = self._ask(Message.SET, encode_setting(steps, delay), f"T = {steps}, t0 = {delay}")
        try:
            self._setting = decode_setting(reply)
        except ValueError as error:
            raise MachineError(f"{self._port.name}: not a rheobase board ({error})") from None

    def counters(self) -> Counters:
        """Read the cycle counters (``RheobaseError`` where no answer comes)."""
        reply = self._ask(Message.COUNTERS, b"", "counters")
        if len(reply) != sum(COUNTER_BYTES):
            raise MachineError(f"{self._port.name}: counters of {len(reply)} bytes, not ours")
        fields, start = [], 0
        for size in COUNTER_BYTES:
            fields.append(int.from_bytes(reply[start : start + size], "little"))
            start += size
        return Counters(*fields)

    def classify(
        self,
        images: np.ndarray,
        *,
        scores: bool = True,
        progress: Callable[[int], None] | None = None,
    ) -> Classified:
        """Classify ``images``, as many under way as the board has room for.

        A request that is damaged on the way, or whose answer is, is sent again.

        Args:
            images: uint8, (images, channels, rows, columns); a torch tensor does as well.
            scores: ask for the scores too.
            progress: called with the number of images newly done.

        Raises:
            RheobaseError: wrong images, or no answer.
        """
        identity = self.identity
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.shape[1:] != identity.input_shape:
            size = " x ".join(map(str, images.shape[1:]))
            accepted = " x ".join(map(str, identity.input_shape))
            raise RheobaseError(
                f"images: {size} of {images.dtype}, must be {accepted} of uint8 "
                "(channels x rows x columns)"
            )
        pixels = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        replies: dict[int, bytes] = {}
        to_send = deque(range(len(images)))
        in_flight: dict[int, int] = {}
        attempts, resent = 0, 0
        while len(replies) < len(images):
            while to_send and len(in_flight) < identity.window:
                index = to_send.popleft()
                body = bytes([WANT_SCORES if scores else 0]) + pixels[index].tobytes()
                in_flight[self._send(Message.CLASSIFY, body)] = index
            done = 0
            lost = True
            for kind, sequence, payload in self._receive():
                if kind == ERROR and not is_untrusted(payload):
                    raise self._refused(payload[0] if payload else 0, "an image")
                if kind == Message.CLASSIFY | REPLY and sequence in in_flight:
                    replies[in_flight.pop(sequence)] = payload
                    done += 1
                lost = False
            if done:
                attempts = 0
                if progress is not None:
                    progress(done)
            # After damage nothing more comes for what was damaged: wait for silence, then repeat.
            if lost:
                attempts += 1
                if attempts == ATTEMPTS:
                    raise self._no_answer("an image")
                resent += len(in_flight)
                to_send.extendleft(sorted(in_flight.values(), reverse=True))
                in_flight.clear()
        return self._classified([replies[index] for index in range(len(images))], scores, resent)

    def _classified(self, replies: list[bytes], scores: bool, resent: int) -> Classified:
        identity = self.identity
        count = len(replies)
        fixed = ANSWER_BYTES + CYCLES_BYTES
        size = fixed + (identity.classes * identity.score_bytes if scores else 0)
        if any(len(reply) != size for reply in replies):
            raise MachineError(f"{self._port.name}: an answer that has not {size} bytes, not ours")
        raw = np.frombuffer(b"".join(replies), np.uint8).reshape(count, size).astype(np.int64)
        values = None
        if scores:
            shape = (count, identity.classes, identity.score_bytes)
            values = _little_endian(raw[:, fixed:].reshape(shape))
            if identity.score_signed:
                bits = 8 * identity.score_bytes
                values -= (values >> (bits - 1)) << bits
        return Classified(
            answers=_little_endian(raw[:, :ANSWER_BYTES]),
            scores=values,
            cycles=_little_endian(raw[:, ANSWER_BYTES:fixed]),
            resent=resent,
        )

    def _check_network(self, expected: str) -> None:
        found = self.identity.network_hash
        if found != expected:
            raise RheobaseError(
                f"{self._port.name}: the board has network {found[:16]}..., not "
                f"{expected[:16]}... (build and program this network's bitstream)"
            )

    def _identify(self) -> tuple[Identity, tuple[int, int]]:
        reply = self._ask(Message.IDENTIFY, b"", "identify")
        if reply[: len(ENGINE_MAGIC)] == ENGINE_MAGIC:
            raise RheobaseError(
                f"{self._port.name}: the board has an engine, no network's accelerator "
                "(rheobase load, rheobase run)"
            )
        try:
            return decode_identity(reply)
        except ValueError as error:
            raise MachineError(f"{self._port.name}: not a rheobase board ({error})") from None

    def _settle(self) -> None:
        """Wait until all that an earlier connection has asked for is answered.

        Requests are carried out in order. So images that came before two readings with the same
        number of busy cycles have left the accelerator, and one reply to an image, if any is
        ready, goes out with each further reading (docs/host-link.md, *Beginning*).
        """
        deadline = time.monotonic() + max(_SETTLING, self._timeout)
        busy = self.counters().busy
        quiet = 0
        while quiet <= self.identity.window:
            before, busy = busy, self.counters().busy
            quiet = quiet + 1 if busy == before else 0
            if not quiet and time.monotonic() > deadline:
                raise MachineError(
                    f"{self._port.name}: the board is still at work for an earlier connection "
                    f"after {_SETTLING:g} s (wait, or reset it)"
                )

    def _refused(self, code: int, what: str) -> RheobaseError:
        identity = self.identity
        if code == Error.RANGE and identity is not None:
            limit = "0" if identity.radix else "0 .. T - 1"
            return RheobaseError(f"{what}: must be T of 1 .. {identity.steps}, t0 of {limit}")
        return super()._refused(code, what)


def _little_endian(raw: np.ndarray) -> np.ndarray:
    """Bytes along the last axis, the lowest first, to integers."""
    return (raw << (8 * np.arange(raw.shape[-1]))).sum(axis=-1)
