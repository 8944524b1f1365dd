"""Event counts against spikes summed one by one, and their part of a network's file."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from rheobase.golden import (
    IMAGE,
    Provenance,
    RheobaseError,
    load_network,
    network_hash,
    run_golden,
    save_network,
)
from rheobase.golden.files.file import network_bytes
from rheobase.golden.network.event_counts import EventCounts, seen_by
from rheobase.golden.network.network import Coding, Connection, PoolRule, Readout, SumPool
from rheobase.golden.network.provenance import MOST_TEXT, shown_text
from rheobase.golden.run.event_counting import (
    KEPT_WINDOWS,
    count_events,
    image_windows,
    kept_counts,
    representative,
)
from rheobase.hw.planning.event_counts import counted_events, known_events
from tests.support.networks.random_graphs import graph_networks
from tests.support.networks.random_networks import networks, random_images, random_network


def _network(seed=2, coding=Coding.RATE):
    return random_network(
        np.random.default_rng(seed),
        coding=coding,
        readout=Readout.CURRENT,
        rule=PoolRule.CUMULATIVE,
        steps=4,
        hidden=2,
        largest_channels=4,
    )


def _provenance(network):
    channels = network.input_shape[0]
    return Provenance(
        model="models.py:cnn",
        weights="cnn.pth",
        method="cltb",
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
        classes=tuple(f"class {n}" for n in range(network.classes)),
        calibration_images=100,
        test_images=50,
        cnn_accuracy=98.0,
        network_accuracy=97.5,
        rheobase="0.1.0",
        torch="2.13.0",
    )


def _recorded(network, images=5):
    shown = random_images(np.random.default_rng(1), network, images)
    return replace(network, events=count_events(network, shown), provenance=_provenance(network))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.one_of(
        networks(signed=Coding, own_steps=True), graph_networks(signed=Coding, own_steps=True)
    )
)
def test_maps_are_sums_of_spikes_and_of_bits(network):
    images = random_images(np.random.default_rng(1), network, 3)
    counts = count_events(network, images)
    records = run_golden(network, images, record=True).layers
    for layer in network.layers:
        for connection in layer.connections:
            seen = range(connection.in_start, connection.in_start + connection.in_channels)
            found = counts.maps[seen_by(connection)]
            if connection.source == IMAGE:
                expected = sum(np.bitwise_count(images[:, [c]]).astype(int) for c in seen)
            else:
                spikes = records[connection.source].spikes
                expected = sum((spikes[:, :, c] != 0).astype(int) for c in seen)
            assert np.array_equal(found, expected)
            if connection.source != IMAGE:
                total = [(spikes[:, :, c] != 0).sum() for c in range(spikes.shape[2])]
                assert counts.channels[connection.source].tolist() == total


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.one_of(
        networks(signed=Coding, own_steps=True), graph_networks(signed=Coding, own_steps=True)
    )
)
def test_a_recorded_network_comes_back_and_is_the_same_network(tmp_path_factory, network):
    path = tmp_path_factory.mktemp("file") / "network.safetensors"
    recorded = _recorded(network, 2)
    save_network(recorded, path)
    found = load_network(path)
    assert network_bytes(found) == path.read_bytes() == network_bytes(recorded)
    assert found.provenance == recorded.provenance
    assert network_hash(found) == network_hash(network)
    assert network_bytes(replace(found, events=None, provenance=None)) == network_bytes(network)
    for one, other in zip(known_events(found), known_events(recorded), strict=True):
        for first, second in zip(one, other, strict=True):
            assert np.array_equal(first.units, second.units)


def test_a_plan_sees_the_images_that_were_counted():
    network = _network(coding=Coding.RADIX)
    images = random_images(np.random.default_rng(1), network, 4)
    counted = counted_events(network, images)
    known = known_events(replace(network, events=count_events(network, images)))
    for one, other in zip(counted, known, strict=True):
        for first, second in zip(one, other, strict=True):
            assert np.array_equal(first.units, second.units)
            assert np.array_equal(first.slabs, second.slabs)
    guessed = known_events(network)
    assert not np.array_equal(guessed[0][0].units, counted[0][0].units)


def _layer_network(connection, input_shape, zero_point):
    """One layer that sees the image over ``connection``."""
    network = _network()
    layer = replace(
        network.layers[-1],
        connections=(connection,),
        bias=np.zeros(connection.out_channels, np.int32),
    )
    return replace(
        network,
        input_shape=input_shape,
        zero_point=np.full(input_shape[0], zero_point, np.uint8),
        layers=(layer,),
        outputs=(0,),
    )


@pytest.mark.parametrize("sums", [None, SumPool((2, 1), (2, 1))])
def test_windows_are_those_of_the_images(sums):
    """All windows of small images, cut out one by one with padding, stride and dilation."""
    rows = 8 if sums else 4
    kernel = (2, 1, 2, 3) if not sums else (2, 1, 4, 7)
    connection = Connection(
        IMAGE,
        np.ones(kernel, np.int8),
        stride=(1, 3),
        dilation=(1, 1) if sums else (2, 2),
        padding=(0, 1, 0, 1) if sums else (0, 2, 0, 1),
        in_start=1,
        sum_pool=sums,
    )
    wide = 5 if sums else 8
    network = _layer_network(connection, (2, rows, wide), 7)
    assert network.output_shapes[0][1:] == (1, 1) or not sums
    images = np.random.default_rng(0).integers(0, 256, (3, 2, rows, wide)).astype(np.uint8)
    images[1] = 0
    down = 2 if sums else 1
    expected = []
    for image, row, column in product(images, *map(range, network.shapes[0].conv[1:])):
        window = []
        for y in range(kernel[2]):
            for part in range(down):
                line = []
                for x in range(kernel[3]):
                    at_y = (row + y * connection.dilation[0]) * down + part
                    at_x = column * 3 + x * connection.dilation[1] - connection.padding[1]
                    inside = at_y < rows and 0 <= at_x < wide
                    line.append(int(image[1, at_y, at_x]) if inside else 7)
                window.append(line)
        expected.append(window)
    found = image_windows(network, 0, 0, images)
    assert found.shape[1:] == (kernel[2] * down, kernel[3], 1)
    expected = np.array(expected)
    if sums:  # most of an image: every position keeps its values, in any order
        expected, found = np.sort(expected, axis=0), np.sort(found[..., 0], axis=0)
        assert np.array_equal(found, expected)
        return
    assert sorted(found[..., 0].tolist()) == sorted(
        window for window in expected.tolist() if np.any(window)
    )


def test_dark_images_have_no_windows():
    connection = Connection(IMAGE, np.ones((2, 1, 1, 1), np.int8))
    network = _layer_network(connection, (1, 4, 4), 0)
    assert image_windows(network, 0, 0, np.zeros((2, 1, 4, 4), np.uint8)).shape == (0, 1, 1, 1)


def test_few_images_stand_for_many():
    rng = np.random.default_rng(0)
    maps = {
        (0, 0, 4): rng.poisson(rng.gamma(2, 2, (60, 1, 1, 1)), (60, 3, 4, 4)).astype(np.uint8),
        (1, 0, 9): rng.poisson(rng.gamma(2, 1, (60, 1, 1, 1)), (60, 3, 2, 2)).astype(np.uint8),
    }
    channels = {0: np.arange(4, dtype=np.uint32)}
    windows = {(0, 0): np.ones((KEPT_WINDOWS + 9, 3, 3, 1), np.uint8)}
    counts = EventCounts(maps, windows, channels)
    for few in (representative(counts, 8), kept_counts(counts)):
        for seen, events in few.maps.items():
            assert events.mean() == pytest.approx(maps[seen].mean(), rel=0.05)
        assert few.channels is channels
    assert representative(counts, 8).images == 8
    assert len(kept_counts(counts).windows[0, 0]) == KEPT_WINDOWS


def test_fewer_steps_are_the_first_ones():
    network = _recorded(_network())
    shorter = replace(network, steps=2, delay=0, events=network.events.first_steps(2))
    for seen, events in shorter.events.maps.items():
        assert np.array_equal(events, network.events.maps[seen][:, :2])


def _without_channels(network):
    return replace(network, events=replace(network.events, channels={}))


def test_files_without_counts_of_channels_are_what_they_were(tmp_path):
    network = _recorded(_network())
    older = _without_channels(network)
    path = tmp_path / "network.safetensors"
    for recorded, version in ((network, "6"), (older, "3")):
        save_network(recorded, path)
        assert _parts(path.read_bytes())[1]["version"] == version
        found = load_network(path)
        assert found.events.channels.keys() == recorded.events.channels.keys()
        assert network_bytes(found) == path.read_bytes()


def test_a_file_of_the_first_version_has_no_counts(tmp_path):
    tensors, metadata = _parts(network_bytes(_without_channels(_recorded(_network()))))
    path = tmp_path / "network.safetensors"
    path.write_bytes(save(tensors, metadata=metadata | {"version": "2"}))
    with pytest.raises(RheobaseError, match=r"'events.* is not part of the network"):
        load_network(path)


def test_counts_of_other_layers_are_refused():
    network = _recorded(_network())
    for channels in ({9: np.zeros(3, np.uint32)}, {0: network.events.channels[0]}):
        with pytest.raises(RheobaseError, match="must be of those that are seen"):
            replace(network, events=replace(network.events, channels=channels))


def _parts(content):
    length = int.from_bytes(content[:8], "little")
    return dict(load(content)), json.loads(content[8 : 8 + length])["__metadata__"]


def _of_provenance(**changes):
    def change(tensors, metadata):
        metadata["provenance"] = json.dumps(json.loads(metadata["provenance"]) | changes)

    return change


def _of_tensor(prefix, value):
    def change(tensors, metadata):
        name = min(name for name in tensors if name.startswith(prefix))
        tensors[name] = value(tensors[name])
        if tensors[name] is None:
            del tensors[name]

    return change


DAMAGE = {
    "long text": (_of_provenance(model="x" * (MOST_TEXT + 1)), "model is 'xxx"),
    "line break": (_of_provenance(weights="a\nb"), "weights is 'a"),
    "kind": (_of_provenance(method=3), "method is 3"),
    "values": (_of_provenance(mean=[0.5] * 9), "mean has 9 values"),
    "infinite": (_of_provenance(std=[float("inf")] * 3), "std is inf"),
    "not a number": (_of_provenance(cnn_accuracy=float("nan")), "cnn_accuracy is nan"),
    "percentage": (_of_provenance(network_accuracy=101), "network_accuracy is 101"),
    "huge": (_of_provenance(float_accuracy=10**400), "float_accuracy is an integer of"),
    "count": (_of_provenance(test_images=-1), "test_images is -1"),
    "boolean": (_of_provenance(calibration_images=True), "calibration_images is True"),
    "classes": (_of_provenance(classes=["a"] * 99), "classes has 99 values, must be"),
    "class": (_of_provenance(classes=3), "classes is 3, must be a tuple"),
    "field": (_of_provenance(more=1), "missing or unknown fields"),
    "no JSON": (lambda _, metadata: metadata.update(provenance="{"), "'provenance' is no JSON"),
    "no object": (lambda _, metadata: metadata.update(provenance="[]"), "missing or unknown"),
    "map missing": (_of_tensor("events.", lambda _: None), "tensor 'events.* is missing"),
    "windows missing": (_of_tensor("windows.", lambda _: None), "tensor 'windows.* is missing"),
    "foreign": (
        lambda tensors, _: tensors.update({"events.9.0.1": np.zeros((1, 1), np.uint8)}),
        "'events.9.0.1' is not part",
    ),
    "type": (_of_tensor("events.", lambda a: a.astype(np.int64)), "int64 .*, must be uint8"),
    "shape": (_of_tensor("events.", lambda a: a[:, :, :-1]), "must be uint8"),
    "images": (_of_tensor("events.", lambda a: a[:-1]), "must be uint8"),
    "no dimension": (_of_tensor("events.", lambda a: np.array(3, np.uint8)), "without dimensions"),
    "too many": (_of_tensor("events.", lambda a: a * 0 + 255), "255 at a position, must be"),
    "channels missing": (_of_tensor("channels.", lambda _: None), "'channels.0' is missing"),
    "channels of no layer": (
        lambda tensors, _: tensors.update({"channels.9": np.zeros(3, np.uint32)}),
        "'channels.9' is not part",
    ),
    "channel type": (_of_tensor("channels.", lambda a: a.astype(np.uint64)), "must be uint32"),
    "channel shape": (_of_tensor("channels.", lambda a: a[:-1]), "channels of layer .*must be u"),
    "channels in version 5": (
        lambda _, metadata: metadata.update(version="5"),
        "'(channels.0|signed|steps)'",
    ),
    "window": (_of_tensor("windows.", lambda a: a[:, :, :, :, None]), "windows of connection 0"),
    "window type": (_of_tensor("windows.", lambda a: a.astype(np.int8)), "int8 .*must be uint"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_one_line(tmp_path, case):
    change, message = DAMAGE[case]
    tensors, metadata = _parts(network_bytes(_recorded(_network())))
    change(tensors, metadata)
    path = tmp_path / "network.safetensors"
    path.write_bytes(save(tensors, metadata=metadata))
    with pytest.raises(RheobaseError, match=message) as error:
        load_network(path)
    assert "\n" not in str(error.value) and len(str(error.value)) < len(str(path)) + 400


def test_texts_are_cut_to_what_is_accepted():
    assert shown_text("a\tb\u200b") == "a?b?" and shown_text("x" * 300) == "x" * 197 + "..."
    network = _network()
    named = Provenance(model=shown_text("y" * 5000), classes=("zero",) * network.classes)
    assert replace(network, provenance=named).provenance.class_name(0) == "zero"
    assert Provenance().class_name(4) == "4"
