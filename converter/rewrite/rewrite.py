"""Rewrites a traced graph until max pooling stands only in front of neurons.

The ReLU of a maximum is the maximum of the ReLUs, so a max pooling behind a ReLU moves in front of
it. Where it cannot, its result gets neurons of its own, which only repeat (``copy``).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..graph.graph import (
    LINEAR_KINDS,
    WEIGHTED_KINDS,
    Graph,
    Operation,
    OperationKind,
    neuron_arguments,
    norm_affine,
)
from ..linear.linear_maps import linear_maps
from .arrangement import arrangement_of
from .fold_moves import moves_folded
from .nonlinear import check_convertible
from .tails import choices_left_out

#: Kinds whose result has no negative value where no input has.
_KEEP_SIGN = {
    OperationKind.MAX_POOL,
    OperationKind.AVERAGE_POOL,
    OperationKind.ADAPTIVE_AVERAGE_POOL,
    OperationKind.CONCATENATE,
    OperationKind.SLICE,
    OperationKind.RESHAPE,
}


def prepared(graph: Graph) -> Graph:
    """The graph that is balanced, run and lowered.

    Raises:
        RheobaseError: nonlinearities that cannot become neurons, by name.
    """
    graph = pruned(choices_left_out(linear_maps(graph)))
    check_convertible(graph)
    return pools_before_neurons(norms_folded(norms_around_pools(moves_folded(graph))))


def pruned(graph: Graph) -> Graph:
    """The graph without operations that no output needs."""
    needed = set(graph.outputs.values())
    for operation in reversed(graph.operations):
        if operation.name in needed:
            needed.update(operation.inputs)
    kept = tuple(
        operation
        for operation in graph.operations
        if operation.name in needed or operation.kind == OperationKind.INPUT
    )
    return replace(graph, operations=kept)


def norms_folded(graph: Graph) -> Graph:
    """Batch normalisation and constant gains folded into the weights in front of them."""
    operations: dict[str, Operation] = {}
    renamed: dict[str, str] = {}
    outputs = set(graph.outputs.values())
    for operation in graph.operations:
        inputs = tuple(renamed.get(name, name) for name in operation.inputs)
        operation = replace(operation, inputs=inputs)
        change = channel_affine(operation)
        source = operations.get(inputs[0]) if inputs else None
        if change is not None and source is not None and source.kind in WEIGHTED_KINDS:
            # What the source was called before other operations were folded into it.
            original = graph.by_name[operation.name].inputs[0]
            alone = len(graph.consumers[original]) == 1 and original not in outputs
            if alone and _is_channelwise(source):
                held = dict.fromkeys((*source.parameters, *operation.parameters))
                folded = replace(_with_gain(source, *change), parameters=tuple(held))
                operations[source.name] = folded
                renamed[operation.name] = source.name
                continue
        operations[operation.name] = operation
    labels = {label: renamed.get(name, name) for label, name in graph.outputs.items()}
    return replace(graph, operations=tuple(operations.values()), outputs=labels)


def _is_channelwise(source: Operation) -> bool:
    """Whether dimension 0 of the result is what the weights' rows give."""
    return source.kind == OperationKind.CONVOLUTION or len(source.shape) == 1


def channel_affine(operation: Operation) -> tuple[Tensor, Tensor] | None:
    """Gain and shift per channel of an operation that has one of each, in float64."""
    if operation.kind == OperationKind.NORM:
        return norm_affine(operation)
    if operation.kind != OperationKind.AFFINE:
        return None
    found = []
    for name in ("scale", "shift"):
        value = operation.arguments[name].to("cpu", torch.float64)
        # Broadcast from the right: a channel's number needs as many dimensions as the map has.
        value = value.reshape(*[1] * (len(operation.shape) - value.ndim), *value.shape)
        if any(extent != 1 for extent in value.shape[1:]):
            return None
        found.append(value.reshape(-1).expand(operation.shape[0]))
    return found[0], found[1]


def _with_gain(source: Operation, gain: Tensor, shift: Tensor) -> Operation:
    weight, bias = source.arguments["weight"], source.arguments["bias"]
    exact = weight.to("cpu", torch.float64)
    exact = exact * gain.reshape(-1, *[1] * (weight.ndim - 1))
    before = 0.0 if bias is None else bias.to("cpu", torch.float64)
    folded = {"weight": exact.to(weight), "bias": (before * gain + shift).to(weight)}
    return replace(source, arguments={**source.arguments, **folded})


def norms_around_pools(graph: Graph) -> Graph:
    """Gains and shifts out from between max pooling and its ReLU, where no gain is negative."""
    for name in [o.name for o in graph.operations if o.kind == OperationKind.MAX_POOL]:
        pool = graph.by_name[name]
        before = graph.by_name[pool.inputs[0]]
        if before.inputs and graph.by_name[before.inputs[0]].kind == OperationKind.RELU:
            graph = _swapped(graph, before, pool, before)
            continue
        after = graph.consumers[name][0] if graph.is_read_once(name) else None
        if after is not None and before.kind != OperationKind.RELU:
            readers = graph.consumers[after.name]
            if graph.is_read_once(after.name) and readers[0].kind == OperationKind.RELU:
                graph = _swapped(graph, pool, after, after)
    return graph


def _swapped(graph: Graph, first: Operation, second: Operation, change: Operation) -> Graph:
    """``second`` before ``first``, one a pooling, ``change`` a gain and shift: if it is exact."""
    found = channel_affine(change)
    if found is None or bool((found[0] < 0).any()) or not graph.is_read_once(first.name):
        return graph
    pool = second if change is first else first
    source = graph.by_name[first.inputs[0]].shape
    earlier = replace(second, inputs=first.inputs, shape=pool.shape if pool is second else source)
    later = replace(first, inputs=(second.name,), shape=pool.shape)
    operations: list[Operation] = []
    for operation in graph.operations:
        if operation.name == second.name:
            operations += [earlier, later]
        elif operation.name != first.name:
            operations.append(reading(operation, {second.name: first.name}))
    outputs = {
        label: first.name if name == second.name else name for label, name in graph.outputs.items()
    }
    return replace(graph, operations=tuple(operations), outputs=outputs)


def pools_before_neurons(graph: Graph) -> Graph:
    """Max pooling moved in front of the neurons, or given neurons of its own."""
    graph = _without_repeated_neurons(graph)
    for name in [o.name for o in graph.operations if o.kind == OperationKind.MAX_POOL]:
        graph = _distributed(graph, graph.by_name[name])
    # Movements uncover others: a pooling behind a pooling.
    while (moved := _one_pool_moved(graph)) is not None:
        graph = moved
    return _without_repeated_neurons(_with_copies(graph))


def _distributed(graph: Graph, pool: Operation) -> Graph:
    """A pooling of a concatenation that nothing else reads: every part is pooled."""
    joined = graph.by_name[pool.inputs[0]]
    if joined.kind != OperationKind.CONCATENATE or joined.arguments["dimension"] != 0:
        return graph
    if not graph.is_read_once(joined.name):
        return graph
    parts = [graph.by_name[name] for name in joined.inputs]
    alone = all(graph.is_read_once(part.name) for part in parts)
    if not alone or len(set(joined.inputs)) != len(parts):
        return graph
    pools = [
        replace(
            pool,
            name=f"{pool.name}:{index}",
            inputs=(part.name,),
            shape=(part.shape[0], *pool.shape[1:]),
        )
        for index, part in enumerate(parts)
    ]
    together = replace(joined, inputs=tuple(part.name for part in pools), shape=pool.shape)
    found: list[Operation] = []
    for operation in graph.operations:
        if operation.name == joined.name:
            continue
        if operation.name == pool.name:
            found += [*pools, together]
        else:
            found.append(reading(operation, {pool.name: joined.name}))
    outputs = {
        label: joined.name if name == pool.name else name for label, name in graph.outputs.items()
    }
    graph = replace(graph, operations=tuple(found), outputs=outputs)
    for part in pools:
        graph = _distributed(graph, part)
    return graph


def reading(operation: Operation, renamed: dict[str, str]) -> Operation:
    if not any(name in renamed for name in operation.inputs):
        return operation
    return replace(operation, inputs=tuple(renamed.get(name, name) for name in operation.inputs))


def _one_pool_moved(graph: Graph) -> Graph | None:
    for pool in graph.operations:
        if pool.kind != OperationKind.MAX_POOL:
            continue
        neuron = graph.by_name[pool.inputs[0]]
        if neuron.kind != OperationKind.RELU or not graph.is_read_once(neuron.name):
            continue
        before = replace(pool, inputs=neuron.inputs)
        after = replace(neuron, inputs=(pool.name,), shape=pool.shape)
        found: list[Operation] = []
        for operation in graph.operations:
            if operation.name == pool.name:
                found += [before, after]
            elif operation.name != neuron.name:
                found.append(reading(operation, {pool.name: neuron.name}))
        outputs = {
            label: neuron.name if name == pool.name else name
            for label, name in graph.outputs.items()
        }
        return replace(graph, operations=tuple(found), outputs=outputs)
    return None


def _with_copies(graph: Graph) -> Graph:
    """Neurons behind every pooling of spikes that has none."""
    positive = never_negative(graph)
    signed = {o.name for o in graph.neurons if o.arguments["slope"] is not None}
    after_neurons: set[str] = set()
    renamed: dict[str, str] = {}
    found: list[Operation] = []
    for operation in graph.operations:
        if operation.kind == OperationKind.RELU or after_neurons.intersection(operation.inputs):
            after_neurons.add(operation.name)
        found.append(reading(operation, renamed))
        readers = graph.consumers[operation.name]
        fires = readers and all(reader.kind == OperationKind.RELU for reader in readers)
        fires = fires and operation.name not in graph.outputs.values()
        pools = operation.kind == OperationKind.MAX_POOL and not fires
        repeats = pools and operation.name in positive and operation.name in after_neurons
        negative = pools and not signed.isdisjoint(operation.inputs)
        if repeats or negative:
            name = f"{operation.name}:copy"
            found.append(_neurons(name, operation, copy=True, signed=negative))
            signed.update({name} if negative else ())
            renamed[operation.name] = name
    outputs = {label: renamed.get(name, name) for label, name in graph.outputs.items()}
    return replace(graph, operations=tuple(found), outputs=outputs)


def _neurons(
    name: str,
    source: Operation,
    *,
    copy: bool = False,
    readout: bool = False,
    signed: bool = False,
) -> Operation:
    """Neurons that the model does not have, behind ``source``."""
    slope = torch.ones(source.shape[0]) if signed else None
    arguments = neuron_arguments(slope=slope, copy=copy, readout=readout)
    label = "readout" if readout else "copy"
    return Operation(name, OperationKind.RELU, (source.name,), arguments, source.shape, label)


def never_negative(graph: Graph) -> set[str]:
    """Operations whose result has no negative value, whatever the image is."""
    found: set[str] = set()
    for operation in graph.operations:
        kept = operation.kind in _KEEP_SIGN
        if operation.kind == OperationKind.ADD:
            kept = all(scale >= 0 for scale in operation.arguments["scales"])
        elif operation.kind == OperationKind.PAD:
            kept = operation.arguments["value"] >= 0
        elif operation.kind == OperationKind.MIX:
            kept = bool((operation.arguments["matrix"] >= 0).all())
        kept = kept and found.issuperset(operation.inputs)
        if operation.kind == OperationKind.RELU:
            kept = operation.arguments["slope"] is None
        if kept:
            found.add(operation.name)
    return found


def _without_repeated_neurons(graph: Graph) -> Graph:
    """A ReLU right behind a ReLU changes nothing, or is where that one saturates."""
    renamed: dict[str, str] = {}
    found: dict[str, Operation] = {}
    for operation in graph.operations:
        first = operation.inputs[0] if operation.inputs else ""
        operation = reading(operation, renamed)
        source = found.get(operation.inputs[0]) if operation.inputs else None
        if operation.kind == OperationKind.RELU and source is not None:
            cap, before = operation.arguments["cap"], source.arguments.get("cap")
            plain = source.kind == OperationKind.RELU and operation.arguments["levels"] is None
            plain = plain and source.arguments["slope"] is None
            if plain and (cap is None or (before is not None and before <= cap)):
                renamed[operation.name] = source.name
                continue
            exact = plain and source.arguments["levels"] is None
            if exact and first == source.name and graph.is_read_once(first):
                arguments = {**source.arguments, "cap": cap}
                found[source.name] = replace(source, arguments=arguments)
                renamed[operation.name] = source.name
                continue
        found[operation.name] = operation
    outputs = {label: renamed.get(name, name) for label, name in graph.outputs.items()}
    return replace(graph, operations=tuple(found.values()), outputs=outputs)


def with_readout(graph: Graph) -> Graph:
    """Neurons behind the last linear operation of every output, as a ``count`` readout needs them.

    What follows there (softmax, reshaping, rearranging, interpolation) stays behind the neurons.
    """
    behind = (OperationKind.RESHAPE, OperationKind.FLOAT, OperationKind.INTERPOLATE)
    wanted: set[str] = set()
    for name in graph.outputs.values():
        operation = graph.by_name[name]
        while operation.kind in behind and len(operation.inputs) == 1:
            operation = graph.by_name[operation.inputs[0]]
        read = arrangement_of(graph, operation.name).read
        wanted.update(part for part in read if _is_countable(graph.by_name[part]))
    renamed: dict[str, str] = {}
    found: list[Operation] = []
    for operation in graph.operations:
        found.append(reading(operation, renamed))
        if operation.name in wanted:
            name = f"{operation.name}:readout"
            found.append(_neurons(name, operation, readout=True))
            renamed[operation.name] = name
    outputs = {label: renamed.get(name, name) for label, name in graph.outputs.items()}
    return replace(graph, operations=tuple(found), outputs=outputs)


def _is_countable(operation: Operation) -> bool:
    """Whether neurons must stand behind ``operation``, so that spikes can be counted there."""
    if operation.kind == OperationKind.RELU:
        return operation.arguments["slope"] is not None
    return operation.kind in LINEAR_KINDS
