"""The accelerator on Wishbone: its registers, and a module around both."""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.network.network import Network
from ...hw.accelerator.accelerator import result_names
from ...hw.verilog.generation import TOP, to_verilog
from ...hw.verilog.ports import accelerator_ports
from ..wishbone.register_map import register_map, register_table
from ..wishbone.wishbone_bridge import WishboneBridge
from .templates import rendered


@dataclass(frozen=True)
class _Stream:
    """A stream between bridge and accelerator: its name, and its range as Verilog declares it."""

    name: str
    range: str


def wishbone(network: Network) -> str:
    """Verilog-2005 of module ``accelerator_wb``, which has ``accelerator`` in it."""
    bridge = WishboneBridge(network)
    ranges = {
        port.name: f"[{port.width - 1}:0] " if port.width > 1 else ""
        for port in accelerator_ports(network)
    }
    names = ["pixels", *result_names(network)]
    return to_verilog(bridge, f"{TOP}_wb_bridge") + rendered(
        "wishbone.v",
        top=TOP,
        table=register_table(register_map(network)),
        address_bits=len(bridge.adr),
        ranges=ranges,
        streams=[_Stream(name, ranges[f"{name}__payload"]) for name in names],
    )
