"""``rheobase inspect``: what is in a network file, a float file or a build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..results.listings import BuildFolder, FloatFile, FloatLayer, NetworkFile, NetworkLayer

#: What is shown of a float SNN's layers.
_FLOAT_COLUMNS = ("name", "channels", "threshold")


def inspect(
    file: Annotated[
        Path,
        typer.Argument(
            help="Network file, float file, folder of a build, or Verilog file of `generate`."
        ),
    ],
) -> NetworkFile | FloatFile | BuildFolder:
    """Show what a file or a build's folder holds."""
    from ..console import say, show
    from ..descriptions import described
    from ..golden.network.description import LAYER_COLUMNS, shown_cell
    from ..tables import table

    found = described(file)
    for key, value in found.items():
        if key not in ("layers", "files"):
            say(f"{key.replace('_', ' ')}: {_shown(value)}")
    if "layers" in found:
        columns = LAYER_COLUMNS if found["kind"] == "network" else _FLOAT_COLUMNS
        rows = [[shown_cell(key, layer[key]) for key in columns] for layer in found["layers"]]
        show(table("", [key.replace("_", " ") for key in columns], rows))
    if "files" in found:
        show(table("", ("file", "state"), found["files"].items()))
    return _result(found)


def _result(found: dict[str, Any]) -> NetworkFile | FloatFile | BuildFolder:
    """``found`` as what it is of."""
    if "layers" not in found:
        return BuildFolder(**found)
    kinds = (NetworkFile, NetworkLayer) if found["kind"] == "network" else (FloatFile, FloatLayer)
    made, layer = kinds
    return made(**(found | {"layers": [layer(**entry) for entry in found["layers"]]}))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items() if item)
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
