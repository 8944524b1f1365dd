"""A board with an engine that is modelled in NumPy, behind a pseudo-terminal."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple

import numpy as np

from rheobase.boards.engine_protocol import VERSION, EngineMessage
from rheobase.boards.protocol import ERROR, HEADER_BYTES, REPLY
from rheobase.hw.engine.compiled import Program
from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.model.run import run_program
from rheobase.hw.engine.program_file import program_hash
from tests.support.answering_board import answering

#: What the identity says, and cycles of every run.
CLOCK, MEMORY_WORDS, CYCLES = 65_000_000, 1 << 20, 1234


@contextmanager
def answering_engine(design: EngineDesign, holding: Program | None = None) -> Iterator[str]:
    """The path of a serial port behind which there is an engine, with a program loaded or not."""
    with answering(_Engine(design, holding).reply) as port:
        yield port


class _Engine:
    def __init__(self, design: EngineDesign, holding: Program | None) -> None:
        self.design = design
        self.memory = np.full(MEMORY_WORDS, 0xDEADBEEF, "<u4")
        self.places: tuple[int, ...] | None = None
        if holding is not None:
            words, end = holding.memory(), holding.memory_words
            self.memory[:end] = words
            self.memory[end : end + 8] = np.frombuffer(bytes.fromhex(program_hash(holding)), "<u4")
            self.places = (
                holding.program_base, len(holding.passes), 0, len(holding.weights),
                len(holding.weights), holding.program_base, end,
            )  # fmt: skip

    def reply(self, body: bytes) -> bytes:
        kind, sequence = EngineMessage(body[0]), body[1]
        rest = body[HEADER_BYTES:]
        assert not rest or rest[0] == len(rest) // 4, "the number of words is not theirs"
        words = struct.unpack(f"<{len(rest) // 4}I", rest[1:])
        if kind == EngineMessage.RUN and self.places is None:
            return bytes([ERROR, sequence, 7])
        found = self._carried_out(kind, words)
        return bytes([kind | REPLY, sequence]) + struct.pack(f"<{len(found)}I", *found)

    def _carried_out(self, kind: EngineMessage, words: tuple[int, ...]) -> list[int]:
        memory = self.memory
        if kind == EngineMessage.IDENTIFY:
            state = [int(self.places is not None), self.places[-1] if self.places else 0]
            magic = int.from_bytes(b"RHEN", "little")
            return [magic, VERSION, CLOCK, MEMORY_WORDS, *astuple(self.design), *state]
        if kind == EngineMessage.CONFIGURE:
            self.places = words
        if kind == EngineMessage.WRITE:
            self._written(words[0], len(words) - 1)
            memory[words[0] : words[0] + len(words) - 1] = words[1:]
        if kind == EngineMessage.FILL:
            self._written(*words)
            memory[words[0] : words[0] + words[1]] = 0
        if kind == EngineMessage.READ:
            return memory[words[0] : words[0] + words[1]].tolist()
        if kind == EngineMessage.SUM:
            return [zlib.crc32(memory[words[0] : words[0] + words[1]].tobytes())]
        if kind == EngineMessage.RUN:
            run_program(self.design, memory, self.places[0], self.places[2])
            return [0, CYCLES]
        return []

    def _written(self, base: int, count: int) -> None:
        if self.places and not self.places[4] <= base <= base + count <= self.places[5]:
            self.places = None
