"""``rheobase inspect``: what is in a network file, a float file or a build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..options.output import Json

#: What is shown of a float SNN's layers.
_FLOAT_COLUMNS = ("name", "channels", "threshold")


def inspect(
    file: Annotated[
        Path,
        typer.Argument(
            help="Network file, float file, folder of a build, or Verilog file of `generate`."
        ),
    ],
    json: Json = False,
) -> None:
    """Show what a file or a build's folder holds."""
    from ..console import OUT
    from ..descriptions import described
    from ..golden.network.description import LAYER_COLUMNS, shown_cell
    from ..tables import table

    found = described(file)
    if json:
        OUT.print_json(data=found)
        return
    for key, value in found.items():
        if key not in ("layers", "files"):
            text = f"{key.replace('_', ' ')}: {_shown(value)}"
            OUT.print(text, highlight=False, markup=False, soft_wrap=True)
    if "layers" in found:
        columns = LAYER_COLUMNS if found["kind"] == "network" else _FLOAT_COLUMNS
        rows = [[shown_cell(key, layer[key]) for key in columns] for layer in found["layers"]]
        OUT.print(table("", [key.replace("_", " ") for key in columns], rows))
    if "files" in found:
        OUT.print(table("", ("file", "state"), found["files"].items()))


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
