"""Networks out to NIR and back in, compared spike by spike; a table of those of golden's tests.

    python -m tests.support.nir_round_trip

runs the tests of ``tests/golden``, takes every network that they run, and says of each test how
many of its networks NIR can hold and how many came back with the same answers, outputs and spikes.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rheobase.golden
from rheobase.converter.interop.nir.nir_export import check_representable, export_nir
from rheobase.converter.interop.nir.nir_import import import_nir
from rheobase.golden import GoldenRun, Network, RheobaseError, network_hash

TESTS = "tests/golden"
run_golden = rheobase.golden.run_golden


def round_trip(network: Network, folder: Path) -> Network:
    """``network`` as its NIR file in ``folder`` gives it back."""
    export_nir(network, folder / "network.nir")
    read = import_nir(folder / "network.nir")
    assert read.subtracts and len(read.kept) == len(read.network.layers)
    return read.network


def assert_same(network: Network, found: Network, images: np.ndarray, **options: Any) -> None:
    """Answers, outputs and every layer's spikes; ``options`` are ``run_golden``'s."""
    one, other = (run_golden(made, images, record=True, **options) for made in (network, found))
    assert (one.steps, one.delay) == (other.steps, other.delay)
    assert np.array_equal(one.answers, other.answers)
    for expected, output in zip(one.outputs, other.outputs, strict=True):
        assert np.array_equal(expected, output)
    places = {layer.name: index for index, layer in enumerate(found.layers)}
    for index, layer in enumerate(network.layers):
        if layer.threshold is not None:
            spikes = other.layers[places[layer.name]].spikes
            assert np.array_equal(one.layers[index].spikes, spikes)


@dataclass
class Row:
    """What became of the networks of one test.

    Attributes:
        networks: hashes of those that it ran.
        same: how many came back as they were.
        refused: how many NIR cannot hold, by the reason.
        differ: what is wrong with others.
    """

    networks: set[str] = field(default_factory=set)
    same: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    differ: list[str] = field(default_factory=list)


class RoundTrips:
    """A plugin of pytest that takes the networks that tests run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, Row] = {}
        self.row = Row()

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        name = item.nodeid.removeprefix(f"{TESTS}/").partition("[")[0]
        self.row = self.rows.setdefault(name, Row())

    def run_golden(self, network: Network, images: np.ndarray, **options: Any) -> GoldenRun:
        """``run_golden``, and the round trip of a network that this test has not run yet."""
        result = run_golden(network, images, **options)
        key = network_hash(network)
        if key not in self.row.networks:
            self.row.networks.add(key)
            chosen = {name: options.get(name) for name in ("steps", "delay")}
            self._take(network, images, chosen)
        return result

    def _take(self, network: Network, images: np.ndarray, options: dict[str, Any]) -> None:
        try:
            check_representable(network)
        except RheobaseError:
            signed = any(layer.signed for layer in network.layers)
            self.row.refused["signed " * signed + network.coding] += 1
            return
        try:
            assert_same(network, round_trip(network, self.folder), images, **options)
        except (AssertionError, RheobaseError) as error:
            self.row.differ.append(str(error).partition("\n")[0] or "not the same")
        else:
            self.row.same += 1


def table(rows: dict[str, Row]) -> list[str]:
    """Lines of the table, tests without networks left out."""
    lines = [
        "| test | networks | NIR can hold | came back the same | cannot be held, and why |",
        "|---|---:|---:|---:|---|",
    ]
    total, reasons = Row(), Counter[str]()
    for name, row in sorted(rows.items()):
        if not row.networks:
            continue
        held = len(row.networks) - row.refused.total()
        why = ", ".join(f"{number} {reason}" for reason, number in sorted(row.refused.items()))
        test = name.replace("::", "`: `")
        lines.append(f"| `{test}` | {len(row.networks)} | {held} | {row.same} | {why} |")
        total.networks |= {f"{name} {key}" for key in row.networks}
        total.same += row.same
        reasons += row.refused
    count, refused = len(total.networks), reasons.total()
    why = ", ".join(f"{number:,} {reason}" for reason, number in sorted(reasons.items()))
    lines.append(
        f"| **all** | **{count:,}** | **{count - refused:,}** | **{total.same:,}** | {why} |"
    )
    return lines


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        trips = RoundTrips(Path(folder))
        rheobase.golden.run_golden = trips.run_golden
        options = ["-q", "-n", "0", "-m", "not slow", "-p", "no:cacheprovider"]
        status = pytest.main([*options, *(sys.argv[1:] or [TESTS])], plugins=[trips])
    print("\n".join(table(trips.rows)))
    wrong = [f"{name}: {text}" for name, row in trips.rows.items() for text in row.differ]
    print("\n".join(wrong), file=sys.stderr)
    return int(status) or int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
