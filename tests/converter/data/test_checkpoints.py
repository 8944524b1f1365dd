"""Checkpoints as training scripts write them, against torch's own strict loading."""

import argparse
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.data.checkpoints import candidates, read_checkpoint
from rheobase.converter.data.model import load_model, model_shape, takes_images
from rheobase.golden.errors import RheobaseError

SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU())
        self.classifier = nn.Linear(3, 2)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))

def net():
    return Net()

class Holder(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = Net()

    def forward(self, x):
        return self.model(x)

def signals():
    return nn.Sequential(nn.Conv1d(3, 2, 3), nn.Flatten())
"""


@pytest.fixture
def factory(tmp_path):
    (tmp_path / "nets.py").write_text(SOURCE)
    return lambda name: f"{tmp_path / 'nets.py'}:{name}"


@pytest.fixture
def state(factory):
    torch.manual_seed(7)
    return load_model(factory("net")).state_dict()


def _named(state, change):
    return OrderedDict((change(name), value) for name, value in state.items())


WRAPS = {
    "net": lambda s: {"net": _named(s, lambda n: "module." + n), "acc": 92.5},
    "model_state": lambda s: {"model_state": s, "epoch": 1},
    "weights": lambda s: {"weights": s},
    "unknown key": lambda s: {"my_cnn": s, "best": torch.tensor(0.5)},
    "two deep": lambda s: {"checkpoint": {"state_dict": s}},
    "lightning": lambda s: {"state_dict": _named(s, lambda n: "model." + n), "hyper": {"lr": 0.1}},
    "lightning, DataParallel": lambda s: {
        "state_dict": _named(s, lambda n: "model.module." + n),
        "optimizer_states": [],
    },
    "compiled": lambda s: _named(s, lambda n: "_orig_mod." + n),
    "inner module": lambda s: _named(s, lambda n: n.replace("features.", "features.module.")),
    "no counters": lambda s: {n: v for n, v in s.items() if "num_batches" not in n},
    "profiled": lambda s: {
        **s,
        "total_ops": torch.ones(1),
        "features.0.total_params": torch.ones(1),
    },
    "optimiser beside": lambda s: {
        "state_dict": s,
        "optimizer": {"state": {0: {"momentum": torch.ones(3)}}},
    },
    "legacy": lambda s: s,
}


@pytest.mark.parametrize("wrap", WRAPS)
def test_checkpoints_as_people_have_them(tmp_path, factory, state, wrap):
    path = tmp_path / "w.pth"
    torch.save(WRAPS[wrap](state), path, _use_new_zipfile_serialization=wrap != "legacy")
    found = load_model(factory("net"), path).state_dict()
    kept = {n for n in state if wrap != "no counters" or "num_batches" not in n}
    assert all(torch.equal(found[name], state[name]) for name in kept)


def test_a_model_that_is_held_itself(tmp_path, factory, state):
    held = _named(state, lambda n: "model." + n)
    torch.save(held, tmp_path / "w.pth")
    found = load_model(factory("Holder"), tmp_path / "w.pth").state_dict()
    assert all(torch.equal(found[name], held[name]) for name in held)


def test_averaged_weights_come_last_and_it_is_said(tmp_path, factory, state):
    averaged = {name: value * 2 for name, value in state.items()}
    path, said = tmp_path / "w.pth", []
    torch.save({"ema": averaged, "state_dict_ema": averaged, "model": state}, path)
    found = load_model(factory("net"), path, said.append)
    assert torch.equal(found.classifier.weight, state["classifier.weight"])
    assert len(said) == 1 and "takes the weights of 'model'; 'ema', 'state_dict_ema'" in said[0]
    assert [c.key for c in candidates({"ema": averaged, "a": state, "state_dict": state})] == [
        "state_dict",
        "a",
        "ema",
    ]
    nested = candidates({"model": {"ema": averaged}, "mine": state})
    assert [candidate.key for candidate in nested] == ["mine", "model.ema"]


def test_what_lies_beside_a_held_model_is_said(tmp_path, factory, state):
    path, said = tmp_path / "w.pth", []
    beside = {"loss.weight": torch.ones(2), **_named(state, lambda n: "model." + n)}
    torch.save({"state_dict": beside}, path)
    load_model(factory("net"), path, said.append)
    assert len(said) == 1 and "1 tensors beside the model are not taken ('loss.weight')" in said[0]


def test_a_name_that_comes_twice_is_no_match(tmp_path, factory, state):
    both = {**_named(state, lambda n: "module." + n), "_orig_mod.classifier.bias": torch.ones(2)}
    torch.save(both, tmp_path / "w.pth")
    with pytest.raises(RheobaseError, match="does not fit the model"):
        load_model(factory("net"), tmp_path / "w.pth")


def test_no_weights_is_said(factory):
    said = []
    load_model(factory("net"), None, said.append)
    assert len(said) == 1 and said[0].startswith("no --weights: ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classifier.bias": torch.zeros(3)}, r"'classifier.bias' is \(3,\), the model has \(2,\)"),
        ({"classifier.bias": torch.zeros(2, dtype=torch.int8)}, "'classifier.bias' is int8"),
        ({"classifier.bias": torch.zeros(2) * 1j}, "'classifier.bias' is complex64"),
        ({"classifier.bias": torch.tensor([0.0, float("nan")])}, r"holds NaN \(1 of 2 values\)"),
        ({"classifier.bias": torch.tensor([0.0, float("inf")])}, "holds infinite values"),
        ({"head.bias": torch.zeros(2)}, "'head.bias' is not in the model; the file has 'features"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, factory, state, change, message):
    torch.save({**state, **change}, tmp_path / "w.pth")
    with pytest.raises(RheobaseError, match=message):
        load_model(factory("net"), tmp_path / "w.pth")


def test_the_keys_of_a_file_without_weights_are_named(tmp_path, factory):
    torch.save({"state": {}, "param_groups": [{"lr": 0.1}]}, tmp_path / "w.pth")
    with pytest.raises(RheobaseError, match=r"no state dictionary.* 'state', 'param_groups'"):
        load_model(factory("net"), tmp_path / "w.pth")


def _resaved(message, folder, monkeypatch):
    """Do what an error advises."""
    monkeypatch.chdir(folder)
    exec(message.partition("in Python: ")[2], {})
    return folder / "weights.pth"


@pytest.mark.parametrize("kind", ["number", "arguments", "model", "model in a dictionary"])
def test_what_stops_a_file_has_a_way_out(tmp_path, factory, state, kind, monkeypatch):
    model = nn.Sequential(
        OrderedDict(
            features=nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU()),
            classifier=nn.Linear(3, 2),
        )
    )
    model.load_state_dict(state)
    content = {
        "number": {"state_dict": state, "best": np.float64(0.5)},
        "arguments": {"state_dict": state, "args": argparse.Namespace(lr=1)},
        "model": model,
        "model in a dictionary": {"model": model, "epoch": 3},
    }[kind]
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(RheobaseError, match="never unpickled") as caught:
        load_model(factory("net"), tmp_path / "w.pth")
    found = load_model(factory("net"), _resaved(str(caught.value), tmp_path, monkeypatch))
    assert torch.equal(found.classifier.weight, state["classifier.weight"])


def test_other_files_have_a_line_of_their_own(tmp_path, factory):
    scripted = tmp_path / "scripted.pt"
    torch.jit.script(nn.Linear(2, 2)).save(str(scripted))
    contents = {
        "lfs.pth": (b"version https://git-lfs.github.com/spec/v1\noid sha256:a\n", "Git LFS"),
        "keras.pth": (b"\x89HDF\r\n\x1a\n" + bytes(40), "HDF5"),
        "page.pth": (b"<!DOCTYPE html><html>", "web page"),
        "empty.pth": (b"", "an empty file"),
        "net.onnx": (b"\x08\x07", "ONNX"),
        "net.h5": (b"", "HDF5"),
        "scripted.pt": (scripted.read_bytes(), "TorchScript"),
    }
    for name, (content, message) in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RheobaseError, match=message):
            read_checkpoint(tmp_path / name)
    for model, message in (("scripted.pt", "--weights"), ("a.h5", "HDF5")):
        with pytest.raises(RheobaseError, match=f"model: {model} is .*{message}"):
            load_model(model)


def test_damaged_files_end_in_one_line(tmp_path, state):
    rng = np.random.default_rng(0)
    refused = 0
    for legacy in (False, True):
        torch.save(state, tmp_path / "whole.pth", _use_new_zipfile_serialization=not legacy)
        content = (tmp_path / "whole.pth").read_bytes()
        for _ in range(150):
            broken = bytearray(content[: int(rng.integers(1, len(content) + 1))])
            for place in rng.integers(0, min(len(broken), 700), 2):
                broken[place] = rng.integers(0, 256)
            path = tmp_path / "broken.pth"
            path.write_bytes(broken)
            try:
                read_checkpoint(path)
            except RheobaseError as error:
                refused += 1
                assert "\n" not in str(error) and len(str(error)) < 800
    assert refused > 200


def test_what_images_a_model_takes(factory):
    takes = takes_images(load_model(factory("net")))
    assert takes((1, 8, 8)) and not takes((3, 8, 8))
    signals = load_model(factory("signals"))
    assert takes_images(signals)((3, 1, 9)) and model_shape(signals, (3, 1, 9)) == (3, 9)
    assert model_shape(signals, (2, 1, 9)) is None
