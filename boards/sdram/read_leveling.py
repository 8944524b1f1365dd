"""Finds when data that a DDR3 memory sends are taken, without a processor."""

from __future__ import annotations

import numpy as np
from litedram.common import LiteDRAMNativePort
from migen import Array, Case, Cat, Constant, If, Module, Mux, Replicate, Signal
from migen.genlib.fsm import FSM, NextState, NextValue

#: Settings of a byte's delay, and whole bits that its data may be late beside.
DELAYS, SLIPS = 8, 4
#: Words of the port that are written and read again and again.
WORDS = 4
#: Cycles of a change: when it is made, until when its bytes are chosen, and until it has settled.
_CHANGES, _CHOSEN, _SETTLED = 2, 5, 31


class ReadLeveling(Module):
    """Writes words, reads them with every setting, and keeps the middle of the longest run.

    A memory's byte answers with a clock of its own, so each has a delay and a number of bits that
    it is late by. LiteDRAM leaves the search to software; here it is a state machine. Each byte's
    best setting is the middle of the most delays behind one another that read all words. Where a
    byte has none the search begins anew, for ever.

    Args:
        port: LiteDRAM's native port, of all data of a burst; what is at its first ``WORDS`` words
            is lost.
        data_bits: of the memory's bus.

    Attributes:
        start: begin, and stay.
        done: every byte has its setting.
        select: bytes that what follows is for.
        delay_reset, delay_next, slip_reset, slip_next: back to the first setting, and to the next.
    """

    def __init__(self, port: LiteDRAMNativePort, data_bits: int):
        self.start, self.done = Signal(), Signal()
        count = data_bits // 8
        self.select = Signal(count)
        self.delay_reset, self.delay_next = Signal(), Signal()
        self.slip_reset, self.slip_next = Signal(), Signal()
        words = Array(Constant(word, port.data_width) for word in _words(port.data_width))
        asked, moved = Signal(max=WORDS + 1), Signal(max=WORDS + 1)
        right = Signal(count)
        delay, slip = Signal(max=DELAYS), Signal(max=SLIPS)
        runs = [_Run(m) for m in range(count)]
        self.submodules += runs

        # A change of settings: which bytes, what, and how far it has come.
        chosen = Signal(count)
        change = {
            name: Signal() for name in ("delay_reset", "delay_next", "slip_reset", "slip_next")
        }
        age = Signal(max=_SETTLED + 1)
        self.comb += If(age < _CHOSEN, self.select.eq(chosen))
        for name, wanted in change.items():
            self.comb += getattr(self, name).eq(wanted & (age == _CHANGES))

        def changed(bytes_: object, **wanted: int) -> list:
            values = dict.fromkeys(change, 0) | wanted
            return [
                NextValue(age, 0),
                NextValue(chosen, bytes_),
                *(NextValue(change[name], value) for name, value in values.items()),
            ]

        everything = 2**count - 1
        number = Signal(max=max(count, 2))
        slips_left, delays_left = Signal(max=SLIPS), Signal(max=DELAYS)
        self.submodules.fsm = fsm = FSM(reset_state="IDLE")
        fsm.act("IDLE", NextValue(age, _SETTLED), If(self.start, NextState("WRITE")))
        fsm.act(
            "WRITE",
            port.cmd.valid.eq(asked != WORDS),
            port.cmd.we.eq(1),
            port.cmd.addr.eq(asked),
            port.wdata.valid.eq(moved != WORDS),
            port.wdata.we.eq(Replicate(1, len(port.wdata.we))),
            port.wdata.data.eq(words[moved]),
            If(port.cmd.valid & port.cmd.ready, NextValue(asked, asked + 1)),
            If(port.wdata.valid & port.wdata.ready, NextValue(moved, moved + 1)),
            If((asked == WORDS) & (moved == WORDS), NextState("BEGIN")),
        )
        fsm.act(
            "BEGIN",
            NextValue(delay, 0),
            NextValue(slip, 0),
            *(run.forget.eq(1) for run in runs),
            *changed(everything, delay_reset=1, slip_reset=1),
            NextState("CHANGE"),
        )
        fsm.act(
            "CHANGE",
            If(age != _SETTLED, NextValue(age, age + 1)),
            NextValue(asked, 0),
            NextValue(moved, 0),
            NextValue(right, everything),
            If(age == _SETTLED, NextState("READ")),
        )
        beats = port.data_width // data_bits
        same = [
            _byte(port.rdata.data, m, data_bits, beats) == _byte(words[moved], m, data_bits, beats)
            for m in range(count)
        ]
        fsm.act(
            "READ",
            port.cmd.valid.eq(asked != WORDS),
            port.cmd.addr.eq(asked),
            port.rdata.ready.eq(1),
            If(port.cmd.valid & port.cmd.ready, NextValue(asked, asked + 1)),
            If(
                port.rdata.valid,
                NextValue(moved, moved + 1),
                *(If(~equal, NextValue(right[m], 0)) for m, equal in enumerate(same)),
            ),
            If(moved == WORDS, NextState("JUDGE")),
        )
        fsm.act(
            "JUDGE",
            *(run.judges.eq(1) for run in runs),
            If(
                delay != DELAYS - 1,
                NextValue(delay, delay + 1),
                *changed(everything, delay_next=1),
                NextState("CHANGE"),
            )
            .Elif(
                slip != SLIPS - 1,
                NextValue(delay, 0),
                NextValue(slip, slip + 1),
                *changed(everything, delay_reset=1, slip_next=1),
                NextState("CHANGE"),
            )
            .Else(NextValue(number, 0), NextState("SET")),
        )
        for m, run in enumerate(runs):
            self.comb += [run.right.eq(right[m]), run.delay.eq(delay), run.slip.eq(slip)]
        fsm.act(
            "SET",
            Case(
                number,
                {
                    m: [
                        NextValue(slips_left, run.best_slip),
                        NextValue(delays_left, run.middle),
                        *changed(1 << m, delay_reset=1, slip_reset=1),
                        If(run.found, NextState("MOVE")).Else(NextState("BEGIN")),
                    ]
                    for m, run in enumerate(runs)
                },
            ),
        )
        fsm.act(
            "MOVE",
            If(age != _SETTLED, NextValue(age, age + 1)),
            If(
                age == _SETTLED,
                If(
                    slips_left != 0,
                    NextValue(slips_left, slips_left - 1),
                    *changed(chosen, slip_next=1),
                )
                .Elif(
                    delays_left != 0,
                    NextValue(delays_left, delays_left - 1),
                    *changed(chosen, delay_next=1),
                )
                .Elif(number == count - 1, NextState("DONE"))
                .Else(NextValue(number, number + 1), NextState("SET")),
            ),
        )
        fsm.act("DONE", NextValue(age, _SETTLED), self.done.eq(1))


class _Run(Module):
    """The longest run of delays with which a byte was read rightly, at one slip."""

    def __init__(self, number: int):
        self.forget, self.judges, self.right = Signal(), Signal(), Signal()
        self.delay, self.slip = Signal(max=DELAYS), Signal(max=SLIPS)
        self.best_slip = Signal(max=SLIPS, name=f"best_slip_{number}")
        self.middle = Signal(max=DELAYS, name=f"middle_{number}")
        self.found = Signal()
        length, longest = Signal(max=DELAYS + 1), Signal(max=DELAYS + 1)
        now = Signal(max=DELAYS + 1)
        self.comb += [
            # A run ends where the slip changes.
            now.eq(Mux(self.delay == 0, 0, length) + 1),
            self.found.eq(longest != 0),
        ]
        self.sync += [
            If(self.forget, length.eq(0), longest.eq(0)),
            If(
                self.judges,
                If(self.right, length.eq(now)).Else(length.eq(0)),
                If(
                    self.right & (now > longest),
                    longest.eq(now),
                    self.best_slip.eq(self.slip),
                    # From the run's first delay on, half of it.
                    self.middle.eq(self.delay - (now >> 1)),
                ),
            ),
        ]


def _words(bits: int) -> list[int]:
    """Words of ``bits`` bits in which neighbours differ, in time and side by side."""
    rng = np.random.default_rng(0)
    return [int.from_bytes(rng.bytes(bits // 8), "little") for _ in range(WORDS)]


def _byte(word, number: int, data_bits: int, beats: int):
    """What the memory's byte ``number`` sends of ``word``, beat by beat."""
    first = [beat * data_bits + 8 * number for beat in range(beats)]
    return Cat(*(word[bit : bit + 8] for bit in first))
