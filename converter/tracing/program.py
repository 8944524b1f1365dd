"""A model that is a list of calls, as files of other tools have it, as a torch module.

The tracer runs it as any other model; only where a call stands in the model that the file was
written from is told by the call itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Step:
    """One call.

    Attributes:
        place: its path in the model that the file was written from.
        outputs: names of what it gives, "" for what nothing takes.
        run: called with all values at hand by name; returns what the call gives, in order.
    """

    place: str
    outputs: tuple[str, ...]
    run: Callable[[Mapping[str, Any]], Sequence[Any]]


class Program(nn.Module):
    """Calls in an order in which each follows those whose results it takes.

    Args:
        weights: floating-point tensors by name: the model's parameters.
        constants: other values by name.
        image: name of the input.
        outputs: names of the results.

    Attributes:
        place: path of the call that runs.
    """

    def __init__(
        self,
        *,
        steps: Sequence[Step],
        weights: Mapping[str, Tensor],
        constants: Mapping[str, Any],
        image: str,
        outputs: Sequence[str],
    ) -> None:
        super().__init__()
        self.place = ""
        self._steps, self._image, self._results = tuple(steps), image, tuple(outputs)
        self._constants = dict(constants)
        self._names = tuple(weights)
        for index, value in enumerate(weights.values()):
            # A parameter of a module must have no dot in its name, and these are any.
            self.register_parameter(f"weight {index}", nn.Parameter(value, requires_grad=False))

    def forward(self, image: Tensor) -> Any:
        parameters = dict(zip(self._names, self.parameters(), strict=True))
        values: dict[str, Any] = {**self._constants, **parameters, self._image: image}
        for step in self._steps:
            self.place = step.place
            values.update(zip(step.outputs, step.run(values), strict=False))
        found = tuple(values[name] for name in self._results)
        return found[0] if len(found) == 1 else found


def with_open_batch(sizes: Sequence[Any], value: Any, declared: int | None) -> list[Any]:
    """``sizes`` of a reshaped ``value`` for as many images as there are.

    A file that was written for ``declared`` images has their number in its shapes.
    """
    given = list(sizes)
    if declared is not None and given and isinstance(given[0], int) and given[0] == declared:
        given[0] = value.shape[0]
    return given


def call_place(scope: str, kind: str, function: str) -> str:
    """Where a call stands: a module of torch is its call, in others it is named by its function.

    Args:
        scope, kind: path of the innermost module, and its class with its package.
    """
    whole = kind.startswith("torch.nn.") and not kind.endswith((".Sequential", ".ModuleList"))
    if scope and whole:
        return scope
    return f"{scope}.{function}" if scope else function
