"""``rheobase generate``: a network file to Verilog."""

from __future__ import annotations

from pathlib import Path

from ..console import OUT, working
from ..golden.errors import RheobaseError
from ..golden.file import load_network, write_whole
from ..hw.folding import connection_lanes, estimate_cycles, window_events_estimate
from ..hw.synapses import stored_bits
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
        lanes = connection_lanes(network, index, fold)
        cycles = estimate_cycles(network, index, fold, window_events_estimate(network, index))
        bits = sum(stored_bits(c, fold.neurons, layer.out_channels) for c in layer.connections)
        shown = "+".join(str(count or "direct") for count in lanes)
        rows.append([layer.name, fold.neurons, shown, bits, f"{cycles:.0f}"])
    columns = ("layer", "P", "E", "weight bits", "cycles/image, estimated")
    OUT.print(table(f"{network.coding.value} coding, T = {network.steps}", columns, rows))
    OUT.print(f"wrote {output}", highlight=False, soft_wrap=True)
