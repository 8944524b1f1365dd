"""The batch runner and the comparison notice what is wrong, and builds are kept."""

from dataclasses import replace

import numpy as np
import pytest

from rheobase.golden import IMAGE, Connection, RheobaseError
from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.hw.basics.queue import Queue
from rheobase.hw.verilog.generation import generate
from rheobase.sim.batch import build_simulation, run_verilog, sooner_build
from rheobase.sim.bench import BenchError, run_bench
from rheobase.sim.comparison import simulate
from rheobase.sim.harness_process import SimulationError
from rheobase.sim.tools.cache import cached, content_key
from tests.support.networks.random_networks import random_images, random_network, smallest_folding
from tests.support.simulation.components import check_exchange


@pytest.fixture(scope="module")
def network():
    return random_network(
        np.random.default_rng(6),
        coding=Coding.RATE,
        readout=Readout.COUNT,
        rule=PoolRule.STEP,
        steps=3,
        hidden=1,
        largest_channels=4,
        largest_map=5,
    )


@pytest.fixture(scope="module")
def folding(network):
    return smallest_folding(network)


def _changed(network):
    """One weight of the first layer is another."""
    layer = network.layers[0]
    weight = layer.connections[0].weight.copy()
    weight[0, 0, 0, 0] = -1 if weight[0, 0, 0, 0] != -1 else 0
    first = replace(layer, connections=(replace(layer.connections[0], weight=weight),))
    return replace(network, layers=(first, *network.layers[1:]))


def test_one_wrong_weight_is_found(network, folding):
    images = random_images(np.random.default_rng(0), network, 8)
    built = build_simulation(
        network, folding, optimise="fast-build", verilog=generate(_changed(network), folding)
    )
    found = simulate(built, images, record_images=8)
    assert not found.equal and found.spike_mismatches > 0
    assert "layer 'conv0', image" in found.first_mismatch


def test_a_short_run_is_built_quickly_and_a_long_one_runs_quickly(network, folding):
    assert sooner_build(network, folding, 10) == "fast-build"
    assert sooner_build(network, folding, 1_000_000) == "fast-run"


def test_processes_and_seeds_do_not_change_answers(network, folding):
    images = random_images(np.random.default_rng(1), network, 7)
    built = build_simulation(network, folding, optimise="fast-build")
    counted = []
    one = run_verilog(built, images, processes=1, record_images=5, progress=counted.append)
    other = run_verilog(built, images, processes=3, record_images=5, gap=30, stall=30, seed=5)
    assert sum(counted) == 7
    assert np.array_equal(one.scores, other.scores)
    assert one.accumulations == other.accumulations
    for first, second in zip(one.spikes, other.spikes, strict=True):
        assert np.array_equal(first, second) and len(first) == 5
    again = run_verilog(built, images, processes=3, gap=30, stall=30, seed=5)
    assert again.total_cycles == other.total_cycles > one.total_cycles


@pytest.mark.slow
def test_a_hang_is_an_error(network, folding):
    """Hardware for a larger image waits for pixels that never come."""
    channels, rows, columns = network.input_shape
    layer = network.layers[0]
    taller = replace(
        layer,
        connections=(Connection(IMAGE, np.zeros((2, channels, rows + 3, columns), np.int8)),),
        bias=np.zeros(2, np.int32),
        threshold=np.ones(2, np.int32),
        initial_potential=np.zeros(2, np.int32),
        pool=None,
        name="taller",
    )
    weight = np.zeros((network.classes, 2, 1, 1), np.int8)
    last = replace(network.layers[-1], connections=(Connection(0, weight),))
    larger = replace(network, input_shape=(channels, rows + 3, columns), layers=(taller, last))
    built = build_simulation(
        network, folding, optimise="fast-build", verilog=generate(larger, folding)
    )
    with pytest.raises(SimulationError, match="the accelerator hangs: nothing moved for") as hung:
        run_verilog(built, random_images(np.random.default_rng(2), network, 1))
    assert hung.value.image == 0


def test_builds_are_kept_and_leftovers_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("RHEOBASE_CACHE", str(tmp_path))
    made = []

    def build(folder):
        made.append(folder)
        (folder / "result").write_text("done")

    first = cached("kind", "key", build)
    assert cached("kind", "key", build) == first and len(made) == 1
    (first / ".complete").unlink()
    assert (cached("kind", "key", build) / "result").exists() and len(made) == 2

    def fail(folder):
        raise RheobaseError("no")

    with pytest.raises(RheobaseError):
        cached("kind", "other", fail)
    assert [entry.name for entry in (tmp_path / "kind").iterdir()] == ["key"]
    assert content_key(["ab", "c"]) != content_key(["a", "bc"])


def test_a_bench_that_fails_fails():
    with pytest.raises(BenchError, match=r"output\[1\]: 0x2, expected 0x3"):
        check_exchange(Queue(4, 2), {"input": (4, [1, 2])}, {"output": (4, [1, 3])})


def test_a_bench_without_tests_fails(tmp_path, monkeypatch):
    (tmp_path / "empty_bench.py").write_text("import cocotb\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BenchError, match=r"no test ran|left no results|failed"):
        run_bench(Queue(4, 2), "empty_bench")
