"""Host driver of an engine: loads programs and runs them over images."""

from __future__ import annotations

import time
import zlib
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
import serial

from ...golden.errors import MachineError, RheobaseError
from ...hw.engine.compiled import Program, image_words, map_numbers
from ..engine_protocol import (
    COUNT_BITS,
    LABEL_WORDS,
    STORE_BYTES,
    WORD_BYTES,
    Configuration,
    EngineIdentity,
    EngineMessage,
    RunFlag,
    decode_engine_identity,
    join_words,
    request_payload,
    split_words,
)
from ..protocol import DEFAULT_BAUD, ERROR, REPLY, Error
from ..protocol import MAGIC as ACCELERATOR_MAGIC
from .engine_requests import Request, pieces, program_label, requests_from, write_requests
from .serial_client import ATTEMPTS, DEFAULT_TIMEOUT, SerialClient, is_untrusted

#: Seconds that an image may take in the engine unless told otherwise.
DEFAULT_LIMIT = 10.0
#: Words of a request that fills, of one that sums up, and of one that reads.
_FILLED, _SUMMED, _READ = (1 << COUNT_BITS) - 1, 1 << 14, 1 << 12
_MOST_CYCLES = (1 << 32) - 1


@dataclass(frozen=True)
class Ran:
    """What an engine read out.

    Attributes:
        outputs: of each output of the network: int64, (images, channels, rows, columns).
        cycles: of each image in the engine: int64, (images,).
        resent: requests that were sent again since they or their answer were damaged.
    """

    outputs: tuple[np.ndarray, ...]
    cycles: np.ndarray
    resent: int


class EngineBoard(SerialClient):
    """A board with an engine at a serial port, which is this one's alone; a context manager.

        program = rheobase.load_program("network.rbe")
        with rheobase.EngineBoard("/dev/ttyUSB0") as board:
            board.load(program)
            print(board.run(program, images).outputs)

    A run that an earlier connection left behind is ended.

    Args:
        port: its name, or one that is open.
        baud: as the bitstream was built for.
        timeout: seconds of silence after which a request is sent again, 4 times in all.

    Attributes:
        identity: the engine, and whether a program is loaded.

    Raises:
        RheobaseError: the board has no engine; a ``MachineError`` where the port cannot be opened
            or is in use, or nothing answers.
    """

    def __init__(
        self,
        port: str | serial.Serial,
        *,
        baud: int = DEFAULT_BAUD,
        timeout: float = DEFAULT_TIMEOUT,
    ):
        super().__init__(port, baud=baud, timeout=timeout)
        try:
            self._listen_for_silence()
            self.identity = self._identify()
            self.abort()
            self.identity = self._identify()
        except BaseException:
            self.close()
            raise

    def abort(self) -> None:
        """End what runs, if anything does, and reset the engine; what is loaded stays."""
        self._ask(EngineMessage.ABORT, b"", "abort")

    def holds(self, program: Program) -> bool:
        """Whether ``program`` is what is loaded."""
        self.identity = self._identify()
        if not self.identity.loaded:
            return False
        return self.read(self.identity.label, LABEL_WORDS).tobytes() == program_label(program)

    def load(self, program: Program, *, progress: Callable[[int], None] | None = None) -> bool:
        """Load ``program``, whatever was loaded before, and check what arrived.

        Nothing is sent where it is loaded already and its words are still what they must be.

        Args:
            progress: called with the number of words newly written.

        Returns:
            False where nothing was sent.

        Raises:
            RheobaseError: it is for another engine or a larger memory, what arrived is not what was
                sent, or no answer.
        """
        self._check_fits(program)
        label = np.frombuffer(program_label(program), "<u4")
        parts = [
            (program.weights_base, program.weights),
            (program.program_base, np.concatenate([program.passes, label])),
        ]
        if self.holds(program) and not any(self._differs(*part) for part in parts):
            return False
        first, last = len(program.weights), program.program_base
        # The first words that are written unload what was loaded before.
        for base, words in parts:
            self._exchange([[write] for write in write_requests(base, words)], progress)
        self._exchange(
            [
                [Request(EngineMessage.FILL, join_words(piece))]
                for piece in pieces(first, last - first, _FILLED)
            ]
        )
        parts.append((first, np.zeros(last - first, np.uint32)))
        for base, words in parts:
            problem = self._differs(base, words)
            if problem:
                raise MachineError(f"{self._port.name}: {problem} (is the memory sound?)")
        self.configure(program)
        return True

    def configure(self, program: Program) -> None:
        """Let what is in the memory run, as ``load`` does at its end; it is not looked at."""
        places = Configuration(
            program_base=program.program_base,
            program_words=len(program.passes),
            weights_base=program.weights_base,
            weights_words=len(program.weights),
            maps_base=len(program.weights),
            maps_end=program.program_base,
            label=program.memory_words,
        )
        self._ask(
            EngineMessage.CONFIGURE, request_payload(join_words(astuple(places))), "the program"
        )

    def run(
        self,
        program: Program,
        images: np.ndarray,
        *,
        limit: float = DEFAULT_LIMIT,
        progress: Callable[[int], None] | None = None,
    ) -> Ran:
        """Run the loaded ``program`` over images.

        Args:
            images: uint8, (images, channels, rows, columns).
            limit: seconds that an image may take in the engine; it is reset then.
            progress: called with 1 for each image.

        Raises:
            RheobaseError: another program is loaded, or wrong images; a ``MachineError`` where the
                program did not end in time or tried to write outside its maps, or no answer comes.
        """
        if not self.holds(program):
            raise RheobaseError(
                f"{self._port.name}: {program.name!r} is not loaded (rheobase load --port "
                f"{self._port.name} PROGRAM.rbe)"
            )
        images = np.asarray(images)
        most = min(_MOST_CYCLES, max(1, int(limit * self.identity.clock)))
        places = [program.maps[layer] for layer in program.outputs]
        reads = [
            Request(EngineMessage.READ, join_words(piece))
            for place in places
            for piece in pieces(place.base, place.words, _READ)
        ]
        run = Request(EngineMessage.RUN, join_words([most]))
        # An image is one group: what is lost of it is sent again from its first words on.
        groups = [
            [*write_requests(program.image_base, image_words(program, image)), run, *reads]
            for image in images
        ]
        memory = np.zeros(program.memory_words, np.uint32)
        cycles: list[int] = []
        found: list[list[np.ndarray]] = [[] for _ in places]

        def take(replies: list[bytes]) -> None:
            flags, taken = split_words(replies[len(replies) - len(reads) - 1])
            self._check_ended(RunFlag(flags), most)
            cycles.append(taken)
            numbers = np.frombuffer(b"".join(replies[len(replies) - len(reads) :]), "<u4")
            for place in places:
                memory[place.base : place.base + place.words] = numbers[: place.words]
                numbers = numbers[place.words :]
            for maps, layer in zip(found, program.outputs, strict=True):
                maps.append(map_numbers(program, memory, layer))
            if progress is not None:
                progress(1)

        resent = self._exchange(groups, take=take, patience=most / self.identity.clock)
        shapes = [(len(images), place.channels, place.rows, place.columns) for place in places]
        outputs = tuple(
            np.array(maps, np.int64).reshape(shape)
            for maps, shape in zip(found, shapes, strict=True)
        )
        return Ran(outputs, np.array(cycles, np.int64), resent)

    def read(self, base: int, words: int) -> np.ndarray:
        """Words of the memory: uint32, (words,)."""
        parts = []
        for piece in pieces(base, words, _READ):
            payload = request_payload(join_words(piece))
            parts.append(self._ask(EngineMessage.READ, payload, "memory"))
        return np.frombuffer(b"".join(parts), "<u4")

    def write(self, base: int, words: np.ndarray) -> None:
        """Write words of the memory; outside the maps of the loaded program this unloads it."""
        self._exchange([[write] for write in write_requests(base, words)])

    def sum(self, base: int, words: int) -> int:
        """CRC-32 of at most 65,535 words of the memory, in their bytes from the lowest one on."""
        place = request_payload(join_words([base, words]))
        (found,) = split_words(self._ask(EngineMessage.SUM, place, "check sum"))
        return found

    def _identify(self) -> EngineIdentity:
        reply = self._ask(EngineMessage.IDENTIFY, b"", "identify")
        if reply[: len(ACCELERATOR_MAGIC)] == ACCELERATOR_MAGIC:
            raise RheobaseError(
                f"{self._port.name}: the board has one network's accelerator, no engine "
                "(rheobase classify)"
            )
        try:
            return decode_engine_identity(reply)
        except (ValueError, RheobaseError) as error:
            raise MachineError(f"{self._port.name}: not a rheobase engine ({error})") from None

    def _check_fits(self, program: Program) -> None:
        identity, name = self.identity, self._port.name
        for field in fields(program.design):
            wanted, found = (getattr(d, field.name) for d in (program.design, identity.design))
            if wanted != found:
                raise RheobaseError(
                    f"{name}: {program.name!r} is compiled for an engine with {field.name} "
                    f"{wanted}, the board's has {found} (rheobase compile --engine)"
                )
        words = program.memory_words + LABEL_WORDS
        if words > identity.memory_words:
            raise RheobaseError(
                f"{name}: {program.name!r} takes {WORD_BYTES * words} bytes of memory, must be at "
                f"most the {WORD_BYTES * identity.memory_words} of the board"
            )

    def _differs(self, base: int, words: np.ndarray) -> str:
        """Where the memory has other words than these, "" where it has them."""
        for at, count in pieces(base, len(words), _SUMMED):
            expected = zlib.crc32(words[at - base :][:count].astype("<u4").tobytes())
            found = self.sum(at, count)
            if found != expected:
                return (
                    f"memory words {at} to {at + count - 1} have check sum {found:08x}, must be "
                    f"{expected:08x}"
                )
        return ""

    def _check_ended(self, flags: RunFlag, most: int) -> None:
        name = self._port.name
        if flags:
            # What was sent ahead is of no use any more: its replies are passed over.
            self.abort()
        if flags & RunFlag.OVERRUN:
            raise MachineError(
                f"{name}: the program did not end within {most} cycles; the engine was reset"
            )
        if flags & RunFlag.REFUSED:
            raise MachineError(
                f"{name}: the program tried to write outside its maps, which was refused (damaged "
                "in memory? load it again)"
            )
        if flags:
            raise MachineError(f"{name}: the run was ended by another client")

    def _exchange(
        self,
        groups: Sequence[Sequence[Request]],
        progress: Callable[[int], None] | None = None,
        *,
        take: Callable[[list[bytes]], None] | None = None,
        patience: float = 0.0,
    ) -> int:
        """Send requests, as many under way as the board has room for, and take their replies.

        Requests are carried out in order. After damage, all that comes from the first group on that
        is not answered whole is sent again, so that what a group's requests do to one another stays
        as it is.

        Args:
            progress: called with the words that were newly written.
            take: called with the replies of each group, in order.
            patience: seconds besides the timeout that a request may take.

        Returns:
            Requests that were sent again.
        """
        waiting = requests_from(groups, 0)
        upcoming = next(waiting, None)
        in_flight: OrderedDict[int, Request] = OrderedDict()
        answered: deque[bytes] = deque()
        done = attempts = resent = 0
        while done < len(groups):
            stored = sum(request.stored_bytes for request in in_flight.values())
            while upcoming and stored + upcoming.stored_bytes <= STORE_BYTES:
                in_flight[self._send(upcoming.message, request_payload(upcoming.words))] = upcoming
                stored += upcoming.stored_bytes
                upcoming = next(waiting, None)
            lost = not self._take_replies(in_flight, answered, patience)
            while done < len(groups) and len(answered) >= len(groups[done]):
                replies = [answered.popleft() for _ in groups[done]]
                if take is not None:
                    take(replies)
                if progress is not None:
                    progress(sum(len(r.words) // WORD_BYTES - 1 for r in groups[done]))
                done += 1
                attempts = 0
            if lost:
                attempts += 1
                if attempts == ATTEMPTS:
                    raise self._no_answer("a request")
                resent += len(in_flight)
                in_flight.clear()
                answered.clear()
                waiting = requests_from(groups, done)
                upcoming = next(waiting, None)
        return resent

    def _take_replies(
        self, in_flight: OrderedDict[int, Request], answered: deque[bytes], patience: float
    ) -> bool:
        """Move replies from the line to ``answered``; False where one is missing.

        Replies come in order: one behind a gap is of no use, and the line is silent before all is
        sent again.
        """
        runs = any(request.message == EngineMessage.RUN for request in in_flight.values())
        deadline = time.monotonic() + self._timeout + (patience if runs else 0)
        while time.monotonic() < deadline:
            moved = False
            for kind, sequence, payload in self._receive():
                if sequence not in in_flight or (kind == ERROR and is_untrusted(payload)):
                    continue
                request = in_flight[sequence]
                if kind == ERROR:
                    raise self._refused(payload[0] if payload else 0, request.message.name.lower())
                if kind == request.message | REPLY and next(iter(in_flight)) == sequence:
                    del in_flight[sequence]
                    answered.append(payload)
                    moved = True
            if moved:
                return True
        return False

    def _refused(self, code: int, what: str) -> RheobaseError:
        if code == Error.RANGE:
            return RheobaseError(f"{self._port.name}: no program is loaded (rheobase load)")
        return super()._refused(code, what)
