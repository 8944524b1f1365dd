"""T and t0: for how long a spiking network runs, and from when on its output counts."""

from __future__ import annotations

from typing import Annotated

import typer

from ..golden.network.choices import Coding

#: Where a network is converted.
NewSteps = Annotated[
    int,
    typer.Option("--steps", "-T", help="T, the time steps that each neuron runs for an image."),
]
NewDelay = Annotated[
    int | None,
    typer.Option(
        "--delay",
        "--t0",
        help="t0, the steps before the output is counted (default with `--readout count`: when "
        "its first spike is expected, eq. 19 of the paper; else 0).",
    ),
]
#: Where a network runs.
Steps = Annotated[
    int | None,
    typer.Option("--steps", "-T", help="T, the time steps: at most those of the network file."),
]
Delay = Annotated[
    int | None,
    typer.Option("--delay", "--t0", help="t0, the steps before the output counts: below T."),
]
#: Where several are measured.
StepsList = Annotated[str, typer.Option("--steps", "-T", help="T, the time steps, with commas.")]
DelayList = Annotated[
    str,
    typer.Option("--delay", "--t0", help="t0, the steps before the output counts, with commas."),
]
CodingOption = Annotated[
    Coding,
    typer.Option(
        "--coding",
        help="What a spike is worth. rate: one, the published neuron. radix: 2^(T-t) at step t, so "
        "that few steps are enough.",
    ),
]
