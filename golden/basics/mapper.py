"""How calls that do not depend on one another are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

#: Calls a function with each item and gives the results in the order of the items: Python's own
#: ``map``, or one whose calls other machines run.
Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
