"""Collects what a model has that cannot be lowered, and refuses it in one error."""

from __future__ import annotations

from dataclasses import dataclass

from ..golden.errors import RheobaseError


@dataclass(frozen=True)
class Refusal:
    """One place in a model: its path, what it is, and what would be accepted there."""

    path: str
    kind: str
    accepted: str

    def __str__(self) -> str:
        return f"{self.path} ({self.kind}; accepted: {self.accepted})"


def refuse(refusals: list[Refusal]) -> None:
    """Raise one ``RheobaseError`` that names every refusal; nothing where there is none."""
    if refusals:
        listed = "; ".join(str(refusal) for refusal in refusals)
        raise RheobaseError(f"model cannot be lowered: {listed}")
