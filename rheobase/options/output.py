"""How commands print what they found."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object in place of the table.")]

#: The accelerator's module where it is given no other name.
TOP = "accelerator"
ModuleName = Annotated[
    str,
    typer.Option(
        "--name", help="The Verilog's top module; names of the others begin with it as well."
    ),
]
