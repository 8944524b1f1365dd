"""Scripts that take plain Verilog through Vivado and Quartus."""

from __future__ import annotations

from collections.abc import Sequence

from .templates import rendered

#: Scripts by name; each stands beside this file as a template.
SCRIPTS = ("vivado.tcl", "quartus.tcl")


def project_scripts(top: str, verilog: Sequence[str], memories: Sequence[str]) -> dict[str, str]:
    """Texts of the scripts by name.

    Args:
        top: module that is synthesised.
        verilog, memories: names of the files beside the scripts.
    """
    return {name: rendered(name, top=top, verilog=verilog, memories=memories) for name in SCRIPTS}
