"""Block RAMs of memories: what yosys itself makes of them."""

import json
import random

import pytest

from rheobase.hw.memories.devices import Family
from rheobase.hw.memories.memory_mapping import mapped_memory
from rheobase.hw.memories.memory_shape import MemoryShape
from rheobase.sim.tools.eda_tools import find_tool
from tests.support.slow import mostly_slow

#: (words, width, bits written together or None for constants, style, whether apart), each where
#: one rule decides.
SHAPES = (
    (512, 36, 36, "block"),  # one block at its widest
    (513, 36, 36, "block"),  # a word more: two
    (300, 64, 16, "block"),  # 16 written bits take 18
    (300, 64, 4, "block"),  # four written bits take nine, or blocks of four are taken
    (130, 48, None, None),  # constants that are worth a block
    (30, 20, None, None),  # and some that are not
    (1025, 33, None, "block"),  # constants pack across words of blocks
    (17, 20, 2, None),  # distributed RAM on ECP5
    (256, 130, 10, "block"),
    (28, 6, 1, None, True),  # flags: distributed RAM on ECP5, a block on iCE40
    (16, 9, 1, None, True),
    (64, 9, 1, None, True),
    (400, 9, 1, None, True),
    (224, 4, 1, None, True),
    (112, 48, 8, "block", True),
)


def _verilog(
    words: int, width: int, written: int | None, style: str | None, apart: bool, name: str
) -> str:
    """A memory with one clocked read port, and a write port with an enable per ``written`` bits."""
    address = max(1, (words - 1).bit_length())
    enables = 1 if written is None else -(-width // written)
    attribute = f'(* ram_style = "{style}" *) ' if style else ""
    attribute += "(* no_rw_check *) " if apart else ""
    lines = [
        f"module {name}(input clk, input re, input [{address - 1}:0] ra, wa, "
        f"input [{enables - 1}:0] we, input [{width - 1}:0] d, output reg [{width - 1}:0] q);",
        f"{attribute}reg [{width - 1}:0] m [0:{words - 1}];",
        "always @(posedge clk) if (re) q <= m[ra];",
    ]
    if written is None:
        draw = random.Random(words)
        values = (f"m[{i}] = {width}'h{draw.getrandbits(width):x};" for i in range(words))
        lines += ["initial begin", *values, "end"]
    else:
        for index in range(enables):
            bits = f"[{min(width, (index + 1) * written) - 1}:{index * written}]"
            lines.append(f"always @(posedge clk) if (we[{index}]) m[wa]{bits} <= d{bits};")
    return "\n".join([*lines, "endmodule", ""])


# Each takes ten seconds and more.
@pytest.mark.parametrize("family", mostly_slow([Family.ECP5, Family.GOWIN, Family.ICE40], 1))
def test_mapping_is_that_of_yosys(family, tmp_path):
    names = [f"memory_{index}" for index in range(len(SHAPES))]
    text = "".join(
        _verilog(*shape[:4], len(shape) > 4, name)
        for shape, name in zip(SHAPES, names, strict=True)
    )
    (tmp_path / "memories.v").write_text(text)
    synthesis = {
        Family.ECP5: "synth_ecp5",
        Family.ICE40: "synth_ice40 -device u",
        Family.GOWIN: "synth_gowin -family gw2a",
    }[family]
    # One after another: a top module of all of them would be flattened. What is in no RAM stays as
    # it is, as making registers of it takes longest.
    script = ["read_verilog memories.v", "design -save all"]
    for name in names:
        script += ["design -load all", f"{synthesis} -top {name} -run begin:map_ffram"]
        script += [f"select {name}", f"write_json -selected {name}.json"]
    find_tool("yosys").run(["-q", "-p", "; ".join(script)], tmp_path, "yosys")
    for shape, name in zip(SHAPES, names, strict=True):
        modules = json.loads((tmp_path / f"{name}.json").read_text())["modules"]
        kinds = [cell["type"] for cell in modules[name]["cells"].values()]
        blocks = sum(kind.startswith(("DP16KD", "SB_RAM40", "SP", "SDP", "DPX")) for kind in kinds)
        distributed = sum(kind.startswith(("TRELLIS_DPR16X4", "RAM16SDP")) for kind in kinds)
        mapped = mapped_memory(MemoryShape(*shape), family)
        assert (blocks, distributed) == (
            mapped.block_rams,
            mapped.distributed_rams,
        ), shape
