"""When data of a DDR3 memory are taken: a memory that is read rightly at some settings alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from litedram.common import LiteDRAMNativePort
from migen.sim import run_simulation

from rheobase.boards.sdram.read_leveling import DELAYS, SLIPS, ReadLeveling

_BYTES, _BEATS, _LATENCY = 2, 8, 12
#: Cycles of a whole search, and some.
_LONGEST = 4000

Settings = set[tuple[int, int]]


def _levelled(right: list[Settings], limit: int = _LONGEST) -> list[tuple[int, int]] | None:
    """(slip, delay) that each byte is left at; None where the search has not ended.

    Args:
        right: of each byte, settings at which it is read rightly.
    """
    port = LiteDRAMNativePort("both", 24, 8 * _BYTES * _BEATS)
    leveling = ReadLeveling(port, 8 * _BYTES)
    found = [(0, 0)] * _BYTES
    ended = []

    def memory():
        rng = np.random.default_rng(0)
        content, writes, data, reads = {}, [], [], []
        state = [[3, 5] for _ in range(_BYTES)]  # as a reset in the middle would leave it
        yield leveling.start.eq(1)
        yield port.cmd.ready.eq(1)
        yield port.wdata.ready.eq(1)
        for cycle in range(limit):
            yield
            if (yield leveling.done):
                found[:] = [(slip, delay) for slip, delay in state]
                ended.append(cycle)
                return
            chosen = yield leveling.select
            for byte in range(_BYTES):
                if chosen >> byte & 1:
                    if (yield leveling.slip_reset):
                        state[byte][0] = 0
                    if (yield leveling.slip_next):
                        state[byte][0] = (state[byte][0] + 1) % SLIPS
                    if (yield leveling.delay_reset):
                        state[byte][1] = 0
                    if (yield leveling.delay_next):
                        state[byte][1] = (state[byte][1] + 1) % DELAYS
            if (yield port.cmd.valid):
                place = yield port.cmd.addr
                (writes if (yield port.cmd.we) else reads).append((place, cycle + _LATENCY))
            if (yield port.wdata.valid):
                data.append((yield port.wdata.data))
            while writes and data:
                content[writes.pop(0)[0]] = data.pop(0)
            yield port.rdata.valid.eq(0)
            if reads and reads[0][1] <= cycle:
                assert not chosen, "a byte is read while its delay is set"
                word = content[reads.pop(0)[0]]
                for byte in range(_BYTES):
                    if tuple(state[byte]) not in right[byte]:
                        beat = int(rng.integers(_BEATS))
                        word ^= int(rng.integers(1, 256)) << (8 * (beat * _BYTES + byte))
                yield port.rdata.valid.eq(1)
                yield port.rdata.data.eq(word)

    run_simulation(leveling, memory())
    return found if ended else None


def _best(right: Settings) -> tuple[int, int]:
    """The middle of the first of the longest runs of delays."""
    runs = []
    for slip in range(SLIPS):
        for first in range(DELAYS):
            length = 0
            while first + length < DELAYS and (slip, first + length) in right:
                length += 1
            runs.append((-length, slip, first))
    length, slip, first = min(runs)
    return slip, first + (-length - 1) - (-length >> 1)


_SETTINGS = st.sets(st.tuples(st.integers(0, SLIPS - 1), st.integers(0, DELAYS - 1)), min_size=1)


@settings(deadline=None, max_examples=12)
@given(st.lists(_SETTINGS, min_size=_BYTES, max_size=_BYTES))
def test_each_byte_has_the_middle_of_its_longest_run(right) -> None:
    assert _levelled(right) == [_best(one) for one in right]


def test_by_hand() -> None:
    late = {(1, delay) for delay in range(2, 7)} | {(2, 0)}
    early = {(2, 0), (2, 1), (2, 2), (3, 7), (0, 5), (0, 6)}
    assert _levelled([late, early]) == [(1, 4), (2, 1)]
    assert _levelled([{(s, d) for s in range(SLIPS) for d in range(DELAYS)}] * 2) == [(0, 3)] * 2


def test_a_byte_that_is_never_right_is_sought_for_ever() -> None:
    assert _levelled([{(0, 0)}, set()], limit=2 * _LONGEST) is None
