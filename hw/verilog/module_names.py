"""Names of an accelerator's modules, so that two networks fit into one design."""

from __future__ import annotations

import re

from ...golden.errors import RheobaseError, shown
from .generation import TOP

#: Characters of a name, at most: names of what is inside are longer.
_MOST = 64
#: What names of modules around the accelerator go on with.
_AROUND = "(?:_axis|_wb|_wb_bridge)?"
_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{_MOST - 1}}}")
#: Modules that a build has beside the accelerator's own.
_TAKEN = ("testbench", "rheobase_memory")
#: Words of Verilog-2005 and SystemVerilog that somebody might call a network.
_KEYWORDS = frozenset(
    """
    always and assign begin bit buf byte case cell class clocking config cover default design
    disable edge else end enum event export final for force forever function generate if
    import include initial inout input instance int integer interface join large library local
    logic loop medium module nand negedge nor not or output package parameter posedge
    primitive priority program property pull0 pull1 rand real ref reg release repeat return
    sequence shortint signed small solve specify static string strong0 strong1 struct super
    supply0 supply1 table task this time timeunit tri type union unique unsigned use var
    vectored virtual void wait wand weak0 weak1 while wire with within wor xnor xor
    """.split()  # noqa: SIM905 - a hundred lines of one word are no easier to read
)


def check_module_name(name: str) -> str:
    """``name`` if it can be a module's; ``RheobaseError`` where it cannot."""
    if not _NAME.fullmatch(name) or name in _KEYWORDS or name in _TAKEN:
        raise RheobaseError(
            f"--name: {shown(name)}, must be a letter and up to {_MOST - 1} letters, digits and _, "
            f"no word of Verilog, and none of {', '.join(_TAKEN)}"
        )
    return name


def with_module_name(verilog: str, name: str, now: str = TOP) -> str:
    """``verilog`` with its modules called ``name``... in place of ``now``...

    Module names stand where a definition or an instance begins, and nowhere else. Back and forth
    gives the same text.
    """
    begins = re.compile(
        rf"^((?:module )?\\?| *\\?){re.escape(now)}(?={_AROUND}(?:[.(]| +\w+ \())", re.MULTILINE
    )
    return verilog if name == now else begins.sub(lambda found: found[1] + name, verilog)
