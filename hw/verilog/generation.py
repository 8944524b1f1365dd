"""Verilog text of a component, the same for the same component, byte for byte."""

from __future__ import annotations

import gc
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from ...golden.files.file import network_hash
from ...golden.network.has_network import HasNetwork, network_of
from ...golden.network.network import Network
from ..accelerator.accelerator import Accelerator
from ..design.folding import Folding, WeightMemory
from ..folded.verilog_text import VERILOG, folded_modules
from ..memories.memory_shape import LARGE_STYLE
from ..planning.default_folding import default_folding
from .header import header
from .probes import probe_signals
from .unused_wires import without_unused_wires
from .width_map import width_map
from .yosys import run_yosys, without_builder

#: Characters of a netlist whose objects are worth a search: gigabytes that yosys may need.
_LARGE_TEXT = 1 << 24
#: Name of an accelerator's top module.
TOP = "accelerator"
# What yosys' writer puts into always blocks so that simulators run them once at the start. Its name
# is one that yosys makes up while it works: read again, it can stand for two things.
_TRIGGER = re.compile(r"\\\$auto\$verilog_backend\.cc:\d+:dump_module\$\d+ ")
_TRIGGER_NAME = "initial_step"
# Its value in the declaration is an event in Verilog-2005 alone: in SystemVerilog it is there
# before any process waits. What is assigned without blocking comes when all of them wait, in both.
_DECLARED_TRIGGER = re.compile(rf"^( *)reg {_TRIGGER.pattern} = 0;$", re.MULTILINE)
_WAKING_TRIGGER = rf"\1reg {_TRIGGER_NAME};\n\1initial {_TRIGGER_NAME} <= 0;"
# Verilator runs every process at the start, and says that it blocks here all the same.
_BLOCKS_IN_VERILATOR = "/* verilator lint_off INITIALDLY */\n"
# Its name for a table: the same. Tables are logic, also where a register behind one would make a
# block RAM of it that nobody has counted.
_TABLE = re.compile(r"\\\$auto\$proc_rom\.cc:\d+:do_switch\$(\d+) ")
_TABLE_MEMORY = re.compile(rf"^( *)(reg [^\n]*{_TABLE.pattern}[^\n]*;)$", re.MULTILINE)
# An element of an array has the name of a bit of it: abc9 in yosys 0.70 takes it for one and fails.
_ELEMENT = re.compile(r"\\\S*\[\S*")
# A large RAM cannot be filled when it is configured, and a ring of rows need not be.
_LARGE_RAM_CONTENT = re.compile(
    rf'(\(\* ram_style = "{LARGE_STYLE}" \*\)\n *reg [^\n]*\n)'
    r" *initial begin\n(?: *[^\n]* = [^\n]*;\n)* *end\n"
)
# Processes become plain assignments and registers, operators get operands of equal width: what
# is left is Verilog that linters pass without waivers.
_SCRIPT = """
read_rtlil design.il
proc -nomux
opt_expr -keepdc
memory_collect
clean_zerowidth
techmap -map widths.v
opt_clean
delete s:0 i:* %d o:* %d
setattr -unset src -unset full_case -unset hdlname */*
setattr -mod -unset generator -unset src -unset techmap_autopurge *
write_verilog design.v
"""


def to_verilog(component: wiring.Component, name: str) -> str:
    """Verilog of ``component`` and all that is in it, with the top module ``name``.

    Wires that nothing reads are left out, but for an accelerator's probes.

    Raises:
        MachineError: yosys failed (its telling line is in the message).
    """
    with _uncollected():
        text = rtlil.convert(component, name=name, platform=VERILOG, emit_src=False)
    if len(text) > _LARGE_TEXT:
        gc.collect()
    with tempfile.TemporaryDirectory(prefix="rheobase-") as folder:
        path = Path(folder)
        (path / "design.il").write_text(text)
        (path / "widths.v").write_text(width_map())
        run_yosys(path, _SCRIPT, name)
        text = without_builder((path / "design.v").read_text())
    for made_up, plain in (
        (_DECLARED_TRIGGER, _WAKING_TRIGGER),
        (_TRIGGER, f"{_TRIGGER_NAME} "),
        (_TABLE_MEMORY, rf'\1(* ram_style = "{WeightMemory.LOGIC}" *)\n\1\2'),
        (_TABLE, r"table_\1 "),
        (_LARGE_RAM_CONTENT, r"\1"),
        (_ELEMENT, lambda name: name[0].replace("[", ".").replace("]", "")),
    ):
        text = made_up.sub(plain, text)
    accelerator = isinstance(component, Accelerator)
    kept = probe_signals(component.design) if accelerator else ()
    text = _with_defaults(without_unused_wires(text, kept))
    return _BLOCKS_IN_VERILATOR + text + folded_modules(text)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without searches for garbage: a netlist is millions of objects, of which none is."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _with_defaults(text: str) -> str:
    """``text`` with a default in every case statement: a state machine has none for its rest.

    Everything is assigned in front of the statement, so that an empty default changes nothing.
    """
    lines: list[str] = []
    has_default: list[bool] = []
    for line in text.splitlines():
        word = line.strip()
        if word.startswith("case"):
            has_default.append(False)
        elif word == "default:":
            has_default[-1] = True
        elif word == "endcase" and not has_default.pop():
            indent = line[: line.index(word)]
            lines += [f"{indent}  default:", f"{indent}      /* empty */;"]
        lines.append(line)
    return "\n".join(lines) + "\n"


def generate(network: Network | HasNetwork, folding: Folding | None = None) -> str:
    """One self-contained Verilog file of ``network`` with the top module ``accelerator``.

    It opens with a comment that says what it is, see ``header``.

    Args:
        network: or a conversion.
        folding: P and E of each layer; ``default_folding`` where None.

    Raises:
        RheobaseError: a P or E out of range.
    """
    network = network_of(network)
    folding = tuple(folding or default_folding(network))
    verilog = _accelerator_verilog(_Asked(network_hash(network), folding, network))
    return header(network, folding) + verilog


@dataclass(frozen=True)
class _Asked:
    """A network and its folding, equal where the hash of what the network computes is."""

    sha256: str
    folding: Folding
    network: Network = field(compare=False)


@lru_cache(maxsize=2)
def _accelerator_verilog(asked: _Asked) -> str:
    """Writing it takes seconds, and one command asks for it several times."""
    return to_verilog(Accelerator(asked.network, asked.folding), TOP)
