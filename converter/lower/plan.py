"""A traced graph to layers of neurons and readouts, in float64: what feeds each is a sum of terms.

Everything linear between two layers of neurons is folded into the connections of the second
(``linear_operations``); what the integer network has no exact form for is refused, all of it in
one error that names every operation by its path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...golden.errors import RheobaseError
from ..graph.graph import Graph, Operation, OperationKind
from ..graph.refusal import Refusal, refuse
from ..linear import linear_operations as linear
from ..linear.compose import merged, within_padding
from ..linear.terms import Flat, NotLowerable, Value, source_value
from ..rewrite.arrangement import Arrangement, arrangement_of
from ..rewrite.tails import scores_of
from .operation_terms import PooledValue, PoolShape, check_operation, result_terms

#: Where a model goes that is refused here.
_FLOAT_SNN = (
    "the float SNN holds all that can be traced: `rheobase convert --float`, Options(lower=False)"
)


@dataclass(frozen=True, eq=False)
class PlannedLayer:
    """A layer before quantisation.

    Attributes:
        name: of its operation, unique.
        value: what it receives, in the model's units; ``pool`` in front of the neurons.
        threshold: name under which its thresholds are found; None for a readout without neurons.
        cap: where its activation saturates, or None.
        repeats: it only repeats the layer before it, which has the same thresholds.
        ones: it fires at every step, whatever it sees, and is worth one (``terms.ones_term``).
        slope: (channels,) of neurons that fire signed, None of others.
        takes_back: its neurons take spikes back.
    """

    name: str
    value: Value
    pool: PoolShape | None
    threshold: str | None
    cap: float | None = None
    repeats: bool = False
    ones: bool = False
    slope: np.ndarray | None = None
    takes_back: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Map of its neurons (channels, rows, columns)."""
        size = self.value.size if self.pool is None else self.pool.size_for(self.value.size)
        return (self.value.channels, *size)


@dataclass(frozen=True, eq=False)
class PlannedOutput:
    """How an output of the model follows from layers.

    Attributes:
        layers: names of those that are read.
        index: for each of its elements the place in the layers' maps, flattened and one after the
            other; None where that is their order.
        shape: in the model, without the batch.
    """

    layers: tuple[str, ...]
    index: np.ndarray | None
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """All layers in topological order.

    Attributes:
        image: name of the input operation.
        outputs: by label.
        left_out: paths of what follows the scores and is not in the network (``tails``).
    """

    image: str
    layers: tuple[PlannedLayer, ...]
    outputs: dict[str, PlannedOutput]
    left_out: tuple[str, ...]


def plan_layers(graph: Graph, *, counted: bool) -> Plan:
    """Layers of ``graph``; what no output depends on is dropped.

    Args:
        counted: the outputs are spike counts, so each is a layer with neurons; otherwise each is
            one without.

    Raises:
        RheobaseError: every operation that cannot be lowered, by its path.
    """
    read, left_out = _readable_outputs(graph)
    needed = _needed(graph, (part for arranged, _ in read.values() for part in arranged.parts))
    planner = _Planner(graph)
    for operation in graph.operations:
        if operation.name in needed:
            planner.visit(operation)
    outputs = {
        label: PlannedOutput(planner.outputs_of(arranged, counted=counted), arranged.index, shape)
        for label, (arranged, shape) in read.items()
    }
    refuse(planner.refusals, _FLOAT_SNN if graph.neurons else "")
    moves = {move for arranged, _ in read.values() for move in arranged.moves}
    _check_weights(graph, needed | moves)
    layers = _seen(planner.layers, {name for output in outputs.values() for name in output.layers})
    return Plan(graph.operations[0].name, layers, outputs, left_out)


def _seen(layers: dict[str, PlannedLayer], outputs: set[str]) -> tuple[PlannedLayer, ...]:
    """Layers that an output depends on: a slice may have dropped all channels of one."""
    needed = set(outputs)
    for layer in reversed(layers.values()):
        if layer.name in needed:
            needed.update(term.source for term in layer.value.terms)
    return tuple(layer for layer in layers.values() if layer.name in needed)


@dataclass
class _Planner:
    """Walks the graph once; keeps what each operation's result is made of."""

    graph: Graph
    values: dict[str, Value | Flat | PooledValue | None] = field(default_factory=dict)
    layers: dict[str, PlannedLayer] = field(default_factory=dict)
    #: Layers that operations are read out from.
    readouts: dict[str, str] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)

    def visit(self, operation: Operation) -> None:
        found = [self.values[name] for name in operation.inputs]
        inputs = [value for value in found if value is not None]
        self.values[operation.name] = None
        try:
            check_operation(operation, self.graph)
            if len(inputs) < len(found):
                return  # what was refused before is named already
            if operation.kind == OperationKind.RELU:
                result = self._neurons(operation, inputs[0])
            else:
                result = result_terms(operation, inputs, self.graph)
            self.values[operation.name] = result
        except NotLowerable as error:
            self._refuse(operation, error)

    def outputs_of(self, arranged: Arrangement, *, counted: bool) -> tuple[str, ...]:
        """Names of the layers that an output is read from, made where they are not there yet."""
        parts = arranged.parts
        values = [value for part in parts if (value := self.values[part]) is not None]
        if len(values) < len(parts):
            return arranged.read  # refused already
        if arranged.index is not None or (len(parts) == 1 and parts[0] in self.layers):
            return tuple(self._read_out(part, counted=counted) for part in parts)
        operation = self.graph.by_name[arranged.name]
        try:
            self.values[operation.name] = _one_map(values)
        except NotLowerable as error:
            self._refuse(operation, error)
            return arranged.read
        return (self._read_out(operation.name, counted=counted),)

    def _read_out(self, operation_name: str, *, counted: bool) -> str:
        """Name of the layer that an operation is read from, one for all outputs."""
        if operation_name not in self.readouts:
            operation = self.graph.by_name[operation_name]
            self.readouts[operation_name] = self._added_readout(operation, counted=counted)
        return self.readouts[operation_name]

    def _added_readout(self, operation: Operation, *, counted: bool) -> str:
        value, name = self.values[operation.name], operation.name
        assert value is not None  # what was refused is not read out
        if name in self.layers:  # neurons
            if counted:
                return name
            name += ".readout"
        try:
            if isinstance(value, PooledValue):
                if not counted:
                    raise NotLowerable("max pool at an output", "a linear operation or ReLU")
                self._add_neurons(name, value, cap=None)
                return name
            self._add(_layer(name, linear.unflattened(value), None, name if counted else None))
        except NotLowerable as error:
            self._refuse(operation, error)
        return name

    def _refuse(self, operation: Operation, error: NotLowerable) -> None:
        kind = operation.label or str(operation.kind)
        detail = f"{kind}: {error.kind}" if error.kind else kind
        self.refusals.append(Refusal(operation.name, detail, error.accepted))

    def _neurons(self, operation: Operation, value: Value | Flat | PooledValue) -> Value | Flat:
        cap, slope = operation.arguments["cap"], operation.arguments["slope"]
        if slope is not None:
            slope = slope.detach().to("cpu").double().numpy()
        if isinstance(value, PooledValue):
            return self._add_neurons(operation.name, value, cap, slope)
        flat = isinstance(value, Flat)
        value = linear.unflattened(value)
        if slope is not None and len(slope) != value.channels:
            slope = slope.reshape(value.channels, -1)  # of the elements of a flattened map
            if np.any(slope != slope[:, :1]):
                raise NotLowerable("slopes per element", "one for each channel of the map")
            slope = slope[:, 0]
        layer = _layer(operation.name, value, None, operation.name, cap)
        self._add(replace(layer, slope=slope))
        neurons = source_value(operation.name, value.shape)
        return linear.flattened(neurons) if flat else neurons

    def _add_neurons(
        self, name: str, pooled: PooledValue, cap: float | None, slope: np.ndarray | None = None
    ) -> Value:
        """Neurons behind max pooling.

        Windows that reach beyond the map (``ceil_mode``) need currents there that never win. Zero
        is one where no current is negative; elsewhere the neurons come first, and others that
        repeat the largest of their spike trains after them (Theorem 2 read backwards).
        """
        value, pool = pooled.value, pooled.pool
        if any(pooled.missing) and slope is not None:
            raise NotLowerable(
                "signed neurons behind a max pool whose windows reach beyond the map",
                "windows within the map (ceil_mode=False), or ReLU",
            )
        repeats = any(pooled.missing) and self._may_be_negative(value)
        if repeats:
            first = f"{name}.before_pool"
            self._add(_layer(first, value, None, name, cap))
            value = source_value(first, value.shape)
        if any(pooled.missing):
            # The bias comes after the maximum, so the border does not concern it.
            bare = replace(value, bias=np.zeros(value.channels))
            bare = linear.padded(bare, (0, 0, *pooled.missing), (0, 0), 0.0, name)
            value = replace(bare, bias=value.bias)
        self._add(replace(_layer(name, value, pool, name, cap), repeats=repeats, slope=slope))
        return source_value(name, self.layers[name].shape)

    def _add(self, layer: PlannedLayer) -> None:
        """A layer, and in front of it the maps of ones that it sees."""
        for term in layer.value.terms:
            if term.anchor is not None and term.source not in self.layers:
                value = Value(term.source_shape, np.ones(1), (term.anchor,))
                ones = _layer(term.source, value, None, term.source, cap=1.0)
                self._add(replace(ones, ones=True))
        neurons = self.graph.by_name.get(layer.threshold or "")
        takes_back = (
            neurons is not None
            and neurons.kind == OperationKind.RELU
            and neurons.arguments["takes_back"]
        )
        self.layers[layer.name] = replace(layer, takes_back=takes_back)

    def _may_be_negative(self, value: Value) -> bool:
        """Whether a current (without bias) can be negative; pixels are, below the zero point."""
        return any(
            term.source not in self.layers
            or self.layers[term.source].slope is not None
            or np.any(term.kernel.weight < 0)
            for term in value.terms
        )


def _one_map(values: Sequence[Value | Flat | PooledValue]) -> Value | PooledValue:
    """Maps of one size, flattened or not, as the channels of one."""
    if len(values) == 1 and isinstance(values[0], PooledValue):
        return values[0]
    plain = [value for value in values if not isinstance(value, PooledValue)]
    if len(plain) < len(values):
        raise NotLowerable("max pool at an output", "a linear operation or ReLU")
    return linear.concatenated_maps([linear.unflattened(value) for value in plain])


def _layer(
    name: str, value: Value, pool: PoolShape | None, threshold: str | None, cap: float | None = None
) -> PlannedLayer:
    """A layer with as few terms as its sum needs, in the form that connections want."""
    if value.cells is not None:
        linear.refuse_cells(value)
    terms = tuple(within_padding(term) for term in merged(value.terms))
    if not terms:
        raise NotLowerable("no image in it, a constant", "a result that depends on the image")
    weighty = tuple(term for term in terms if term.kernel.weight.any())
    return PlannedLayer(name, replace(value, terms=weighty or terms[:1]), pool, threshold, cap)


def _readable_outputs(
    graph: Graph,
) -> tuple[dict[str, tuple[Arrangement, tuple[int, ...]]], tuple[str, ...]]:
    """Per label the scores and their shape, and the paths of what follows them."""
    read: dict[str, tuple[Arrangement, tuple[int, ...]]] = {}
    left_out: dict[str, None] = {}
    for label, name in graph.outputs.items():
        scores, behind = scores_of(graph, name)
        read[label] = (arrangement_of(graph, scores), tuple(graph.by_name[scores].shape))
        left_out.update(dict.fromkeys(behind))
    return read, tuple(left_out)


def _check_weights(graph: Graph, needed: set[str]) -> None:
    """Raise where a parameter that the model's result depends on is in no layer."""
    held = {p for o in graph.operations if o.name in needed for p in o.parameters}
    missing = {p for o in graph.operations for p in o.parameters} - held
    if missing:
        raise RheobaseError(
            f"model cannot be lowered: its weights {', '.join(sorted(missing)[:5])} would not be "
            "in the network, must be a model whose last weights are in front of what follows"
        )


def _needed(graph: Graph, outputs: Iterable[str]) -> set[str]:
    """Operations that an output depends on."""
    found: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph.by_name[name].inputs
    return found
