"""The comment at the top of an accelerator's Verilog, which says what it is."""

from __future__ import annotations

import re
from importlib.metadata import version

from ...golden.files.file import network_hash
from ...golden.network.network import Network
from ..design.folding import Folding
from .ports import accelerator_ports

_COMMENTS = re.compile(r"(?://[^\n]*\n)*")


def header(network: Network, folding: Folding) -> str:
    """Lines of comment: the network, its coding and shapes, the folding, the ports.

    It has no date: the same network gives the same text. No line begins with a word that comes
    from outside, as tools take orders from comments that begin with their name.
    """
    lines = [
        f"rheobase {version('rheobase')}: an integrate-and-fire network as hardware",
        f"network {_quoted(network.name)}, SHA-256 {network_hash(network)}",
        f"coding {network.coding}, T = {network.steps}, t0 = {network.delay}, "
        f"readout {network.readout}",
        "",
        "shapes (channels x rows x columns), P neurons at a time, E event lanes:",
        f"  image {_shape(network.input_shape)}, unsigned pixels of 8 bits",
    ]
    for index, (layer, shape, fold) in enumerate(
        zip(network.layers, network.shapes, folding, strict=True)
    ):
        read_out = ", is read out" if index in network.outputs else ""
        lines.append(
            f"  layer {index} {_quoted(layer.name)} {_shape(shape.output)}, P = {fold.neurons}, "
            f"E = {fold.lanes}{read_out}"
        )
    lines += ["", "ports:"]
    for port in accelerator_ports(network):
        direction = "output" if port.driven else "input"
        bits = "1 bit" if port.width == 1 else f"{port.width} bits"
        lines.append(f"  {port.name}, {direction}, {bits}: {port.meaning}")
    return "".join(f"// {line}".rstrip() + "\n" for line in lines)


def without_header(verilog: str) -> str:
    """``verilog`` from its first line of code on.

    Tools that name what they make by the line, as yosys does, and keys of kept builds are given
    this: what a comment says is none of their business.
    """
    return verilog[_COMMENTS.match(verilog).end() :]


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _quoted(name: str) -> str:
    """``name`` in the characters that every tool reads."""
    return '"' + "".join(c if c.isascii() else "?" for c in name) + '"'
