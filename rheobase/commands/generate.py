"""``rheobase generate``: a network file to Verilog."""

from __future__ import annotations

from pathlib import Path

from ..options.files import NetworkFile, OutputFile
from ..options.folding import Board, FoldingOptions
from ..options.images import ImageOptions


def generate(
    network: NetworkFile,
    folding: FoldingOptions,
    reading: ImageOptions,
    board: Board = None,
    output: OutputFile = Path("accelerator.v"),
) -> None:
    """Write a network's accelerator as one self-contained Verilog file, top module accelerator.

    Prints the plan first: P, E, memories and cycles of each layer, and what it takes of a device.
    """
    from ..boards.builds.built_verilog import write_verilog
    from ..building.shown_plan import shown_plan
    from ..console import OUT, working
    from ..golden.basics.output_files import check_writable
    from ..golden.files.file import load_network

    check_writable(output)
    found = load_network(network)
    plan = shown_plan(found, folding, reading, board)
    with working("generating Verilog"):
        write_verilog(found, plan.folding, output)
    OUT.print(f"wrote {output}", highlight=False, soft_wrap=True)
