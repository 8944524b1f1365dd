"""The adder graph of a matrix, found by da4ml.

da4ml (C. Sun et al., "da4ml: Distributed Arithmetic for Real-time Neural Networks on FPGAs",
arXiv 2507.04535) writes weights as canonical signed digits and shares the pairs of terms that occur
most often. It is a library of its own, under the LGPL, and an extra of ours: networks without graph
lanes need none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...golden.errors import RheobaseError
from ...golden.network.bounds import Interval
from .adder_graph import Adder, AdderGraph, GraphOutput

#: da4ml computes with 32-bit floats, which hold integers of so many bits.
FLOAT_BITS = 24


def adder_graph(weights: np.ndarray, inputs: Sequence[Interval]) -> AdderGraph:
    """A graph whose outputs are inputs @ ``weights``.

    Args:
        weights: integers, (inputs, outputs).
        inputs: bounds of each input.

    Raises:
        RheobaseError: shapes that do not agree, or numbers that da4ml does not hold exactly.
        ModuleNotFoundError: da4ml is not installed.
    """
    if weights.ndim != 2 or len(weights) != len(inputs) or 0 in weights.shape:
        raise RheobaseError(
            f"adder graph: weights have shape {weights.shape}, must be ({len(inputs)}, outputs)"
        )
    most = int((np.abs(weights.astype(np.int64)).T @ [b.magnitude for b in inputs]).max())
    if most >= 1 << FLOAT_BITS:
        raise RheobaseError(f"adder graph: a sum of up to {most:,}, must be below 2^{FLOAT_BITS}")
    return _solved(weights.astype(np.int32).tobytes(), weights.shape, tuple(inputs))


@lru_cache(maxsize=64)
def _solved(weights: bytes, shape: tuple[int, int], inputs: tuple[Interval, ...]) -> AdderGraph:
    from da4ml.cmvm import solve

    matrix = np.frombuffer(weights, np.int32).reshape(shape).astype(np.float32)
    found = solve(
        matrix,
        qintervals=[(float(bounds.low), float(bounds.high), 1.0) for bounds in inputs],
    )
    terms: list[_Term | None] = [_Term(number, 0, negative=False) for number in range(len(inputs))]
    adders: list[Adder] = []
    for stage in found.solutions:
        terms = _stage(stage, terms, adders, len(inputs))
    outputs = []
    for term in terms:
        if term is not None and term.exponent < 0:
            raise RheobaseError("adder graph: da4ml gave an output that is no integer")
        outputs.append(term and GraphOutput(term.node, term.exponent, term.negative))
    graph = _pruned(AdderGraph(inputs, tuple(adders), tuple(outputs)))
    _check(graph, np.frombuffer(weights, np.int32).reshape(shape))
    return graph


class _Term(NamedTuple):
    """A node times a power of two, and its sign."""

    node: int
    exponent: int
    negative: bool


def _stage(stage, inputs: list[_Term | None], adders: list[Adder], first: int) -> list:
    """The outputs of one of da4ml's stages, whose adders are added to ``adders``."""
    known: list[_Term | None] = []
    for operation in stage.ops:
        if operation.opcode == -1:
            term = inputs[operation.id0]
            shift = int(stage.inp_shifts[operation.id0])
            known.append(term and term._replace(exponent=term.exponent + shift))
            continue
        if operation.opcode not in (0, 1):
            raise RheobaseError(
                f"adder graph: da4ml gave an operation {operation.opcode}, must be an addition"
            )
        left, right = known[operation.id0], known[operation.id1]
        if right is not None:
            right = _Term(
                right.node,
                right.exponent + int(operation.data),
                right.negative != (operation.opcode == 1),
            )
        known.append(_added(left, right, adders, first))
    outputs = []
    for index, shift, negative in zip(
        stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True
    ):
        term = known[index] if index >= 0 else None
        outputs.append(
            term and _Term(term.node, term.exponent + int(shift), term.negative != bool(negative))
        )
    return outputs


def _added(
    left: _Term | None, right: _Term | None, adders: list[Adder], first: int
) -> _Term | None:
    """The sum of two terms, by a new adder where neither is nothing."""
    if left is None or right is None:
        return left or right
    if left.negative and not right.negative:
        left, right = right, left
    exponent = min(left.exponent, right.exponent)
    adders.append(
        Adder(
            left.node,
            right.node,
            left.exponent - exponent,
            right.exponent - exponent,
            subtracts=left.negative != right.negative,
        )
    )
    return _Term(first + len(adders) - 1, exponent, left.negative)


def _pruned(graph: AdderGraph) -> AdderGraph:
    """``graph`` without adders that no output needs."""
    first = len(graph.inputs)
    needed = {output.node for output in graph.outputs if output}
    for number in reversed(range(first, first + len(graph.adders))):
        if number in needed:
            adder = graph.adders[number - first]
            needed |= {adder.left, adder.right}
    kept = [n for n in range(first, first + len(graph.adders)) if n in needed]
    number_of = {n: n for n in range(first)}
    number_of |= {old: first + new for new, old in enumerate(kept)}
    adders = []
    for old in kept:
        adder = graph.adders[old - first]
        adders.append(
            Adder(
                number_of[adder.left],
                number_of[adder.right],
                adder.left_shift,
                adder.right_shift,
                adder.subtracts,
            )
        )
    outputs = tuple(
        output and GraphOutput(number_of[output.node], output.shift, output.negative)
        for output in graph.outputs
    )
    return AdderGraph(graph.inputs, tuple(adders), outputs)


def _check(graph: AdderGraph, weights: np.ndarray) -> None:
    """Raise ``RheobaseError`` unless the graph's product is that of ``weights``."""
    if not np.array_equal(graph.evaluate(np.eye(len(weights), dtype=np.int64)), weights):
        raise RheobaseError("adder graph: what da4ml gave is another product than that asked for")
