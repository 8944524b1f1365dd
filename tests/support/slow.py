"""Parameters of a test, most of which only ``make test-slow`` runs."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def mostly_slow(cases: Iterable, quick: int) -> list:
    """``cases`` as parameters, the first ``quick`` of them for every run of the tests."""
    found = []
    for number, case in enumerate(cases):
        values = case if isinstance(case, tuple) else (case,)
        found.append(pytest.param(*values, marks=[pytest.mark.slow] if number >= quick else []))
    return found
