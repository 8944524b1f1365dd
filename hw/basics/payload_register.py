"""A register for what a stream offers."""

from __future__ import annotations

from amaranth import Module, Signal


def payload_register(m: Module, payload, name: str, *, reset_less: bool = True):
    """A register that drives ``payload``, for the caller to assign.

    It has no reset: nothing is read of it before ``valid`` says so, and wires to all data would
    make the reset the slowest path of a large design. In compact layers it has one: registers with
    and without cannot share the tiles of an iCE40, which are nearly all taken.
    """
    held = Signal.like(payload, name=name, reset_less=reset_less)
    m.d.comb += payload.eq(held)
    return held
