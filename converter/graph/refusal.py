"""Collects what a model has that cannot be lowered, and refuses it in one error."""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.errors import RheobaseError


@dataclass(frozen=True)
class Refusal:
    """One place in a model: its path, what it is, and what would be accepted there."""

    path: str
    kind: str
    accepted: str

    def __str__(self) -> str:
        return f"{self.path} ({self.kind}; accepted: {self.accepted})"


def refuse(refusals: list[Refusal], instead: str = "") -> None:
    """Raise one ``RheobaseError`` that names every refusal; nothing where there is none.

    ``instead`` says what would take the model.
    """
    if refusals:
        listed = "; ".join(str(refusal) for refusal in refusals)
        other = f"; {instead}" if instead else ""
        raise RheobaseError(f"model cannot be lowered: {listed}{other}")
