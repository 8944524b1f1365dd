"""Networks out to NIR and back in, and run as NIR graphs by snnTorch and sinabs."""

from __future__ import annotations

from dataclasses import replace

import nir
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rheobase.converter.interop.nir.nir_export import export_nir
from rheobase.golden import IMAGE, Coding, Network, PoolRule, Readout, run_golden
from tests.support.networks.random_graphs import random_graph
from tests.support.networks.random_networks import random_images, random_network
from tests.support.networks.rare_graphs import RARE, rare_network
from tests.support.networks.residual_networks import residual_network
from tests.support.nir_round_trip import RoundTrips, assert_same, round_trip, table
from tests.support.nir_tools import SinabsNeurons, SnnTorchNeurons, run_graph


def drawn(seed: int) -> Network:
    """A chain or a graph in `rate` coding, over all that the format allows."""
    rng = np.random.default_rng(seed)
    fields = {
        "coding": Coding.RATE,
        "readout": list(Readout)[rng.integers(2)],
        "rule": list(PoolRule)[rng.integers(2)],
        "steps": int(rng.integers(1, 6)),
    }
    if rng.random() < 0.4:
        return random_network(rng, hidden=int(rng.integers(0, 3)), **fields)
    return random_graph(rng, layers=int(rng.integers(1, 5)), **fields)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_network_comes_back(tmp_path_factory, seed):
    network = drawn(seed)
    images = random_images(np.random.default_rng(seed), network, 3)
    assert_same(network, round_trip(network, tmp_path_factory.mktemp("nir")), images)


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(seed=st.integers(0, 2**32 - 1))
def test_many_networks_come_back(tmp_path_factory, seed):
    network = drawn(seed)
    images = random_images(np.random.default_rng(seed), network, 3)
    assert_same(network, round_trip(network, tmp_path_factory.mktemp("nir")), images)


@pytest.mark.parametrize("shape", RARE)
def test_rare_shapes_come_back(tmp_path, shape):
    rng = np.random.default_rng(5)
    network, _ = rare_network(rng, shape, Coding.RATE)
    assert_same(network, round_trip(network, tmp_path), random_images(rng, network, 3))


def test_a_residual_network_comes_back_as_it_was(tmp_path):
    network = residual_network(Coding.RATE, steps=3, stages=((4, 1), (8, 1)), size=8, bits=8)
    found = round_trip(network, tmp_path)
    assert_same(network, found, random_images(np.random.default_rng(1), network, 3))
    assert [layer.name for layer in found.layers] == [layer.name for layer in network.layers]
    assert np.array_equal(found.zero_point, network.zero_point)
    sizes = [
        sorted(c.weight.size for layer in made.layers for c in layer.connections)
        for made in (network, found)
    ]
    # Depthwise shortcuts of some of a layer's channels are dense in NIR; all else is as it was.
    assert sizes[1][-3:] == sizes[0][-3:] and sum(sizes[1]) < 1.1 * sum(sizes[0])


def test_the_table_of_round_trips(tmp_path, monkeypatch):
    """Of a test's networks each counts once; what is not the same is told apart."""
    trips = RoundTrips(tmp_path)
    row = trips.rows["test_a.py::test_b"] = trips.row
    shapes = {"stages": ((4, 1),), "size": 8, "bits": 8}
    found = [residual_network(coding, steps=3, **shapes) for coding in (Coding.RATE, Coding.RADIX)]
    images = random_images(np.random.default_rng(1), found[0], 2)
    for network in (*found, found[0]):
        trips.run_golden(network, images, record=True)
    assert (row.same, row.refused, row.differ) == (1, {"radix": 1}, [])
    assert table(trips.rows)[2] == "| `test_a.py`: `test_b` | 2 | 1 | 1 | 1 radix |"
    other = replace(found[0], delay=1)
    monkeypatch.setattr("tests.support.nir_round_trip.round_trip", lambda *_: found[0])
    trips.run_golden(other, images)
    assert (row.same, len(row.differ)) == (1, 1)


@pytest.mark.parametrize("neurons", [SnnTorchNeurons, SinabsNeurons])
@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 2**32 - 1))
def test_other_tools_give_the_same_spikes(tmp_path_factory, neurons, seed):
    network = drawn(seed)
    assume(len(network.outputs) == 1)  # nirtorch returns one
    fires = [layer for layer in network.layers if layer.threshold is not None]
    # snnTorch takes a spike from a potential that is above the threshold at first.
    assume(all((layer.initial_potential < layer.threshold).all() for layer in fires))
    path = tmp_path_factory.mktemp("nir") / "network.nir"
    export_nir(network, path)
    images = random_images(np.random.default_rng(seed), network, 3)
    golden = run_golden(network, images, record=True)
    found = run_graph(nir.read(path, type_check=False), images, network.steps, neurons)
    for layer, record in zip(network.layers, golden.layers, strict=True):
        if layer.threshold is not None:
            assert np.array_equal(found[layer.name].reshape(record.spikes.shape), record.spikes)
    scores = found["output"][:, network.delay :].sum(1)
    assert np.array_equal(scores.reshape(golden.scores.shape), golden.scores)


def test_usual_tools_read_a_network_with_their_type_checks(tmp_path):
    network = residual_network(Coding.RATE, steps=3, stages=((4, 1),), size=8, bits=8)
    layers = [
        replace(layer, connections=tuple(c for c in layer.connections if c.groups == 1))
        for layer in network.layers
    ]
    export_nir(replace(network, layers=tuple(layers)), tmp_path / "network.nir")
    graph = nir.read(tmp_path / "network.nir")
    assert tuple(graph.input_type["input"]) == network.input_shape
    assert tuple(graph.output_type["output"]) == (network.classes,)
    first = graph.nodes["stem.weight"]
    own = next(c for c in network.layers[0].connections if c.source == IMAGE)
    assert first.weight.dtype == np.float32 and np.array_equal(first.weight, own.weight)
