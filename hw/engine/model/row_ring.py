"""Rows of a source in the row buffer."""

from __future__ import annotations

import numpy as np

from ....golden.basics.arithmetic import ceil_div
from ..design import DIGIT_BITS, WORD_DIGITS, EngineDesign
from ..lane_digits import as_lanes_see
from .decoding import Values


class RowBuffer:
    """Digits of the rows that a pass has read.

    Attributes:
        digits: uint8, (words of the row buffer, digits of a lane, lanes).
        words_read: memory words, in all.
    """

    def __init__(self, design: EngineDesign, sources: list[Values]):
        self._design = design
        self._sources = sources
        self._next_rows = [0] * len(sources)
        shape = design.buffer_words, design.buffer_columns * WORD_DIGITS // design.lanes
        self.digits = np.zeros((*shape, design.lanes), np.uint8)
        self.words_read = 0

    def read_for(self, memory: np.ndarray, window_row: int) -> None:
        """Read what the windows of a row see and those before it have not."""
        for number, source in enumerate(self._sources):
            first = window_row * source["row_step"] + source["row_first"]
            end = window_row * source["row_step"] + source["row_reach"] + 1
            for row in range(max(self._next_rows[number], first), min(end, source["rows"])):
                self._read_row(memory, source, row)
                self._next_rows[number] = row + 1

    def _read_row(self, memory: np.ndarray, source: Values, row: int) -> None:
        start = source["base"] + row * source["row_stride"]
        pieces = np.arange(source["pieces"])[:, None] * source["piece_stride"]
        words = memory[start + pieces + np.arange(source["piece_words"])]
        self.words_read += words.size
        supers = words.reshape(source["supers"], source["super_reads"])
        columns = self._design.buffer_columns
        super_words = ceil_div(source["super_reads"], columns)
        padded = np.zeros((source["supers"], super_words * columns), np.uint32)
        padded[:, : source["super_reads"]] = supers
        digits = (padded[..., None] >> (DIGIT_BITS * np.arange(WORD_DIGITS, dtype=np.uint32))) & 15
        slot = row % source["slots"] * source["slot_words"]
        at = source["buffer_base"] + slot + np.arange(source["slot_words"])
        self.digits[at] = as_lanes_see(digits.reshape(-1, *self.digits.shape[1:]))
