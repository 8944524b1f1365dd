"""What ``--json`` prints, held against the schema that is shipped."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from rheobase.results.envelope import SCHEMA_FILE


@cache
def _validator() -> Draft202012Validator:
    found = json.loads(SCHEMA_FILE.read_text("utf-8"))
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def envelope_of(text: str) -> dict[str, Any]:
    """The one object in ``text``.

    Raises:
        AssertionError: there is something beside it, or it does not have the schema.
    """
    found = json.loads(text)
    problems = [error.message for error in _validator().iter_errors(found)]
    assert not problems, problems
    return found


def result_of(text: str) -> dict[str, Any]:
    """The result of a command that did not fail."""
    found = envelope_of(text)
    assert found["error"] is None
    return found["result"]
