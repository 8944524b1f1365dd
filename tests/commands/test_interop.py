"""`export-nir` and `import-nir`."""

import nir
import numpy as np

from rheobase.golden import Coding, load_network, run_golden, save_network
from tests.support.networks.random_networks import random_images
from tests.support.networks.residual_networks import residual_network


def test_a_network_out_and_in(run_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = residual_network(Coding.RATE, steps=3, stages=((4, 1),), size=8, bits=8)
    save_network(network, "net.safetensors")
    assert run_command("export-nir", "net.safetensors", "-o", "net.nir")[:2] == (
        0,
        "wrote net.nir\n",
    )
    status, text, _ = run_command("import-nir", "net.nir", "-o", "again.safetensors")
    assert status == 0 and "quantised" not in text and "reset" not in text
    images = random_images(np.random.default_rng(0), network, 3)
    found = load_network("again.safetensors")
    assert np.array_equal(run_golden(found, images).scores, run_golden(network, images).scores)


def test_a_graph_of_another_tool(run_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weight = np.random.default_rng(0).normal(size=(3, 4))
    nir.write("net.nir", nir.NIRGraph.from_list(nir.Linear(weight), nir.IF(np.ones(3), np.ones(3))))
    arguments = ("import-nir", "net.nir", "-T", 12, "--t0", 2, "--mean", 0.5, "--std", 0.25)
    status, text, _ = run_command(*arguments, "--weight-bits", 5)
    assert status == 0 and "quantised to 5 bits: if" in text and "reset by subtraction" in text
    found = load_network("network.safetensors")
    assert (found.steps, found.delay, found.readout) == (12, 2, "count")
    assert found.layers[0].connections[0].weight_bits == 5
    assert list(found.zero_point) == [128, 128, 128, 128]


def test_one_line_and_no_file(run_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ones = np.ones(3)
    graph = nir.NIRGraph.from_list(nir.Linear(np.eye(3)), nir.LIF(ones, ones, ones, ones))
    nir.write("net.nir", graph)
    status, text, error = run_command("import-nir", "net.nir")
    assert status == 2 and not text and error.count("\n") == 1 and "lif (LIF: a neuron" in error
    assert [path.name for path in tmp_path.iterdir()] == ["net.nir"]
    network = residual_network(Coding.RADIX, steps=3, stages=((4, 1),), size=8, bits=8)
    save_network(network, "net.safetensors")
    status, _, error = run_command("export-nir", "net.safetensors")
    assert status == 2 and "radix coding, must be rate" in error
