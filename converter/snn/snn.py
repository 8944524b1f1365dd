"""The converted network as a float SNN, on any torch device.

Three parts of the graph are run apart: what lies in front of every neuron is the same at each step
and computed once; what lies between neurons is computed at each step; what lies behind the last
neurons is computed on the mean of what it receives, once per answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from ...golden.basics.field_checks import check_integer
from ...golden.errors import RheobaseError
from ...golden.network.network import Coding, PoolRule, Readout
from ..graph.analog import run_graph
from ..graph.graph import LINEAR_KINDS, Graph, Operation, OperationKind, per_channel
from ..graph.kernels import run_operation
from ..graph.levels import fired_numbers, is_signed, neuron_levels, steps_of
from .snn_rate import RateRun

#: Images times steps that pass through an operation at a time.
BATCHED = 128
#: Numbers of the largest map that pass through an operation at a time, at the most.
_LARGEST = 2**27


@dataclass(frozen=True, eq=False)
class FloatRun:
    """What a run gave, for every T and t0 among the steps that were asked for.

    Attributes:
        graph: what was run.
        sums: per step t the accumulated values of steps 1..t, by operation; 0 is not among them.
        spikes: per neuron operation, mean spikes per neuron and image in 1..T, a float.
        steps, delay: T and t0 of the SNN.
    """

    graph: Graph
    sums: dict[int, dict[str, Tensor]]
    spikes: dict[str, float]
    steps: int
    delay: int

    def __repr__(self) -> str:
        return f"FloatRun of {self.graph!r}, T = {self.steps}, t0 = {self.delay}"

    @torch.inference_mode()
    def outputs(self, steps: int | None = None, delay: int | None = None) -> dict[str, Tensor]:
        """The network's outputs, by label, as read in ``delay`` < t <= ``steps``.

        They are in the model's units: mean currents, or counts times threshold.

        Raises:
            RheobaseError: the run did not keep one of the two steps.
        """
        steps = self.steps if steps is None else steps
        delay = self.delay if delay is None else delay
        for name, step in (("T", steps), ("t0", delay)):
            if step not in self.sums and not (step == 0 and name == "t0"):
                kept = ", ".join(map(str, self.sums))
                raise RheobaseError(f"{name}: {step}, must be one of the steps kept: {kept}")
        check_integer("", "t0", delay, 0, steps - 1, f" for T = {steps}")
        means = {
            name: (total - self.sums[delay][name] if delay else total) / (steps - delay)
            for name, total in self.sums[steps].items()
        }
        return _rest(self.graph, means)


def _rest(graph: Graph, values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Outputs from the values that everything else follows from."""
    values = dict(values)

    def found(name: str) -> Tensor:
        if name not in values:
            operation = graph.by_name[name]
            values[name] = run_operation(operation, *(found(source) for source in operation.inputs))
        return values[name]

    return {label: found(name) for label, name in graph.outputs.items()}


@dataclass(frozen=True, eq=False)
class FloatSnn:
    """IF neurons with float thresholds in place of ReLU (docs/meaning.md, before quantisation).

    Attributes:
        graph: prepared (``rewrite.prepared``); with readout neurons for a ``count`` readout.
        thresholds: per neuron operation (channels,), in the model's units.
        coding, rule: as in the integer network.
        steps, delay: T and t0; neurons of the graph may have a T of their own in ``radix``.
        initial: v(0) as a part of the threshold, one number, or per neuron operation one or
            (channels,).

    Calling it with normalised images (images, *input shape), on any device, gives what the model
    gives: one tensor, or a dictionary by the graph's labels where the model returns several.
    """

    graph: Graph
    thresholds: Mapping[str, Tensor]
    coding: Coding = Coding.RATE
    rule: PoolRule = PoolRule.CUMULATIVE
    steps: int = 32
    delay: int = 0
    initial: float | Mapping[str, float | Tensor] = 0.5
    _moved: dict[tuple[torch.device, torch.dtype], FloatSnn] = field(
        default_factory=dict, repr=False
    )

    def __repr__(self) -> str:
        return (
            f"FloatSnn of {self.graph!r}: {self.coding} coding, T = {self.steps}, "
            f"t0 = {self.delay}, {self.readout} readout"
        )

    @property
    def readout(self) -> Readout:
        """``count`` where the last neurons are for the readout alone."""
        counts = any(operation.arguments["readout"] for operation in self.graph.neurons)
        return Readout.COUNT if counts else Readout.CURRENT

    @cached_property
    def parts(self) -> Parts:
        return split(self.graph)

    def to(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> FloatSnn:
        """The SNN on another device or in another type."""
        return replace(
            self,
            graph=self.graph.to(device, dtype),
            thresholds={name: value.to(device, dtype) for name, value in self.thresholds.items()},
            initial=_moved_parts(self.initial, device, dtype),
            _moved={},
        )

    def with_graph(self, graph: Graph) -> FloatSnn:
        """The SNN of ``graph``, which has the same neurons, such as one with other outputs."""
        return replace(self, graph=graph, _moved={})

    def __call__(self, images: Tensor) -> Tensor | dict[str, Tensor]:
        outputs = self.run(images).outputs()
        return outputs["out"] if list(outputs) == ["out"] else outputs

    @torch.inference_mode()
    def run(self, images: Tensor, keep: Sequence[int] | None = None) -> FloatRun:
        """Run T steps for ``images``.

        Args:
            keep: steps whose outputs are wanted later, as T or as t0, beside the SNN's own
                (``rate`` only: in ``radix`` a number has all its bits or none).
        """
        key = (images.device, images.dtype)
        if key not in self._moved:
            self._moved[key] = self.to(*key)
        snn = self._moved[key]
        if snn.coding == Coding.RADIX:
            return _run_radix(snn, images)
        kept = sorted({snn.steps, snn.delay, *(keep or ())} - {0})
        if kept[0] < 0 or kept[-1] > snn.steps:
            raise RheobaseError(f"steps to keep: {kept}, must be 1..{snn.steps}")
        return _run_rate(snn, images, kept)


def _moved_parts(
    initial: float | Mapping[str, float | Tensor], device: torch.device | str, dtype: torch.dtype
) -> float | dict[str, float | Tensor]:
    if not isinstance(initial, Mapping):
        return initial
    return {
        name: part.to(device, dtype) if isinstance(part, Tensor) else part
        for name, part in initial.items()
    }


@dataclass(frozen=True, eq=False)
class Parts:
    """Where an operation of a graph is computed.

    Attributes:
        constant: in front of every neuron: once.
        stepped: neurons, and operations that have neurons on both sides: at each step.
        read: results that are accumulated over the steps, in front of the tail.
        linear_tail: operations behind the last neurons that are linear in what is read.
        ends: results that are linear in what is read, and that the outputs follow from.
    """

    constant: tuple[Operation, ...]
    stepped: tuple[Operation, ...]
    read: tuple[str, ...]
    linear_tail: tuple[Operation, ...]
    ends: tuple[str, ...]


def split(graph: Graph) -> Parts:
    """The parts of ``graph``."""
    after: set[str] = set()
    for operation in graph.operations:
        if operation.kind == OperationKind.RELU or after.intersection(operation.inputs):
            after.add(operation.name)
    before: set[str] = set()
    for operation in reversed(graph.operations):
        if operation.kind == OperationKind.RELU or operation.name in before:
            before.update((operation.name, *operation.inputs))
    constant = tuple(o for o in graph.operations if o.name not in after)
    stepped = tuple(o for o in graph.operations if o.name in after and o.name in before)
    tail = [o for o in graph.operations if o.name in after and o.name not in before]
    behind = {operation.name for operation in tail}
    outputs = list(graph.outputs.values())
    taken = [name for o in tail for name in o.inputs if name not in behind]
    read = tuple(dict.fromkeys([*taken, *(name for name in outputs if name not in behind)]))
    linear = set(read)
    linear_tail = []
    for operation in tail:
        if operation.kind in LINEAR_KINDS and linear.issuperset(operation.inputs):
            linear.add(operation.name)
            linear_tail.append(operation)
    rest = [o for o in tail if o.name not in linear]
    ends = dict.fromkeys(name for o in rest for name in o.inputs if name in linear)
    ends.update(dict.fromkeys(name for name in outputs if name in linear))
    return Parts(constant, stepped, read, tuple(linear_tail), tuple(ends))


def _constants(snn: FloatSnn, images: Tensor) -> dict[str, Tensor]:
    """Results in front of every neuron, those that something behind reads."""
    parts = snn.parts
    values: dict[str, Tensor] = {}
    for operation in parts.constant:
        inputs = [values[name] for name in operation.inputs]
        values[operation.name] = run_operation(operation, *inputs) if inputs else images
    needed = {name for o in parts.stepped for name in o.inputs} | set(parts.read)
    return {name: value for name, value in values.items() if name in needed}


def _run_rate(snn: FloatSnn, images: Tensor, kept: list[int]) -> FloatRun:
    parts = snn.parts
    constants = _constants(snn, images)
    stepped = {operation.name for operation in parts.stepped}
    initial = snn.initial
    run = RateRun(
        operations=parts.stepped,
        constants=constants,
        thresholds=snn.thresholds,
        initial=initial if isinstance(initial, Mapping) else dict.fromkeys(stepped, initial),
        cumulative=snn.rule == PoolRule.CUMULATIVE,
        read=tuple(name for name in parts.read if name in stepped),
    )
    sums: dict[int, dict[str, Tensor]] = {}
    largest = max((math.prod(operation.shape) for operation in parts.stepped), default=1)
    chunk = max(1, min(BATCHED, _LARGEST // largest) // len(images))
    step = 0
    for until in kept:
        while step < until:
            count = min(chunk, until - step)
            run.advance(count)
            step += count
        # The linear tail has a constant part, so it is applied to means.
        values = {
            name: run.sums[name] / step if name in stepped else constants[name]
            for name in parts.read
        }
        for operation in parts.linear_tail:
            inputs = (values[name] for name in operation.inputs)
            values[operation.name] = run_operation(operation, *inputs)
        sums[step] = {name: values[name] * step for name in parts.ends}
    spikes = {name: float(count) / run.neurons[name] for name, count in run.spikes.items()}
    return FloatRun(snn.graph, sums, spikes, snn.steps, snn.delay)


def _run_radix(snn: FloatSnn, images: Tensor) -> FloatRun:
    """Each neuron's number is clip(floor(current / unit + v(0) / unit), 0, 2**T - 1), T its own.

    Of neurons that fire signed it is two's complement (``graph.levels``).
    """
    spikes: dict[str, float] = {}

    def at_neuron(operation: Operation, current: Tensor, _owned: bool) -> Tensor:
        # The threshold is the full range; a step of the number is its part of all levels.
        levels = neuron_levels(operation, Coding.RADIX, snn.steps)
        unit = per_channel(snn.thresholds[operation.name], current.ndim) / levels.full
        start = snn.initial
        start = start[operation.name] if isinstance(start, Mapping) else start
        if isinstance(start, Tensor):
            start = per_channel(start, current.ndim)
        if is_signed(operation):
            slope = per_channel(operation.arguments["slope"], current.ndim)
            number = fired_numbers(current + start * unit, unit, slope)
        else:
            number = torch.floor(current / unit + start)
        number.clamp_(levels.low, levels.high)
        bits = number.to(torch.int32)
        planes = range(steps_of(operation, snn.steps))
        count = sum(int(torch.count_nonzero(bits & (1 << bit))) for bit in planes)
        spikes[operation.name] = count / number.numel()
        return number.mul_(unit)

    found = run_graph(snn.graph, images, at_neuron)
    sums = {snn.steps: {name: value * snn.steps for name, value in found.items()}}
    return FloatRun(snn.graph, sums, spikes, snn.steps, 0)
