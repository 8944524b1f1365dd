"""Passes as the memory's words spell them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ....golden.errors import RheobaseError
from ..design import EngineDesign
from ..program import TABLES, Kind, pass_record
from ..words import group_turns, record_values

#: A record's values by the names of its fields.
Values = dict[str, int]


@dataclass(frozen=True)
class DecodedPass:
    """A pass's head, and its tables by their names."""

    head: Values
    tables: dict[str, list[Values]]


def decoded_passes(design: EngineDesign, memory: np.ndarray, base: int) -> Iterator[DecodedPass]:
    """Passes from word ``base`` of ``memory`` on, up to the end of the program.

    Raises:
        RheobaseError: the program does not end within the memory.
    """
    record = pass_record(design)
    while True:
        head = record_values(record, _words(memory, base, record.words))
        base += record.words
        if head["kind"] == Kind.END:
            return
        tables = {}
        for name, of_design in TABLES.items():
            entry = of_design(design)
            count = head[name]
            words = _words(memory, base, count * entry.words).reshape(count, entry.words)
            tables[name] = [record_values(entry, one) for one in words]
            base += count * entry.words
        yield DecodedPass(head, tables)


def pass_turns(head: Values) -> list[int]:
    """Turns of each group of a pass that have weights."""
    return group_turns(head["turns"], head["groups"], head["out_turns"])


def _words(memory: np.ndarray, base: int, count: int) -> np.ndarray:
    if base + count > len(memory):
        raise RheobaseError(f"program: goes on behind word {len(memory)}, the memory's last")
    return memory[base : base + count]
