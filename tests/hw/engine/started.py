"""Components that a pulse starts, in Amaranth's simulator, with random gaps and stalls."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from amaranth import Value
from amaranth.lib import data
from amaranth.sim import Simulator

from rheobase.golden.errors import RheobaseError
from rheobase.hw.engine.memory.table_port import WORD_TABLES
from rheobase.hw.engine.program import TABLES, Record
from tests.hw.engine.memory.records import packed
from tests.support.simulation.components import encode

#: Cycles without a transfer after which a component is done, or hangs.
SILENCE = 60


def record_values(record: Record, **given: int) -> dict[str, int]:
    """A record whose other fields are zero."""
    names = {field.name for field in record.fields}
    if not names >= given.keys():
        raise RheobaseError(f"{record.name}: has no {sorted(given.keys() - names)}")
    return dict.fromkeys(names, 0) | given


def run_started(
    component: Any,
    *,
    ports: Mapping[str, tuple[Any, Any]] | None = None,
    tables: Sequence[tuple[str, int, Any]] = (),
    inputs: Mapping[str, tuple[Any, Sequence[Any]]] | None = None,
    outputs: Mapping[str, Any],
    seed: int = 0,
    gap: float = 0.3,
    steady: Collection[str] = (),
    stall: float = 0.3,
    starts: bool = True,
    each_cycle: Callable | None = None,
) -> dict[str, list[Any]]:
    """What ``component`` gives on its ``outputs`` until it is silent.

    Args:
        ports: (layout, value) of ports that are no streams.
        tables: (name of a ``TablePort`` or ``TableWordsPort``, index, record).
        inputs: (layout, payloads) of each input stream.
        outputs: layout of each output stream.
        steady: input streams without gaps.
        starts: pulse ``start`` first.
        each_cycle: called with the simulator's context before each clock edge.
    """
    rng = random.Random(seed)
    taken: dict[str, list[Any]] = {name: [] for name in outputs}

    def member(name: str) -> Any:
        found = component
        for part in name.split("__"):
            found = getattr(found, part)
        return found

    async def bench(context) -> None:
        for name, (layout, value) in (ports or {}).items():
            context.set(Value.cast(member(name)), encode(layout, value))
        for name, index, record in tables:
            port = member(name)
            context.set(port.index, index)
            context.set(port.write, 1)
            if name in WORD_TABLES:
                for part, word in enumerate(packed(TABLES[name](component.design), record)):
                    context.set(port.part, part)
                    context.set(port.word, word)
                    await context.tick()
            else:
                context.set(Value.cast(port.record), encode(port.record.shape(), record))
                await context.tick()
            context.set(port.write, 0)
        if starts:
            context.set(component.start, 1)
            await context.tick()
            context.set(component.start, 0)
        waiting = {
            name: [encode(layout, value) for value in values]
            for name, (layout, values) in (inputs or {}).items()
        }
        offered: dict[str, int | None] = dict.fromkeys(waiting)
        held: dict[str, int | None] = dict.fromkeys(taken)
        silent = 0
        while silent < SILENCE:
            for name, values in waiting.items():
                if offered[name] is None and values and (name in steady or rng.random() >= gap):
                    offered[name] = values.pop(0)
                    context.set(Value.cast(member(name).payload), offered[name])
                context.set(member(name).valid, offered[name] is not None)
            for name in taken:
                context.set(member(name).ready, rng.random() >= stall)
            if each_cycle is not None:
                each_cycle(context)
            moved = False
            for name in waiting:
                if offered[name] is not None and context.get(member(name).ready):
                    offered[name], moved = None, True
            for name, layout in outputs.items():
                stream = member(name)
                if not context.get(stream.valid):
                    assert held[name] is None, f"{name}: offer withdrawn"
                    continue
                bits = Value.cast(stream.payload)
                found = context.get(bits) & ((1 << len(bits)) - 1)
                assert held[name] in (None, found), f"{name}: payload changed"
                held[name] = found
                moved = True
                if context.get(stream.ready):
                    taken[name].append(decode(layout, found))
                    held[name] = None
            silent = 0 if moved else silent + 1
            await context.tick()
        assert not any(waiting.values()), (
            f"hangs with { ({n: len(v) for n, v in waiting.items()}) }"
        )

    simulator = Simulator(component)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return taken


def decode(layout: Any, bits: int) -> Any:
    """The bits of a payload as nested dictionaries, lists and integers."""
    if isinstance(layout, data.StructLayout):
        return {
            name: decode(field.shape, bits >> field.offset & ((1 << field.width) - 1))
            for name, field in layout
        }
    if isinstance(layout, data.ArrayLayout):
        return [
            decode(field.shape, bits >> field.offset & ((1 << field.width) - 1))
            for _, field in layout
        ]
    from amaranth import Shape

    shape = Shape.cast(layout)
    if shape.signed and bits >> (shape.width - 1) & 1:
        return bits - (1 << shape.width)
    return bits & ((1 << shape.width) - 1)
