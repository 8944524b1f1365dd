"""Calls that are linear in the image's signal, in whatever form they are written, as LINEAR.

``torch.addmm``, ``einsum`` or a product with a constant that is summed are a matrix on the
flattened map. It is found by running them on unit vectors, and checked on random ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ..graph.float_roles import FloatRole
from ..graph.graph import FloatCall, Graph, Operation, OperationKind, PerImage
from ..graph.kernels import run_operation
from .compose import LARGEST_GROWTH

#: A matrix of so many numbers is never too large.
_SMALL = 2**16
#: Unit vectors that pass through at a time.
_BATCH = 256
#: Largest difference, as a part of the largest result, that rounding of float64 can explain.
_ROUNDING = 1e-9
#: Kinds that may stand among the calls, between the flattened map and the vector that they give.
_BETWEEN = {
    OperationKind.RESHAPE,
    OperationKind.SLICE,
    OperationKind.AFFINE,
    OperationKind.PAD,
    OperationKind.MIX,
    OperationKind.AVERAGE_POOL,
    OperationKind.ADAPTIVE_AVERAGE_POOL,
}


def linear_maps(graph: Graph) -> Graph:
    """The graph with a LINEAR for every chain of linear calls that ends in a vector.

    A chain whose matrix would be more than ``LARGEST_GROWTH`` times its weights stays as it is.
    """
    for name in [operation.name for operation in graph.operations if _is_linear_call(operation)]:
        if name in graph.by_name:
            graph = _replaced(graph, graph.by_name[name])
    return graph


def _is_linear_call(operation: Operation) -> bool:
    return (
        operation.kind == OperationKind.FLOAT
        and operation.arguments["role"] == FloatRole.LINEAR
        and len(operation.inputs) == 1
    )


def _replaced(graph: Graph, call: Operation) -> Graph:
    chain = _chain(graph, call)
    if not chain:
        return graph
    source, last = graph.by_name[chain[0].inputs[0]], chain[-1]
    columns, rows = math.prod(source.shape), math.prod(last.shape)
    if columns * rows > max(LARGEST_GROWTH * _weights(chain), _SMALL):
        return graph
    found = _matrix(chain, source.shape, rows)
    if found is None:
        return graph
    like = next(iter(_tensors([operation.arguments for operation in chain])), torch.zeros(()))
    weight, bias = (value.to(like.device, torch.float32) for value in found)
    parameters = tuple(dict.fromkeys(name for part in chain for name in part.parameters))
    flat = replace(
        call,
        name=f"{call.name}:flat",
        kind=OperationKind.RESHAPE,
        inputs=(source.name,),
        arguments={"permutation": None},
        shape=(columns,),
        parameters=(),
    )
    linear = replace(
        last,
        kind=OperationKind.LINEAR,
        inputs=(flat.name,),
        shape=(rows,),
        label=call.label,
        arguments={"weight": weight, "bias": bias},
        parameters=parameters,
    )
    made = [flat, linear]
    if last.shape != linear.shape:
        made[1] = replace(linear, name=f"{last.name}:vector")
        shaped = {"kind": OperationKind.RESHAPE, "arguments": {"permutation": None}}
        made.append(replace(last, inputs=(made[1].name,), parameters=(), **shaped))
    dropped = {operation.name for operation in chain[:-1]} - _read_elsewhere(graph, chain)
    operations: list[Operation] = []
    for operation in graph.operations:
        if operation.name == last.name:
            operations += made
        elif operation.name not in dropped:
            operations.append(operation)
    return replace(graph, operations=tuple(operations))


def _chain(graph: Graph, call: Operation) -> list[Operation]:
    """Operations from the map to the first vector behind the last call; empty without one."""
    chain = [call]
    while (before := graph.by_name[chain[0].inputs[0]]).kind == OperationKind.RESHAPE:
        chain.insert(0, before)
    length = 0
    while True:
        last = chain[-1]
        if _is_linear_call(last):
            length = 0
        if len(last.shape) <= 1 and not length:
            length = len(chain)
        readers = graph.consumers[last.name]
        if len(readers) != 1 or last.name in graph.outputs.values():
            break
        if not _is_linear_call(readers[0]) and (length or readers[0].kind not in _BETWEEN):
            break
        chain.append(readers[0])
    return chain[:length]


def _read_elsewhere(graph: Graph, chain: Sequence[Operation]) -> set[str]:
    """Of the chain, what something beside it needs."""
    names = {operation.name for operation in chain}
    found = names & set(graph.outputs.values())
    for operation in reversed(chain):
        readers = {reader.name for reader in graph.consumers[operation.name]}
        if readers - names or readers & found:
            found.add(operation.name)
    return found


def _matrix(
    chain: Sequence[Operation], shape: tuple[int, ...], rows: int
) -> tuple[Tensor, Tensor] | None:
    """Weight (rows, elements of ``shape``) and bias (rows,); None where it is not linear."""
    part = Graph(tuple(chain), {}).to("cpu", torch.float64)

    @torch.no_grad()
    def run(vectors: Tensor) -> Tensor:
        value = vectors.reshape(len(vectors), *shape)
        for operation in part.operations:
            value = run_operation(operation, value)
        return value.reshape(len(vectors), rows)

    count = math.prod(shape)
    bias = run(torch.zeros(1, count, dtype=torch.float64))[0]
    weight = torch.empty(rows, count, dtype=torch.float64)
    for start in range(0, count, _BATCH):
        units = torch.zeros(min(_BATCH, count - start), count, dtype=torch.float64)
        units[range(len(units)), range(start, start + len(units))] = 1
        weight[:, start : start + len(units)] = (run(units) - bias).T
    generator = torch.Generator().manual_seed(0)
    probe = torch.randn(4, count, generator=generator, dtype=torch.float64)
    expected = run(probe)
    scale = max(float(expected.abs().max()), 1.0)
    if float((probe @ weight.T + bias - expected).abs().max()) > _ROUNDING * scale:
        return None
    return weight, bias


def _weights(chain: Sequence[Operation]) -> int:
    return sum(value.numel() for value in _tensors([o.arguments for o in chain]))


def _tensors(value: Any) -> list[Tensor]:
    """All tensors in the arguments of operations."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, nn.Module):
        return [*value.parameters(), *value.buffers()]
    if isinstance(value, PerImage):
        return [value.value]
    if isinstance(value, FloatCall):
        return _tensors([value.target, value.arguments, value.keywords])
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return [tensor for entry in value for tensor in _tensors(entry)]
    return []
