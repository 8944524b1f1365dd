"""Requests to an engine's link: what loading writes, and ranges of memory in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...hw.engine.compiled import Program
from ...hw.engine.program_file import program_hash
from ..engine_protocol import LABEL_WORDS, WORD_BYTES, WRITE_WORDS, EngineMessage, join_words
from ..protocol import CRC_BYTES, HEADER_BYTES


@dataclass(frozen=True)
class Request:
    """A message to an engine's link, and the words behind it."""

    message: EngineMessage
    words: bytes = b""

    @property
    def stored_bytes(self) -> int:
        """What it takes of the board's store, with its header and check sum."""
        return 1 + HEADER_BYTES + 1 + len(self.words) + CRC_BYTES


def sent_words(program: Program) -> int:
    """Words that loading ``program`` writes."""
    return len(program.weights) + len(program.passes) + LABEL_WORDS


def program_label(program: Program) -> bytes:
    """What is written behind a program, to tell it from others."""
    return bytes.fromhex(program_hash(program))


def write_requests(base: int, words: np.ndarray) -> list[Request]:
    """Requests that write words."""
    data = np.ascontiguousarray(words).astype("<u4").tobytes()
    step = WRITE_WORDS * WORD_BYTES
    return [
        Request(EngineMessage.WRITE, join_words([base + at // WORD_BYTES]) + data[at : at + step])
        for at in range(0, len(data), step)
    ]


def pieces(base: int, words: int, most: int) -> Iterator[tuple[int, int]]:
    """A range of the memory in pieces: address and words of each."""
    for at in range(0, words, most):
        yield base + at, min(most, words - at)


def requests_from(groups: Sequence[Sequence[Request]], first: int) -> Iterator[Request]:
    """Those of the groups from ``first`` on."""
    for group in groups[first:]:
        yield from group
