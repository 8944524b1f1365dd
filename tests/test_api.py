"""The public names: what they take, how objects show themselves, and that documents name them."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import rheobase
from rheobase.building import board_build
from rheobase.sim import batch, comparison
from tests.support.networks.random_networks import smallest_folding

ROOT = Path(__file__).parents[1]
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 1, 8, 8), dtype=np.uint8)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10)
    ).eval()


def converted(images, **options) -> rheobase.Conversion:
    return rheobase.convert(
        model(), images, mean=0.5, std=0.25, options=rheobase.Options(**options)
    )


@pytest.fixture(scope="module")
def conversion() -> rheobase.Conversion:
    return converted(PIXELS, coding="radix", steps=3, weight_bits=4)


def test_every_public_name_is_there():
    for name in rheobase.__all__:
        getattr(rheobase, name)
    rooms = {"boards", "converter", "golden", "hw", "sim"}
    for path in (ROOT / "README.md", *ROOT.glob("docs/*.md")):
        named = set(re.findall(r"\brheobase\.([A-Za-z_]+)\b(?!\.)", path.read_text("utf-8")))
        # Files of a build have such names too.
        missing = named - rooms - {"bin", "bit", "fs"} - set(rheobase.__all__)
        assert not missing, f"{path.name} names {missing}"


def test_words_stand_for_members():
    options = rheobase.Options(coding="radix", readout="count", rule="step", method="ltb")
    assert options.coding is rheobase.Coding.RADIX and options.readout is rheobase.Readout.COUNT
    assert options.rule is rheobase.PoolRule.STEP and options.method is rheobase.Method.LTB
    with pytest.raises(rheobase.RheobaseError, match="method is 'abc', must be one of 'cltb'"):
        rheobase.Options(method="abc")


def loader(images: torch.Tensor, *labels: torch.Tensor) -> DataLoader:
    return DataLoader(TensorDataset(images, *labels), batch_size=5)


@pytest.mark.parametrize(
    "images",
    [
        torch.from_numpy(PIXELS),
        list(PIXELS),
        list(torch.from_numpy(PIXELS)),
        loader(torch.from_numpy(PIXELS)),
        loader(torch.from_numpy(PIXELS) / 255, torch.zeros(12)),
        DataLoader(torch.from_numpy(PIXELS), batch_size=4),
    ],
    ids=["tensor", "arrays", "tensors", "loader", "loader of floats and labels", "bare loader"],
)
def test_images_in_every_form(conversion, images):
    made = converted(images, coding="radix", steps=3, weight_bits=4)
    assert rheobase.network_hash(made) == rheobase.network_hash(conversion)


def test_normalised_images_are_refused():
    shifted = (torch.from_numpy(PIXELS) / 255 - 0.5) / 0.25
    with pytest.raises(rheobase.RheobaseError, match="must be without Normalize"):
        converted(loader(shifted), steps=2)


def test_a_conversion_stands_for_its_network(conversion, tmp_path):
    network = conversion.network
    rheobase.save_network(conversion, tmp_path / "net.safetensors")
    loaded = rheobase.load_network(tmp_path / "net.safetensors")
    assert rheobase.network_hash(loaded) == rheobase.network_hash(conversion)
    found = rheobase.run_golden(conversion, torch.from_numpy(PIXELS))
    assert np.array_equal(found.scores, rheobase.run_golden(network, PIXELS).scores)
    assert rheobase.default_folding(conversion) == rheobase.default_folding(network)
    with pytest.raises(rheobase.RheobaseError, match="network: 'int', must be a Network or"):
        rheobase.run_golden(3, PIXELS)


def test_what_simulate_takes(conversion, monkeypatch):
    """A network or a conversion is built; what is built already is run as it is."""
    built = batch.BuiltSimulation(conversion.network, (), Path("x"))
    seen = []

    def runs(given, *_, **__):
        seen.append(given)
        raise StopIteration

    monkeypatch.setattr(comparison, "build_simulation", lambda given, folding, optimise: built)
    monkeypatch.setattr(comparison, "run_verilog", runs)
    for hardware in (conversion, conversion.network, built):
        with pytest.raises(StopIteration):
            rheobase.simulate(hardware, PIXELS)
    assert seen == [built, built, built]


def test_a_build_from_python(conversion, tmp_path, monkeypatch):
    """Plain Verilog whole; of a board's bitstream what is asked of the tools."""
    folding = smallest_folding(conversion.network)
    folder = rheobase.build(conversion, board="generic", output=tmp_path / "made", folding=folding)
    assert "module accelerator(" in (folder / "accelerator.v").read_text()
    asked = {}

    def taken(network, folding, board, output, **settings):
        asked.update(settings, folding=folding, board=board.id, output=output)

    monkeypatch.setattr(board_build, "build_bitstream", taken)
    folder = rheobase.build(conversion, board="icebreaker", clock=20, seeds=2, folding=folding)
    assert folder == asked["output"] == Path("build/icebreaker")
    assert asked["clock"] == 20_000_000 and asked["seeds"] == 2 and asked["folding"] == folding
    with pytest.raises(rheobase.RheobaseError, match="'ulx4s', must be one of"):
        rheobase.build(conversion, board="ulx4s")
    with pytest.raises(rheobase.RheobaseError, match="does not fit iCEBreaker"):
        rheobase.build(conversion, board="icebreaker", target_fps=10**7)


def test_objects_show_themselves_in_a_line(conversion):
    run = rheobase.run_golden(conversion, PIXELS, record=True)
    parts = (
        conversion,
        conversion.network,
        conversion.network.events,
        conversion.snn,
        run,
        conversion.snn.graph,
        conversion.lowered,
        conversion.balance,
        *run.layers,
        *conversion.network.layers,
        converted(PIXELS, steps=4, lower=False),
        conversion.snn.run(torch.zeros(1, 1, 8, 8)),
    )
    for one in parts:
        assert len(repr(one)) < 400 and "\n" not in repr(one), type(one)
    assert "1 x 8 x 8 -> 10 x 1 x 1; 2 layers, 676 weights of 4 bits" in repr(conversion)
    assert "radix coding, T = 3, t0 = 0, current readout" in repr(conversion.network)
