"""PassSequencer: every pass starts with its head and tables, and not before it may."""

from random import Random

import pytest

from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.memory.pass_sequencer import PassSequencer
from rheobase.hw.engine.memory.table_port import WORD_TABLES
from rheobase.hw.engine.program import TABLES, Kind, pass_record, table_sizes
from tests.hw.engine.memory.records import packed, random_fields
from tests.support.simulation.agents import Source, run_agents

DESIGN = EngineDesign(
    lanes=4, neurons=16, groups=3, sources=3, segments=4, rows=6, operations=9, weight_words=64
)


def _passes(count, rng):
    """Heads and tables of random passes, and the words of their program."""
    passes, words = [], []
    sizes = table_sizes(DESIGN)
    for _ in range(count):
        head = random_fields(pass_record(DESIGN), rng)
        head["kind"] = rng.choice([kind for kind in Kind if kind != Kind.END])
        tables = {}
        for name, make in TABLES.items():
            entries = rng.choice((0, 1, sizes[name], rng.randrange(sizes[name] + 1)))
            head[name] = entries
            tables[name] = [random_fields(make(DESIGN), rng) for _ in range(entries)]
        words += packed(pass_record(DESIGN), head)
        for name, make in TABLES.items():
            words += [word for values in tables[name] for word in packed(make(DESIGN), values)]
        passes.append((head, tables))
    end = random_fields(pass_record(DESIGN), rng) | {"kind": Kind.END}
    return passes, words + packed(pass_record(DESIGN), end)


class Engine:
    """Keeps the tables that are written, and runs passes for some cycles each."""

    def __init__(self, sequencer, rng, programs):
        self.sequencer, self.rng, self.programs = sequencer, rng, programs
        self.tables = {name: {} for name in TABLES}
        self.started = []
        self.read = None
        self.running = self.starting = self.finishing = self.was_ready = False
        self.ended = 0

    def offer(self, context):
        sequencer = self.sequencer
        self.starting = self.finishing = False
        if context.get(sequencer.done):
            self.starting = self.ended < self.programs and self.rng.random() < 0.2
        elif self.running:
            self.finishing = self.rng.random() < 0.05
        context.set(sequencer.start, self.starting)
        context.set(sequencer.finished, self.finishing)
        self.ready = self.rng.random() < 0.3
        context.set(sequencer.weights_ready, self.ready)

    def look(self, context):
        sequencer = self.sequencer
        for name, table in self.tables.items():
            port = getattr(sequencer, name)
            if context.get(port.write):
                assert not self.running, f"{name} is written while a pass runs"
                index = context.get(port.index)
                if name in WORD_TABLES:
                    assert context.get(port.part) == len(table.setdefault(index, []))
                    table[index].append(context.get(port.word))
                else:
                    table[index] = context.get(port.record)
        if context.get(sequencer.reads):
            assert not self.running and self.read is None
            self.read = context.get(sequencer.header), dict(self.tables["sources"])
        if context.get(sequencer.go):
            assert not self.running and self.was_ready
            assert self.read == (context.get(sequencer.header), self.tables["sources"])
            self.running, self.read = True, None
            self.started.append((context.get(sequencer.header), dict(self.tables)))
            self.tables = {name: {} for name in TABLES}
        elif self.running:
            assert context.get(sequencer.header) == self.started[-1][0]
        if self.finishing:
            self.running = False
        if self.starting:
            self.ended += 1
        self.was_ready = self.ready


@pytest.mark.parametrize("gap", [0.0, 0.4])
def test_runs_programs(gap):
    rng = Random(5)
    sequencer = PassSequencer(DESIGN)
    programs = [_passes(count, rng) for count in (5, 0, 2)]
    words = Source(sequencer.words, [word for _, part in programs for word in part], rng, gap)
    engine = Engine(sequencer, rng, len(programs))
    run_agents(
        sequencer,
        [words, engine],
        lambda: engine.ended == len(programs) and not words.values and not engine.running,
        quiet=40,
    )
    expected = [one for passes, _ in programs for one in passes]
    assert len(engine.started) == len(expected)
    for (header, tables), (head, wanted) in zip(engine.started, expected, strict=True):
        assert {name: getattr(header, name) for name in head} == head
        for name, records in wanted.items():
            assert list(tables[name]) == list(range(len(records)))
            for index, values in enumerate(records):
                found = tables[name][index]
                if name in WORD_TABLES:
                    assert found == packed(TABLES[name](DESIGN), values)
                    continue
                assert {field: getattr(found, field) for field in values} == values
