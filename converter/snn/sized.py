"""A converted network at other sizes of images.

Thresholds belong to channels, so they hold for maps of any size. A graph has the sizes of its maps
in it; it is traced again for each size that comes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from torch import nn

from ...golden.errors import RheobaseError
from ..graph.graph import WEIGHTED_KINDS, Graph, Operation, OperationKind
from ..rewrite.rewrite import prepared, pruned
from ..signed.placement import signed_points, with_signed, with_split_like
from ..tracing.trace import trace
from .snn import FloatSnn

#: Sizes that are kept.
_KEPT = 16


def traced(model: nn.Module, shape: tuple[int, ...], outputs: tuple[str, ...] = ()) -> Graph:
    """``model`` as it is converted for images of ``shape``; of its outputs only some, if named."""
    graph = trace(model, shape)
    if outputs:
        missing = [label for label in outputs if label not in graph.outputs]
        if missing:
            raise RheobaseError(
                f"model: no output {missing[0]!r}, it has {', '.join(graph.outputs)}"
            )
        graph = pruned(replace(graph, outputs={label: graph.outputs[label] for label in outputs}))
    return prepared(graph)


class SizedSnn:
    """A float SNN for images of any size that the model takes.

    Args:
        model: what was converted, on the SNN's device.
        snn: as it was converted for one size.
        outputs: labels, where only some are wanted.
    """

    def __init__(self, model: nn.Module, snn: FloatSnn, outputs: tuple[str, ...] = ()) -> None:
        self._model, self._outputs = model, outputs
        self.snn = snn
        self._found: OrderedDict[tuple[int, ...], tuple[Graph, FloatSnn]] = OrderedDict()

    def graph(self, shape: tuple[int, ...]) -> Graph:
        """The model, uncalibrated, for images of ``shape`` (without the batch)."""
        return self._at(shape)[0]

    def at(self, shape: tuple[int, ...]) -> FloatSnn:
        """The SNN for images of ``shape`` (without the batch).

        Raises:
            RheobaseError: the model does not take that size, or becomes another network for it.
        """
        return self._at(shape)[1]

    def _at(self, shape: tuple[int, ...]) -> tuple[Graph, FloatSnn]:
        if shape not in self._found:
            graph = traced(self._model, shape, self._outputs)
            graph = with_split_like(graph, (o.name for o in self.snn.graph.neurons))
            graph = with_signed(graph, signed_points(self.snn.graph))
            resized = replace(self.snn, graph=_resized(self.snn.graph, graph), _moved={})
            self._found[shape] = graph, resized
            if len(self._found) > _KEPT:
                self._found.popitem(last=False)
        self._found.move_to_end(shape)
        return self._found[shape]


def _resized(converted: Graph, fresh: Graph) -> Graph:
    """``converted`` with the sizes of ``fresh``, which is the same network before calibration."""
    found: dict[str, Operation] = {}
    for operation in converted.operations:
        other = fresh.by_name.get(operation.name)
        if other is None:  # a shift of calibration, which has its input's shape
            if len(operation.inputs) != 1 or operation.inputs[0] not in found:
                raise _another_network(operation, fresh)
            found[operation.name] = replace(operation, shape=found[operation.inputs[0]].shape)
            continue
        # Channels of neurons; behind a head's permutation the first dimension is pixels.
        fires = operation.kind == OperationKind.RELU
        if other.kind != operation.kind or (fires and other.shape[0] != operation.shape[0]):
            raise _another_network(operation, fresh)
        arguments = dict(other.arguments)
        if operation.kind in WEIGHTED_KINDS:
            arguments |= {key: operation.arguments[key] for key in ("weight", "bias")}
        if fires:
            arguments |= {key: operation.arguments[key] for key in ("steps", "takes_back")}
        found[operation.name] = replace(other, inputs=operation.inputs, arguments=arguments)
    if missing := fresh.by_name.keys() - found.keys():
        raise _another_network(fresh.by_name[min(missing)], fresh)
    return replace(converted, operations=tuple(found.values()))


def _another_network(operation: Operation, fresh: Graph) -> RheobaseError:
    size = " x ".join(map(str, fresh.input_shape))
    return RheobaseError(
        f"images of {size}: the model becomes another network ({operation.name}), must be a "
        "model that is the same for every size"
    )
