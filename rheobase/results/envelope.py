"""What ``--json`` prints: one JSON object around a command's result or its failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from ..console import print_json
from .base import Result

#: Version of what ``--json`` prints; it changes where a field goes or means something else.
SCHEMA = 1
#: JSON Schema of it, which `make schema` writes.
SCHEMA_FILE = files(__package__) / "schema.json"


def print_result(command: str, result: Result, notes: Sequence[str]) -> None:
    """Print what ``command`` found, and what it noted on the way."""
    _print(command, result.status, asdict(result), None, notes)


def print_failure(command: str | None, message: str, status: int) -> None:
    """Print why ``command`` ended; None where the command line names none."""
    _print(command, status, None, message, ())


def _print(
    command: str | None,
    status: int,
    result: dict[str, Any] | None,
    error: str | None,
    notes: Sequence[str],
) -> None:
    from .. import __version__

    print_json(
        {
            "rheobase": __version__,
            "schema": SCHEMA,
            "command": command,
            "status": status,
            "result": result,
            "error": error,
            "notes": list(notes),
        }
    )
