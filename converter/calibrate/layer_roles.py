"""Where a layer of neurons stands in its network, as far as its fit depends on it."""

from __future__ import annotations

from ..graph.graph import Graph, OperationKind
from ..graph.segments import segment_of
from .calibration_settings import current_of

_AVERAGES = (OperationKind.AVERAGE_POOL, OperationKind.ADAPTIVE_AVERAGE_POOL)


def reads_image(graph: Graph, name: str) -> bool:
    """Whether the image is among what a layer receives."""
    sources = segment_of(graph, current_of(graph, name)).sources
    return any(graph.by_name[source].kind == OperationKind.INPUT for source in sources)


def is_averaged(graph: Graph, name: str) -> bool:
    """Whether a layer is read by a mean over its whole map, and by nothing else."""
    if len(graph.by_name[name].shape) < 2 or not graph.is_read_once(name):
        return False
    (reader,) = graph.consumers[name]
    return reader.kind in _AVERAGES and all(extent == 1 for extent in reader.shape[1:])


def is_read_out(graph: Graph, name: str) -> bool:
    """Whether the means of a layer's maps are the model's answers, one for each channel."""
    if not is_averaged(graph, name):
        return False
    (reader,) = graph.consumers[name]
    while reader.name not in graph.outputs.values():
        readers = graph.consumers[reader.name]
        if len(readers) != 1 or readers[0].kind != OperationKind.RESHAPE:
            return False
        (reader,) = readers
    return True
