"""One proof of each stream component, and that the proofs can fail."""

import pytest
from amaranth import signed

import rheobase.hw.accelerator.image_gate as image_gate
import rheobase.hw.basics.fork as fork
import rheobase.hw.basics.queue as queue
import rheobase.hw.engine.lanes.sum_queue as sum_queue
import rheobase.hw.lanes.event_scanner as event_scanner
import rheobase.hw.lanes.word_filter as word_filter
import rheobase.hw.neurons.current_pool as current_pool
import rheobase.hw.neurons.current_turns as current_turns
import rheobase.hw.neurons.spike_turns as spike_turns
import rheobase.hw.serial.word_events as word_events
from rheobase.sim.prove import prove
from tests.formal.checkers.current_pool import CurrentPoolChecker
from tests.formal.checkers.event_scanner import EventScannerChecker
from tests.formal.checkers.fork import ForkChecker
from tests.formal.checkers.image_gate import ImageGateChecker
from tests.formal.checkers.queue import QueueChecker
from tests.formal.checkers.sum_queue import SumQueueChecker
from tests.formal.checkers.turns import CurrentTurnsChecker, SpikeTurnsChecker
from tests.formal.checkers.word_events import WordEventsChecker
from tests.formal.checkers.word_filter import WordFilterChecker
from tests.formal.proofs import proofs, sum_queue_design
from tests.hw.serial.designs import serial_layer
from tests.support.mutation.mutated import mutated


@pytest.mark.parametrize("proof", [p for p in proofs() if p.quick], ids=lambda p: p.name)
def test_holds(proof):
    outcome = proof.run()
    assert outcome.proved, outcome.failure


@pytest.mark.parametrize(
    ("module", "old", "new", "checker", "failed"),
    [
        (
            queue,
            "enters.eq(self.input.valid & ~full)",
            "enters.eq(self.input.valid & ~full & ~self.output.ready)",
            lambda m: QueueChecker(m.Queue(2, 3)),
            "level",
        ),
        (
            fork,
            "self.input.valid & ~served[i]",
            "self.input.valid & ~served[i] & self.outputs[0].ready",
            lambda m: ForkChecker(m.StreamFork(2, 2)),
            "combinational path from outputs__0__ready to outputs__1__valid",
        ),
        (
            image_gate,
            "first_pixel & empty &",
            "first_pixel &",
            lambda m: ImageGateChecker(m.ImageGate(2, 2, 3, 2)),
            "setting_stands_still",
        ),
        (
            word_filter,
            "planes_skipped + slab.new_plane",
            "planes_skipped",
            lambda m: WordFilterChecker(m.WordFilter(2, 1, 2, 1, 2)),
            "balance",
        ),
        (
            current_pool,
            "write.en.eq(valid & empty)",
            "write.en.eq(valid & empty & ~unit.last_position)",
            lambda m: CurrentPoolChecker(
                m.CurrentPool(
                    neurons=1,
                    groups=2,
                    positions=2,
                    sum_shape=signed(3),
                    pooled_shape=signed(4),
                    accumulate=True,
                )
            ),
            "accumulated_1",
        ),
        (
            current_turns,
            "chosen.eq(self.currents.valid & ~moves)",
            "chosen.eq(self.currents.valid)",
            lambda m: CurrentTurnsChecker(
                m.CurrentTurns(signed(3), neurons=5, firing=1, groups=3, every_other=True)
            ),
            "never_waits",
        ),
    ],
    ids=[
        "queue_loses",
        "fork_waits",
        "gate_changes",
        "filter_shifts",
        "pool_forgets",
        "too_soon",
    ],
)
def test_finds_a_mutation(module, old, new, checker, failed):
    outcome = prove(checker(mutated(module, old, new)), depth=1)
    assert not outcome.proved
    assert failed in outcome.failure


def test_finds_spikes_of_another_turn():
    module = mutated(spike_turns, "word[self.firing :]", "word[: self.neurons - self.firing]")
    checker = SpikeTurnsChecker(module.SpikeTurns(neurons=3, firing=1, steps=2))
    outcome = prove(checker, depth=12, induction=False)
    assert not outcome.proved
    assert "failed: spike" in outcome.failure


def test_finds_a_unit_that_is_written_over():
    old = "room.eq(~holds_next | (last_turn_next & ~full_next.all()))"
    module = mutated(sum_queue, old, "room.eq(~holds_next | last_turn_next)")
    checker = SumQueueChecker(module.SumQueue(sum_queue_design(16, 2)))
    outcome = prove(checker, depth=12, induction=False)
    assert not outcome.proved
    failed = next(line for line in outcome.failure.splitlines() if line.startswith("failed: "))
    assert "occupancy_bounded" in failed or "in_order" in failed


def test_finds_a_word_that_is_lost():
    old = "self.words.ready.eq(~holds | (moves & ends))"
    module = mutated(word_events, old, "self.words.ready.eq(~holds | ends)")
    checker = WordEventsChecker(module.WordEvents(serial_layer("radix", 3).serial_design))
    outcome = prove(checker, depth=8, induction=False)
    assert not outcome.proved
    assert outcome.failure.startswith("counterexample from the initial state\nfailed: ")


def test_finds_a_mutation_within_the_depth():
    module = mutated(event_scanner, "event.last.eq(chunk_done & final)", "event.last.eq(final)")
    checker = EventScannerChecker(module.EventScanner(2, 1, 2, 0, 0))
    outcome = prove(checker, depth=6, induction=False)
    assert not outcome.proved
    lines = outcome.failure.splitlines()
    assert lines[:2] == ["counterexample from the initial state", "failed: last"]
    # A row for each port, a column for each cycle up to the failure.
    valid = next(line.split()[1:] for line in lines if line.startswith("events__valid "))
    assert valid[0] == "0" and valid[-1] == "1"
