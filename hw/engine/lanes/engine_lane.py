"""A lane of the engine: beats in, P sums for each unit out, F at a time."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...basics.queue import Queue
from ...basics.room_queue import RoomQueue
from ...folded.own_register import OwnRegister
from ..design import EngineDesign
from ..layouts import BeatLayout, LaneWordLayout, turn_sums_layout
from .digit_scanner import DigitScanner
from .event_list import EventList
from .lane_inbox import LaneInbox
from .weighted_sums import WeightedSums

#: Words that wait to be scanned.
WORDS_AHEAD = 16
#: Beats that still come once places are counted to be too few: registers of ``room``, here and in
#: ``BeatFork``, of the beat there, and of its word in the inbox.
BEATS_ON_THE_WAY = 4


class EngineLane(wiring.Component):
    """Finds the lane's events in the windows' beats, and adds up their weights for each group.

    ::

        beats -> inbox -> [words] -> scanner -> list -> [events] -> weighted sums -> sums
                                                 ^ groups times           ^ weights

    Args:
        lane: its number.

    Members:
        valid, beat: in; ``BeatLayout``.
        room: out; for ``BEATS_ON_THE_WAY`` beats more, out of a register.
        groups, turns, stride, base: in; of the pass, see ``EventList`` and ``SumQueue``; there a
            cycle before its first beat.
        load_address, load_part, load_word, load: in; weights that are written, see
            ``WeightedSums``, which sees them a cycle later.
        entered, leaves, sums: see ``SumQueue``.
    """

    valid: Signal
    room: Signal
    entered: Signal
    leaves: Signal

    def __init__(self, design: EngineDesign, lane: int):
        self.design = design
        self.inbox = LaneInbox(design, lane)
        self.scanner = DigitScanner(design)
        self.list = EventList(design)
        self.weighted = WeightedSums(design)
        super().__init__(
            {
                "valid": In(1),
                "beat": In(BeatLayout(design)),
                "room": Out(1),
                "groups": In(self.list.groups.shape()),
                "turns": In(self.weighted.turns.shape()),
                "stride": In(self.list.stride.shape()),
                "base": In(self.list.base.shape()),
                "load_address": In(self.weighted.load_address.shape()),
                "load_part": In(self.weighted.load_part.shape()),
                "load_word": In(self.weighted.load_word.shape()),
                "load": In(1),
                "entered": Out(1),
                "leaves": In(1),
                "sums": Out(turn_sums_layout(design)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.inbox = self.inbox
        m.submodules.words = words = RoomQueue(
            LaneWordLayout(self.design), WORDS_AHEAD, on_the_way=BEATS_ON_THE_WAY
        )
        m.submodules.scanner = self.scanner
        m.submodules.list = self.list
        m.submodules.weighted = self.weighted
        # Their queue cuts what stalls the sums off from the list.
        m.submodules.events = events = Queue(self.list.replayed.payload.shape(), 2, reset_less=True)
        m.d.comb += [
            self.inbox.valid.eq(self.valid),
            self.inbox.beat.eq(self.beat),
            words.valid.eq(self.inbox.filled),
            words.payload.eq(self.inbox.word),
            self.room.eq(words.room),
        ]
        wiring.connect(m, words.output, self.scanner.words)
        wiring.connect(m, self.scanner.events, self.list.events)
        wiring.connect(m, self.list.replayed, events.input)
        wiring.connect(m, events.output, self.weighted.events)
        # What every lane is told is kept close by: lanes lie all over the chip.
        for part, name in (
            (self.list, "groups"),
            (self.list, "stride"),
            (self.list, "base"),
            (self.weighted, "turns"),
            (self.weighted, "load_address"),
            (self.weighted, "load_part"),
            (self.weighted, "load_word"),
            (self.weighted, "load"),
        ):
            value = getattr(self, name)
            m.submodules[f"own_{name}"] = own = OwnRegister(len(value))
            m.d.comb += [own.next.eq(value), getattr(part, name).eq(own.now)]
        m.d.comb += [
            self.entered.eq(self.weighted.entered),
            self.weighted.leaves.eq(self.leaves),
            self.sums.eq(self.weighted.sums),
        ]
        return m
