"""Engines that have a name."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

from ...golden.errors import RheobaseError, file_error, shown
from .design import EngineDesign

#: MHz where none is asked for: what nextpnr reaches for a board's whole design, docs/engine.md.
ENGINE_CLOCK_MHZ = 50.0

#: By the boards that they are for; what each is for, and what nextpnr says of it: docs/engine.md.
DESIGNS = {
    "ulx3s-85f": EngineDesign(lanes=8, neurons=64, sum_bits=17, segments=16),
    "ulx3s-85f-24": EngineDesign(
        neurons=24, sum_bits=16, threshold_bits=24, segments=64, rows=128, rate_turns=512
    ),
    "ulx3s-85f-16": EngineDesign(
        neurons=16,
        steps=4,
        current_bits=24,
        threshold_bits=20,
        sum_bits=16,
        segments=16,
        turns_ahead=6,
    ),
    "ulx3s-85f-w4": EngineDesign(
        lanes=8, neurons=64, weight_bits=4, weight_words=1024, buffer_words=2048, sum_bits=15
    ),
    "ulx3s-45f": EngineDesign(lanes=8, neurons=16),
    "ulx3s-25f": EngineDesign(lanes=4, neurons=16, steps=4, current_bits=24, threshold_bits=20),
}


def engine_clock(mhz: float | None) -> float:
    """``mhz``, or the clock that engines have where none is asked for.

    Raises:
        RheobaseError: it is no clock.
    """
    if mhz is None:
        return ENGINE_CLOCK_MHZ
    if not 0 < mhz <= 1000:
        raise RheobaseError(f"--clock: {mhz:g}, must be 0 .. 1000 (MHz)")
    return mhz


def engine_design(name: str) -> EngineDesign:
    """The design called ``name``, or that of the file ``name``: an object of JSON with its fields.

    A field that the file leaves out is as in ``EngineDesign``.

    Raises:
        RheobaseError: there is none of the name, or the file is no design.
    """
    if name in DESIGNS:
        return DESIGNS[name]
    path = Path(name)
    if not path.suffix and not path.exists():
        raise RheobaseError(
            f"engine is {shown(name)}, must be one of {', '.join(map(repr, DESIGNS))} or a file"
        )
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise file_error(path, "cannot be read", error) from error
    except (ValueError, RecursionError):
        raise RheobaseError(f"{path}: no JSON, must be an engine's parameters") from None
    accepted = [field.name for field in fields(EngineDesign)]
    if not isinstance(found, dict) or not found.keys() <= set(accepted):
        unknown = sorted(found.keys() - set(accepted)) if isinstance(found, dict) else found
        raise RheobaseError(
            f"{path}: {shown(unknown)} is no parameter, must be of {', '.join(accepted)}"
        )
    try:
        return EngineDesign(**found)
    except RheobaseError as error:
        raise RheobaseError(f"{path}: {error}") from error
