"""Indented commands of README and pages, as a reader would type them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def commands(page: str) -> list[str]:
    """Indented commands of ``page``, a command that goes on in the next line as one."""
    found = re.findall(r"^    ((?:rheobase|python|make|pip) (?:.*\\\n)*.*)$", page, re.MULTILINE)
    return [re.sub(r"\s*\\\n\s*", " ", one) for one in found]


def reason(command: str, left_out: Mapping[str, str]) -> str | None:
    """Why ``command`` is not run, of ``left_out``; None where it is."""
    return next((why for form, why in left_out.items() if re.search(form, command)), None)
