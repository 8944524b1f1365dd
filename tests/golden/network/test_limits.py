"""What a file may ask for, and how much of it an error repeats."""

import json
import resource
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    MachineError,
    Network,
    Pool,
    Readout,
    RheobaseError,
    SumPool,
    load_network,
    run_golden,
)
from rheobase.golden.errors import SHOWN
from rheobase.golden.files.file import network_bytes
from rheobase.golden.network.limits import MAX_MAP, MAX_WINDOW, MAX_WORK, check_memory
from rheobase.hw.planning.default_folding import default_folding

ONE = np.ones((1, 1, 1, 1), np.int8)


def _network(first, *, pool=None, size=8, channels=1, steps=1, **names):
    def per_channel(value):
        return np.full(channels, value, np.int32)

    last = np.ones((1, channels, 1, 1), np.int8)
    layers = (
        Layer("a", (first,), per_channel(0), per_channel(9), per_channel(4), pool),
        Layer("b", (Connection(0, last),), np.zeros(1, np.int32), None, None),
    )
    return Network(
        (1, size, size),
        np.zeros(1, np.uint8),
        layers,
        Coding.RATE,
        steps,
        0,
        Readout.CURRENT,
        (1,),
        **names,
    )


def _wide(padding, dilation):
    weight = np.ones((1, 1, 2, 2), np.int8)
    return Connection(IMAGE, weight, padding=(padding,) * 4, dilation=(dilation,) * 2)


GIANTS = {
    "padding": (lambda: _network(_wide(32000, 32000)), "padded map is 1 x 64008 x 64008"),
    "sum_pool": (
        lambda: _network(
            Connection(IMAGE, ONE, sum_pool=SumPool((4000,) * 2, (1, 1), (3999,) * 4))
        ),
        "sum_pool kernel is 4000 x 4000, must be at most 1048576 positions",
    ),
    "pool": (
        lambda: _network(Connection(IMAGE, ONE), pool=Pool((4001,) * 2, (1, 1), (2000,) * 2)),
        "pool kernel is 4001 x 4001",
    ),
    "padding of the sum_pool": (
        lambda: _network(
            Connection(IMAGE, ONE, sum_pool=SumPool((1000,) * 2, (1, 1), (999,) * 4)), size=4000
        ),
        "padded map of the sum_pool is 1 x 5998 x 5998",
    ),
    "padding of the pool": (
        lambda: _network(
            Connection(IMAGE, ONE), pool=Pool((1000,) * 2, (1, 1), (500,) * 2), size=5000
        ),
        "padded map of the pool is 1 x 6000 x 6000",
    ),
    "image": (
        lambda: _network(Connection(IMAGE, ONE), size=6000),
        "input_shape is 1 x 6000 x 6000",
    ),
    "output": (
        lambda: _network(Connection(IMAGE, np.ones((99, 1, 1, 1), np.int8)), size=600, channels=99),
        "convolution's output is 99 x 600 x 600",
    ),
    "work of a pool": (
        lambda: _network(
            Connection(IMAGE, ONE), pool=Pool((999,) * 2, (1, 1), (499,) * 2), size=4000
        ),
        r"takes some 4.09e\+15 multiplications at a step, must be at most 1.1e\+12",
    ),
    "name": (lambda: _network(Connection(IMAGE, ONE), name="n" * 1025), "string of 1 to 1024 char"),
}


@pytest.mark.parametrize("case", GIANTS)
def test_small_files_ask_for_no_giant_work(case):
    make, message = GIANTS[case]
    with pytest.raises(RheobaseError, match=message) as error:
        make()
    assert len(str(error.value)) < 300


def test_ordinary_networks_are_within_the_limits():
    """A first layer of VGG-16 over 800 x 600, and a pool over a whole map of 1024 x 1024."""
    assert MAX_MAP > 64 * 802 * 602
    pooled = _network(Connection(IMAGE, ONE), pool=Pool((1024,) * 2, (1, 1)), size=1024)
    assert pooled.shapes[0].output == (1, 1, 1)


def test_limits_are_documented():
    text = (Path(__file__).parents[3] / "docs" / "network.md").read_text()
    for limit in (MAX_MAP, MAX_WINDOW, MAX_WORK):
        assert f"2^{limit.bit_length() - 1}" in text


def test_an_image_that_takes_more_memory_than_there_is(monkeypatch):
    network = _network(Connection(IMAGE, ONE), size=1000, steps=1024)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (2**30, 2**30))
    with pytest.raises(MachineError, match=r"memory: an image at T = 1024 takes 7.* this machine"):
        run_golden(network, np.zeros((1, 1, 1000, 1000), np.uint8))
    run_golden(network, np.zeros((1, 1, 1000, 1000), np.uint8), steps=1)
    with pytest.raises(MachineError, match=r"memory: planning layer 'a' takes"):
        default_folding(_network(Connection(IMAGE, ONE), size=5700))
    check_memory("nothing", 2**30)
    with pytest.raises(MachineError, match="memory: this takes 1 GiB"):
        check_memory("this", 2**30 + 1)


def _rewritten(content, change):
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def test_metadata_of_nothing(tmp_path):
    path = tmp_path / "network"
    for metadata in (None, {}):
        content = save({"zero_point": np.zeros(1, np.uint8)}, metadata={"x": "y"})
        path.write_bytes(_rewritten(content, lambda h, m=metadata: h.update(__metadata__=m)))
        with pytest.raises(RheobaseError, match="metadata 'format' is None, must be"):
            load_network(path)


LONG = {
    "steps": "x" * 100_000,
    "name": "n" * 100_000,
    "outputs": [None] * 50_000,
    "input_shape": [10**4000] * 3,
    "coding": {"x" * 9000: 1},
    "more" * 9000: 1,
    "layers": [{"x" * 9000: 1}],
}


@pytest.mark.parametrize("field", LONG, ids=lambda field: field[:12])
def test_values_are_cut_in_errors(tmp_path, field):
    path = tmp_path / "network"
    content = network_bytes(_network(Connection(IMAGE, ONE)))

    def change(header):
        topology = json.loads(header["__metadata__"]["topology"])
        topology[field] = LONG[field]
        header["__metadata__"]["topology"] = json.dumps(topology)

    path.write_bytes(_rewritten(content, change))
    with pytest.raises(RheobaseError) as error:
        load_network(path)
    assert len(str(error.value)) < len(str(path)) + SHOWN + 150
