"""Images as arrays: files, folders, and what Python hands over."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

import rheobase
from rheobase.cli import main
from rheobase.converter.data.data import load_images
from rheobase.converter.data.pixels import as_pixels
from rheobase.golden.errors import RheobaseError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3)).astype(np.uint8)


def test_array_files(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    found = load_images(str(tmp_path / "a.npy"), labelled=False)
    assert np.array_equal(found.images, IMAGES) and not found.labelled
    drawn = load_images(str(tmp_path / "a.npy"), labelled=False, sample=(3, 1))
    order = np.random.default_rng(1).permutation(6)[:3]
    assert np.array_equal(drawn.images, IMAGES[order])
    with pytest.raises(RheobaseError, match="has no labels"):
        load_images(str(tmp_path / "a.npy"))


@pytest.mark.parametrize(
    "names",
    [("x", "y"), ("images", "labels"), ("x_train", "y_train"), ("train_images", "train_labels")],
)
def test_archives_have_labels(tmp_path, names):
    labels = np.array([2, 0, 1, 2, 0, 1])
    arrays = {names[0]: IMAGES, names[1]: labels[:, None], "classes": ["a", "b", "c"]}
    np.savez(tmp_path / "a.npz", **arrays)
    found = load_images(str(tmp_path / "a.npz"), train=True)
    assert np.array_equal(found.images, IMAGES) and np.array_equal(found.labels, labels)
    assert found.class_names == ("a", "b", "c") and found.labelled


def test_folders_of_arrays_have_any_channels(tmp_path):
    for number, image in enumerate(IMAGES):
        folder = tmp_path / ("even", "odd")[number % 2]
        folder.mkdir(exist_ok=True)
        np.save(folder / f"{number}.npy", image)
    found = load_images(str(tmp_path))
    assert np.array_equal(found.images, IMAGES[[0, 2, 4, 1, 3, 5]])
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_three_dimensions_are_what_the_model_takes(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES[..., 0])
    path = str(tmp_path / "a.npy")
    assert load_images(path, labelled=False).images.shape == (6, 1, 5, 4)
    signals = load_images(path, labelled=False, takes=lambda shape: shape[0] == 5)
    assert np.array_equal(signals.images, IMAGES[:, :, None, :, 0])
    assert load_images(path, labelled=False, shape=(5, 1, 4)).images.shape == (6, 5, 1, 4)
    with pytest.raises(RheobaseError, match="1 x 5 x 4, must be 3 x 5 x 4"):
        load_images(path, labelled=False, shape=(3, 5, 4))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": IMAGES / 255}, "x: float64, must be uint8"),
        ({"z": IMAGES}, "holds z, must be images as x"),
        ({"x": IMAGES, "y": np.zeros(5, int)}, r"y: int64 \(5,\), must be 6 integers"),
        ({"x": IMAGES, "y": np.zeros(6)}, "y: float64"),
        ({"x": IMAGES, "y": np.full(6, -1)}, "0 or more"),
        ({"x": IMAGES, "y": np.full(6, 2), "classes": ["a", "b"]}, "label 2, must be 0..1"),
        ({"x": IMAGES[0, 0]}, "must be .images, channels, rows, columns."),
    ],
)
def test_bad_archives(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(RheobaseError, match=message):
        load_images(str(tmp_path / "a.npz"), labelled=False)


def test_arrays_are_never_unpickled_and_damage_is_one_line(tmp_path):
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "p.npy").write_bytes(pickle.dumps([1]))
    whole = io.BytesIO()
    np.save(whole, IMAGES)
    (tmp_path / "cut.npy").write_bytes(whole.getvalue()[:-20])
    (tmp_path / "giant.npy").write_bytes(whole.getvalue().replace(b"(6, 5", b"(6000000000, 5"))
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 no archive")
    with zipfile.ZipFile(tmp_path / "cut.npz", "w") as archive:
        archive.writestr("x.npy", whole.getvalue()[:-20])
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(RheobaseError, match=rf"{path.name}: cannot be read") as caught:
            load_images(str(path), labelled=False)
        assert "\n" not in str(caught.value)


def _model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(5, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))


@pytest.mark.parametrize("kind", [torch.from_numpy, list, lambda x: list(torch.from_numpy(x))])
def test_what_python_hands_over(kind):
    expected = rheobase.convert(_model(), IMAGES, mean=[0.5] * 5, std=[0.25] * 5)
    found = rheobase.convert(_model(), kind(IMAGES), mean=0.5, std=torch.tensor(0.25))
    assert rheobase.network_hash(found.network) == rheobase.network_hash(expected.network)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(2, 1, 4, 4), r"torch.float32 .*|float32 \(2, 1, 4, 4\)"),
        (np.zeros((2, 1, 4, 4)), "float64 .* 255"),
        ([], "must be uint8"),
        ([np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 5), np.uint8)], "images of one shape"),
        ("MNIST", "str"),
    ],
)
def test_what_is_no_pixels(images, message):
    with pytest.raises(RheobaseError, match=message):
        as_pixels(images)


def test_signals_convert_by_the_command(tmp_path, monkeypatch):
    """A network of one dimension, fitted too, on (images, channels, values)."""
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n"
        "def net():\n"
        "    return nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3))\n"
    )
    pixels = np.random.default_rng(0).integers(0, 256, (24, 2, 8)).astype(np.uint8)
    np.savez(tmp_path / "s.npz", x=pixels, y=np.arange(24) % 3, classes=["a", "b", "c"])
    monkeypatch.chdir(tmp_path)
    arguments = ["--images", "s.npz", "--mean", "0.5", "--std", "0.25", "-T", "4"]
    for recipe in ([], ["--recipe", "best"]):
        monkeypatch.setattr("sys.argv", ["rheobase", "convert", "nets.py:net", *arguments, *recipe])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        network = rheobase.load_network("network.safetensors")
        assert network.input_shape == (2, 1, 8)
        found = load_images("s.npz", shape=network.input_shape)
        assert np.array_equal(found.images[:, :, 0], pixels)
