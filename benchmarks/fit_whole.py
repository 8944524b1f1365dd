"""Scale Gowin's coefficients by what whole networks take: hw/planning/cost_coefficients.py.

    python -m benchmarks.fit_whole NETWORK MANIFEST [NETWORK MANIFEST ...]

In place of `benchmarks.fit_costs`, which synthesises some hundred components: each network is
synthesised with the folding of its manifest, cells are counted by the component that their name
begins with, and the coefficients that ECP5 has for a kind of component are scaled by one factor, so
that all components of the kind take what they took. Prints the factors, and how far off each
network's total is.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from pathlib import Path

from rheobase.boards.builds.output import manifest_folding
from rheobase.golden.files.file import load_network
from rheobase.golden.network.network import Network
from rheobase.hw.design.folding import Folding
from rheobase.hw.memories.devices import Family
from rheobase.hw.planning import area
from rheobase.hw.planning.area import frame_area, layer_items, memory_luts
from rheobase.hw.planning.items import BUFFERS, LANES, Item, Kind
from rheobase.hw.planning.priced_network import PricedNetwork
from rheobase.hw.verilog.generation import TOP, generate
from rheobase.sim.synthesis import cell_places, synthesise

from .fit_costs import DEVICES, REGISTER_BIT_LUTS, write

#: Family whose coefficients are scaled.
_FROM = Family.ECP5
#: Where components are inside a layer, by kind; the first that fits. What is in no place is glue.
_PLACES = (
    (r"connection\d+\.buffer\b", "buffer"),
    (r"connection\d+\.gather\b", Kind.GATHER),
    (r"connection\d+\.lane\d*\b", "lane"),
    (r"join\b", Kind.JOIN),
    (r"group\.pool\b", Kind.POOL),
    (r"group\.neurons\b", "neurons"),
    (r"group\.(turns|trains|waiting)\b", Kind.TURNS),
    (r"group\b", Kind.TWO_REGISTERS),
    (r"", Kind.GLUE),
)
_ALIKE = {
    **dict.fromkeys(BUFFERS, "buffer"),
    **dict.fromkeys((*LANES, Kind.DIRECT), "lane"),
    **dict.fromkeys((Kind.RATE_NEURONS, Kind.RADIX_NEURONS, Kind.SUMS), "neurons"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="networks, each with its manifest")
    arguments = parser.parse_args()
    family = Family.GOWIN
    measured: dict[str, float] = defaultdict(float)
    predicted: dict[str, float] = defaultdict(float)
    totals = []
    for path, manifest in zip(arguments.files[::2], arguments.files[1::2], strict=True):
        network, folding = load_network(path), manifest_folding(manifest)
        netlist = synthesise(generate(network, folding), TOP, DEVICES[family]).netlist
        places = cell_places(netlist, TOP)
        wanted = items_by_kind(network, folding)
        taken = places_by_kind(places, wanted)
        for kind, items in wanted.items():
            predicted[kind] += sum(luts(item, _FROM) for item in items)
            apart = sum(memories(item, family) for item in items)
            measured[kind] += max(0.0, taken[kind] - apart)
        predicted[Kind.FRAME] += frame_area(network, folding, _FROM).luts
        measured[Kind.FRAME] += taken[Kind.FRAME]
        totals.append((network, folding, sum(places.values())))
    factors = {kind: measured[kind] / predicted[kind] for kind in measured if predicted[kind] > 0}
    whole = sum(measured.values()) / sum(predicted.values())
    scaled = {}
    for kind, weights in area.COEFFICIENTS[_FROM].items():
        factor = factors.get(_ALIKE.get(kind, kind), whole)
        scaled[kind] = tuple(round(weight * factor, 4) for weight in weights)
    scaled["register_bits"] = (REGISTER_BIT_LUTS[family],)
    write({**area.COEFFICIENTS, family.value: scaled})
    for kind, factor in sorted(factors.items()):
        print(f"{kind}: {measured[kind]:,.0f} places, factor {factor:.2f}")
    print(f"other kinds: factor {whole:.2f}")
    area.COEFFICIENTS[family.value] = scaled
    for network, folding, found in totals:
        expected = PricedNetwork(network, family, 0).total_area(folding).luts
        off = f"{expected / found - 1:+.1%}"
        print(f"{network.name}: {found:,} places, {expected:,.0f} predicted ({off})")


def items_by_kind(network: Network, folding: Folding) -> dict[str, list[Item]]:
    """The components of all layers, kinds that share a place together."""
    priced = PricedNetwork(network, _FROM, 0)
    found: dict[str, list[Item]] = defaultdict(list)
    for index in range(len(folding)):
        for item in layer_items(priced.design(index, folding)):
            found[_ALIKE.get(item.kind, item.kind)].append(item)
    return found


def places_by_kind(places: dict[str, int], wanted: dict[str, list[Item]]) -> dict[str, float]:
    """What cells whose names begin alike take, by kind of component."""
    found: dict[str, float] = defaultdict(float)
    for name, count in places.items():
        inside = re.match(r"layer\d+\.(.*)", name)
        kind = Kind.FRAME
        if inside:
            kind = next(kind for place, kind in _PLACES if re.match(place, inside[1]))
            # A streamed readout is made of lanes and sums alone.
            if kind not in wanted:
                kind = Kind.MAP_SUM if Kind.MAP_SUM in wanted else Kind.GLUE
        found[kind] += count
    return found


def memories(item: Item, family: Family) -> float:
    """Look-up tables of the item's memories, which no coefficient has."""
    return item.count * sum(memory_luts(shape, family) for shape in item.memories)


def luts(item: Item, family: Family) -> float:
    """Of the components of ``item`` without their memories."""
    return area.item_area(item, family).luts - memories(item, family)


if __name__ == "__main__":
    main()
