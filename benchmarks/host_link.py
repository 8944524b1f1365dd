"""Size of UART and host link in yosys' cells, one line of JSON per device family.

For an MNIST-sized network (28 x 28 grey pixels, 10 classes, T = 3) at 25 MHz and 3 Mbaud; the
accelerator is left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from amaranth.hdl import signed
from amaranth.lib import data

from rheobase.boards.builds.board_top import TOP, BoardTop
from rheobase.boards.link.interface import AcceleratorInterface, buffer_size
from rheobase.boards.protocol import Identity
from rheobase.hw.basics.shapes import count_shape, index_shape
from rheobase.hw.readout.result_writer import ResultLayout
from rheobase.hw.verilog.generation import TOP as ACCELERATOR
from rheobase.hw.verilog.generation import to_verilog
from rheobase.sim.tools.eda_tools import find_tool

_STEPS, _CLASSES, _SCORE = 3, 10, signed(16)


def interface() -> AcceleratorInterface:
    """Interface of an accelerator that is not there."""
    identity = Identity(
        network_hash=bytes(range(32)).hex(),
        input_shape=(1, 28, 28),
        classes=_CLASSES,
        steps=_STEPS,
        delay=0,
        radix=True,
        current=True,
        score_bytes=2,
        score_signed=True,
        window=2,
        clock=25_000_000,
    )
    return AcceleratorInterface(
        identity=identity,
        pixels=data.ArrayLayout(8, 1),
        steps=count_shape(_STEPS),
        delay=index_shape(_STEPS),
        results=ResultLayout(_SCORE, _CLASSES),
        buffer_bytes=buffer_size(identity)[0],
    )


def main() -> None:
    design = interface()
    ports = (
        f"input clk, rst, pixels__valid, results__ready, input [7:0] pixels__payload, "
        f"input [{design.steps.width - 1}:0] steps, input [{design.delay.width - 1}:0] delay, "
        f"output pixels__ready, results__valid, output [{design.results.size - 1}:0] "
        "results__payload"
    )
    yosys = find_tool("yosys")
    for family in ("ecp5", "ice40"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            (path / "top.v").write_text(to_verilog(BoardTop(design, 3_000_000), TOP))
            (path / "stub.v").write_text(
                f"(* blackbox *) module {ACCELERATOR}({ports}); endmodule\n"
            )
            script = (
                f"read_verilog -sv stub.v; read_verilog top.v; synth_{family} -top {TOP}; "
                "tee -q -o stat.json stat -json"
            )
            subprocess.run([*yosys.command, "-q", "-p", script], cwd=path, check=True)
            statistics = json.loads((path / "stat.json").read_text())
        cells = statistics["design"]["num_cells_by_type"]
        kept = (
            "LUT4",
            "SB_LUT4",
            "CCU2C",
            "SB_CARRY",
            "TRELLIS_FF",
            "TRELLIS_DPR16X4",
            "DP16KD",
            "SB_RAM40_4K",
        )
        print(json.dumps({"family": family, **{k: cells[k] for k in kept if k in cells}}))


if __name__ == "__main__":
    sys.exit(main())
