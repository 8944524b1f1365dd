"""Domains that have the clock of ``sync`` and a reset of their own."""

from __future__ import annotations

from amaranth import ClockDomain, ClockSignal, DomainRenamer, Module, ResetSignal, Value


def reset_domain(m: Module, name: str, reset: Value) -> DomainRenamer:
    """Add the domain ``name`` to ``m``, reset by ``reset``; gives what puts a component into it."""
    m.domains += ClockDomain(name, local=True)
    m.d.comb += [ClockSignal(name).eq(ClockSignal()), ResetSignal(name).eq(reset)]
    return DomainRenamer(name)
