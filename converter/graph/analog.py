"""Runs a graph on analog values: the model itself, or the model with its activations clipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .graph import Graph, Operation, OperationKind, per_channel
from .kernels import run_operation

#: What happens at a RELU: called with the operation, its current, and whether the current may be
#: overwritten (nothing else reads it).
AtNeuron = Callable[[Operation, Tensor, bool], Tensor]


def run_graph(graph: Graph, images: Tensor, at_neuron: AtNeuron | None = None) -> dict[str, Tensor]:
    """Results of the operations that the model returns, by name.

    Args:
        images: (images, *graph.input_shape), on the graph's device.
        at_neuron: takes the place of RELU.
    """
    progress = GraphProgress.begun(graph, images)
    progress.run(len(graph.operations), at_neuron)
    return {name: progress.values[name] for name in set(graph.outputs.values())}


@dataclass
class GraphProgress:
    """A graph of which some operations have been run, in their order.

    Attributes:
        done: how many, the image among them.
        values: results that what is left needs, or that the model returns, by name.
        waiting: how many of the operations that are left take each result.
    """

    graph: Graph
    done: int
    values: dict[str, Tensor]
    waiting: dict[str, int]

    @classmethod
    def begun(cls, graph: Graph, images: Tensor) -> GraphProgress:
        """Nothing has been run for ``images``: (images, *graph.input_shape)."""
        waiting = {name: len(consumers) for name, consumers in graph.consumers.items()}
        return cls(graph, 1, {graph.operations[0].name: images}, waiting)

    def copy(self) -> GraphProgress:
        """One that goes on by itself; results are shared and not to be overwritten."""
        return replace(self, values=dict(self.values), waiting=dict(self.waiting))

    def run(self, until: int, at_neuron: AtNeuron | None = None) -> None:
        """Run operations until so many have been run; ``at_neuron`` takes the place of RELU."""
        graph, values = self.graph, self.values
        kept = set(graph.outputs.values())
        for operation in graph.operations[self.done : until]:
            inputs = [values[name] for name in operation.inputs]
            for name in dict.fromkeys(operation.inputs):
                self.waiting[name] -= 1
                if not self.waiting[name] and name not in kept:
                    del values[name]
            if operation.kind == OperationKind.RELU and at_neuron is not None:
                owned = _is_fresh(graph, operation.inputs[0]) and operation.inputs[0] not in values
                values[operation.name] = at_neuron(operation, inputs[0], owned)
            else:
                values[operation.name] = run_operation(operation, *inputs)
            del inputs
        self.done = max(self.done, until)


def _is_fresh(graph: Graph, name: str) -> bool:
    """Whether an operation's result is memory of its own, not a view of another's."""
    views = (OperationKind.INPUT, OperationKind.RESHAPE, OperationKind.SLICE, OperationKind.FLOAT)
    return graph.by_name[name].kind not in views


@torch.no_grad()
def analog_outputs(graph: Graph, images: Tensor) -> dict[str, Tensor]:
    """What the model returns, by the graph's labels."""
    found = run_graph(graph, images)
    return {label: found[name] for label, name in graph.outputs.items()}


@torch.no_grad()
def clipped_outputs(
    graph: Graph, images: Tensor, thresholds: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """What the model returns with every activation clipped at its threshold (eq. 13).

    This is what the spiking network approaches as T grows.
    """

    def clipped(operation: Operation, current: Tensor, owned: bool) -> Tensor:
        return clip(operation, current, thresholds[operation.name].to(current), owned)

    found = run_graph(graph, images, clipped)
    return {label: found[name] for label, name in graph.outputs.items()}


def clip(operation: Operation, current: Tensor, threshold: Tensor, owned: bool) -> Tensor:
    """min(max(current, 0), threshold) per channel; in place where ``owned``.

    Of neurons that fire signed: the activation within the threshold on either side of zero.
    """
    level = per_channel(threshold, current.ndim)
    if operation.arguments["slope"] is not None:
        return run_operation(operation, current).clamp(-level, level)
    if owned:
        return torch.minimum(current.relu_(), level, out=current)
    return torch.minimum(current.relu(), level)


def analog_forward(graph: Graph, images: Tensor) -> Tensor:
    """The model's first result, such as a classifier's scores (images, classes)."""
    return next(iter(analog_outputs(graph, images).values()))
