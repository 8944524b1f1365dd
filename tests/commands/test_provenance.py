"""What `convert` records is what the other commands say without being told."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.data.data import NORMALISATION, load_images
from rheobase.converter.options import Options
from rheobase.golden import Coding, load_network, save_network
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.sim.batch import build_simulation, run_verilog

MODEL = """
import torch
from torch import nn

def cnn():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(48, 10)
    )
"""


@pytest.fixture
def command(tmp_path, monkeypatch, run_command):
    """The command in ``tmp_path``: (exit status, output on one line, error)."""
    monkeypatch.chdir(tmp_path)

    def on_one_line(*arguments):
        status, shown, error = run_command(*arguments)
        return status, " ".join(shown.split()), " ".join(error.split())

    return on_one_line


def test_convert_records_where_a_network_comes_from(tmp_path, command):
    (tmp_path / "models.py").write_text(MODEL)
    status, shown, error = command(
        "convert",
        "models.py:cnn",
        "--images",
        "digits",
        "--calibration",
        40,
        "--count",
        30,
        "--coding",
        "radix",
        "-T",
        2,
        "--recipe",
        "cltb",
        "-o",
        "net.safetensors",
    )
    assert status == 0, error
    network = load_network("net.safetensors")
    found = network.provenance
    assert (found.model, found.weights, found.method) == ("models.py:cnn", "", "cltb")
    assert (found.mean, found.std) == NORMALISATION["digits"]
    assert found.classes == tuple("0123456789")
    assert (found.calibration_images, found.test_images) == (40, 30)
    measured = f"CNN {found.cnn_accuracy:.2f} %, float SNN {found.float_accuracy:.2f} %, integer"
    assert measured in shown and f"network {found.network_accuracy:.2f} %" in shown
    assert found.torch == torch.__version__ and found.rheobase
    assert network.events.images == 16

    # The CNN's accuracy is known, and can be given all the same.
    status, shown, error = command("energy", "net.safetensors", "--images", "digits", "--count", 20)
    assert status == 0, error
    assert f"CNN │ {found.cnn_accuracy:.2f} │" in shown and "measured on 30 images" in shown
    status, shown, _ = command(
        "energy", "net.safetensors", "--images", "digits", "--count", 20, "--cnn-accuracy", 91.25
    )
    assert status == 0 and "CNN │ 91.25 │" in shown

    status, shown, _ = command("generate", "net.safetensors", "-o", "a.v")
    assert status == 0 and "guess" not in shown
    save_network(replace(network, events=None, provenance=None), "bare.safetensors")
    status, shown, _ = command("generate", "bare.safetensors", "-o", "b.v")
    assert status == 0 and "cycles per image in a stream (a guess: the network file" in shown
    planned = ["bare.safetensors", "-o", "b.v", "--plan-images", "digits"]
    status, shown, _ = command("generate", *planned)
    assert status == 0 and "guess" not in shown
    status, _, error = command("energy", "bare.safetensors", "--images", "digits")
    assert status == 2 and "--cnn-accuracy: needed, as bare.safetensors holds none" in error


@pytest.mark.slow
@pytest.mark.parametrize(
    "coding", [Coding.RADIX, pytest.param(Coding.RATE, marks=pytest.mark.slow)]
)
def test_a_prediction_from_the_file_is_what_verilator_counts(tmp_path, coding):
    """Within 10 % on images that were not counted."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(24, 10),
    )
    training, testing = load_images("digits", train=True), load_images("digits")
    mean, std = NORMALISATION["digits"]
    options = Options(coding=coding, steps=3 if coding == Coding.RADIX else 6, method="cltb")
    made = convert(model.eval(), training.images[:200], mean=mean, std=std, options=options)
    save_network(made.network, tmp_path / "net.safetensors")
    network = load_network(tmp_path / "net.safetensors")
    folding = default_folding(network)
    predicted = Planner(network).predict(folding).cycles
    built = build_simulation(network, optimise="fast-build")
    assert built.folding == folding
    counted = run_verilog(built, testing.images[:150]).cycles_per_image
    assert predicted == pytest.approx(counted, rel=0.1)
