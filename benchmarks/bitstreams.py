"""Bitstreams of some networks for every board, in a folder to hand out.

    python -m benchmarks.bitstreams NETWORK [NETWORK ...] -o build/bitstreams [--boards A,B]
        [--luts 10000]

OUTPUT gets a file for each network and board, its manifest, the networks, SHA256SUMS, and a
README.md that says what each file is, how large and how fast. What lies in WORK from an earlier run
of the same network is taken as it is, so that an interrupted run goes on. A network that does not
fit a board, or is too slow there, is named in README.md with the reason.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rheobase import __version__
from rheobase.boards.builds.output import MANIFEST, read_manifest, sha256
from rheobase.boards.platforms.registry import BOARDS, FAMILY_TOOLS, BoardDescription, board
from rheobase.building.board_build import Settings, build_planned
from rheobase.golden.errors import RheobaseError
from rheobase.golden.files.file import load_network, network_hash
from rheobase.golden.network.network import Network
from rheobase.options.folding import FoldingOptions

#: Most logic of an accelerator here: larger ones take nextpnr long.
LUTS = 10_000
SUMS, README = "SHA256SUMS", "README.md"


@dataclass(frozen=True)
class Outcome:
    """One network on one board.

    Attributes:
        name: of its files, without an ending.
        manifest: of the build; None where there is none, and ``reason`` why.
    """

    name: str
    network: Network
    board: BoardDescription
    manifest: dict[str, Any] | None
    reason: str = ""

    @property
    def file(self) -> str:
        return f"{self.name}.{FAMILY_TOOLS[self.board.family].bitstream}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="+", type=Path, help="network files")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/bitstreams"))
    parser.add_argument("--work", type=Path, default=Path("build/bitstreams.work"))
    parser.add_argument("--boards", default=",".join(BOARDS), help="which, with commas")
    parser.add_argument("--luts", type=int, default=LUTS, help="most logic of an accelerator")
    arguments = parser.parse_args()
    outcomes = []
    for path in arguments.networks:
        network = load_network(path)
        for target in map(board, arguments.boards.split(",")):
            name = f"{path.stem}-{target.id}"
            outcome = built(name, network, target, arguments.work / name, arguments.luts)
            print(f"{name}: {outcome.reason or 'built'}", flush=True)
            outcomes.append(outcome)
    collect(outcomes, arguments.networks, arguments.work, arguments.output)
    print(f"{sum(o.manifest is not None for o in outcomes)} bitstreams in {arguments.output}")


def built(
    name: str, network: Network, target: BoardDescription, folder: Path, luts: int
) -> Outcome:
    """The build in ``folder``: that of an earlier run, or a new one."""
    if (folder / MANIFEST).exists():
        manifest = read_manifest(folder / MANIFEST)
        if manifest["network"]["sha256"] == network_hash(network):
            return Outcome(name, network, target, manifest)
    options = FoldingOptions(board=target, luts=luts)
    try:
        made = build_planned(network, target, folder, options, None, Settings())
    except RheobaseError as error:
        return Outcome(name, network, target, None, str(error))
    return Outcome(name, network, target, made.build.manifest)


def collect(
    outcomes: Sequence[Outcome], networks: Sequence[Path], work: Path, output: Path
) -> None:
    """Copy what was built to ``output``, with sums and README.md."""
    output.mkdir(parents=True, exist_ok=True)
    for outcome in outcomes:
        if outcome.manifest is not None:
            made = f"rheobase.{FAMILY_TOOLS[outcome.board.family].bitstream}"
            shutil.copyfile(work / outcome.name / made, output / outcome.file)
            shutil.copyfile(work / outcome.name / MANIFEST, output / f"{outcome.name}.json")
    for path in networks:
        shutil.copyfile(path, output / path.name)
    (output / README).write_text(readme(outcomes))
    names = sorted(path.name for path in output.iterdir() if path.name != SUMS)
    lines = [f"{sha256((output / name).read_bytes())}  {name}\n" for name in names]
    (output / SUMS).write_text("".join(lines))


def readme(outcomes: Sequence[Outcome]) -> str:
    """Text of README.md."""
    lines = [
        f"# Bitstreams of rheobase {__version__}",
        "",
        "Each was placed and routed; none was tried on hardware. `sha256sum -c SHA256SUMS` checks",
        "the files. To run one:",
        "",
        "    rheobase program --board BOARD FILE",
        "    rheobase classify --port PORT NETWORK IMAGES",
        "",
        "| file | board | network | clock | Fmax | LUT4 | block RAMs |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    lines += [_row(outcome) for outcome in outcomes if outcome.manifest is not None]
    absent = [outcome for outcome in outcomes if outcome.manifest is None]
    if absent:
        lines += ["", "Not built:", ""]
        lines += [f"- `{outcome.name}`: {outcome.reason}" for outcome in absent]
    return "\n".join([*lines, ""])


def _row(outcome: Outcome) -> str:
    clock, usage = outcome.manifest["clock"], outcome.manifest["usage"]
    used = [
        f"{usage[kind]['used']:,} of {usage[kind]['available']:,}" if kind in usage else ""
        for kind in ("LUT4", "block RAMs")
    ]
    network = outcome.network
    cells = [
        f"`{outcome.file}`",
        outcome.board.title,
        f"{network.name}, {network.coding.value}, T = {network.steps}",
        f"{clock['made_hz'] / 1e6:g} MHz",
        f"{clock['achieved_hz'] / 1e6:.1f} MHz",
        *used,
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
