"""Time steps of IF neurons and of what lies between them, several steps at a time.

A neuron of a feed-forward network depends on its own past and on its inputs, so each operation may
go through several steps before the next operation starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..graph.graph import LINEAR_KINDS, Operation, OperationKind, per_channel
from ..graph.kernels import run_operation
from .firing import RatePotentials


class RateRun:
    """Potentials and sums of one batch of images, from one time step to a later one.

    Args:
        operations: in topological order; neurons, and what has neurons on both sides.
        constants: results in front of all neurons, (images, ...).
        thresholds: per neuron operation (channels,).
        initial: per neuron operation, v(0) as a part of the threshold, a number or (channels,).
        cumulative: the rule of max pooling.
        read: operations whose results are summed over the steps.

    Attributes:
        sums: per operation of ``read``, over all steps so far.
        spikes: per neuron operation, in all neurons, images and steps so far.
        neurons: per neuron operation, neurons times images.
    """

    def __init__(
        self,
        *,
        operations: tuple[Operation, ...],
        constants: Mapping[str, Tensor],
        thresholds: Mapping[str, Tensor],
        initial: Mapping[str, float | Tensor],
        cumulative: bool,
        read: tuple[str, ...],
    ) -> None:
        self._operations = operations
        self._constants = constants
        self._thresholds = thresholds
        self._initial = initial
        self._cumulative = cumulative
        self._read = frozenset(read)
        self._last_use = {name: o.name for o in operations for name in o.inputs}
        self._potentials: dict[str, RatePotentials] = {}
        #: Per nonlinear operation: its inputs, summed, and its result times the step.
        self._summed: dict[str, tuple[list[Tensor], Tensor | float]] = {}
        self._step = 0
        self.sums: dict[str, Tensor] = {}
        self.spikes: dict[str, Tensor] = {}
        self.neurons: dict[str, int] = {}

    def advance(self, count: int) -> None:
        """``count`` further steps."""
        values: dict[str, Tensor] = {}
        for operation in self._operations:
            if operation.kind == OperationKind.RELU:
                value = self._fire(operation, values, count)
            else:
                inputs = [self._repeated(name, values, count) for name in operation.inputs]
                if self._is_stepwise(operation):
                    value = run_operation(operation, *inputs)
                else:
                    value = self._telescoped(operation, inputs, count)
            values[operation.name] = value
            if operation.name in self._read:
                total = value.unflatten(0, (count, -1)).sum(dim=0)
                if operation.name in self.sums:
                    total += self.sums[operation.name]
                self.sums[operation.name] = total
            for name in dict.fromkeys(operation.inputs):
                if self._last_use[name] == operation.name:
                    values.pop(name, None)
        self._step += count

    def _is_stepwise(self, operation: Operation) -> bool:
        step_pool = operation.kind == OperationKind.MAX_POOL and not self._cumulative
        return operation.kind in LINEAR_KINDS or step_pool

    def _repeated(self, name: str, values: Mapping[str, Tensor], count: int) -> Tensor:
        """Values of ``count`` steps, (count * images, ...), steps outermost."""
        if name in values:
            return values[name]
        constant = self._constants[name]
        return constant.expand(count, *constant.shape).flatten(0, 1)

    def _fire(self, operation: Operation, values: Mapping[str, Tensor], count: int) -> Tensor:
        """Spikes times threshold, (count * images, ...): accumulate, compare, subtract."""
        name, source = operation.name, operation.inputs[0]
        if source in values:
            currents: Any = values[source].unflatten(0, (count, -1))
        else:
            currents = [self._constants[source]] * count
        threshold = per_channel(self._thresholds[name], currents[0].ndim)
        if name not in self._potentials:
            start = threshold * self._initial_part(name, currents[0].ndim)
            start = start.expand_as(currents[0]).clone(memory_format=torch.contiguous_format)
            slope = operation.arguments["slope"]
            if slope is not None:
                slope = per_channel(slope, start.ndim)
            self._potentials[name] = RatePotentials(
                start, threshold, slope, takes_back=operation.arguments["takes_back"]
            )
            self.spikes[name] = torch.zeros((), dtype=torch.int64, device=threshold.device)
            self.neurons[name] = currents[0].numel()
        fired = currents[0].new_empty((count, *currents[0].shape))
        for step in range(count):
            self._potentials[name].step(currents[step], fired[step])
        self.spikes[name] += torch.count_nonzero(fired)
        return fired.flatten(0, 1)

    def _initial_part(self, name: str, rank: int) -> float | Tensor:
        part = self._initial[name]
        return per_channel(part, rank) if isinstance(part, Tensor) else part

    def _telescoped(self, operation: Operation, inputs: list[Tensor], count: int) -> Tensor:
        """t f(Z(t) / t) - (t - 1) f(Z(t - 1) / (t - 1)), Z the inputs' sums over the steps.

        Over T steps that adds up to exactly T times the function of the mean, whatever it is. For
        max pooling it is the increment of the maximum of the sums (rule ``cumulative``).
        """
        before, last = self._summed.get(operation.name, ([], 0.0))
        totals = []
        for index, value in enumerate(inputs):
            total = value.unflatten(0, (count, -1)).cumsum(dim=0)
            totals.append(total + before[index] if before else total)
        shape = (count, *[1] * (totals[0].ndim - 1))
        numbers = torch.arange(
            self._step + 1, self._step + count + 1, device=totals[0].device, dtype=totals[0].dtype
        ).reshape(shape)
        means = [(total / numbers).flatten(0, 1) for total in totals]
        result = run_operation(operation, *means).unflatten(0, (count, -1))
        result = result * numbers.reshape(count, *[1] * (result.ndim - 1))
        difference = result.clone()
        difference[1:] -= result[:-1]
        difference[0] -= last
        self._summed[operation.name] = ([total[-1].clone() for total in totals], result[-1].clone())
        return difference.flatten(0, 1)
