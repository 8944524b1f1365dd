"""What all results have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Part:
    """Something in a result, in JSON's types."""

    #: For the JSON Schema: there is nothing in a result but its fields.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True)
class Result(Part):
    """What a command found."""

    @property
    def status(self) -> int:
        """The command's exit status."""
        return 0
