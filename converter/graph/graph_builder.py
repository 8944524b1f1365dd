"""Puts a ``Graph`` together, one call of the model's trace after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from .graph import FloatCall, Graph, Operation, OperationKind, Slot
from .refusal import Refusal


@dataclass(frozen=True)
class Signal:
    """A tensor that depends on the image: the operation that gives it, its shape without batch."""

    name: str
    shape: tuple[int, ...]


class GraphBuilder:
    """Collects operations, what is left out, and what is refused."""

    def __init__(self) -> None:
        self.operations: dict[str, Operation] = {}
        self.left_out: list[tuple[str, str]] = []
        self.refusals: list[Refusal] = []
        #: Parameters of the model that the call at hand is computed from.
        self.reached: tuple[str, ...] = ()

    def start(self, shape: tuple[int, ...]) -> Signal:
        """The image."""
        return self.emit("input", OperationKind.INPUT, (), {}, shape, "image")

    def emit(
        self,
        path: str,
        kind: OperationKind,
        inputs: tuple[Signal, ...],
        arguments: dict[str, Any],
        shape: tuple[int, ...],
        label: str,
    ) -> Signal:
        """Add an operation; a name that is taken gets a number."""
        name, number = path, 2
        while name in self.operations:
            name, number = f"{path}#{number}", number + 1
        names = tuple(signal.name for signal in inputs)
        shape = tuple(int(extent) for extent in shape)
        self.operations[name] = Operation(name, kind, names, arguments, shape, label, self.reached)
        return Signal(name, shape)

    def hold(self, names: tuple[str, ...], result: Any) -> None:
        """The first signal of ``result`` holds ``names``, which no operation of its call does.

        A factor of one is such a parameter: it changes nothing, and no operation was made of it.
        """
        signal = _first_signal(result)
        if signal is not None:
            operation = self.operations[signal.name]
            held = tuple(dict.fromkeys((*operation.parameters, *names)))
            self.operations[signal.name] = replace(operation, parameters=held)

    def call(self, **fields: Any) -> Call:
        """One call in the model's trace."""
        return Call(builder=self, **fields)

    def finished(self, outputs: dict[str, str], parameters: dict[str, int]) -> Graph:
        operations = tuple(self.operations.values())
        return Graph(operations, outputs, tuple(self.left_out), parameters)


@dataclass(eq=False)
class Call:
    """One call of the trace: of a module, a function, or a tensor's method (``target`` a string).

    Attributes:
        path: where it stands in the model.
        arguments, keywords: with ``Signal`` for tensors that depend on the image.
        shape: of the result with the batch, nested as the result is.
        keeps_batch: every tensor of the result has the batch in front.
        in_place: whether it changed its first input; ``recognised`` sets it.
    """

    builder: GraphBuilder
    path: str
    target: Any
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    shape: Any
    keeps_batch: bool
    in_place: bool = False

    @property
    def label(self) -> str:
        """What stands in the model: a class or a function."""
        if isinstance(self.target, nn.Module):
            return type(self.target).__name__
        return getattr(self.target, "__name__", str(self.target))

    @property
    def result_shape(self) -> tuple[int, ...]:
        """Of a result that is one tensor, without the batch."""
        return tuple(self.shape[1:])

    def emit(
        self,
        kind: OperationKind,
        inputs: Signal | tuple[Signal, ...],
        arguments: dict[str, Any],
        shape: tuple[int, ...] | None = None,
        part: str = "",
    ) -> Signal:
        """Add an operation of this call; ``part`` names one in front of the main one."""
        inputs = (inputs,) if isinstance(inputs, Signal) else tuple(inputs)
        path = f"{self.path}:{part}" if part else self.path
        shape = self.result_shape if shape is None else shape
        return self.builder.emit(path, kind, inputs, arguments, shape, self.label)

    def leave_out(self, why: str, signal: Signal) -> Signal:
        """The call changes nothing: its input is its result."""
        self.builder.left_out.append((self.path, why))
        return signal

    def refuse(self, what: str, accepted: str) -> None:
        self.builder.refusals.append(Refusal(self.path, what, accepted))

    def float_call(self) -> tuple[tuple[Signal, ...], FloatCall]:
        """The call as a function of its signals, and those."""
        inputs: list[Signal] = []
        arguments = _with_slots(self.arguments, inputs)
        keywords = _with_slots(self.keywords, inputs)
        target = Method(self.target) if isinstance(self.target, str) else self.target
        return tuple(inputs), FloatCall(target, arguments, keywords)

    def float_operations(self, *, activation: bool, role: str) -> Any:
        """The call as it is, in floating point: one operation per tensor of its result."""
        inputs, function = self.float_call()

        def emitted(shape: Any, item: tuple[Any, ...]) -> Any:
            if isinstance(shape, dict):
                return {key: emitted(entry, (*item, key)) for key, entry in shape.items()}
            if isinstance(shape, list):
                return [emitted(entry, (*item, index)) for index, entry in enumerate(shape)]
            if not isinstance(shape, torch.Size):
                return None
            return self.emit(
                OperationKind.FLOAT,
                inputs,
                {
                    "function": replace(function, item=item),
                    "activation": activation,
                    "role": role,
                },
                tuple(shape[1:]),
            )

        return emitted(self.shape, ())


@dataclass(frozen=True)
class Method:
    """A tensor's method as a function."""

    name: str

    def __call__(self, x: Tensor, *arguments: Any, **keywords: Any) -> Any:
        return getattr(x, self.name)(*arguments, **keywords)


def _first_signal(value: Any) -> Signal | None:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return next((found for entry in value if (found := _first_signal(entry))), None)
    return value if isinstance(value, Signal) else None


def _with_slots(value: Any, inputs: list[Signal]) -> Any:
    """``value`` with a ``Slot`` for each signal, which is added to ``inputs``."""
    if isinstance(value, Signal):
        if value not in inputs:
            inputs.append(value)
        return Slot(inputs.index(value))
    if isinstance(value, dict):
        return {key: _with_slots(entry, inputs) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_with_slots(entry, inputs) for entry in value)
    return value
