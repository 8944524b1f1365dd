"""What goes along with a turn in a line of registers."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import data

from ..design import EngineDesign
from ..layouts import TurnTagLayout


def later_tag(
    m: Module, design: EngineDesign, name: str, valid: Signal, tag: data.View
) -> tuple[Signal, data.View]:
    """``valid`` and ``tag`` a stage on; the registers are called by ``name``."""
    later = Signal(name=f"valid_{name}")
    held = Signal(TurnTagLayout(design), name=f"tag_{name}", reset_less=True)
    m.d.sync += [later.eq(valid), held.eq(tag)]
    return later, held
