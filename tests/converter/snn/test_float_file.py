"""Float SNNs as files: what is written comes back, and nothing else is taken."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from typer.testing import CliRunner

from rheobase.cli import app
from rheobase.converter.calibrate.calibration import Calibration
from rheobase.converter.conversion import convert
from rheobase.converter.data.pixels import normalised
from rheobase.converter.options import Options
from rheobase.converter.snn.float_file import load_float_snn, save_float_snn
from rheobase.converter.snn.sized import SizedSnn
from rheobase.converter.snn.snn import FloatSnn
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding, PoolRule, Readout
from tests.support.models.small_models import bottlenecks, calibration_images

MEAN, STD = [0.5], [0.25]


class FloatOnly(nn.Module):
    """GroupNorm and bilinear upsampling between neurons; pooled maps that are read twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3, padding=1)
        self.norm = nn.GroupNorm(2, 6)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.third = nn.Conv2d(6, 6, 3, padding=1)
        self.linear = nn.Linear(6 * 16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.first(x)), 2)
        y = functional.relu(self.norm(self.second(functional.relu(self.third(x)))) + x)
        y = functional.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
        return self.linear(functional.avg_pool2d(y, 2).flatten(1))


def model() -> nn.Module:
    torch.manual_seed(0)
    return FloatOnly().eval()


def images(count: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize(
    "options",
    [
        Options(steps=6, delay=2, rule=PoolRule.STEP, method="cltb"),
        Options(steps=6, readout=Readout.COUNT, method="cltb"),
        Options(steps=1, coding=Coding.RADIX, calibration=Calibration(weights=1, ridge=10.0)),
        Options(steps=6, calibration=Calibration()),
        Options(steps=5, coding=Coding.RADIX, spike_budget=2.5, method="cltb"),
    ],
    ids=["delay", "count", "acp", "lcp", "spike budget"],
)
def test_what_is_written_comes_back(tmp_path: Path, options: Options) -> None:
    given = {"lower": False, "iterations": 60, "only_if_better": False}
    options = Options(**{**vars(options), **given})
    conversion = convert(model(), images(), mean=MEAN, std=STD, options=options)
    path = tmp_path / "snn.safetensors"
    save_float_snn(conversion.snn, conversion.graph, path)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    # Sorted, so that equal conversions are equal files.
    assert [*header] == sorted(header) and [*header["__metadata__"]] == [
        "format",
        "network",
        "version",
    ]
    found = load_float_snn(path, model())
    fields = ("coding", "rule", "steps", "delay", "readout")
    assert [getattr(found, f) for f in fields] == [getattr(conversion.snn, f) for f in fields]
    own = [o.arguments["steps"] for o in conversion.snn.graph.neurons]
    assert [o.arguments["steps"] for o in found.graph.neurons] == own
    assert (len(set(own)) > 1) == (options.spike_budget is not None)
    batch = normalised(images(), MEAN, STD)
    torch.testing.assert_close(found(batch), conversion.snn(batch), rtol=0, atol=0)
    sized = SizedSnn(model(), found).at((1, 8, 8))
    assert [o.arguments["steps"] for o in sized.graph.neurons] == own or found.readout == "count"
    # The calibration is in the file: without it the network answers otherwise.
    plain = FloatSnn(conversion.graph, found.thresholds, found.coding, steps=found.steps)
    if options.calibration is not None:
        assert not torch.equal(plain(batch), found(batch))
    with safe_open(path, "pt") as file:
        changed = {name.partition("/")[0] for name in file.keys()}  # noqa: SIM118
    before = {o.name: o.arguments.get("weight") for o in conversion.graph.operations}
    weighted = any(
        before.get(o.name) is not None and not torch.equal(before[o.name], o.arguments["weight"])
        for o in conversion.snn.graph.operations
    )
    assert ("weight" in changed) == weighted


@pytest.mark.parametrize(
    "calibration", [pytest.param(None, marks=pytest.mark.slow), Calibration(images=8, samples=64)]
)
def test_linear_layers_that_fire_signed_come_back(
    tmp_path: Path, calibration: Calibration | None
) -> None:
    options = Options(steps=6, growth=1.0, calibration=calibration, only_if_better=False)
    pixels = calibration_images()
    conversion = convert(bottlenecks(), pixels, mean=MEAN, std=STD, options=options)
    assert all(layer.signed for layer in conversion.linear)
    path = tmp_path / "snn.safetensors"
    save_float_snn(conversion.snn, conversion.graph, path)
    found = load_float_snn(path, bottlenecks())
    batch = normalised(pixels, MEAN * 3, STD * 3)
    torch.testing.assert_close(found(batch), conversion.snn(batch), rtol=0, atol=0)
    sized = SizedSnn(bottlenecks(), found)
    torch.testing.assert_close(sized.at((3, 16, 16))(batch), found(batch))
    assert len(sized.at((3, 24, 24)).graph.neurons) == len(found.graph.neurons)
    with pytest.raises(RheobaseError, match="does not fit the model, which has no operation"):
        load_float_snn(path, nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3)))


def written(tmp_path: Path) -> tuple[Path, dict[str, Tensor], dict[str, str]]:
    options = Options(steps=4, lower=False, iterations=20, method="cltb")
    conversion = convert(model(), images(), mean=MEAN, std=STD, options=options)
    path = tmp_path / "snn.safetensors"
    save_float_snn(conversion.snn, conversion.graph, path)
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return path, tensors, dict(file.metadata())


def test_other_files_are_refused(tmp_path: Path) -> None:
    path, tensors, metadata = written(tmp_path)
    first = min(name for name in tensors if name.startswith("threshold/"))

    def refused(message: str, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
        save_file(tensors, path, metadata)
        with pytest.raises(RheobaseError, match=message):
            load_float_snn(path, model())

    described = json.loads(metadata["network"])
    cases = {"steps": 0, "delay": 9, "input_shape": [1, -8, 8], "coding": "morse", "rule": None}
    for key, value in cases.items():
        changed = {**metadata, "network": json.dumps({**described, key: value})}
        refused("metadata 'network' is damaged", tensors, changed)
    refused("metadata 'network' is damaged", tensors, {**metadata, "network": "[1"})
    refused("format 'x', version '1', must be", tensors, {**metadata, "format": "x"})
    less = {name: value for name, value in tensors.items() if name != first}
    refused("does not fit the model: no threshold of", less, metadata)
    refused("has no neurons 'ghost'", {**tensors, "shift/ghost": torch.ones(2)}, metadata)
    refused("has no weights 'ghost'", {**tensors, "weight/ghost": torch.ones(2)}, metadata)
    refused(r"is \(2,\), must be \(6,\)", {**tensors, first: torch.ones(2)}, metadata)
    refused("must be positive", {**tensors, first: torch.zeros(6)}, metadata)
    for value, message in (
        (torch.full((6,), torch.nan), f"tensor '{first}' has NaN, must be finite"),
        (torch.full((6,), torch.inf), f"tensor '{first}' has an infinite number"),
        (torch.ones(6, dtype=torch.complex64), f"tensor '{first}' is complex64, must be"),
        (torch.ones(6, dtype=torch.int64), f"tensor '{first}' is int64, must be float32"),
    ):
        refused(message, {**tensors, first: value}, metadata)
    refused("tensor 'more/x', must be", {**tensors, "more/x": torch.ones(2)}, metadata)
    path.write_bytes(b"{}" * 40)
    with pytest.raises(RheobaseError, match="not a safetensors file"):
        load_float_snn(path, model())
    with pytest.raises(RheobaseError, match="cannot be read"):
        load_float_snn(tmp_path / "absent", model())


FACTORY = """
import torch
from torch import nn
from torch.nn import functional

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 6, 3, padding=1), nn.GroupNorm(2, 6)
        self.second, self.linear = nn.Conv2d(6, 8, 3), nn.Linear(32, 10)

    def forward(self, x):
        x = functional.relu(self.norm(self.first(x)).relu())
        x = functional.max_pool2d(functional.relu(self.second(x)), 3)
        return self.linear(x.flatten(1))

def net():
    torch.manual_seed(0)
    return Net().eval()

def maps():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 1)).eval()
"""


@pytest.fixture
def factory(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(FACTORY)
    return path


def test_command_writes_a_float_snn(tmp_path: Path, factory: Path) -> None:
    common = ["--images", "digits", "--calibration", "50", "--count", "40", "-T", "8"]
    output = tmp_path / "snn.safetensors"
    command = ["convert", f"{factory}:net", *common, "-o", str(output)]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, RheobaseError) and not output.exists()
    assert "norm (GroupNorm" in str(refused.exception)
    assert "`rheobase convert --float`" in str(refused.exception)
    made = CliRunner().invoke(app, [*command, "--float"], catch_exceptions=False)
    assert made.exit_code == 0 and "outside the network: norm (GroupNorm" in made.output
    from rheobase.converter.data.data import load_images
    from rheobase.converter.data.model import load_model

    network = load_model(f"{factory}:net")
    snn = load_float_snn(output, network)
    test = load_images("digits", sample=(40, 0))
    batch, labels = normalised(test.images, (0.5,), (0.25,)), torch.from_numpy(test.labels)
    for name, scores in (("CNN", network(batch)), ("float SNN", snn(batch))):
        right = 100 * float((scores.argmax(1) == labels).float().mean())
        assert f"{name} {right:.2f} %" in " ".join(made.output.split())


def test_command_without_right_answers(tmp_path: Path, factory: Path) -> None:
    from PIL import Image

    folder = tmp_path / "images"
    folder.mkdir()
    for index, image in enumerate(images(5)):
        Image.fromarray(image[0]).save(folder / f"{index}.png")
    for name, text in (("net", "images without labels"), ("maps", "is a map of")):
        made = CliRunner().invoke(
            app,
            [
                "convert",
                f"{factory}:{name}",
                "--float",
                "--images",
                str(folder),
                "--mean",
                "0.5",
                "--std",
                "0.25",
                "-o",
                str(tmp_path / "snn.safetensors"),
            ],
            catch_exceptions=False,
        )
        assert made.exit_code == 0 and text in made.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--float", "--weight-bits", "4"], "--float: must be without --weight-bits"),
        (["--float", "--weight-budget", "1Mbit"], "--float: must be without --weight-bits"),
        (["--spike-budget", "3"], "spike budget: 3.0, must be none in rate coding"),
        (["--coding", "radix", "-T", "4", "--spike-budget", "5"], "5.0, must be 1 .. 4 (T)"),
        (["--clip", "4"], "--clip: must be with --float"),
        (["--float", "--clip", "4", "--resize", "9"], "--resize: must be without --clip"),
    ],
)
def test_options_that_do_not_go_together(
    tmp_path: Path, factory: Path, options: list[str], message: str
) -> None:
    output = tmp_path / "snn.safetensors"
    command = ["convert", f"{factory}:net", "--images", "digits", "-o", str(output), *options]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, RheobaseError) and message in str(result.exception)
    assert not output.exists()
