"""Scripts that take plain Verilog through Vivado and Quartus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined

#: Scripts by name; each stands beside this file as a template.
SCRIPTS = ("vivado.tcl", "quartus.tcl")


def project_scripts(top: str, verilog: Sequence[str], memories: Sequence[str]) -> dict[str, str]:
    """Texts of the scripts by name.

    Args:
        top: module that is synthesised.
        verilog, memories: names of the files beside the scripts.
    """
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    return {
        name: environment.from_string(Path(__file__).with_name(f"{name}.jinja").read_text()).render(
            top=top, verilog=verilog, memories=memories
        )
        for name in SCRIPTS
    }
