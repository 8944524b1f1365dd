"""``rheobase compile``: a network file to a program for an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..options.files import NetworkFile, OutputFile
from ..results.hardware import Compiled


def compile(
    network: NetworkFile,
    engine: Annotated[
        str,
        typer.Option(help="Name of an engine, or a JSON file with its parameters."),
    ] = "ulx3s-85f",
    clock: Annotated[
        float | None,
        typer.Option(
            help="MHz that images per second are reckoned with (default: what these engines reach)."
        ),
    ] = None,
    memory_bits: Annotated[
        int, typer.Option(help="Bits that the engine's memory moves in a cycle.")
    ] = 32,
    fold: Annotated[
        bool,
        typer.Option(
            help="The image may be sent window by window where an image takes fewer cycles so; "
            "more bytes are sent then."
        ),
    ] = True,
    output: OutputFile = Path("network.rbe"),
) -> Compiled:
    """Compile a network to a program for an engine.

    Prints what each pass is expected to take, and what bounds it. Nothing is synthesised: the
    engine's bitstream is the same for every network.
    """
    from ..building.engine_plan import compiled, show_engine_plan
    from ..console import progress_bar, wrote
    from ..golden.basics.field_checks import check_integer
    from ..golden.basics.output_files import check_writable
    from ..golden.files.file import load_network
    from ..hw.engine.compiler.compile import compile_network
    from ..hw.engine.compiler.plan import plan_program
    from ..hw.engine.design import WORD_BITS
    from ..hw.engine.designs import engine_clock, engine_design
    from ..hw.engine.program_file import save_program

    check_writable(output)
    check_integer("", "--memory-bits", memory_bits, 1, 1024)
    mhz = engine_clock(clock)
    design = engine_design(engine)
    found = load_network(network)
    with progress_bar("compiling", len(found.layers)) as progress:
        compilation = compile_network(
            found, design, word_cycles=WORD_BITS / memory_bits, fold=fold, progress=progress
        )
    plan = plan_program(compilation)
    show_engine_plan(plan, design, mhz)
    save_program(compilation.program, output)
    wrote(output)
    return compiled(plan, output, engine, mhz)
