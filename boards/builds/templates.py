"""Files that are written from templates beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

_ENVIRONMENT = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)


def rendered(name: str, **values: Any) -> str:
    """Text of the file ``name``, whose template is ``name.jinja``."""
    template = Path(__file__).with_name(f"{name}.jinja").read_text()
    return _ENVIRONMENT.from_string(template).render(values)
