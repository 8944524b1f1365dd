"""The first tier of component tests: Amaranth's own simulator, with no Verilog and no compiler.

It takes what ``components.check_exchange`` takes and holds a component against the same payloads in
seconds. Verilator, which runs the text that is generated, remains the proof.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from amaranth import Value
from amaranth.sim import Simulator

from rheobase.sim.waves.bench_waves import bench_waves
from rheobase.sim.waves.wave_format import WaveFormat

from ...hw.benches.stalls import STALLS
from .components import encode

#: Cycles without a transfer after which the component hangs.
SILENCE = 2000
#: Cycles in which nothing more may be offered.
QUIET = 8


@dataclass
class _Stream:
    """One stream under way, with the payload that is offered until it is taken."""

    name: str
    payload: Value
    valid: Value
    ready: Value
    values: list[int]
    masks: list[int]
    done: int = 0
    held: int | None = None

    @property
    def finished(self) -> bool:
        return self.done == len(self.values)


def simulate_exchange(
    component: Any,
    inputs: dict[str, tuple[Any, Iterable[Any]]],
    expected: dict[str, tuple[Any, Iterable[Any]]],
    *,
    ports: dict[str, int] | None = None,
    masks: dict[str, list[int]] | None = None,
    seed: int = 0,
) -> None:
    """See ``components.check_exchange``; also that an offer stays as it is until it is taken."""
    rng = random.Random(seed)

    async def bench(context) -> None:
        for name, value in (ports or {}).items():
            context.set(Value.cast(getattr(component, name)), value)
        for gap, stall in STALLS:
            given = [_stream(component, name, *stream) for name, stream in inputs.items()]
            taken = [
                _stream(component, name, *stream, masks=(masks or {}).get(name))
                for name, stream in expected.items()
            ]
            await _exchange(context, given, taken, rng, gap, stall)

    simulator = Simulator(component)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    waves = bench_waves(type(component).__name__, "amaranth", str(seed), wave_format=WaveFormat.VCD)
    with simulator.write_vcd(str(waves)) if waves else nullcontext():
        simulator.run()


def _stream(
    component: Any, name: str, layout: Any, values: Iterable[Any], masks: list[int] | None = None
) -> _Stream:
    found = component
    for part in name.split("__"):
        found = found[int(part)] if part.isdigit() else getattr(found, part)
    encoded = [encode(layout, value) for value in values]
    payload, valid, ready = (Value.cast(m) for m in (found.payload, found.valid, found.ready))
    return _Stream(name, payload, valid, ready, encoded, masks or [-1] * len(encoded))


async def _exchange(
    context,
    given: list[_Stream],
    taken: list[_Stream],
    rng: random.Random,
    gap: float,
    stall: float,
) -> None:
    silent = quiet = 0
    while quiet < QUIET:
        for stream in given:
            if stream.held is None and not stream.finished and rng.random() >= gap:
                stream.held = stream.values[stream.done]
                context.set(stream.payload, stream.held)
            context.set(stream.valid, stream.held is not None)
        for stream in taken:
            context.set(stream.ready, not stream.finished and rng.random() >= stall)
        moved = False
        # Everything is looked at before the clock moves it.
        for stream in given:
            if stream.held is not None and context.get(stream.ready):
                stream.done, stream.held, moved = stream.done + 1, None, True
        for stream in taken:
            moved |= _look(context, stream)
        done = all(stream.finished for stream in (*given, *taken))
        quiet = quiet + 1 if done else 0
        silent = 0 if moved or done else silent + 1
        assert silent < SILENCE, f"hangs: {[(s.name, s.done) for s in (*given, *taken)]}"
        await context.tick()


def _look(context, stream: _Stream) -> bool:
    """Check what ``stream`` offers; whether it is taken now."""
    name, index = stream.name, stream.done
    if not context.get(stream.valid):
        assert stream.held is None, f"{name}: offer withdrawn before it was taken"
        return False
    found = context.get(stream.payload) & ((1 << len(stream.payload)) - 1)
    assert stream.held in (None, found), f"{name}[{index}]: payload changed before it was taken"
    assert not stream.finished, f"{name}: an extra payload"
    mask, wanted = stream.masks[index], stream.values[index]
    assert found & mask == wanted & mask, f"{name}[{index}]: {found:#x}, expected {wanted:#x}"
    ready = bool(context.get(stream.ready))
    stream.held = None if ready else found
    stream.done += ready
    return ready
