"""Currents of the windows of a row: what lanes sum up, chunk by chunk."""

from __future__ import annotations

import numpy as np

from ..design import DIGIT_BITS, LANE_DIGITS, EngineDesign, digit_shift
from .decoding import DecodedPass, Values
from .row_ring import RowBuffer


class PassWindows:
    """The windows of a pass.

    Args:
        weights: int64, (ring addresses, lanes, channels of a group).
        ring_base: address of the pass's first weights.

    Attributes:
        events: int64, (lanes,): events so far, of each group.
        words: of the row buffer that windows saw so far.
    """

    def __init__(
        self, design: EngineDesign, decoded: DecodedPass, weights: np.ndarray, ring_base: int
    ):
        self._design = design
        self._head, self._tables = decoded.head, decoded.tables
        groups = np.arange(self._head["groups"]) * self._head["weight_stride"]
        at = ring_base + groups[:, None] + np.arange(self._head["weight_stride"])
        #: (addresses of a group, lanes, channels of all groups); beyond it nothing is read.
        own = weights[at % design.weight_words].transpose(1, 2, 0, 3)
        self._weights = own.reshape(*own.shape[:2], -1).astype(np.float64)
        self.events = np.zeros(design.lanes, np.int64)
        self.words = 0

    def currents(self, buffer: RowBuffer, window_row: int) -> np.ndarray:
        """Of the windows of a row, each time that neurons fire.

        Returns:
            int64, (times, columns, channels of all groups).
        """
        fired = []
        total = np.zeros((self._head["columns"], self._weights.shape[-1]), np.int64)
        segments = iter(self._tables["segments"])
        for chunk in self._tables["chunks"]:
            summed = np.zeros(total.shape)
            for segment in segments:
                self._add_segment(segment, chunk, buffer, window_row, summed)
                if segment["ends_chunk"]:
                    break
            worth = DIGIT_BITS * digit_shift(self._design) * chunk["level"]
            total = total + (summed.astype(np.int64) << worth)
            if chunk["fires"]:
                fired.append(total)
        return np.stack(fired)

    def _add_segment(
        self,
        segment: Values,
        chunk: Values,
        buffer: RowBuffer,
        window_row: int,
        summed: np.ndarray,
    ) -> None:
        supers, super_words = segment["super_start"], segment["super_start_words"]
        ring = max(1, segment["ring_words"])
        slot = window_row * segment["slot_step"] % ring
        phases = self._phases(segment)
        columns = np.arange(len(summed))
        period_advance = sum(phase[-1]["advance"] for phase in phases)
        period_words = sum(phase[-1]["advance_words"] for phase in phases)
        for number, phase in enumerate(phases):
            chosen = columns[number :: len(phases)]
            periods = np.arange(len(chosen))
            own_supers = supers + periods * period_advance
            own_words = super_words + periods * period_words
            for row in self._rows(segment):
                map_row = window_row * segment["row_step"] + row["row"]
                if not 0 <= map_row < segment["rows"]:
                    continue
                base = segment["buffer_base"] + (slot + row["slot_offset"]) % ring
                for operation in phase:
                    seen = own_supers + operation["super_offset"]
                    inside = (seen >= 0) & (seen < segment["supers"])
                    at = (base + own_words + operation["offset"]) % self._design.buffer_words
                    self._add(segment, chunk, row, operation, buffer.digits[at[inside]],
                              chosen[inside], summed)  # fmt: skip
            supers += phase[-1]["advance"]
            super_words += phase[-1]["advance_words"]

    def _add(self, segment, chunk, row, operation, digits, columns, summed) -> None:
        """Add what windows at ``columns`` see of ``digits``, (windows, digits of a lane, lanes)."""
        lanes = np.arange(self._design.lanes)
        mask = (operation["mask"] >> lanes) & 1
        self.words += len(digits)
        places = (operation["digits"] >> np.arange(LANE_DIGITS)) & 1
        digits = digits * (places[:, None] * mask).astype(np.uint8)
        if self._design.rate:
            digits &= np.uint8(segment["planes"])
        self.events += np.bitwise_count(digits).sum(axis=(0, 1), dtype=np.int64)
        used = np.flatnonzero(digits.any(axis=(0, 2)))
        if not len(used):
            return
        values = digits[:, used].astype(np.float64)
        if segment["flat"]:
            values = np.bitwise_count(digits[:, used]).astype(np.float64)
            if segment["signed_source"]:
                values -= 2.0 * (digits[:, used] >> segment["sign_bit"] & 1)
        elif segment["signed_source"]:
            # The sign's bit is taken off where it would be added: twice.
            sign = np.full(self._design.lanes, segment["sign_bit"])
            if chunk["odd_shift"]:
                sign = np.where(lanes % 2, segment["sign_bit"] - DIGIT_BITS, DIGIT_BITS)
            has_sign = (digits[:, used] >> np.clip(sign, 0, DIGIT_BITS)) & 1
            values -= has_sign * 2.0 ** (sign + 1)
        if chunk["odd_shift"]:
            values *= np.where(lanes % 2, 1 << DIGIT_BITS, 1)
        weight = self._weights[operation["weight"] + row["weight"] + used]
        summed[columns] += values.reshape(len(digits), -1) @ weight.reshape(-1, summed.shape[1])

    def _phases(self, segment: Values) -> list[list[Values]]:
        phases: list[list[Values]] = [[]]
        for operation in self._tables["operations"][segment["operation"] :]:
            phases[-1].append(operation)
            if operation["last"] and operation["wraps"]:
                break
            if operation["last"]:
                phases.append([])
        return phases

    def _rows(self, segment: Values) -> list[Values]:
        rows = []
        for row in self._tables["row_entries"][segment["row_entry"] :]:
            rows.append(row)
            if row["last"]:
                break
        return rows
