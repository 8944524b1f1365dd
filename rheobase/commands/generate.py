"""``rheobase generate``: a network file to Verilog."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..boards.builds.interfaces import Interface
from ..options.files import NetworkFile, OutputFile
from ..options.folding import Board, FoldingOptions
from ..options.images import ImageOptions
from ..options.output import TOP, ModuleName
from ..results.hardware import Generated


def generate(
    network: NetworkFile,
    folding: FoldingOptions,
    reading: ImageOptions,
    board: Board = None,
    name: ModuleName = TOP,
    interface: Annotated[
        Interface,
        typer.Option(
            help="stream: the accelerator's own ports; axi-stream: a module NAME_axis around it, "
            "with AXI4-Stream at its edge; wishbone: NAME_wb, a device with registers, whose C "
            "header is written beside it."
        ),
    ] = Interface.STREAM,
    output: OutputFile = Path("accelerator.v"),
) -> Generated:
    """Write a network's accelerator as one self-contained Verilog file.

    Prints the plan first: P, E, memories and cycles of each layer, and what it takes of a device.
    """
    from ..boards.builds.built_verilog import write_verilog
    from ..boards.wishbone.register_map import c_header
    from ..building.shown_plan import shown_plan
    from ..console import working, wrote
    from ..golden.basics.output_files import check_writable, write_whole
    from ..golden.files.file import load_network
    from ..hw.verilog.module_names import check_module_name

    check_writable(output)
    check_module_name(name)
    found = load_network(network)
    chosen, plan = shown_plan(found, folding, reading, board)
    with working("generating Verilog"):
        write_verilog(found, chosen, output, name=name, interface=interface)
    wrote(output)
    if interface is Interface.WISHBONE and output.is_file():
        header = output.with_suffix(".h")
        write_whole(header, c_header(found, name).encode())
        wrote(header)
    return Generated(file=str(output), top=name, interface=interface.value, plan=plan)
