"""ReLU neurons that take spikes back: what timing fired too early is mended by negative spikes.

A neuron of ``rate`` whose first currents are too large fires, and the spikes stay fired although
what comes later asks for fewer. One that may fire -1 leads the net count of its spikes to what all
that came asks for (docs/meaning.md, "A signed neuron"; docs/decisions/0198-taking-back.md).
"""

from __future__ import annotations

from dataclasses import replace

from ..graph.graph import Graph, Operation, OperationKind
from ..graph.segments import sees_image_alone


def with_taking_back(graph: Graph, *, counted: bool) -> Graph:
    """``graph`` whose neurons take spikes back.

    But for those that see the image alone: their current is the same at every step, so that they
    never fire too much; those that fire signed, which do it anyway; and those whose spikes are
    counted as the answer.

    Args:
        counted: the outputs are spike counts.
    """
    answers = set(graph.outputs.values()) if counted else set()

    def marked(operation: Operation) -> Operation:
        if operation.kind != OperationKind.RELU or operation.name in answers:
            return operation
        given = operation.arguments
        if given["slope"] is not None or given["readout"] or sees_image_alone(graph, operation):
            return operation
        return replace(operation, arguments={**given, "takes_back": True})

    return replace(graph, operations=tuple(map(marked, graph.operations)))
