"""Indented commands of README and pages, as a reader would type them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def commands(page: str) -> list[str]:
    """Indented commands of ``page``, a command that goes on in the next line as one."""
    found = re.findall(r"^    ((?:rheobase|python|make|pip) (?:.*\\\n)*.*)$", page, re.MULTILINE)
    return [re.sub(r"\s*\\\n\s*", " ", one) for one in found]


def replaced(command: str, places: Iterable[tuple[str, str]]) -> str:
    """``command`` with what takes the place of a reader's files: (pattern, text), one by one."""
    for form, place in places:
        command = re.sub(form, place, command)
    return command


def unused(pages: Iterable[str], left_out: Mapping[str, str]) -> list[str]:
    """Patterns of ``left_out`` that no command of the texts ``pages`` has."""
    found = [command for page in pages for command in commands(page)]
    return [form for form in left_out if not any(re.search(form, one) for one in found)]


def reason(command: str, left_out: Mapping[str, str]) -> str | None:
    """Why ``command`` is not run, of ``left_out``; None where it is."""
    return next((why for form, why in left_out.items() if re.search(form, command)), None)
