"""The nodes of a NIR graph: subgraphs opened, in an order in which each follows its sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from ....golden.errors import RheobaseError, shown
from ...graph.graph import OperationKind
from ...graph.graph_builder import GraphBuilder, Signal

if TYPE_CHECKING:
    import nir


@dataclass(frozen=True, eq=False)
class Node:
    """A node and the names of those whose results it takes, summed."""

    name: str
    node: Any  # one of nir's classes, each with fields of its own
    sources: tuple[str, ...]


def emit(
    builder: GraphBuilder,
    name: str,
    kind: OperationKind,
    signals: Signal | tuple[Signal, ...],
    shape: Sequence[int],
    **arguments: Any,
) -> Signal:
    """Add what a node does to ``signals`` as an operation, which gives a map of ``shape``."""
    inputs = (signals,) if isinstance(signals, Signal) else signals
    return builder.emit(name, kind, inputs, arguments, tuple(shape), str(kind))


def ordered_nodes(graph: nir.NIRGraph) -> list[Node]:
    """All nodes, sources first; a node within a subgraph is called ``SUBGRAPH.NAME``.

    Raises:
        RheobaseError: an edge has no node, or edges are recurrent.
    """
    nodes, edges = _opened(graph, "")
    sources: dict[str, dict[str, None]] = {name: {} for name in nodes}
    for source, target in edges:
        for end in (source, target):
            if end not in nodes:
                raise RheobaseError(f"NIR graph: an edge names {shown(end)}, must name a node")
        sources[target][source] = None
    # Of several orders the one in which edges stand: layers keep their places.
    places = {target: place for place, (_, target) in reversed([*enumerate(edges)])}
    return [Node(name, nodes[name], tuple(sources[name])) for name in _order(sources, places)]


def _order(sources: Mapping[str, Mapping[str, None]], places: Mapping[str, int]) -> list[str]:
    """Names after their ``sources``, those with the lowest of ``places`` first."""
    sorter = TopologicalSorter({name: tuple(found) for name, found in sources.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " <- ".join(map(shown, error.args[1]))
        raise RheobaseError(
            f"NIR graph: edges are recurrent ({cycle}), must be a graph in which no spike comes "
            "back"
        ) from None
    order: list[str] = []
    waiting: list[tuple[int, str]] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(waiting, (places.get(name, -1), name))
        order.append(heappop(waiting)[1])
        sorter.done(order[-1])
    return order


def _opened(
    graph: nir.NIRGraph, prefix: str
) -> tuple[dict[str, nir.NIRNode], list[tuple[str, str]]]:
    """Nodes and edges of ``graph`` without subgraphs."""
    import nir

    nodes: dict[str, nir.NIRNode] = {}
    edges: list[tuple[str, str]] = []
    ends: dict[str, tuple[str, str]] = {}
    for name, node in graph.nodes.items():
        path = f"{prefix}{name}"
        if not isinstance(node, nir.NIRGraph):
            nodes[path] = node
            continue
        inside, between = _opened(node, f"{path}.")
        nodes |= inside
        edges += between
        both = []
        for kind, what in ((nir.Input, "Input"), (nir.Output, "Output")):
            # Those of subgraphs within have a longer path.
            own = [f"{path}.{one}" for one, found in node.nodes.items() if isinstance(found, kind)]
            if len(own) != 1:
                raise RheobaseError(
                    f"NIR graph: subgraph {shown(path)} has {len(own)} {what} nodes, must be one"
                )
            both += own
        ends[path] = (both[0], both[1])
    for source, target in graph.edges:
        source, target = f"{prefix}{source}", f"{prefix}{target}"
        edges.append((ends.get(source, (source, source))[1], ends.get(target, (target,))[0]))
    return nodes, edges
