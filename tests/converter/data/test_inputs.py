"""Models, weights and images as users give them; nothing is unpickled."""

import os
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from rheobase.converter.data.checkpoints import read_checkpoint
from rheobase.converter.data.data import load_images
from rheobase.converter.data.image_files import Sizing
from rheobase.converter.data.model import load_model
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.golden.errors import RheobaseError

SOURCE = """
import torch.nn as nn
def small():
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
def broken():
    raise ValueError('no')
def other():
    return 3
"""


@pytest.fixture
def factory(tmp_path):
    path = tmp_path / "models.py"
    path.write_text(SOURCE)
    return lambda name: f"{path}:{name}"


def _state(prefix=""):
    state = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).state_dict()
    return {prefix + name: value for name, value in state.items()}


@pytest.mark.parametrize("wrap", [None, "state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_checkpoints_are_unwrapped(tmp_path, factory, wrap, prefix):
    state = _state(prefix)
    path = tmp_path / "weights.pth"
    torch.save({wrap: state, "epoch": 3} if wrap else state, path)
    model = load_model(factory("small"), path)
    assert torch.equal(model[1].weight, state[prefix + "1.weight"])
    assert not model.training


def test_safetensors(tmp_path, factory):
    save_file(_state(), tmp_path / "w.safetensors")
    load_model(factory("small"), tmp_path / "w.safetensors")


class _Attack:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_a_pickle_is_never_run(tmp_path):
    marker = tmp_path / "ran"
    for name, writer in (
        ("a.pth", torch.save),
        ("b.pth", lambda o, p: p.write_bytes(pickle.dumps(o))),
    ):
        path = tmp_path / name
        writer({"state_dict": _Attack(marker)}, path)
        with pytest.raises(RheobaseError, match=r"weights_only=True|cannot be read as weights"):
            read_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"1.weight": torch.zeros(2, 4)}, r"'1.bias' is missing"),
        ({**_state(), "x": torch.zeros(1)}, r"'x' is not in the model"),
        ({**_state(), "1.bias": torch.zeros(3)}, r"'1.bias' is \(3,\), the model has \(2,\)"),
        ({"epoch": 3}, "no state dictionary"),
        ({}, "no state dictionary"),
    ],
)
def test_weights_that_do_not_fit(tmp_path, factory, state, message):
    path = tmp_path / "w.pth"
    torch.save(state, path)
    with pytest.raises(RheobaseError, match=message):
        load_model(factory("small"), path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("small", "no such file"),
        ("broken", "failed \\(ValueError: no\\)"),
        ("other", "gave int, must be a torch.nn.Module"),
        ("absent", "has no callable 'absent'"),
    ],
)
def test_bad_factories(factory, tmp_path, name, message):
    text = factory(name) if name != "small" else f"{tmp_path}/absent.py:small"
    with pytest.raises(RheobaseError, match=message):
        load_model(text)


@pytest.mark.parametrize("text", ["models", "no.such.module:f", ":f", "models.py:"])
def test_malformed_factories(text):
    with pytest.raises(RheobaseError, match="model: "):
        load_model(text)


def test_damaged_weights(tmp_path):
    for name in ("w.safetensors", "w.pth"):
        path = tmp_path / name
        path.write_bytes(b"\x00garbage" * 20)
        with pytest.raises(RheobaseError, match=str(path)):
            read_checkpoint(path)


def _write_folder(root, mode="L", size=(6, 5)):
    rng = np.random.default_rng(0)
    for label in ("ant", "bee"):
        (root / label).mkdir(parents=True)
        for number in range(3):
            shape = (size[1], size[0]) + ((3,) if mode == "RGB" else ())
            pixels = rng.integers(0, 256, shape).astype(np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
def test_class_folders(tmp_path, mode, channels):
    _write_folder(tmp_path, mode)
    found = load_images(str(tmp_path))
    assert found.images.shape == (6, channels, 5, 6)
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1] and found.class_names == ("ant", "bee")
    first = np.asarray(Image.open(tmp_path / "bee" / "0.png"))
    shown = found.images[3]
    assert np.array_equal(shown[0] if channels == 1 else shown.transpose(1, 2, 0), first)
    assert len(load_images(str(tmp_path), limit=4).images) == 4


def test_sampled_folders_are_read_in_part(tmp_path):
    _write_folder(tmp_path)
    everything = load_images(str(tmp_path)).sample(3, seed=4)
    kept = {tuple(image.flatten()) for image in everything.images}
    for path in tmp_path.glob("*/*.png"):
        if tuple(np.asarray(Image.open(path)).flatten()) not in kept:
            path.write_bytes(b"never read")
    found = load_images(str(tmp_path), sample=(3, 4))
    assert np.array_equal(found.images, everything.images)
    assert np.array_equal(found.labels, everything.labels)


@pytest.mark.parametrize("size", [(40, 57), (57, 40), (33, 33), (300, 31)])
def test_sizing_is_that_of_torchvision(tmp_path, size):
    transforms = import_torchvision("torchvision.transforms._presets")
    (tmp_path / "ant").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "ant" / "0.png")
    preset = transforms.ImageClassification(crop_size=25, resize_size=32, mean=[0.0], std=[1.0])
    expected = preset(Image.fromarray(pixels)).mul(255).round().byte().numpy()
    found = load_images(str(tmp_path), sizing=Sizing(resize=32, crop=25))
    assert np.array_equal(found.images[0], expected)


def test_grey_images_in_a_colour_set(tmp_path):
    _write_folder(tmp_path, "RGB")
    grey = np.arange(30, dtype=np.uint8).reshape(5, 6)
    Image.fromarray(grey).save(tmp_path / "bee" / "9.png")
    found = load_images(str(tmp_path))
    assert np.array_equal(found.images[-1], np.stack([grey] * 3))
    assert load_images(str(tmp_path), channels=1).images.shape == (7, 1, 5, 6)


def test_unlabelled_folders(tmp_path):
    _write_folder(tmp_path)
    found = load_images(str(tmp_path / "ant"), labelled=False)
    assert found.images.shape == (3, 1, 5, 6) and not found.labelled
    assert load_images(str(tmp_path), labelled=False).labelled
    with pytest.raises(RheobaseError, match="one folder per class"):
        load_images(str(tmp_path / "ant"))


def test_bad_sizing(tmp_path):
    _write_folder(tmp_path)
    with pytest.raises(RheobaseError, match="5 x 6, a crop of 6 takes"):
        load_images(str(tmp_path), sizing=Sizing(crop=6))
    with pytest.raises(RheobaseError, match="resize: 0, must be a positive"):
        Sizing(resize=0)


def test_bad_images(tmp_path):
    root = tmp_path / "set"
    _write_folder(root)
    with pytest.raises(RheobaseError, match="1 x 5 x 6, must be 1 x 6 x 6"):
        load_images(str(root), shape=(1, 6, 6))
    (root / "bee" / "9.png").write_bytes(b"no image")
    with pytest.raises(RheobaseError, match=r"9\.png: cannot be read as an image"):
        load_images(str(root))
    (tmp_path / "empty").mkdir()
    with pytest.raises(RheobaseError, match="holds no images"):
        load_images(str(tmp_path / "empty"))
    with pytest.raises(RheobaseError, match="no folder and no data set"):
        load_images("Nonsense")
    with pytest.raises(RheobaseError, match="needs --data-root"):
        load_images("MNIST")
    with pytest.raises(RheobaseError, match="convert --download` fetches the set"):
        load_images("MNIST", data_root=tmp_path)


def test_digits_are_split_without_overlap():
    train, test = load_images("digits", train=True), load_images("digits")
    assert len(train.images) + len(test.images) == 1797
    assert train.images.shape[1:] == (1, 8, 8) and train.images.max() == 255


def test_mnist(mnist_root):
    found = load_images("MNIST", data_root=mnist_root)
    assert found.images.shape[1:] == (1, 28, 28) and found.images.dtype == np.uint8
