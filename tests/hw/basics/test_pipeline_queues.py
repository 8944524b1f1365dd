"""Pipelines that never stall, in front of queues with places for what is in them."""

import pytest
from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rheobase.hw.basics.credit_queue import CreditQueue, credit_depth
from rheobase.hw.basics.room_queue import RoomQueue
from tests.hw.engine.started import run_started


class _Pipeline(wiring.Component):
    """``stages`` registers, then the queue; elements enter by ``together``."""

    def __init__(self, stages, together, depth):
        self.stages, self.together, self.depth = stages, together, depth
        signature = stream.Signature(8)
        super().__init__({"input": In(signature), "output": Out(signature)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.kept = kept = CreditQueue(8, self.depth, elements=self.together)
        wiring.connect(m, kept.output, wiring.flipped(self.output))
        place = Signal(range(self.together + 1))
        enters = Signal()
        m.d.comb += [
            enters.eq(self.input.valid & (kept.room | (place != 0))),
            self.input.ready.eq(enters),
            kept.enters.eq(enters),
        ]
        with m.If(enters):
            m.d.sync += place.eq(place + 1)
            with m.If(place == self.together - 1):
                m.d.sync += place.eq(0)
        valid, payload = enters, self.input.payload
        for stage in range(self.stages):
            later = Signal(name=f"valid_{stage}")
            held = Signal(8, name=f"held_{stage}")
            m.d.sync += [later.eq(valid), held.eq(payload)]
            valid, payload = later, held
        m.d.comb += [kept.valid.eq(valid), kept.payload.eq(payload)]
        return m


@pytest.mark.parametrize(("stages", "together", "spare"), [(1, 1, 0), (5, 4, 0), (3, 2, 9)])
@pytest.mark.parametrize("stall", [0, 0.3, 0.8])
def test_nothing_is_lost(stages, together, spare, stall):
    sent = [number * 37 % 256 for number in range(30 * together)]
    taken = run_started(
        _Pipeline(stages, together, together + 1 + spare),
        inputs={"input": (8, sent)},
        outputs={"output": 8},
        stall=stall,
        starts=False,
    )
    assert taken["output"] == sent


@pytest.mark.parametrize(("stages", "together"), [(1, 1), (6, 1), (11, 1), (5, 4), (5, 3)])
def test_an_element_in_every_cycle(stages, together):
    count = 40 * together
    component = _Pipeline(stages, together, credit_depth(stages, together))
    cycles = []
    run_started(
        component,
        inputs={"input": (8, [1] * count)},
        outputs={"output": 8},
        gap=0,
        stall=0,
        starts=False,
        each_cycle=lambda context: cycles.append(context.get(component.input.ready)),
    )
    first = cycles.index(1)
    assert sum(cycles[first : first + count]) == count


class _Dropping(wiring.Component):
    """``stages`` registers that drop even elements, then the queue."""

    def __init__(self, stages, on_the_way):
        self.stages, self.on_the_way = stages, on_the_way
        signature = stream.Signature(8)
        super().__init__({"input": In(signature), "output": Out(signature)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.kept = kept = RoomQueue(8, self.on_the_way + 1, on_the_way=self.on_the_way)
        wiring.connect(m, kept.output, wiring.flipped(self.output))
        m.d.comb += self.input.ready.eq(kept.room)
        valid, payload = self.input.valid & kept.room, self.input.payload
        for stage in range(self.stages):
            later = Signal(name=f"valid_{stage}")
            held = Signal(8, name=f"held_{stage}")
            m.d.sync += [later.eq(valid), held.eq(payload)]
            valid, payload = later, held
        m.d.comb += [kept.valid.eq(valid & payload[0]), kept.payload.eq(payload)]
        return m


@pytest.mark.parametrize("stages", [1, 4])
@pytest.mark.parametrize(("gap", "stall"), [(0.3, 0.3), (0, 0.9)])
def test_what_is_on_the_way_has_places(stages, gap, stall):
    sent = [number * 37 % 256 | (number % 5 > 0) for number in range(90)]
    taken = run_started(
        # One more register: that of ``room``.
        _Dropping(stages, stages + 1),
        inputs={"input": (8, sent)},
        outputs={"output": 8},
        gap=gap,
        stall=stall,
        starts=False,
    )
    assert taken["output"] == [value for value in sent if value & 1]
