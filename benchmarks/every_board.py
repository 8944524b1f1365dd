"""A small network as a bitstream of every board: its size, and its clock.

    python -m benchmarks.every_board [BOARD ...]

One line of JSON for each board. The network and the folding are those of the slow test
``test_every_board_has_a_bitstream``: what is left is the board's own, and the host link.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from rheobase.boards.builds.bitstream import build_bitstream
from rheobase.boards.platforms.registry import BOARDS, board
from rheobase.golden import Network, RheobaseError
from tests.support.networks.random_networks import smallest_folding, tiny_network

#: Of a board whose oscillator is its usual clock, so that its loop is tried as well.
CLOCKS = {"upduino": 24_000_000}
BAUD = 1_000_000


def built(name: str, network: Network) -> dict[str, Any]:
    """What nextpnr says of ``network`` on a board."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = build_bitstream(
                network,
                smallest_folding(network),
                board(name),
                Path(folder) / "build",
                clock=CLOCKS.get(name),
                baud=BAUD,
                seeds=1,
            )
        except RheobaseError as error:
            return {"board": name, "refused": str(error)}
        clock, usage = made.manifest["clock"], made.manifest["usage"]
        return {
            "board": name,
            "device": made.manifest["device"],
            "usage": {kind: [used["used"], used["available"]] for kind, used in usage.items()},
            "clock_mhz": clock["made_hz"] / 1e6,
            "fmax_mhz": round(clock["achieved_hz"] / 1e6, 2),
            "bytes": made.bitstream.stat().st_size,
            "wall_s": round(time.perf_counter() - start, 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("boards", nargs="*", default=list(BOARDS))
    network = tiny_network(3)
    for name in parser.parse_args().boards:
        print(json.dumps(built(name, network)), flush=True)


if __name__ == "__main__":
    main()
