"""Every proof, as a list and as the table of ``make prove``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from amaranth import signed, unsigned
from rich.console import Console
from rich.table import Table

import rheobase.hw.lanes.event_scanner as event_scanner
from rheobase.hw.accelerator.image_gate import ImageGate
from rheobase.hw.basics.fork import StreamFork
from rheobase.hw.basics.queue import Queue
from rheobase.hw.design.geometry import WindowGeometry
from rheobase.hw.design.payloads import UnitLayout
from rheobase.hw.design.queues import QueueDesign
from rheobase.hw.design.style import COMPACT, FAST
from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.lanes.sum_queue import SumQueue
from rheobase.hw.engine.memory.memory_arbiter import MemoryArbiter
from rheobase.hw.engine.memory.port_guard import PortGuard
from rheobase.hw.engine.memory.sequential_reader import SequentialReader
from rheobase.hw.lanes.lane_join import LaneJoin
from rheobase.hw.lanes.word_filter import WordFilter
from rheobase.hw.neurons.current_pool import CurrentPool
from rheobase.hw.neurons.current_turns import CurrentTurns
from rheobase.hw.neurons.spike_turns import SpikeTurns
from rheobase.hw.readout.result_writer import ResultWriter
from rheobase.hw.serial.word_events import WordEvents
from rheobase.hw.window.row_writer import RowWriter
from rheobase.hw.window.window_gather import WindowGather
from rheobase.sim.prove import Checker, Outcome, prove
from tests.formal.checkers.current_pool import CurrentPoolChecker
from tests.formal.checkers.event_scanner import EventScannerChecker
from tests.formal.checkers.fork import ForkChecker
from tests.formal.checkers.image_gate import ImageGateChecker
from tests.formal.checkers.lane_join import LaneJoinChecker
from tests.formal.checkers.memory_arbiter import MemoryArbiterChecker
from tests.formal.checkers.port_guard import PortGuardChecker
from tests.formal.checkers.queue import QueueChecker
from tests.formal.checkers.result_writer import ResultWriterChecker
from tests.formal.checkers.row_writer import RowWriterChecker
from tests.formal.checkers.sequential_reader import SequentialReaderChecker
from tests.formal.checkers.sum_queue import SumQueueChecker
from tests.formal.checkers.turns import CurrentTurnsChecker, SpikeTurnsChecker
from tests.formal.checkers.window_gather import WindowGatherChecker
from tests.formal.checkers.word_events import WordEventsChecker
from tests.formal.checkers.word_filter import WordFilterChecker
from tests.hw.serial.designs import serial_layer
from tests.support.mutation.mutated import mutated

#: Solvers at a time: what the smallest machine has.
WORKERS = 2


@dataclass(frozen=True)
class Proof:
    """One component with one set of parameters.

    Attributes:
        name: the component and its parameters.
        properties: what is proved, besides the stream rules of its outputs.
        checker: makes the checker.
        depth, induction: see ``prove``.
        quick: whether it is part of ``make test``.
    """

    name: str
    properties: str
    checker: Callable[[], Checker]
    depth: int = 1
    induction: bool = True
    quick: bool = False

    def run(self) -> Outcome:
        return prove(self.checker(), depth=self.depth, induction=self.induction)


def geometry(
    kernel: tuple[int, int] = (2, 2), channels: int = 2, planes: int = 1, steps: int = 1
) -> WindowGeometry:
    """A map of 4 rows and 3 columns, without padding or pooling."""
    return WindowGeometry(
        channels=channels,
        rows=4,
        columns=3,
        kernel=kernel,
        stride=(1, 1),
        origin=(0, 0),
        pool_kernel=(1, 1),
        pool_stride=(1, 1),
        pool_padding=(0, 0),
        conv=(5 - kernel[0], 4 - kernel[1]),
        output=(5 - kernel[0], 4 - kernel[1]),
        planes=planes,
        steps=steps,
        spare_rows=1,
    )


def _pool(positions: int, neurons: int, accumulate: bool) -> CurrentPool:
    return CurrentPool(
        neurons=neurons,
        groups=2,
        positions=positions,
        sum_shape=signed(3),
        pooled_shape=signed(4),
        accumulate=accumulate,
    )


def sum_queue_design(neurons: int, turns_ahead: int) -> EngineDesign:
    """With sums as narrow as they come."""
    return EngineDesign(
        lanes=2, neurons=neurons, weight_bits=2, sum_bits=6, turns_ahead=turns_ahead
    )


def proofs() -> list[Proof]:
    """All of them; the quick ones first of each component."""
    result = []

    def add(name: str, properties: str, checker: Callable[[], Checker], **options) -> None:
        quick = all(proof.name.split()[0] != name.split()[0] for proof in result)
        result.append(Proof(name, properties, checker, **{"quick": quick} | options))

    for depth, width in ((3, 2), (1, 3), (2, 3), (4, 3), (8, 2)):
        add(
            f"Queue depth {depth}, {width} bits",
            "order, no loss, occupancy, never waits without need",
            lambda depth=depth, width=width: QueueChecker(Queue(width, depth)),
        )
    for branches in (3, 1, 2, 5):
        add(
            f"StreamFork {branches} branches",
            "each element once to each branch, moves when all have it",
            lambda branches=branches: ForkChecker(StreamFork(3, branches)),
        )
    for pixels, steps, images in ((4, 3, 2), (1, 1, 1), (3, 4, 3), (5, 8, 1)):
        add(
            f"ImageGate {pixels} pixels, T = {steps}, {images} images",
            "setting still while images are inside, pixels unchanged, no needless wait",
            lambda p=pixels, s=steps, i=images: ImageGateChecker(ImageGate(3, p, s, i)),
        )
    for neurons, classes, pixels in ((2, 3, 1), (1, 3, 2), (3, 3, 1), (2, 5, 3)):
        add(
            f"ResultWriter P = {neurons}, {classes} classes, {pixels} pixels",
            "scores in order, first of the largest, never waits without need",
            lambda p=neurons, c=classes, n=pixels: ResultWriterChecker(
                ResultWriter(signed(3), p, c, n)
            ),
        )
    shapes = [signed(3), signed(3), unsigned(2), signed(2), signed(2)]
    for lanes, neurons in ((3, 2), (1, 1), (2, 1), (4, 1), (5, 1)):
        add(
            f"LaneJoin {lanes} lanes, P = {neurons}",
            "i-th sums and unit meet, totals, order, no loss",
            lambda e=lanes, p=neurons: LaneJoinChecker(
                LaneJoin(shapes[:e], p, signed(6), UnitLayout(2, 2))
            ),
        )
    for kernel, channels, planes, compact in (
        ((2, 2), 2, 2, False),
        ((2, 2), 2, 2, True),
        ((1, 1), 1, 1, False),
        ((3, 3), 1, 2, False),
        ((3, 3), 1, 2, True),
    ):
        add(
            f"WindowGather kernel {kernel}, {channels} channels, {planes} planes"
            + (", compact" if compact else ""),
            "each column in its place, others zero, order, no loss",
            lambda k=kernel, c=channels, p=planes, small=compact: WindowGatherChecker(
                WindowGather(geometry(k, c, p), 2, style=COMPACT if small else FAST)
            ),
            # Two designs in one: either is quick.
            **({"quick": True} if compact and channels > 1 else {}),
        )
    for positions, neurons, accumulate in (
        (3, 2, False),
        (2, 1, True),
        (4, 1, True),
        (1, 1, True),
        (1, 2, False),
    ):
        add(
            f"CurrentPool {positions} positions, P = {neurons}"
            + (", accumulated" if accumulate else ""),
            "largest of those visited, order, no loss, taken whenever there is room",
            lambda n=positions, p=neurons, a=accumulate: CurrentPoolChecker(_pool(n, p, a)),
            # Two designs in one: either is quick.
            **({"quick": True} if accumulate else {}),
        )
    for neurons, firing, halves in ((3, 1, 0), (4, 2, 0), (2, 1, 0), (5, 1, 1), (16, 2, 1)):
        add(
            f"CurrentTurns P = {neurons}, F = {firing}" + (", in halves" if halves else ""),
            "each channel's current in its turn, none lost, never waits without need",
            lambda p=neurons, f=firing, h=halves: CurrentTurnsChecker(
                CurrentTurns(signed(3), neurons=p, firing=f, groups=3, every_other=bool(h))
            ),
        )
    for neurons, firing, steps in ((3, 1, 2), (4, 2, 3), (2, 1, 1)):
        add(
            f"SpikeTurns P = {neurons}, F = {firing}, T up to {steps}",
            "each spike at its channel and step, order, never waits without need",
            lambda p=neurons, f=firing, t=steps: SpikeTurnsChecker(
                SpikeTurns(neurons=p, firing=f, steps=t)
            ),
            depth=3 * neurons // firing * steps,
            induction=False,
        )
    for channels, planes, steps, width in ((3, 1, 3, 2), (2, 2, 1, 4), (2, 1, 2, 1)):
        add(
            f"RowWriter {channels} channels, {planes} planes, T = {steps}, words of {width}",
            "each bit at its place, pixel flags, no row overwritten",
            lambda c=channels, p=planes, s=steps, w=width: RowWriterChecker(
                RowWriter(geometry(channels=c, planes=p, steps=s), w)
            ),
        )
    for parameters in ((2, 1, 2, 2, 3), (2, 1, 2, 2, 0), (2, 3, 2, 1, 0), (3, 1, 3, 1, 2)):
        add(
            "WordFilter {} taps, {} planes, {} slabs, {} groups, shift {}".format(*parameters),
            "words add up to the slabs, units in order, no empty word without need",
            lambda parameters=parameters: WordFilterChecker(WordFilter(*parameters)),
        )
    for shift in (3, 0):
        add(
            f"WordFilter 2 taps, 1 plane, 2 slabs, 2 groups, shift {shift}, signed trains",
            "words add up to the slabs, of which the first plane counts negative",
            lambda shift=shift: WordFilterChecker(
                WordFilter(2, 1, 2, 2, shift, signed_trains=True)
            ),
        )
    # Chunks of 2 bits, so that few taps make several of them.
    chunked = mutated(event_scanner, "CHUNK_BITS = 16", "CHUNK_BITS = 2")
    for parameters, depth in (
        ((2, 1, 4, 0, 0), 10),
        ((2, 1, 4, 2, 1), 10),
        ((3, 1, 4, 0, 0), 10),
        ((3, 1, 4, 2, 1), 10),
        ((3, 2, 4, 0, 1), 10),
        ((2, 3, 2, 0, 1), 10),
    ):
        add(
            "EventScanner {} taps, {} planes, {} words, shift {} by {}".format(*parameters),
            "events are the set bits in order, shifts, last, an event a cycle",
            lambda parameters=parameters: EventScannerChecker(chunked.EventScanner(*parameters)),
            depth=depth,
            induction=False,
        )
    add(
        "EventScanner 3 taps, 1 plane, 4 words, shift 2 by 1, signed trains",
        "events are the set bits in order, as negative as their word",
        lambda: EventScannerChecker(chunked.EventScanner(3, 1, 4, 2, 1, signed_trains=True)),
        depth=10,
        induction=False,
    )
    for kind, neurons, depth in (("signed radix", 3, 12), ("pixels", 2, 5)):
        add(
            f"WordEvents of {kind}, {neurons} neurons",
            "events are the set bits in order, their weights, shifts, signs, last, one a cycle",
            lambda k=kind, n=neurons: WordEventsChecker(
                WordEvents(serial_layer(k, n).serial_design)
            ),
            depth=depth,
            induction=False,
        )
    for clients, writers, background in ((2, (1,), ()), (3, (0, 2), (1,))):
        add(
            f"MemoryArbiter {clients} clients, {len(writers)} of them write",
            "commands in order of their grants, words to who asked for them",
            lambda c=clients, w=writers, b=background: MemoryArbiterChecker(MemoryArbiter(c, w, b)),
            depth=9,
            induction=False,
        )
    add(
        "PortGuard",
        "an engine writes nowhere but in its maps, the memory changes hands at rest",
        lambda: PortGuardChecker(PortGuard()),
        depth=9,
        induction=False,
    )
    for burst, depth, repeats in ((2, 4, True), (1, 3, False)):
        add(
            f"SequentialReader bursts of {burst}, queue of {depth}"
            + (", repeated" if repeats else ""),
            "range in order, within it, nothing from before a restart, room for what is asked",
            lambda b=burst, d=depth, r=repeats: SequentialReaderChecker(
                SequentialReader(QueueDesign(d), burst=b, repeats=r)
            ),
            depth=12,
            induction=False,
        )
    for neurons, ahead in ((16, 4), (24, 3), (8, 2)):
        add(
            f"SumQueue {neurons} neurons, {ahead} turns",
            "order, no loss, occupancy, of any number of turns",
            lambda n=neurons, a=ahead: SumQueueChecker(SumQueue(sum_queue_design(n, a))),
            depth=12,
            induction=False,
        )
    return result


def main() -> int:
    """Runs all proofs, prints the table and the counterexamples; 1 where one fails."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    table = Table("component", "property", "method", "seconds", "result")
    failures = []
    every = proofs()
    with ThreadPoolExecutor(WORKERS) as pool:
        for proof, outcome in zip(every, pool.map(Proof.run, every), strict=True):
            result = "proved" if outcome.proved and proof.induction else "holds to depth"
            table.add_row(
                proof.name,
                proof.properties,
                outcome.method,
                f"{outcome.seconds:.1f}",
                result if outcome.proved else "FAILED",
            )
            if not outcome.proved:
                failures.append(f"{proof.name}: {outcome.failure}")
    console.print(table)
    for failure in failures:
        print(failure)
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
