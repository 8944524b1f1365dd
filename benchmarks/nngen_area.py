"""What NNgen's accelerator of the MNIST network's shapes takes of an LFE5U-85F, and its clock.

    python -m benchmarks.nngen_area OUT      # OUT/net.v, as benchmarks/nngen_mnist.py writes it

Its memories have two ports that both write, with what is written as their answer. Of some of them
yosys makes registers, as it finds no block RAM for such ports: 99,847 LUT4 in all, more than the
device has. So they are given to it as cells of an ECP5, which have such ports, in NNgen's favour.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rheobase.sim.synthesis import ULX3S_85F, place_and_route, synthesise

_MEMORY = re.compile(r"module (ram_w\w+)\n.*?\nendmodule\n", re.DOTALL)
#: By bits of a word: the cell's width, its lowest bit of an address, and its data bits, in order.
_CELLS = {
    4: (4, 2, range(4)),
    8: (9, 3, range(8)),
    16: (18, 4, [*range(8), *range(9, 17)]),
}
_DATA_BITS, _ADDRESS_BITS = 18, 14


def with_block_rams(verilog: str) -> str:
    """``verilog`` with block RAMs of an ECP5 in the place of its memories."""
    return _MEMORY.sub(lambda found: _block_ram(found[1], found[0]), verilog)


def _block_ram(name: str, text: str) -> str:
    shape = re.search(r"reg \[(\d+)-1:0\] mem \[0:(\d+)-1\]", text)
    assert shape is not None
    bits, words = map(int, shape.groups())
    width, low, places = _CELLS[bits]
    parameters, ports = [], []
    for side, number in (("A", 0), ("B", 1)):
        end = f"{name}_{number}"
        parameters += [
            f".DATA_WIDTH_{side}({width})",
            f'.REGMODE_{side}("NOREG")',
            f'.WRITEMODE_{side}("WRITETHROUGH")',
        ]
        values = {
            f"CLK{side}": "CLK",
            f"CE{side}": f"{end}_enable",
            f"OCE{side}": "1'b1",
            f"WE{side}": f"{end}_wenable",
            f"RST{side}": "1'b0",
            **{f"CS{side}{bit}": "1'b0" for bit in range(3)},
        }
        for bit in range(_DATA_BITS):
            used = [*places].index(bit) if bit in places else None
            values[f"DI{side}{bit}"] = "1'b0" if used is None else f"{end}_wdata[{used}]"
            if used is not None:
                values[f"DO{side}{bit}"] = f"{end}_rdata[{used}]"
        for bit in range(_ADDRESS_BITS):
            if bit < low:
                # The two lowest bits of a word of two bytes choose the bytes that are written.
                values[f"AD{side}{bit}"] = "1'b1" if bits == 16 and bit < 2 else "1'b0"
            else:
                inside = bit - low < (words - 1).bit_length()
                values[f"AD{side}{bit}"] = f"{end}_addr[{bit - low}]" if inside else "1'b0"
        ports += [f".{pin}({value})" for pin, value in values.items()]
    head = text[: text.index("\n  reg ")]
    return f"{head}\n  DP16KD #({', '.join(parameters)}) cells ({', '.join(ports)});\nendmodule\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    verilog = (parser.parse_args().folder / "net.v").read_text()
    mapped = synthesise(with_block_rams(verilog), "net", ULX3S_85F)
    found = mapped.resources
    print(f"{found.luts:,} LUT4, {found.flip_flops:,} registers, {found.block_rams} block RAMs")
    print(f"{place_and_route(mapped).frequency:.1f} MHz")


if __name__ == "__main__":
    main()
