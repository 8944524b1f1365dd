"""Network file: what is written comes back, and nothing else is accepted."""

import json
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from rheobase.golden import RheobaseError, load_network, network_hash, save_network
from rheobase.golden.files.file import network_bytes
from rheobase.golden.network.network import Coding, PoolRule, Readout
from tests.support.networks.random_graphs import graph_networks
from tests.support.networks.random_networks import networks, random_network


def _network():
    return random_network(
        np.random.default_rng(2),
        coding=Coding.RATE,
        readout=Readout.CURRENT,
        rule=PoolRule.CUMULATIVE,
        steps=4,
        hidden=2,
        largest_channels=4,
    )


def _parts(content):
    length = struct.unpack("<Q", content[:8])[0]
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    return dict(load(content)), metadata, json.loads(metadata["topology"])


def _written(tmp_path, tensors, metadata, topology):
    path = tmp_path / "network.safetensors"
    path.write_bytes(save(tensors, metadata={**metadata, "topology": json.dumps(topology)}))
    return path


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.one_of(
        networks(signed=Coding, own_steps=True), graph_networks(signed=Coding, own_steps=True)
    )
)
def test_round_trip(tmp_path_factory, network):
    path = tmp_path_factory.mktemp("file") / "network.safetensors"
    save_network(network, path)
    found = load_network(path)
    assert network_hash(found) == network_hash(network)
    assert path.read_bytes() == network_bytes(found)
    for one, other in zip(found.layers, network.layers, strict=True):
        for field in ("bias", "threshold", "initial_potential", "negative_threshold"):
            assert np.array_equal(getattr(one, field), getattr(other, field))
        assert (one.name, one.pool, one.steps) == (other.name, other.pool, other.steps)
        for first, second in zip(one.connections, other.connections, strict=True):
            assert first.weight.dtype == second.weight.dtype
            assert np.array_equal(first.weight, second.weight)
            assert replace(first, weight=second.weight).__dict__ == second.__dict__
    fields = ("coding", "steps", "delay", "readout", "input_shape", "outputs", "name")
    assert all(getattr(found, field) == getattr(network, field) for field in fields)


def _set(target, value):
    def change(tensors, metadata, topology):
        place = {"tensors": tensors, "metadata": metadata, "topology": topology}
        *path, last = target
        for key in path:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value(place.get(last) if isinstance(place, dict) else place[last])

    return change


CONNECTION = ("topology", "layers", 0, "connections", 0)
CHANGES = {
    "version": (("metadata", "version"), lambda _: "1", "'version' is '1', must be '2'"),
    "format": (("metadata", "format"), lambda _: "other", "'format' is 'other'"),
    "missing tensor": (("tensors", "layers.0.bias"), None, "'layers.0.bias' is missing"),
    "extra tensor": (
        ("tensors", "more"),
        lambda _: np.zeros(1, np.int8),
        "'more' is not part of the network",
    ),
    "dtype": (
        ("tensors", "layers.0.connections.0.weight"),
        lambda a: a.astype(np.int16),
        "weight is int16",
    ),
    "shape": (("tensors", "layers.1.bias"), lambda a: a[:-1], r"is int32 \(\d+,\), must be"),
    "threshold": (
        ("tensors", "layers.0.threshold"),
        lambda a: a * 0,
        r"threshold spans 0\.\.0, must be",
    ),
    "weight range": ((*CONNECTION, "weight_bits"), lambda _: 17, "weight_bits is 17, must be"),
    "steps": (("topology", "steps"), lambda _: 0, "T is 0, must be"),
    "steps type": (("topology", "steps"), lambda _: "4", "T is '4', must be"),
    "delay": (("topology", "delay"), lambda _: 4, "t0 is 4, must be"),
    "coding": (("topology", "coding"), lambda _: "phase", "coding is 'phase', must be"),
    "field": (("topology", "readout"), None, "field 'readout' is missing"),
    "unknown field": (("topology", "more"), lambda _: 1, "field 'more' is unknown"),
    "stride": ((*CONNECTION, "stride"), lambda _: [0, 1], "stride is 0, must be"),
    "padding": ((*CONNECTION, "padding"), lambda _: [9] * 4, "padding is 9, must be"),
    "source": ((*CONNECTION, "source"), lambda _: "image", "source is 'image', must be"),
    "groups": ((*CONNECTION, "groups"), lambda _: 0, "groups is 0, must be"),
    "dilation": ((*CONNECTION, "dilation"), lambda _: [1], "dilation is .1,., must be 2 int"),
    "in_start": ((*CONNECTION, "in_start"), lambda _: 1, r"in_start is 1, must be .* 0\.\.0"),
    "out_start": ((*CONNECTION, "out_start"), lambda _: None, "out_start is None, must be"),
    "sum_pool": (
        (*CONNECTION, "sum_pool"),
        lambda _: {"kernel": [1, 1], "stride": [1, 1]},
        "layer 0: connection 0: sum_pool: field 'padding' is missing",
    ),
    "sum_pool range": (
        (*CONNECTION, "sum_pool"),
        lambda _: {"kernel": [1, 1], "stride": [0, 1], "padding": [0] * 4},
        "sum_pool stride is 0, must be",
    ),
    "connection field": ((*CONNECTION, "source"), None, "connection 0: field 'source' is missing"),
    "unknown in connection": ((*CONNECTION, "more"), lambda _: 1, "field 'more' is unknown"),
    "connection type": (CONNECTION, lambda _: 3, "connection 0: int, must be an object"),
    "connections type": (
        CONNECTION[:-1],
        lambda _: {},
        "layer 0: connections is no list, must be",
    ),
    "no connections": (CONNECTION[:-1], lambda _: [], "connections.0.weight' is not part of"),
    "more connections": (
        CONNECTION[:-1],
        lambda found: found * 2,
        "layers.0.connections.1.weight' is missing",
    ),
    "outputs": (("topology", "outputs"), lambda _: [0], "must have the last layer"),
    "outputs type": (("topology", "outputs"), lambda _: 2, "outputs is 2, must be a tuple"),
    "input": (("topology", "input_shape"), lambda s: [s[0] + 1, *s[1:]], "zero_point is"),
    "readout": (("topology", "readout"), lambda _: "count", "threshold is NoneType"),
    "layers": (("topology", "layers"), lambda _: [], "not part of the network"),
    "name": (("topology", "layers", 1, "name"), lambda _: "conv0", "name 'conv0' is taken"),
    "signed in version 2": (
        ("topology", "layers", 0, "signed"),
        lambda _: True,
        "layer 0: field 'signed' is unknown",
    ),
    "negative threshold in version 2": (
        ("tensors", "layers.0.negative_threshold"),
        lambda _: np.ones(1, np.int32),
        "'layers.0.negative_threshold' is not part",
    ),
}
SIGNED_CHANGES = {
    "signed missing": (("topology", "layers", 1, "signed"), None, "field 'signed' is missing"),
    "signed type": (("topology", "layers", 1, "signed"), lambda _: 1, "signed is 1, must be true"),
    "not signed": (
        ("topology", "layers", 0, "signed"),
        lambda _: False,
        "'layers.0.negative_threshold' is not part",
    ),
    "signed without": (
        ("topology", "layers", 1, "signed"),
        lambda _: True,
        "'layers.1.negative_threshold' is missing",
    ),
    "smaller": (
        ("tensors", "layers.0.negative_threshold"),
        lambda a: a - 1,
        r"negative_threshold of channel 0 is \d+, must be at least its threshold",
    ),
    "version 3": (("metadata", "version"), lambda _: "3", "'signed' is unknown"),
}


OWN_STEPS_CHANGES = {
    "missing": (("topology", "layers", 0, "steps"), None, "field 'steps' is missing"),
    "signed missing": (("topology", "layers", 1, "signed"), None, "field 'signed' is missing"),
    "type": (("topology", "layers", 0, "steps"), lambda _: 2.0, "steps is 2.0, must be an integer"),
    "zero": (("topology", "layers", 0, "steps"), lambda _: 0, r"steps is 0, .* in 1\.\.4 \(T of"),
    "above T": (
        ("topology", "layers", 0, "steps"),
        lambda _: 5,
        r"steps is 5, .* in 1\.\.4 \(T of",
    ),
    "rate": (("topology", "coding"), lambda _: "rate", "steps is 2, must be none in rate coding"),
    "version 4": (("metadata", "version"), lambda _: "4", "'steps' is unknown"),
}


def _own_steps_network():
    network = replace(_network(), coding=Coding.RADIX, delay=0)
    first, *others = network.layers
    return replace(network, layers=(replace(first, steps=2), *others))


def _signed_network():
    network = _network()
    first, *others = network.layers
    first = replace(first, negative_threshold=first.threshold.copy())
    return replace(network, layers=(first, *others))


@pytest.mark.parametrize("change", CHANGES)
def test_refused(tmp_path, change):
    _check_refused(tmp_path, _network(), *CHANGES[change])


@pytest.mark.parametrize("change", SIGNED_CHANGES)
def test_signed_refused(tmp_path, change):
    _check_refused(tmp_path, _signed_network(), *SIGNED_CHANGES[change])


@pytest.mark.parametrize("change", OWN_STEPS_CHANGES)
def test_own_steps_refused(tmp_path, change):
    _check_refused(tmp_path, _own_steps_network(), *OWN_STEPS_CHANGES[change])


def test_the_version_is_the_least_that_has_what_the_network_has():
    for network, version in (
        (_network(), "2"),
        (_signed_network(), "4"),
        (_own_steps_network(), "5"),
    ):
        assert _parts(network_bytes(network))[1]["version"] == version


def _check_refused(tmp_path, network, target, value, message):
    tensors, metadata, topology = _parts(network_bytes(network))
    _set(target, value)(tensors, metadata, topology)
    path = _written(tmp_path, tensors, metadata, topology)
    with pytest.raises(RheobaseError, match=message) as error:
        load_network(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.data())
def test_damage_is_noticed_or_harmless(tmp_path_factory, data):
    """A damaged file is refused, or it is a whole network all the same."""
    content = bytearray(network_bytes(_network()))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    path = tmp_path_factory.mktemp("damaged") / "network.safetensors"
    path.write_bytes(content)
    try:
        found = load_network(path)
    except RheobaseError as error:
        assert "\n" not in str(error)
    else:
        assert network_hash(found)


def test_the_version_is_the_least_that_will_do():
    versions = [_parts(network_bytes(n))[1]["version"] for n in (_network(), _signed_network())]
    assert versions == ["2", "4"]
    assert network_hash(_signed_network()) != network_hash(_network())


def test_the_documented_file_is_accepted(tmp_path):
    text = (Path(__file__).parents[3] / "docs" / "network.md").read_text()
    topology = json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL).group(1))
    ones = np.ones(3, np.int32)
    tensors = {
        "zero_point": np.zeros(1, np.uint8),
        "layers.0.connections.0.weight": np.ones((3, 1, 3, 3), np.int8),
        "layers.1.connections.0.weight": np.ones((2, 3, 1, 1), np.int8),
        "layers.1.bias": np.zeros(2, np.int32),
    } | {f"layers.0.{field}": ones for field in ("bias", "threshold", "initial_potential")}
    metadata = {"format": "rheobase-network", "version": "2"}
    found = load_network(_written(tmp_path, tensors, metadata, topology))
    assert found.output_shapes == ((2, 1, 1),)


def test_absent_foreign_and_unwritable(tmp_path):
    with pytest.raises(RheobaseError, match="cannot be read"):
        load_network(tmp_path / "absent")
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(save({"x": np.zeros(3)}))
    with pytest.raises(RheobaseError, match="'format' is None"):
        load_network(foreign)
    with pytest.raises(RheobaseError, match="cannot be written"):
        save_network(_network(), tmp_path / "absent" / "network")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["foreign.safetensors"]
