"""Lint and structure checks find what they are for, and nothing in our own Verilog."""

import numpy as np
import pytest

from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.hw.accelerator.accelerator import Accelerator
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.verilog.generation import TOP, generate, to_verilog
from rheobase.sim.lint import lint, structure
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import random_folding, random_network

#: A module's name and its file's, registers with a value in their declaration, and what nothing
#: reads: some ports, bits of intermediate results, probes of a simulation; a memory that is named
#: as its module's instance is.
WAIVED = ("DECLFILENAME", "PROCASSINIT", "UNUSEDSIGNAL", "VARHIDDEN")
BAD = {
    "multiplier": "module t(input [3:0] a, output [7:0] y); assign y = a * a; endmodule",
    "latch": "module t(input g, input d, output reg y); always @* if (g) y = d; endmodule",
    "loop": """module inv(input a, output y); assign y = ~a; endmodule
        module t(input a, output y); wire b; inv one(y & a, b); inv two(b, y); endmodule""",
}


@pytest.mark.parametrize("kind", BAD)
def test_structure_finds(kind):
    found = structure(BAD[kind], "t")
    assert not found.clean
    assert found.loops if kind == "loop" else found.forbidden[kind] == 1


def test_lint_finds():
    assert any(
        "WIDTH" in line
        for line in lint(
            """module t(input [3:0] a, output [1:0] y);
        assign y = a; endmodule""",
            "t",
        )
    )


@pytest.mark.parametrize(
    ("seed", "coding"),
    [
        (1, Coding.RADIX),
        pytest.param(2, Coding.RATE, marks=pytest.mark.slow),
        pytest.param(1, Coding.RATE, marks=pytest.mark.slow),
        pytest.param(2, Coding.RADIX, marks=pytest.mark.slow),
    ],
)
def test_generated_verilog_is_clean(coding, seed):
    rng = np.random.default_rng(seed)
    network = random_network(
        rng,
        coding=coding,
        readout=list(Readout)[seed % 2],
        rule=PoolRule.CUMULATIVE,
        steps=2 + seed,
        hidden=seed,
        largest_channels=6,
        largest_map=6,
    )
    folding = random_folding(rng, network) if seed == 1 else default_folding(network, adders=16)
    verilog = generate(network, folding)
    assert lint(verilog, TOP, "-Wall", *(f"-Wno-{kind}" for kind in WAIVED)) == []
    assert structure(verilog, TOP).clean
    if seed == 1 and coding == Coding.RADIX:
        again = to_verilog(Accelerator(network, folding), TOP)
        assert verilog.endswith(again), "the same network, other text"


@pytest.mark.parametrize("seed", [pytest.param(s, marks=pytest.mark.slow) for s in (12, 3, 7)])
def test_verilog_of_a_graph_is_clean(seed):
    """Forks, joins, direct lanes, masks and several outputs."""
    rng = np.random.default_rng(seed)
    network = random_graph(
        rng,
        coding=list(Coding)[seed // 4 % 2],
        readout=Readout.COUNT,
        rule=PoolRule.CUMULATIVE,
        steps=3,
        layers=3,
    )
    verilog = generate(network, random_folding(rng, network))
    assert lint(verilog, TOP) == []
    assert structure(verilog, TOP).clean
