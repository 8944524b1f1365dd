"""``rheobase generate``: a network file to Verilog."""

from __future__ import annotations

from pathlib import Path

from ..boards.builds.built_verilog import write_verilog
from ..console import OUT, working
from ..golden.file import load_network
from ..golden.output_files import check_writable
from .folding_options import FoldingOptions, planned_folding


def run(path: Path, output: Path, options: FoldingOptions) -> None:
    """Print the plan of the folding, and write the Verilog."""
    check_writable(output)
    network = load_network(path)
    folding = planned_folding(network, options)
    with working("generating Verilog"):
        write_verilog(network, folding, output)
    OUT.print(f"wrote {output}", highlight=False, soft_wrap=True)
