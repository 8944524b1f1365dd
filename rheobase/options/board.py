"""How a board at a serial port is reached."""

from __future__ import annotations

from typing import Annotated

import typer

Port = Annotated[str, typer.Option(help="Serial port of the board, e.g. /dev/ttyUSB0.")]
Timeout = Annotated[
    float, typer.Option(min=0.01, help="Seconds of silence until a request is sent again.")
]
