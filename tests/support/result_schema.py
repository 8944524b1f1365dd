"""The JSON Schema of what ``--json`` prints, made of the commands' own result classes.

``python -m tests.support.result_schema`` (`make schema`) writes the file that is shipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter

from rheobase.cli import COMMANDS
from rheobase.options.output import command_name
from rheobase.results.envelope import SCHEMA, SCHEMA_FILE

NULL = {"type": "null"}


def results() -> dict[str, tuple[type, ...]]:
    """By command the classes that its result may have, as its annotation says."""
    found = {}
    for commands in COMMANDS.values():
        for command in commands:
            kind = get_type_hints(command)["return"]
            found[command_name(command)] = (
                get_args(kind) if isinstance(kind, UnionType) else (kind,)
            )
    return found


def schema() -> dict[str, Any]:
    """The whole of it."""
    by_command = results()
    kinds = {kind for listed in by_command.values() for kind in listed}
    adapters = [
        (kind, "serialization", TypeAdapter(kind))
        for kind in sorted(kinds, key=lambda kind: kind.__name__)
    ]
    found, definitions = TypeAdapter.json_schemas(adapters, ref_template="#/$defs/{model}")
    branches = [
        {
            "properties": {
                "command": {"const": name},
                "result": {"anyOf": [*(found[kind, "serialization"] for kind in listed), NULL]},
            }
        }
        for name, listed in by_command.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What `rheobase COMMAND --json` prints",
        "type": "object",
        "properties": {
            "rheobase": {"type": "string", "description": "version"},
            "schema": {"const": SCHEMA},
            "command": {"enum": [*by_command, None]},
            "status": {"type": "integer", "description": "exit status"},
            "result": {"description": "None where the command failed", "type": ["object", "null"]},
            "error": {"description": "None where it did not", "type": ["string", "null"]},
            "notes": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["rheobase", "schema", "command", "status", "result", "error", "notes"],
        "additionalProperties": False,
        "oneOf": [*branches, {"properties": {"command": NULL, "result": NULL}}],
        "$defs": definitions["$defs"],
    }


def text() -> str:
    """The file's content."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    Path(str(SCHEMA_FILE)).write_text(text(), encoding="utf-8")
