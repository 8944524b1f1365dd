"""A filled-in template for somebody else's design to instantiate the accelerator."""

from __future__ import annotations

from ...golden.files.file import network_hash
from ...golden.network.network import Network
from ...hw.verilog.generation import TOP
from ...hw.verilog.ports import accelerator_ports


def instantiation_template(network: Network) -> str:
    """Verilog: a wire for every port at its width, and the instance; what each is for is said."""
    channels, rows, columns = network.input_shape
    ports = accelerator_ports(network)
    lines = [
        f"// Network {network_hash(network)}: {channels} channels, {rows} x {columns} pixels,",
        f"// {network.classes} classes, {network.coding} coding.",
    ]
    for port in ports:
        bits = f"[{port.width - 1}:0] " if port.width > 1 else ""
        driven = "output: " if port.driven else ""
        lines += [f"// {driven}{port.meaning}", f"wire {bits}{port.name};"]
    lines += ["", f"{TOP} {TOP}_0 ("]
    names = [port.name for port in ports]
    lines += [f"  .{name}({name})," for name in names[:-1]]
    lines += [f"  .{names[-1]}({names[-1]})", ");", ""]
    return "\n".join(lines)
