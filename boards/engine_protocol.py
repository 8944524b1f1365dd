"""Messages to an engine over the host link (docs/engine-link.md), for the host and the hardware.

Frames, check sums and refusals are those of ``protocol``. A request is its type, its sequence
number and, where it has any, a byte with the number of its words and these words; all that is of 32
bits is little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from enum import IntEnum, IntFlag

from ..hw.engine.design import EngineDesign
from .protocol import CRC_BYTES, HEADER_BYTES

VERSION = 4
MAGIC = b"RHEN"
#: Bytes of a word of the engine's memory.
WORD_BYTES = 4
#: Most words that one request writes; words of a request that writes them, with their address.
WRITE_WORDS = 64
LARGEST_WORDS = WRITE_WORDS + 1
#: Bytes of the largest request, without check sum.
LARGEST_BODY = HEADER_BYTES + 1 + WORD_BYTES * LARGEST_WORDS
#: Bytes of the store for requests; a host keeps fewer bytes than that unanswered.
STORE_BYTES = 2048
#: Requests of any length that the store holds, with header and check sum each.
WINDOW = STORE_BYTES // (1 + LARGEST_BODY + CRC_BYTES)
#: Bits of a number of words that is filled, read or summed up.
COUNT_BITS = 16
#: Words of a memory that tell which program is in it (SHA-256).
LABEL_WORDS = 8


class EngineMessage(IntEnum):
    """Types of requests. All but IDENTIFY and ABORT wait for a run that is under way."""

    IDENTIFY = 0x01  #: which engine, and what is loaded
    WRITE = 0x10  #: address, 1 to WRITE_WORDS words
    FILL = 0x11  #: address, number of words that become 0
    READ = 0x12  #: address, number of words
    SUM = 0x13  #: address, number of words: their CRC-32
    CONFIGURE = 0x14  #: a Configuration: the program may run from now on
    RUN = 0x15  #: most cycles; answered when the run has ended
    ABORT = 0x16  #: end the run that is under way, if any, and reset the engine


#: Words of each request; WRITE has 2 and more.
REQUEST_WORDS = {
    EngineMessage.IDENTIFY: 0,
    EngineMessage.FILL: 2,
    EngineMessage.READ: 2,
    EngineMessage.SUM: 2,
    EngineMessage.CONFIGURE: 7,
    EngineMessage.RUN: 1,
    EngineMessage.ABORT: 0,
}


class RunFlag(IntFlag):
    """How a run has ended, other than well."""

    REFUSED = 1  #: it tried to write outside its maps
    OVERRUN = 2  #: it took more cycles than it was given
    ABORTED = 4  #: the host ended it


@dataclass(frozen=True)
class Configuration:
    """Where a program lies in memory; all in words.

    Attributes:
        program_base, program_words: heads and tables of the passes.
        weights_base, weights_words: the stream of weights.
        maps_base, maps_end: what the engine may write, and the host without unloading the program.
        label: where the ``LABEL_WORDS`` words are that tell which program it is.
    """

    program_base: int
    program_words: int
    weights_base: int
    weights_words: int
    maps_base: int
    maps_end: int
    label: int


@dataclass(frozen=True)
class EngineIdentity:
    """What an engine says it is.

    Attributes:
        design: its parameters.
        clock: its frequency, Hz.
        memory_words: of 32 bits, behind it.
        loaded: a program may run.
        running: one runs.
        label: where in memory the loaded program's label is.
    """

    design: EngineDesign
    clock: int
    memory_words: int
    loaded: bool = False
    running: bool = False
    label: int = 0


def constant_words(design: EngineDesign, clock: int, memory_words: int) -> list[int]:
    """The part of an identify reply that is the same for ever."""
    return [
        int.from_bytes(MAGIC, "little"), VERSION, clock, memory_words, *astuple(design)
    ]  # fmt: skip


def decode_engine_identity(payload: bytes) -> EngineIdentity:
    """What an identify reply says.

    Raises:
        ValueError: it is no engine's, or of another version.
    """
    names = [field.name for field in fields(EngineDesign)]
    words = split_words(payload) if len(payload) % WORD_BYTES == 0 else []
    if len(words) < 2 or words[0] != int.from_bytes(MAGIC, "little"):
        raise ValueError("no engine's identity")
    if words[1] != VERSION:
        raise ValueError(f"protocol version {words[1]}, must be {VERSION}")
    if len(words) != 6 + len(names):
        raise ValueError(f"an identity of {len(words)} words")
    clock, memory_words, *parameters, state, label = words[2:]
    design = EngineDesign(**dict(zip(names, parameters, strict=True)))
    return EngineIdentity(design, clock, memory_words, bool(state & 1), bool(state & 2), label)


def join_words(words: Sequence[int]) -> bytes:
    """Words as they go over the line."""
    return struct.pack(f"<{len(words)}I", *words)


def split_words(payload: bytes) -> list[int]:
    """The words of a reply's payload (``ValueError`` where it is not whole words)."""
    if len(payload) % WORD_BYTES:
        raise ValueError(f"{len(payload)} bytes, no whole words")
    return list(struct.unpack(f"<{len(payload) // WORD_BYTES}I", payload))


def request_payload(words: bytes) -> bytes:
    """What follows type and sequence number of a request with these words."""
    return bytes([len(words) // WORD_BYTES]) + words if words else b""
