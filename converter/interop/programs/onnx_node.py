"""One operator of an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Node:
    """One operator of a file.

    Attributes:
        inputs: names; "" for one that is absent.
        outputs: how many there are.
        version: of the operators.
        batch: number of images that the file was written for, None where it is open.
    """

    inputs: tuple[str, ...]
    attributes: dict[str, Any]
    outputs: int
    version: int
    batch: int | None

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)

    def given(self, name: str, values: Sequence[Any], index: int, default: Any = None) -> Any:
        """An attribute of older versions, which is an input of newer ones, as Python's numbers."""
        if name in self.attributes:
            return self.attributes[name]
        value = values[index] if len(values) > index else None
        return default if value is None else numbers(value)


def numbers(value: Any) -> Any:
    """A constant tensor as numbers; shapes of the image are numbers already."""
    return value.tolist() if isinstance(value, Tensor) else value
