"""A client of the host link's frames on a serial port: requests, their replies, and damage."""

from __future__ import annotations

import errno
import secrets
import time
from typing import Self

import serial

from ...golden.errors import MachineError, RheobaseError
from ..protocol import (
    DEFAULT_BAUD,
    ERROR,
    HEADER_BYTES,
    REPLY,
    UNTRUSTED,
    Error,
    FrameDecoder,
    encode_frame,
)

#: Seconds without any answer after which a request is taken for lost.
DEFAULT_TIMEOUT = 1.0
#: Times that a request is sent before the host gives up.
ATTEMPTS = 4
_SEQUENCES = 256


class SerialClient:
    """One end of a serial port, which is this one's alone; a context manager.

    Args:
        port: its name, or one that is open.
        baud: as the bitstream was built for.
        timeout: seconds of silence after which a request is sent again, 4 times in all.

    Raises:
        MachineError: the port cannot be opened or is in use.
    """

    def __init__(
        self,
        port: str | serial.Serial,
        *,
        baud: int = DEFAULT_BAUD,
        timeout: float = DEFAULT_TIMEOUT,
    ):
        self._timeout = timeout
        self._decoder = FrameDecoder()
        self._sequence = secrets.randbelow(_SEQUENCES - 1)
        self._port = _opened(port, baud, timeout) if isinstance(port, str) else port
        if isinstance(port, str):
            self._port.reset_input_buffer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._port.close()

    def _listen_for_silence(self) -> None:
        """Pass over what comes unasked: refusals of an earlier connection are not ours."""
        deadline = time.monotonic() + self._timeout
        while self._read() and time.monotonic() < deadline:
            pass

    def _ask(self, message: int, payload: bytes, what: str) -> bytes:
        """The reply's payload to a request of which one is under way at a time."""
        for _ in range(ATTEMPTS):
            sequence = self._send(message, payload)
            deadline = time.monotonic() + self._timeout
            while time.monotonic() < deadline:
                received = self._receive()
                for kind, answered, reply in received:
                    if answered == sequence and kind == message | REPLY:
                        return reply
                    if answered == sequence and kind == ERROR and not is_untrusted(reply):
                        raise self._refused(reply[0] if reply else 0, what)
                if any(kind == ERROR for kind, _, _ in received):
                    break
        raise self._no_answer(what)

    def _send(self, message: int, payload: bytes) -> int:
        """Send a request and give its sequence number."""
        # 0 is what a refusal has whose request is not known.
        self._sequence = self._sequence % (_SEQUENCES - 1) + 1
        frame = encode_frame(bytes([message, self._sequence]) + payload)
        try:
            self._port.write(frame)
        except serial.SerialException as error:
            raise MachineError(f"{self._port.name}: cannot be written ({error})") from error
        return self._sequence

    def _receive(self) -> list[tuple[int, int, bytes]]:
        """Replies as (type, sequence number, payload); none where silence lasts the timeout."""
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            bodies = self._decoder.feed(self._read())
            if bodies:
                return [(body[0], body[1], body[HEADER_BYTES:]) for body in bodies]
        return []

    def _read(self) -> bytes:
        """What has come over the line; nothing where it is silent for the port's timeout."""
        try:
            return self._port.read(max(1, self._port.in_waiting))
        except (serial.SerialException, OSError) as error:
            raise MachineError(f"{self._port.name}: cannot be read ({error})") from error

    def _refused(self, code: int, what: str) -> RheobaseError:
        known = code in {error.value for error in Error}
        reason = Error(code).name.lower() if known else f"code {code}"
        return RheobaseError(f"{self._port.name}: the board refuses {what} ({reason})")

    def _no_answer(self, what: str) -> MachineError:
        return MachineError(
            f"{self._port.name}: no answer to {what} in {self._timeout:g} s, sent {ATTEMPTS} times"
            f" at {self._port.baudrate} baud (is the board configured, and built for this rate?)"
        )


def is_untrusted(refusal: bytes) -> bool:
    """Whether an error's payload says that the request did not arrive, so that it is repeated."""
    return len(refusal) == 1 and refusal[0] in UNTRUSTED


def _opened(port: str, baud: int, timeout: float) -> serial.Serial:
    try:
        return serial.Serial(
            port, baud, timeout=min(timeout, 0.05), write_timeout=60, exclusive=True
        )
    except (serial.SerialException, ValueError, OSError) as error:
        in_use = getattr(error, "errno", None) == errno.EWOULDBLOCK
        reason = "in use" if in_use else getattr(error, "strerror", None) or str(error)
        raise MachineError(f"{port}: cannot be opened ({reason})") from error
