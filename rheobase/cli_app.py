"""The application that commands add themselves to."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="From a trained PyTorch CNN to a spiking accelerator on an FPGA, proven spike by spike.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
