"""The command line of the tasks, and the example script that fetches models."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from PIL import Image

from rheobase.cli import app
from rheobase.converter.data.data import load_images
from rheobase.converter.data.model import load_model
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.snn.float_file import load_float_snn
from rheobase.converter.snn.sized import SizedSnn
from rheobase.converter.studies.task_evaluation import TASKS
from tests.support.models.tasks import EXAMPLE, evaluate, refused, smooth, write_voc


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["kinetics", "--data", "absent"], "--data: absent: no such folder"),
        (["chess", "--data", "."], "task: 'chess', must be one of voc-segmentation"),
        (["kinetics", "--data", ".", "-T", "0"], "must be an integer in 1..1024"),
        (["kinetics", "--data", ".", "-T", "4", "--t0", "4"], "t0: [4], must be integers"),
        (["kinetics", "--data", ".", "--recipe", "magic"], "recipe: 'magic'"),
        (["kinetics", "--data", ".", "--weights", "absent.pth"], "absent.pth: no such file"),
        (["kinetics", "--data", "."], "train: no such folder"),
        (["voc-segmentation", "--data", "."], "train.txt: absent"),
        (["coco-detection", "--data", "."], "instances_train2017.json: absent"),
        (["coco-detection", "--data", ".", "--resize", "9"], "--resize: accepted with coco-detect"),
        (["kinetics", "--data", ".", "--resize", "9"], "accepted with kinetics is --crop"),
        (["voc-segmentation", "--data", ".", "--crop", "9"], "segmentation is --resize"),
    ],
)
def test_bad_input(
    tmp_path: Path, models: Path, options: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    task, *others = options
    assert message in refused(task, f"{models}:video", *others)


def test_a_model_without_the_classes(tmp_path: Path, models: Path) -> None:
    write_voc(tmp_path)
    models.write_text(
        "from torch import nn\n"
        "def net():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1))\n"
    )
    text = refused(
        "voc-segmentation",
        f"{models}:net",
        "--data",
        tmp_path,
        "--resize",
        16,
        "-o",
        tmp_path / "out",
        "-T",
        "2",
    )
    assert "must be 21 classes" in text


def test_other_sizes_are_the_same_network(tmp_path: Path, models: Path) -> None:
    """A network is resized, calibration included, where its operations are the same."""
    write_voc(tmp_path)
    evaluate(
        "voc-segmentation",
        f"{models}:segmenter",
        "--data",
        tmp_path,
        "-o",
        tmp_path / "out",
        "--recipe",
        "acp",
        "-T",
        "4",
        "--resize",
        16,
        "--calibration",
        2,
    )
    model = load_model(f"{models}:segmenter")
    snn = load_float_snn(tmp_path / "out" / "acp.safetensors", model)
    sized = SizedSnn(model, snn)
    image = torch.randn(1, 3, 16, 16)
    same, direct = sized.at((3, 16, 16)).run(image), snn.run(image)
    torch.testing.assert_close(same.outputs()["out"], direct.outputs()["out"], rtol=0, atol=0)
    wide = torch.cat([image] * 2, dim=3)
    found = sized.at((3, 16, 32)).run(wide).outputs()["out"]
    assert found.shape == (1, 21, 16, 32)
    # Away from the seam and its receptive field the left half sees what the image alone shows.
    narrow = direct.outputs()["out"]
    torch.testing.assert_close(found[..., :6], narrow[..., :6], rtol=1e-4, atol=1e-4)


def test_weights_come_from_torchvisions_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example script, where the file is in the cache already: nothing is fetched."""
    import runpy

    path = EXAMPLE
    models = import_torchvision("torchvision.models")
    torch.manual_seed(3)
    given = models.squeezenet1_1(weights=None).state_dict()
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(given, cache / Path(models.SqueezeNet1_1_Weights.DEFAULT.url).name)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    output = tmp_path / "squeezenet.safetensors"
    monkeypatch.setattr("sys.argv", [str(path), "squeezenet1_1", "--output", str(output)])
    runpy.run_path(str(path), run_name="__main__")
    assert "resize_size=[256]" in capsys.readouterr().out
    found = load_model("torchvision.models:squeezenet1_1", output).state_dict()
    assert all(torch.equal(found[name], given[name]) for name in given)
    monkeypatch.setattr("sys.argv", [str(path), "no_such_model", "--output", str(output)])
    with pytest.raises(SystemExit):
        runpy.run_path(str(path), run_name="__main__")
    assert "no_such_model DEFAULT: " in capsys.readouterr().err


def test_documented_commands_are_understood() -> None:
    text = (Path(__file__).parents[4] / "docs" / "reproducing.md").read_text()
    commands = re.findall(r"^    rheobase ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert len(commands) >= 8
    known = typer.main.get_command(app).commands
    for command in commands:
        name, *arguments = shlex.split(command.replace("\\\n", " "))
        with known[name].make_context(name, arguments) as context:
            assert all(
                value is None or "..." not in str(value) for value in context.params.values()
            )
            if name == "evaluate":
                assert context.params["task"] in TASKS
            factory = context.params.get("model", "")
            if factory.startswith("examples/"):
                assert f"\n{factory.partition(':')[2]} = partial(" in EXAMPLE.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fcn_resnet50", "deeplabv3_resnet50", "retinanet_resnet50_fpn"])
def test_factories_fetch_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*arguments: object, **keywords: object) -> None:
        raise AssertionError("a download")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", fetch)
    monkeypatch.setattr("torch.hub.download_url_to_file", fetch)
    keys = load_model(f"{EXAMPLE}:{name}").state_dict().keys()
    models = import_torchvision("torchvision.models")
    whole = models.get_model(
        name,
        weights=None,
        weights_backbone=None,
        **({} if "retina" in name else {"aux_loss": True}),
    )
    assert keys == whole.state_dict().keys()


def test_imagenet_is_class_folders(tmp_path: Path) -> None:
    """What the documented command reads: val/WORDNET-ID/*.JPEG, in the order of torchvision."""
    rng = np.random.default_rng(0)
    for name in ("n02", "n01", "n03"):
        (tmp_path / name).mkdir()
        Image.fromarray(smooth(rng, 30, 40)).save(tmp_path / name / "x.JPEG")
    datasets = import_torchvision()
    expected = datasets.ImageFolder(str(tmp_path))
    from rheobase.converter.data.image_files import Sizing

    found = load_images(str(tmp_path), sizing=Sizing(28, 24))
    assert list(found.classes) == expected.classes
    assert found.labels.tolist() == [label for _, label in expected.samples]
    assert found.images.shape == (3, 3, 24, 24)
