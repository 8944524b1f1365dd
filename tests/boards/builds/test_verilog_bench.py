"""The test bench beside plain Verilog, in Icarus: it passes, and says what differs."""

from pathlib import Path

import pytest

from rheobase.boards.builds.plain_verilog import plain_verilog
from rheobase.boards.builds.verilog_bench import random_pixels
from rheobase.golden.network.network import Coding, PoolRule
from rheobase.hw.planning.default_folding import default_folding
from tests.support.networks.random_networks import tiny_network
from tests.support.simulation.icarus import run_icarus


@pytest.fixture(scope="module", params=list(Coding))
def network(request):
    return tiny_network(25, coding=request.param, rule=PoolRule.CUMULATIVE)


def _run(folder: Path, files: dict[str, str], language: str) -> str:
    for name, text in files.items():
        (folder / name).write_text(text)
    sources = [name for name in files if name.endswith(".v") and name != "instantiation.v"]
    return run_icarus(folder, sources, language, {}, "testbench")


def test_passes_and_finds_what_differs(tmp_path, network):
    target, language = ("generic", "2005") if network.coding == Coding.RATE else ("asic", "2012")
    images = random_pixels(network, 3)
    files = plain_verilog(network, default_folding(network, adders=4), target, images)
    printed = _run(tmp_path, files, language)
    assert "PASSED: 3 images" in printed and "FAILED" not in printed

    # One bit of one expected beat, the last one.
    beats = files["testbench_results.hex"].split()
    beats[-1] = f"{int(beats[-1], 16) ^ 1:0{len(beats[-1])}x}"
    changed = files | {"testbench_results.hex": "\n".join(beats) + "\n"}
    printed = _run(tmp_path, changed, language)
    last = len(beats) // 3 - 1
    assert f"FAILED: results of image 2, beat {last} is" in printed and "PASSED" not in printed

    # An accelerator that stays in reset.
    bench = files["testbench.v"].replace(".rst(rst)", ".rst(1'b1)")
    bench = bench.replace("quiet == 100000", "quiet == 500")
    printed = _run(tmp_path, files | {"testbench.v": bench}, language)
    assert "FAILED: no end" in printed


@pytest.mark.slow
def test_the_command_in_the_bench_names_the_design(network):
    images = random_pixels(network, 1)
    for target, sources in (("generic", ""), ("asic", " rheobase_memory.v")):
        files = plain_verilog(network, default_folding(network, adders=4), target, images)
        command = f"-o testbench.vvp testbench.v accelerator.v{sources} && vvp"
        assert command in files["testbench.v"]
