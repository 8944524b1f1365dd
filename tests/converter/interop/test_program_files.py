"""Files of ONNX and torch.export that cannot be taken: one line each, and nothing is unpickled."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from rheobase.converter.data.model import load_model
from rheobase.golden import RheobaseError, load_network


class Trap:
    def __reduce__(self):
        return print, ("unpickled",)


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    ).eval()


@pytest.fixture(scope="module")
def program(tmp_path_factory, module):
    path = tmp_path_factory.mktemp("program") / "net.pt2"
    torch.export.save(torch.export.export(module, (torch.rand(1, 1, 8, 8),)), path)
    return path


def rewritten(source, target, change):
    """A copy of an archive, each entry as ``change`` gives it."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)


def edited(end, edit):
    """A change of the JSON whose name ends so."""

    def change(name, content):
        if not name.endswith(end):
            return content
        found = json.loads(content)
        edit(found)
        return json.dumps(found)

    return change


def pickled(found):
    found["config"]["0.weight"]["use_pickle"] = True


def called(found):
    node = found["graph_module"]["graph"]["nodes"][1]
    node["target"] = "torch.ops.aten.fft_fft.default"


def executed(found):
    found["graph_module"]["graph"]["nodes"][1]["target"] = "os.system"


def beyond(found):
    found["config"]["0.weight"]["tensor_meta"]["sizes"][0]["as_int"] = 4000


def without_graph(found):
    del found["graph_module"]["graph"]


CONFIG, MODEL = "model_weights_config.json", "models/model.json"
PROGRAMS = {
    "pickled": (edited(CONFIG, pickled), "'0.weight' is pickled, .*nothing is unpickled"),
    "call": (edited(MODEL, called), "calls of 'torch.ops.aten.fft_fft.default', which have no"),
    "executed": (edited(MODEL, executed), "calls of 'os.system', which have no form here"),
    "beyond": (edited(CONFIG, beyond), "no program of torch.export, or a damaged one"),
    "graph": (edited(MODEL, without_graph), "no program of torch.export, or a damaged one"),
    "no model": (lambda name, content: None if MODEL in name else content, "0 programs"),
    "no weight": (lambda name, content: None if "weight_1" in name else content, "damaged"),
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_programs(tmp_path, program, case):
    change, message = PROGRAMS[case]
    path = tmp_path / "net.pt2"
    rewritten(program, path, change)
    with pytest.raises(RheobaseError, match=message) as error:
        load_model(str(path))
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


def test_nothing_is_unpickled(tmp_path, program, capsys):
    """torch.export.load unpickles the sample inputs of a file."""
    import pickle

    def change(name, content):
        return pickle.dumps(Trap()) if "sample_inputs" in name else content

    rewritten(program, tmp_path / "net.pt2", change)
    load_model(str(tmp_path / "net.pt2"))
    (tmp_path / "pickle.pt2").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(RheobaseError, match=r"no program of torch\.export"):
        load_model(str(tmp_path / "pickle.pt2"))
    assert "unpickled" not in capsys.readouterr().out


def onnx_model(**changed) -> onnx.ModelProto:
    info = helper.make_tensor_value_info
    nodes = changed.get("nodes", [helper.make_node("Conv", ["x", "w"], ["y"])])
    weight = numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")
    inputs = [info(name, TensorProto.FLOAT, (1, 1, 8, 8)) for name in changed.get("inputs", "x")]
    graph = helper.make_graph(nodes, "g", inputs, [info("y", TensorProto.FLOAT, None)], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def outside(path):
    made = onnx_model()
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../../etc/passwd")
    path.write_bytes(made.SerializeToString())


def damaged_name(path):
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="NAME")
    path.write_bytes(onnx_model(nodes=[node]).SerializeToString().replace(b"NAME", b"N\xff/E"))


ONNX = {
    "name": (damaged_name, "no ONNX file, or a damaged one"),
    "no onnx": (lambda path: path.write_bytes(b"not a model"), "no ONNX file"),
    "empty": (lambda path: path.write_bytes(b""), "no ONNX file"),
    "absent": (lambda path: None, "cannot be read"),
    "two inputs": (
        lambda path: onnx.save(onnx_model(inputs="xz"), path),
        "inputs 'x', 'z', must be one, of images",
    ),
    "outside": (outside, r"\.\./\.\./\.\./etc/passwd"),
    "own operator": (
        lambda path: onnx.save(
            onnx_model(nodes=[helper.make_node("Quantum", ["x"], ["y"], domain="mine")]), path
        ),
        "operators 'Quantum', which have no form here",
    ),
}


@pytest.mark.parametrize("case", ONNX)
def test_onnx_files(tmp_path, case):
    write, message = ONNX[case]
    write(tmp_path / "net.onnx")
    with pytest.raises(RheobaseError, match=message) as error:
        load_model(str(tmp_path / "net.onnx"))
    assert str(error.value).startswith(str(tmp_path)) and "\n" not in str(error.value)


def test_weights_beside_a_file_that_has_its_own(program, tmp_path):
    with pytest.raises(RheobaseError, match="--weights: must be absent"):
        load_model(str(program), tmp_path / "weights.pth")


def test_weights_in_a_file_beside_it(tmp_path, module):
    made = onnx_model()
    options = {"save_as_external_data": True, "size_threshold": 0, "location": "net.data"}
    onnx.save(made, tmp_path / "net.onnx", **options)
    assert (tmp_path / "net.data").is_file()
    x = torch.rand(2, 1, 8, 8)
    found = load_model(str(tmp_path / "net.onnx"))(x)
    assert torch.allclose(found, nn.functional.conv2d(x, torch.ones(2, 1, 3, 3)), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net.h5", "an HDF5 file, as Keras writes it, .* tf2onnx.convert --keras net.h5"),
        ("net.keras", "a Keras file, .* tf2onnx.convert --keras net.keras"),
        ("net.tflite", "a TensorFlow Lite file, .* --tflite net.tflite"),
        ("scripted.pt", r"a TorchScript file .*\(torch.onnx.export writes one"),
        ("weights.pth", r"a weights file \(--weights\), must be package.module:factory"),
    ],
)
def test_other_files_are_told_what_to_do(tmp_path, monkeypatch, module, name, message):
    monkeypatch.chdir(tmp_path)
    torch.jit.trace(module, torch.rand(1, 1, 8, 8)).save("scripted.pt")
    torch.save(module.state_dict(), "weights.pth")
    with pytest.raises(RheobaseError, match=message):
        load_model(name)


def test_the_command(run_command, tmp_path, monkeypatch, module, program):
    """As from the module: the same network, with the file named in it."""
    monkeypatch.chdir(tmp_path)
    np.save("images.npy", np.random.default_rng(0).integers(0, 256, (8, 1, 8, 8)).astype(np.uint8))
    arguments = ("--images", "images.npy", "--mean", 0.5, "--std", 0.25, "-T", 4, "-n", 0)
    arguments = (*arguments, "--method", "ltb", "-o", "net.safetensors")
    status, text, error = run_command("convert", program, *arguments)
    assert status == 0, error
    assert "no --weights" not in text
    network = load_network("net.safetensors")
    assert network.provenance.model == str(program)[-200:] and network.classes == 3
