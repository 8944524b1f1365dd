"""``rheobase generate``: a network file to Verilog."""

from __future__ import annotations

from pathlib import Path

from ..console import OUT, working
from ..golden.errors import RheobaseError
from ..golden.file import load_network, write_whole
from ..hw.folding import estimate_cycles, window_events_estimate
from ..hw.verilog import generate
from ..tables import table
from .parameters import folding_of


def run(
    path: Path, output: Path, neurons: str | None, lanes: str | None, adders: int | None
) -> None:
    """Write the Verilog and print P and E of each layer."""
    network = load_network(path)
    folding = folding_of(network, neurons, lanes, adders)
    if not output.parent.is_dir():
        raise RheobaseError(f"{output}: no folder {output.parent} to write to")
    with working("generating Verilog"):
        text = generate(network, folding)
    write_whole(output, text.encode())
    rows = []
    for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True)):
        (connection,) = layer.connections
        words = -(-layer.out_channels // fold.neurons) * connection.weight[0].size
        cycles = estimate_cycles(network, index, fold, window_events_estimate(network, index))
        bits = words * fold.neurons * connection.weight_bits
        rows.append([layer.name, fold.neurons, fold.lanes, bits, f"{cycles:.0f}"])
    columns = ("layer", "P", "E", "weight bits", "cycles/image, estimated")
    OUT.print(table(f"{network.coding.value} coding, T = {network.steps}", columns, rows))
    OUT.print(f"wrote {output}", highlight=False, soft_wrap=True)
