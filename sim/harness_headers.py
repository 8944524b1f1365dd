"""Headers that programs around a simulated design share."""

from __future__ import annotations

from pathlib import Path

_RANDOM = Path(__file__).with_name("random.h")


def harness_headers() -> dict[str, str]:
    """Texts by file name, for ``Sources.headers``."""
    return {_RANDOM.name: _RANDOM.read_text()}
