"""Single words on a port of whole bursts, against a memory of bytes."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from litedram.common import LiteDRAMNativePort
from migen.sim import run_simulation

from rheobase.boards.sdram.narrow_port import NarrowPort

_WORDS, _BITS = 4, 32
_BYTES = _WORDS * _BITS // 8


def _commands(rng: np.random.Generator, sequential: bool) -> list[tuple[bool, int, int, int]]:
    """(write, word, data, bytes written)."""
    found, place = [], 0
    for number in range(600):
        if not sequential or rng.random() < 0.05:
            place = int(rng.integers(40))
        found.append(
            (
                bool(rng.random() < (0.3 if number < 200 else 0)),
                place,
                int(rng.integers(1 << 32)),
                int(rng.integers(1, 16)),
            )
        )
        place = (place + 1) % 40
    return found


@pytest.mark.parametrize("sequential", [False, True])
def test_words_are_those_of_a_memory(sequential) -> None:
    rng = np.random.default_rng(int(sequential))
    commands = _commands(rng, sequential)
    wide = LiteDRAMNativePort("both", 10, 8 * _BYTES)
    narrow = NarrowPort(wide, _BITS)
    got, bursts = [], []

    def memory():
        content = bytearray(64 * _BYTES)
        waiting: deque = deque()
        refresh = pause = 0
        for cycle in range(20_000):
            # A refresh holds back what has been asked for, which then comes at twice the pace.
            refresh = 120 if cycle % 300 == 0 else refresh - 1
            pause -= 1
            yield wide.cmd.ready.eq(int(rng.random() < 0.9))
            comes = bool(waiting) and waiting[0][2] <= cycle and refresh <= 0 and pause <= 0
            write, place, _ = waiting.popleft() if comes else (None, 0, 0)
            # What is taken of a write is taken when its time has come, as LiteDRAM does.
            yield wide.wdata.ready.eq(int(write is True))
            yield wide.rdata.valid.eq(int(write is False))
            if write is False:
                data = content[place * _BYTES : (place + 1) * _BYTES]
                yield wide.rdata.data.eq(int.from_bytes(data, "little"))
            pause = 2 if comes else pause
            yield
            if write:
                assert (yield wide.wdata.valid), "data are not there when they are taken"
                data = (yield wide.wdata.data).to_bytes(_BYTES, "little")
                chosen = yield wide.wdata.we
                for byte in range(_BYTES):
                    if chosen >> byte & 1:
                        content[place * _BYTES + byte] = data[byte]
            if (yield wide.cmd.valid) and (yield wide.cmd.ready):
                bursts.append((yield wide.cmd.addr))
                waiting.append((bool((yield wide.cmd.we)), bursts[-1], cycle + 7))
            if len(got) == sum(not write for write, *_ in commands):
                return

    def user():
        data = deque((value, chosen) for write, _, value, chosen in commands if write)
        left = deque(commands)
        while left or data:
            write, place, *_ = left[0] if left else (False, 0, 0, 0)
            offers = bool(left) and rng.random() < 0.95
            yield narrow.cmd_valid.eq(int(offers))
            yield narrow.cmd_we.eq(int(write))
            yield narrow.cmd_addr.eq(place)
            yield narrow.wdata_valid.eq(int(bool(data)))
            if data:
                yield narrow.wdata_data.eq(data[0][0])
                yield narrow.wdata_we.eq(data[0][1])
            yield
            if offers and (yield narrow.cmd_ready):
                left.popleft()
            if data and (yield narrow.wdata_ready):
                data.popleft()
        yield narrow.cmd_valid.eq(0)

    def looks():
        for _ in range(20_000):
            yield
            if (yield narrow.rdata_valid):
                got.append((yield narrow.rdata_data))
            if len(got) == sum(not write for write, *_ in commands):
                return

    run_simulation(narrow, [memory(), user(), looks()])
    content, expected = bytearray(64 * _BYTES), []
    for write, place, value, chosen in commands:
        first = place * _BITS // 8
        if write:
            for byte in range(_BITS // 8):
                if chosen >> byte & 1:
                    content[first + byte] = value >> 8 * byte & 255
        else:
            expected.append(int.from_bytes(content[first : first + _BITS // 8], "little"))
    assert got == expected
    if sequential:
        assert len(bursts) < len(commands) * 0.8
