"""A network as a configuration of the GateMate A1-EVB, by the wheels of its tools alone.

    pip install yowasp-nextpnr-himbaechel-gatemate
    python -m benchmarks.gatemate [NETWORK] [-o build/gatemate]

Synthesis, place and route, and packing of the network, smallest folding, with the host link at the
board's oscillator. One line of JSON: what nextpnr used, and its Fmax. The small network of
``benchmarks.every_board`` where no file is named. It is no board of ``rheobase build``:
docs/boards.md says why. Pins: Olimex' documents (10 MHz clock, light, serial line of the RP2040).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.every_board import BAUD
from rheobase.boards.builds.board_top import TOP, board_verilog
from rheobase.golden import Network, load_network
from rheobase.golden.basics.programs import run_program, wheel_command
from rheobase.hw.verilog.header import without_header
from rheobase.sim.tools.eda_tools import find_tool
from tests.support.networks.random_networks import smallest_folding, tiny_network

WHEEL = "yowasp_nextpnr_himbaechel_gatemate"
DEVICE, OSCILLATOR = "CCGM1A1", 10_000_000
PINS = """\
Net "clk" Loc = "IO_SB_A8" | SCHMITT_TRIGGER=true;
Net "busy" Loc = "IO_SB_B6";
Net "tx" Loc = "IO_SA_B6";
Net "rx" Loc = "IO_SA_A6" | PULLUP=true;
"""
#: Registers start at what the configuration says: the reset is the first cycles'.
AROUND = f"""
module gatemate(input clk, input rx, output tx, output busy);
  reg [3:0] started = 0;
  always @(posedge clk) if (!started[3]) started <= started + 1;
  {TOP} board(.clk(clk), .rst(!started[3]), .rx(rx), .tx(tx), .busy(busy));
endmodule
"""


def built(network: Network, folder: Path) -> dict[str, Any]:
    """Make ``gatemate.bit`` in ``folder``; gives what nextpnr says of it.

    Raises:
        MachineError: a tool is absent, or the design does not fit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    verilog = board_verilog(network, smallest_folding(network), clock=OSCILLATOR, baud=BAUD)
    (folder / "design.v").write_text(without_header(verilog.text) + AROUND)
    (folder / "pins.ccf").write_text(PINS)
    synthesis = "synth_gatemate -luttree -nomx8 -top gatemate -json netlist.json"
    script = f"read_verilog design.v; {synthesis}"
    find_tool("yosys").run(["-q", "-l", "yosys.log", "-p", script], folder)
    place = f"""--device {DEVICE} --json netlist.json --vopt ccf=pins.ccf --vopt out=placed.txt
        --freq {OSCILLATOR / 1e6:g} --router router2 --report report.json --log nextpnr.log -q"""
    for function, arguments in (
        ("run_nextpnr_himbaechel_gatemate", place.split()),
        ("run_gmpack", ["placed.txt", "gatemate.bit"]),
    ):
        run_program([*wheel_command(WHEEL, function), *arguments], function[4:], folder=folder)
    report = json.loads((folder / "report.json").read_text())
    return {
        "device": DEVICE,
        "clock_mhz": OSCILLATOR / 1e6,
        "fmax_mhz": round(min(one["achieved"] for one in report["fmax"].values()), 2),
        "usage": {
            kind: [use["used"], use["available"]]
            for kind, use in report["utilization"].items()
            if use["used"]
        },
        "bytes": (folder / "gatemate.bit").stat().st_size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/gatemate"))
    arguments = parser.parse_args()
    network = load_network(arguments.network) if arguments.network else tiny_network(3)
    print(json.dumps(built(network, arguments.output)))


if __name__ == "__main__":
    main()
