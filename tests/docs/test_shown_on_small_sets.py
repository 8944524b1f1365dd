"""Pages' commands for large sets and networks, on twelve pictures and a network of three layers.

What they print is looked at elsewhere; here a command that a page shows has to be one that runs.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests.docs.shown import ROOT, commands, reason, replaced, unused
from tests.support.commands import run_command

#: What the pages call MODEL: as many layers as the folding's page has values of P for.
FACTORY = """
from torch import nn


def cnn():
    parts = []
    for before, channels in ((3, 8), (8, 16), (16, 16)):
        parts += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(64, 3))
"""
MODEL = "small.py:cnn --weights small.safetensors"
#: What is the reader's own or takes long, and what takes its place; in this order.
PLACES = [
    (r" {2,}[a-zP].*$", ""),
    (r"--(mean|std) (\.\.\.|[\d.]+,[\d.]+,[\d.]+)", r"--\1 0.4,0.5,0.6"),
    (r"--(images|test-images) (\.\.\.|IMAGES|TRAIN|TEST|IMAGENET/\w+)", r"--\1 pictures"),
    (r"torchvision\.models:resnet34 --weights build/resnet34\.safetensors|\bMODEL\b", MODEL),
    (r"--resize \d+ --crop \d+", "--resize 20 --crop 16"),
    (r"--device cuda", "--device cpu"),
    (r"--calibration \d+", "--calibration 8"),
    (r"--count [1-9]\d*", "--count 6"),
    (r"@(\d)\d+", r"@\g<1>0"),
    (r"--iterations \d+", "--iterations 50"),
    (r"-T \d+,[\d,]+", "-T 4,8"),
    (r"-T (16|64|128)\b", "-T 8"),
    (r"--t0 [\d,]+", "--t0 0,4"),
    (r"--processes 4", "--processes 1"),
    (r"^rheobase generate(.*)\.\.\.$", r"rheobase generate\1network.safetensors"),
    (r"(?<!\S)net\.safetensors", "network.safetensors"),
]
#: What is not run, and why.
LEFT_OUT = {
    r"^(make|pip) ": "sets up, or is a target of its own",
    r"--port |^rheobase program ": "needs a board",
    r"^rheobase build --board ulx3s": "places and routes: minutes",
    r"^rheobase evaluate ": "sets that tests/converter/studies/tasks writes, and runs these on",
    r"^python examples/torchvision_models": "gets weights from the network",
    r"^python -m benchmarks": "a wheel that is no dependency; minutes",
}
PAGES = ("methods", "folding", "boards", "reproducing")
#: What a command needs beside its page's own.
CONVERT = (
    f"rheobase convert {MODEL} --images pictures --mean 0.5 --std 0.25 -T 4 --method ltb "
    "--weight-bits 4 -o network.safetensors"
)


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """A reader's folder: weights, twelve pictures of three classes, a network file."""
    (tmp_path / "small.py").write_text(FACTORY)
    made: dict = {}
    exec(FACTORY, made)
    torch.manual_seed(0)
    save_file(made["cnn"]().state_dict(), tmp_path / "small.safetensors")
    rng = np.random.default_rng(0)
    for number in range(12):
        folder = tmp_path / "pictures" / "abc"[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (tmp_path / "build").mkdir()
    run(CONVERT, tmp_path)
    return tmp_path


def run(command: str, folder: Path) -> None:
    """``command`` of a page in ``folder``, with what takes the place of the reader's files."""
    command = replaced(command, PLACES)
    program, *words = shlex.split(command)
    assert program == "rheobase", command
    done = run_command(*words, cwd=folder, timeout=3600, OMP_NUM_THREADS="1")
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def text(page: str) -> str:
    """What ``page`` says."""
    return (ROOT / "docs" / f"{page}.md").read_text("utf-8")


def test_each_reason_has_a_command():
    assert not unused([text(page) for page in PAGES], LEFT_OUT)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_commands_do_what_they_show(reader, page):
    ran = [command for command in commands(text(page)) if reason(command, LEFT_OUT) is None]
    assert ran
    for command in ran:
        run(command, reader)
