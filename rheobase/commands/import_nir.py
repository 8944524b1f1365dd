"""``rheobase import-nir``: a NIR graph of IF neurons to a network file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..golden.errors import RheobaseError
from ..options.files import OutputFile
from ..options.numbers import number_list


@dataclass(frozen=True)
class GraphOptions:
    """What a NIR graph does not say."""

    PANEL = "Graph"

    steps: Annotated[
        int | None,
        typer.Option("--steps", "-T", help="T, the time steps (default: the graph's own, else 8)."),
    ] = None
    delay: Annotated[
        int | None,
        typer.Option(
            "--delay", "--t0", help="t0, the steps before the output counts (else the graph's, 0)."
        ),
    ] = None
    mean: Annotated[
        str | None,
        typer.Option(
            "--mean",
            help="Mean of the normalised pixels that the graph's input is, per channel with "
            "commas. Without it the input is pixels in 0..1, or what the graph says.",
        ),
    ] = None
    std: Annotated[
        str | None, typer.Option("--std", help="Standard deviation of the same, like --mean.")
    ] = None
    weight_bits: Annotated[
        int,
        typer.Option("--weight-bits", help="Bits of weights that are no integers already, 2 to 8."),
    ] = 8
    at_threshold: Annotated[
        bool,
        typer.Option(
            "--at-threshold",
            help="Neurons fire at their threshold, as sinabs and SpikingJelly have them; NIR's "
            "fire above it.",
        ),
    ] = False
    step: Annotated[
        float | None,
        typer.Option("--step", help="Seconds of a time step, where neurons have several r."),
    ] = None


def import_nir(
    graph: Annotated[Path, typer.Argument(help="NIR graph (.nir, HDF5).")],
    options: GraphOptions,
    output: OutputFile = Path("network.safetensors"),
) -> None:
    """Make a network file of a NIR graph: IF neurons, convolutions, linear layers, sum pooling.

    Integers stay what they are; other weights are quantised. Neurons are reset by subtraction.
    """
    from ..console import OUT
    from ..converter.interop.nir.nir_import import import_nir as read
    from ..golden.basics.output_files import check_writable
    from ..golden.files.file import save_network

    if (options.mean is None) != (options.std is None):
        raise RheobaseError("--mean, --std: must be both or none of them")
    check_writable(output)
    found = read(
        graph,
        steps=options.steps,
        delay=options.delay,
        mean=None if options.mean is None else number_list("--mean", options.mean, float),
        std=None if options.std is None else number_list("--std", options.std, float),
        weight_bits=options.weight_bits,
        at_threshold=options.at_threshold,
        step=options.step,
        name=output.stem,
    )
    save_network(found.network, output)
    names = [layer.name for layer in found.network.layers]
    quantised = [name for name in names if name not in found.kept]
    lines = [repr(found.network)]
    if quantised:
        lines.append(f"quantised to {options.weight_bits} bits: {', '.join(quantised)}")
    if not found.subtracts:
        lines.append("neurons are reset by subtraction, which NIR has no field for")
    for line in (*lines, f"wrote {output}"):
        OUT.print(line, highlight=False, markup=False, soft_wrap=True)
