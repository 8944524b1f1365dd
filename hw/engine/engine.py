"""The engine: a program in memory, its passes one after another, maps back to memory."""

from __future__ import annotations

from amaranth import Cat, Const, DomainRenamer, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..basics.queue import Queue
from ..basics.reset_domain import reset_domain
from ..design.queues import QueueDesign
from ..folded.own_register import OwnRegister
from .beat_fork import BeatFork
from .design import DIGIT_BITS, LANE_DIGITS, WORD_BITS, EngineDesign
from .lane_digits import digit_lane
from .lanes.engine_lane import EngineLane
from .memory.map_reader import MapReader
from .memory.memory_arbiter import MemoryArbiter
from .memory.pass_sequencer import PassSequencer
from .memory.row_buffer import RowBuffer
from .memory.sequential_reader import SequentialReader
from .memory.weight_loader import WeightLoader
from .memory_port import BURST_WORDS, MemoryPort
from .neurons.chunk_sum import ChunkSum
from .neurons.neuron_line import NeuronLine
from .neurons.turn_join import TurnJoin
from .neurons.turn_order import TurnOrder
from .output.map_writer import MapWriter
from .output.pool_columns import PoolColumns
from .output.pool_maximum import PoolMaximum
from .output.pool_rows import PoolRows
from .output.spike_trains import SpikeTrains
from .program import ADDRESS_BITS
from .window.engine_walker import EngineWalker

#: Words of the program that are read ahead: those of a pass are read while the one before runs.
PROGRAM_AHEAD = QueueDesign(depth=8 * BURST_WORDS, blocks=1)
#: Words of weights; most wait in the lanes, and a longer queue would keep maps waiting.
WEIGHTS_AHEAD = QueueDesign(depth=2 * BURST_WORDS, blocks=1)


class Engine(wiring.Component):
    """Runs a program once for each ``start``: from the image in memory to the maps of all layers.

    ::

        memory <- arbiter <- program -> sequencer -> tables of all below
                          <- weights -> loader -> lanes' memories
                          <- map reader -> row buffer -> walker -> E lanes -> join -> chunks
                          <- map writer <- pool <- neurons <------------------------'

    A reset in the middle of a program lasts two cycles or more: some parts have it a cycle later.

    Members:
        memory: out, ``MemoryPort``.
        program_base, program_words, weights_base, weights_words: in; where the program and the
            stream of weights begin and how long they are. They stand still from a cycle before
            ``start`` on.
        start: in; run the program; from the second cycle after a reset on.
        done: out; no program runs.
        go: out; a pass begins in this cycle.
    """

    memory: wiring.PureInterface
    program_base: Signal
    program_words: Signal
    weights_base: Signal
    weights_words: Signal
    start: Signal
    done: Signal
    go: Signal

    def __init__(self, design: EngineDesign):
        self.design = design
        super().__init__(
            {
                "memory": Out(MemoryPort()),
                "program_base": In(ADDRESS_BITS),
                "program_words": In(ADDRESS_BITS),
                "weights_base": In(ADDRESS_BITS),
                "weights_words": In(ADDRESS_BITS),
                "start": In(1),
                "done": Out(1),
                "go": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design = self.design
        # Weights are wanted ahead: maps, which are wanted now, do not wait for them.
        m.submodules.arbiter = arbiter = MemoryArbiter(4, writers=[3], background=[1])
        m.submodules.program = program = SequentialReader(PROGRAM_AHEAD)
        m.submodules.weights = weights = SequentialReader(WEIGHTS_AHEAD, repeats=True)
        m.submodules.reader = reader = MapReader(design)
        m.submodules.writer = writer = MapWriter(design)
        m.submodules.sequencer = sequencer = PassSequencer(design)
        m.submodules.loader = loader = WeightLoader(design)
        for client, port in enumerate((program.port, weights.port, reader.port, writer.port)):
            wiring.connect(m, port, arbiter.clients[client])
        # Which client takes a word comes late, and goes far: to whatever holds the memory.
        m.submodules.arriving = arriving = Queue(WORD_BITS, 2, reset_less=True)
        wiring.connect(m, arbiter.port.commands, wiring.flipped(self.memory.commands))
        wiring.connect(m, arbiter.port.written, wiring.flipped(self.memory.written))
        wiring.connect(m, wiring.flipped(self.memory.read), arriving.input)
        wiring.connect(m, arriving.output, arbiter.port.read)
        wiring.connect(m, program.output, sequencer.words)
        wiring.connect(m, weights.output, loader.words)

        # The weights of the first pass come again behind those of the last one, for the next image.
        begun = Signal()
        with m.If(self.start):
            m.d.sync += begun.eq(1)
        m.d.comb += [
            program.base.eq(self.program_base),
            program.words.eq(self.program_words),
            program.restart.eq(self.start),
            weights.base.eq(self.weights_base),
            weights.words.eq(self.weights_words),
            weights.restart.eq(self.start & ~begun),
            sequencer.start.eq(self.start),
            sequencer.weights_ready.eq(loader.ready),
            sequencer.finished.eq(writer.finished),
            loader.clear.eq(self.start & ~begun),
            loader.pass_words.eq(sequencer.header.weight_words),
            loader.release.eq(writer.finished),
            self.done.eq(sequencer.done),
            self.go.eq(sequencer.go),
        ]
        walker = self._windows(m, sequencer, reader)
        lanes = self._lanes(m, sequencer, loader, walker)
        self._neurons(m, sequencer, lanes, writer)
        return m

    def _apart(self, m: Module, domain: str) -> DomainRenamer:
        """A domain of the same clock, whose reset comes a cycle later, out of a register close by.

        One wire from the reset to thousands of registers all over the chip would be the longest
        path.
        """
        m.submodules[f"own_reset_{domain}"] = own = OwnRegister(1)
        m.d.comb += own.next.eq(ResetSignal(allow_reset_less=True))
        return reset_domain(m, domain, own.now)

    def _windows(self, m: Module, sequencer: PassSequencer, reader: MapReader) -> EngineWalker:
        """Maps into the row buffer, and windows out of it."""
        design, header = self.design, sequencer.header
        m.submodules.buffer = buffer = RowBuffer(design)
        m.submodules.walker = walker = EngineWalker(design)
        wiring.connect(m, sequencer.sources, reader.sources)
        for name in ("segments", "row_entries", "operations"):
            wiring.connect(m, getattr(sequencer, name), getattr(walker, name))
        digits = [[Const(0, DIGIT_BITS)] * LANE_DIGITS for _ in range(design.lanes)]
        for number in range(design.lanes * LANE_DIGITS):
            place, lane = digit_lane(number, design.lanes)
            digits[lane][place] = buffer.word.word_select(number, DIGIT_BITS)
        m.d.comb += [
            reader.go.eq(sequencer.reads),
            reader.count.eq(header.sources),
            reader.window_rows.eq(header.rows),
            reader.row_finished.eq(walker.row_done),
            buffer.enables.eq(reader.enables),
            buffer.write_address.eq(reader.address),
            buffer.first_word.eq(reader.first_word),
            buffer.other_word.eq(reader.other_word),
            buffer.read_address.eq(walker.address),
            buffer.read_enable.eq(walker.read),
            walker.header.eq(header),
            walker.start.eq(sequencer.go),
            walker.rows_ready.eq(reader.rows_ready),
            *(walker.word[lane].eq(Cat(digits[lane])) for lane in range(design.lanes)),
        ]
        return walker

    def _lanes(
        self, m: Module, sequencer: PassSequencer, loader: WeightLoader, walker: EngineWalker
    ) -> list[EngineLane]:
        design, header = self.design, sequencer.header
        lanes = [EngineLane(design, lane) for lane in range(design.lanes)]
        m.submodules.fork = fork = BeatFork(design)
        wiring.connect(m, walker.beats, fork.beats)
        for number, lane in enumerate(lanes):
            m.submodules[f"lane_{number}"] = self._apart(m, f"lane_{number}")(lane)
            m.d.comb += [
                lane.valid.eq(fork.valid),
                lane.beat.eq(fork.beat),
                fork.room[number].eq(lane.room),
                lane.groups.eq(header.groups),
                lane.turns.eq(header.turns),
                lane.stride.eq(header.weight_stride),
                lane.base.eq(loader.base),
                lane.load.eq(loader.write[number]),
                lane.load_address.eq(loader.address),
                lane.load_part.eq(loader.part),
                lane.load_word.eq(loader.word),
            ]
        return lanes

    def _neurons(
        self, m: Module, sequencer: PassSequencer, lanes: list[EngineLane], writer: MapWriter
    ) -> None:
        """From the lanes' sums to the words of a map."""
        design, header = self.design, sequencer.header
        m.submodules.order = order = TurnOrder(design)
        join, chunk_sum, neurons = TurnJoin(design), ChunkSum(design), NeuronLine(design)
        columns, rows, maximum = PoolColumns(design), PoolRows(design), PoolMaximum(design)
        firing, pooling = self._apart(m, "firing"), self._apart(m, "pooling")
        m.submodules.join = firing(join)
        m.submodules.chunk_sum = firing(chunk_sum)
        m.submodules.neurons = firing(neurons)
        m.submodules.columns = pooling(columns)
        m.submodules.rows = pooling(rows)
        m.submodules.maximum = pooling(maximum)
        wiring.connect(m, sequencer.chunks, order.chunks)
        wiring.connect(m, sequencer.parameters, neurons.parameters)
        for number, lane in enumerate(lanes):
            m.d.comb += [
                join.entered[number].eq(lane.entered),
                join.sums[number].eq(lane.sums),
                lane.leaves.eq(join.leaves[number]),
            ]
        # Whether all lanes have their sums is known late.
        m.submodules.tags = tags = Queue(order.tags.payload.shape(), 2, reset_less=True)
        wiring.connect(m, order.tags, tags.input)
        wiring.connect(m, tags.output, join.tags)
        wiring.connect(m, join.joined, chunk_sum.turns)
        wiring.connect(m, chunk_sum.totals, neurons.currents)
        wiring.connect(m, neurons.numbers, columns.numbers)
        wiring.connect(m, columns.maxima, rows.maxima)
        m.d.comb += [
            rows.room.eq(maximum.room),
            maximum.valid.eq(rows.valid),
            maximum.pooled.eq(rows.pooled),
        ]
        parts = [order, neurons, columns, rows, maximum, writer]
        if design.rate:
            trains = SpikeTrains(design)
            m.submodules.trains = pooling(trains)
            parts.append(trains)
            wiring.connect(m, maximum.placed, trains.placed)
            wiring.connect(m, trains.trains, writer.placed)
        else:
            wiring.connect(m, maximum.placed, writer.placed)
        for part in parts:
            m.d.comb += part.header.eq(header)
        for part in (order, columns, rows):
            m.d.comb += part.start.eq(sequencer.go)
