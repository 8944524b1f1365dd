"""``rheobase import-nir``: a NIR graph of IF neurons to a network file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..options.files import OutputFile
from ..options.models import Mean, Std, WeightBits, given_normalisation
from ..results.listings import Imported


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
    mean: Mean = None
    std: Std = None
    weight_bits: WeightBits = 8
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
) -> Imported:
    """Make a network file of a NIR graph: IF neurons, convolutions, linear layers, sum pooling.

    Integers stay what they are; other weights are quantised. Neurons are reset by subtraction.
    The graph's input is pixels in 0..1 where neither it nor --mean says otherwise.
    """
    from ..console import note, say, wrote
    from ..converter.interop.nir.nir_import import import_nir as read
    from ..golden.basics.output_files import check_writable
    from ..golden.files.file import save_network

    normalisation = given_normalisation(options.mean, options.std)
    mean, std = (None, None) if normalisation is None else normalisation
    check_writable(output)
    found = read(
        graph,
        steps=options.steps,
        delay=options.delay,
        mean=mean,
        std=std,
        weight_bits=options.weight_bits,
        at_threshold=options.at_threshold,
        step=options.step,
        name=output.stem,
    )
    save_network(found.network, output)
    names = [layer.name for layer in found.network.layers]
    quantised = [name for name in names if name not in found.kept]
    say(repr(found.network))
    if quantised:
        say(f"quantised to {options.weight_bits} bits: {', '.join(quantised)}")
    if not found.subtracts:
        note("neurons are reset by subtraction, which NIR has no field for")
    wrote(output)
    return Imported(
        file=str(output),
        quantised=quantised,
        weight_bits=options.weight_bits,
        subtracts=found.subtracts,
    )
