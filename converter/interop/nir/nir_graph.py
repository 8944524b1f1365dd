"""A NIR graph of IF neurons as the graph that is lowered (docs/interop.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from ....golden.errors import RheobaseError, shown
from ....golden.network.choices import PoolRule
from ...graph.graph import Graph, OperationKind, neuron_arguments
from ...graph.graph_builder import GraphBuilder, Signal
from ...graph.refusal import Refusal, refuse
from . import nir_convention as convention
from .nir_convolution import convolution
from .nir_nodes import Node, emit, ordered_nodes
from .nir_values import (
    Unsuitable,
    array,
    broadcast,
    checked_shape,
    extents,
    finite,
    numbers,
    per_channel,
    per_map,
)

if TYPE_CHECKING:
    import nir

#: Potentials of integers lie a whole unit apart; so little tells above from at the threshold.
_LITTLE = 2.0**-20
#: Kinds of nodes that leak or otherwise do what no IF neuron does.
_NEURONS = {
    "LIF": "a neuron that leaks",
    "CubaLIF": "a neuron that leaks",
    "LI": "an integrator that leaks",
    "CubaLI": "an integrator that leaks",
    "I": "an integrator without spikes",
    "Threshold": "a neuron without a potential",
    "Delay": "a delay",
}


@dataclass(frozen=True, eq=False)
class NirModel:
    """What a NIR graph says.

    Attributes:
        thresholds, initial: (channels,) by neuron operation of ``graph``: theta, and v(0) as a
            part of it.
        counted: every output is spikes.
        rule: of its max pooling.
        facts: what its metadata says.
        subtracts: every neuron is known to be reset by subtraction.
    """

    graph: Graph
    thresholds: dict[str, np.ndarray]
    initial: dict[str, np.ndarray]
    counted: bool
    rule: PoolRule
    facts: convention.GraphFacts
    subtracts: bool


def nir_model(graph: nir.NIRGraph, *, at_threshold: bool, step: float | None) -> NirModel:
    """``graph`` as operations.

    Args:
        at_threshold: neurons fire where the potential is at the threshold, too.
        step: of time; None where every neuron's ``r`` is one over it.

    Raises:
        RheobaseError: nodes that no network has (all of them are named), recurrent edges, shapes
            that do not fit.
    """
    nodes = ordered_nodes(graph)
    reader = _Reader(at_threshold, _gains(nodes, step))
    for node in nodes:
        reader.visit(node)
    refuse(reader.refusals)
    if not reader.outputs:
        raise RheobaseError("NIR graph: no output depends on its input, must be one that does")
    counted = all(name in reader.thresholds for name in reader.outputs.values())
    if not counted:
        # Spikes that are read beside currents are currents of one a spike.
        reader.outputs = {
            label: f"{name}.spikes" if name in reader.thresholds else name
            for label, name in reader.outputs.items()
        }
    if len(reader.rules) > 1:
        raise RheobaseError("NIR graph: max poolings of two rules, must be one rule for all")
    metadata = graph.metadata if isinstance(graph.metadata, dict) else {}
    return NirModel(
        graph=reader.builder.finished(reader.outputs, {}),
        thresholds=reader.thresholds,
        initial=reader.initial,
        counted=counted,
        rule=next(iter(reader.rules), PoolRule.CUMULATIVE),
        facts=convention.graph_facts(metadata),
        subtracts=reader.subtracts,
    )


def _gains(nodes: Sequence[Node], step: float | None) -> dict[str, np.ndarray]:
    """What a unit of current adds to a potential at a step, by neuron: r times the step.

    Raises:
        RheobaseError: neurons have several ``r``, and no step is given.
    """
    found: dict[str, np.ndarray] = {}
    for node in nodes:
        if type(node.node).__name__ == "IF":
            try:
                found[node.name] = finite(node.node.r, "r")
            except Unsuitable as error:
                refuse([Refusal(node.name, *error.args)])
    if step is not None:
        return {name: r * step for name, r in found.items()}
    values = {float(value) for r in found.values() for value in np.unique(r)}
    if len(values) > 1:
        raise RheobaseError(
            f"NIR graph: r is {min(values):g} to {max(values):g}, must be one value for all "
            "neurons, or the time step must be given (--step)"
        )
    return {name: np.ones_like(r) for name, r in found.items()}


@dataclass
class _Reader:
    """Emits the operations of one node after the other."""

    at_threshold: bool
    gains: dict[str, np.ndarray]
    builder: GraphBuilder = field(default_factory=GraphBuilder)
    signals: dict[str, Signal] = field(default_factory=dict)
    #: Of a flattened map, by the name of its operation: the map.
    unflattened: dict[str, Signal] = field(default_factory=dict)
    thresholds: dict[str, np.ndarray] = field(default_factory=dict)
    initial: dict[str, np.ndarray] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    rules: set[PoolRule] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    subtracts: bool = True

    def visit(self, node: Node) -> None:
        kind = type(node.node).__name__
        if kind == "Input" and not node.sources:
            self._image(node)
            return
        if any(source not in self.signals for source in node.sources):
            return  # what was refused before is named already
        try:
            if not node.sources:
                raise Unsuitable("without an edge into it", "a node with an input")
            handler = _HANDLERS.get(kind)
            if handler is None:
                what = _NEURONS.get(kind, "no node that a network has")
                raise Unsuitable(what, ", ".join(_HANDLERS))
            signal = self._summed(node)
            result = handler(self, node, signal)
            if min(result.shape, default=1) < 1:
                raise Unsuitable(f"its result is {extents(result.shape)}", "at least 1 x 1")
            self.signals[node.name] = result
        except Unsuitable as error:
            what, accepted = error.args
            self.refusals.append(Refusal(node.name, f"{kind}: {what}", accepted))

    def flattened(self, name: str, signal: Signal) -> Signal:
        """The map as a vector."""
        elements = (int(np.prod(signal.shape)),)
        result = emit(self.builder, name, OperationKind.RESHAPE, signal, elements, permutation=None)
        self.unflattened[result.name] = signal
        return result

    def _image(self, node: Node) -> None:
        if self.builder.operations:
            raise RheobaseError("NIR graph: several Input nodes, must be one")
        shape = checked_shape(node.name, node.node.input_type["input"])
        while len(shape) > 3 and shape[0] == 1:
            shape = shape[1:]
        if not 1 <= len(shape) <= 3:
            raise RheobaseError(
                f"NIR graph: {shown(node.name)} is {extents(shape)}, must be (channels, rows, "
                "columns), (channels, length) or (values,)"
            )
        if len(shape) == 1:
            signal = self.builder.start((*shape, 1, 1))
            signal = self.flattened(f"{node.name}.vector", signal)
        else:
            signal = self.builder.start(shape)
        self.signals[node.name] = signal

    def _summed(self, node: Node) -> Signal:
        signals = tuple(self.signals[source] for source in node.sources)
        if len(signals) == 1:
            return signals[0]
        shapes = dict.fromkeys(signal.shape for signal in signals)
        if len(shapes) > 1:
            found = " and ".join(map(extents, shapes))
            raise Unsuitable(f"a sum of {found}", "summands of one shape")
        scales = (1.0,) * len(signals)
        name = f"{node.name}.sum"
        return emit(self.builder, name, OperationKind.ADD, signals, signals[0].shape, scales=scales)


def _convolution(reader: _Reader, node: Node, signal: Signal) -> Signal:
    return convolution(reader.builder, node, signal)


def _linear(reader: _Reader, node: Node, signal: Signal) -> Signal:
    weight = finite(node.node.weight, "weights")
    if weight.ndim != 2:
        raise Unsuitable(f"weights {extents(weight.shape)}", "weights (out, in)")
    if signal.shape == (1, weight.shape[1]):
        signal = reader.flattened(f"{node.name}.vector", signal)  # a batch of one
    if signal.shape != weight.shape[1:]:
        raise Unsuitable(
            f"weights {extents(weight.shape)} on {extents(signal.shape)}",
            f"{weight.shape[1]} values in a vector (Flatten)",
        )
    bias = None
    if type(node.node).__name__ == "Affine":
        bias = finite(node.node.bias, "biases").reshape(-1)
        if len(bias) != len(weight):
            raise Unsuitable(f"{len(bias)} biases", f"{len(weight)}")
    return emit(
        reader.builder,
        node.name,
        OperationKind.LINEAR,
        signal,
        weight.shape[:1],
        weight=torch.from_numpy(weight),
        bias=None if bias is None else torch.from_numpy(bias),
    )


def _pool(reader: _Reader, node: Node, signal: Signal) -> Signal:
    found, name = node.node, node.name
    if len(signal.shape) != 3:
        raise Unsuitable(f"on {extents(signal.shape)}", "(channels, rows, columns)")
    kernel = numbers("kernel_size", found.kernel_size, 2)
    stride = numbers("stride", found.stride, 2)
    padding = numbers("padding", found.padding, 2, least=0)
    if any(2 * padding[axis] > kernel[axis] for axis in (0, 1)):
        raise Unsuitable(f"padding {extents(padding)}", "at most half the kernel")
    shape = (
        signal.shape[0],
        *(
            (signal.shape[1 + axis] + 2 * padding[axis] - kernel[axis]) // stride[axis] + 1
            for axis in (0, 1)
        ),
    )
    windows = {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": False}
    averages = type(found).__name__ == "AvgPool2d"
    rule = convention.max_pool_rule(found.metadata) if averages else None
    if rule is not None:
        reader.rules.add(rule)
        return emit(
            reader.builder, name, OperationKind.MAX_POOL, signal, shape, **windows, dilation=(1, 1)
        )
    return emit(
        reader.builder,
        name,
        OperationKind.AVERAGE_POOL,
        signal,
        shape,
        **windows,
        count_include_pad=True,
        divisor=None if averages else 1,
    )


def _flatten(reader: _Reader, node: Node, signal: Signal) -> Signal:
    first, last = (int(np.asarray(getattr(node.node, end))) for end in ("start_dim", "end_dim"))
    # Some tools count the batch as dimension 0.
    if first not in (0, 1) or last not in (-1, len(signal.shape) - 1, len(signal.shape)):
        raise Unsuitable(f"of dimensions {first} to {last}", "all dimensions")
    return signal if len(signal.shape) == 1 else reader.flattened(node.name, signal)


def _scale(reader: _Reader, node: Node, signal: Signal) -> Signal:
    scale = torch.from_numpy(broadcast(node.node.scale, signal.shape, "scale"))
    shift = torch.zeros_like(scale)
    return emit(
        reader.builder,
        node.name,
        OperationKind.AFFINE,
        signal,
        signal.shape,
        scale=scale,
        shift=shift,
    )


def _neurons(reader: _Reader, node: Node, signal: Signal) -> Signal:
    found, name = node.node, node.name
    flat = signal
    # Neurons behind a flattened map are those of the map.
    signal = reader.unflattened.get(signal.name, signal)
    if np.any(array(found.v_reset) != 0):
        raise Unsuitable(
            f"reset to {float(array(found.v_reset).max()):g}", "v_reset 0, taken as subtraction"
        )
    gain = reader.gains.get(name, np.ones(1))
    threshold = per_channel(found.v_threshold, flat.shape, signal.shape, "v_threshold")
    gain = per_channel(gain, flat.shape, signal.shape, "r")
    if not (np.all(threshold > 0) and np.all(gain > 0)):
        raise Unsuitable("v_threshold or r that is not positive", "positive numbers")
    start = found.metadata.get(convention.INITIAL, 0.0)
    start = per_channel(start, flat.shape, signal.shape, convention.INITIAL)
    threshold, start = threshold / gain, start / gain
    little = _LITTLE * np.minimum(threshold, 1.0)
    fired = emit(
        reader.builder, name, OperationKind.RELU, signal, signal.shape, **neuron_arguments()
    )
    reader.thresholds[fired.name] = threshold
    reader.initial[fired.name] = (start + (little if reader.at_threshold else -little)) / threshold
    reader.subtracts &= convention.subtracts(found.metadata)
    # A neuron of the graph says its threshold; one of NIR says one.
    scale = per_map(1.0 / threshold, signal.shape)
    spikes = emit(
        reader.builder,
        f"{fired.name}.spikes",
        OperationKind.AFFINE,
        fired,
        signal.shape,
        scale=scale,
        shift=torch.zeros_like(scale),
    )
    if flat.shape == signal.shape:
        return spikes
    return reader.flattened(f"{fired.name}.flatten", spikes)


def _leaky(reader: _Reader, node: Node, signal: Signal) -> Signal:
    """A neuron that leaks, unless it takes for ever: snnTorch's ``Leaky`` with beta = 1."""
    if np.all(np.isposinf(array(node.node.tau))) and np.all(np.isposinf(array(node.node.r))):
        return _neurons(reader, node, signal)
    tau = float(array(node.node.tau).min())
    raise Unsuitable(f"a neuron that leaks, tau {tau:g}", "IF, or LIF with tau and r infinite")


def _output(reader: _Reader, node: Node, signal: Signal) -> Signal:
    name = signal.name
    # A flattened map is read as the map, in the same order.
    while name in reader.unflattened:
        name = reader.unflattened[name].name
    reader.outputs[node.name] = name.removesuffix(".spikes") if _fires(reader, name) else name
    return signal


def _input(_reader: _Reader, _node: Node, signal: Signal) -> Signal:
    """Of a subgraph."""
    return signal


def _fires(reader: _Reader, name: str) -> bool:
    return name.removesuffix(".spikes") in reader.thresholds


_HANDLERS: dict[str, Callable[[_Reader, Node, Signal], Signal]] = {
    "IF": _neurons,
    "LIF": _leaky,
    "Conv1d": _convolution,
    "Conv2d": _convolution,
    "Linear": _linear,
    "Affine": _linear,
    "SumPool2d": _pool,
    "AvgPool2d": _pool,
    "Flatten": _flatten,
    "Scale": _scale,
    "Input": _input,
    "Output": _output,
}
