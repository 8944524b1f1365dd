"""Verilog of the modules around an accelerator."""

from __future__ import annotations

from collections.abc import Callable

from ...golden.network.network import Network
from ...hw.verilog.generation import TOP
from .axi_stream import axi_stream
from .interfaces import SUFFIXES, Interface
from .wishbone import wishbone

#: By what it has at its edge.
EDGES: dict[Interface, Callable[[Network], str]] = {
    Interface.AXI_STREAM: axi_stream,
    Interface.WISHBONE: wishbone,
}


def edge_files(network: Network) -> dict[str, str]:
    """A file for each module around the accelerator, by name."""
    return {f"{TOP}{SUFFIXES[edge]}.v": made(network) for edge, made in EDGES.items()}
