"""Indented commands of README and pages run, the MNIST example in place of a reader's files."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.shown import ROOT, commands, reason, replaced, unused

MODEL = "examples/mnist.py:cnn --weights build/mnist.safetensors"
#: What stands for a file of the reader's, and what takes its place; in this order.
PLACES = [
    (r"--mean \.\.\. --std \.\.\.", ""),
    (r"--(images|test-images) (\.\.\.|IMAGES|TRAIN|TEST|folder)", r"--\1 MNIST --data-root DATA"),
    (r"(--data-root DATA) (.*)--data-root DATA", r"\1 \2"),
    (r"\bMODEL\b", MODEL),
    (r"\bWEIGHTS\b", "build/mnist.safetensors"),
    (r"(?<!\S)(net|network)\.safetensors", "build/net.safetensors"),
    (r"(?<!\S)net\.(onnx|pt2)\b", r"build/net.\1"),
    (r"\bgraph\.nir\b", "network.nir"),
]
#: What is not run, and why.
LEFT_OUT = {
    r"^(make|pip) ": "sets up, or is a target of its own",
    r"--port |^rheobase program ": "needs a board",
    r"--install-completion": "changes the reader's shell",
    r"^rheobase evaluate |resnet34": "needs COCO, VOC, Kinetics or ImageNet",
    r"^rheobase (build --board ulx3s|engine )": "places and routes: minutes to an hour",
    r"simulate (squeezenet|resnet20|mnist)\.": "needs a network of docs/results",
}
#: In this order: an engine runs what `diagnose` left, a network in radix.
PAGES = [
    "README.md",
    *(
        f"docs/{name}.md"
        for name in ("diagnose", "report", "engine", "interop", "converter", "install")
    ),
]


def test_commands_that_go_on():
    page = "a\n\n    rheobase convert M \\\n        -T 3\n    make demo\n\n        rheobase no\n"
    assert commands(page) == ["rheobase convert M -T 3", "make demo"]


def test_each_reason_has_a_command():
    assert not unused([(ROOT / page).read_text("utf-8") for page in PAGES], LEFT_OUT)


@pytest.mark.slow
def test_commands_do_what_they_show(tmp_path, mnist_root):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "build").mkdir()

    def run(command: str, page: str) -> None:
        words = shlex.split(replaced(command, PLACES).replace("DATA", str(mnist_root)))
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{page}: {shlex.join(words)}\n{done.stdout}{done.stderr}"

    run("python examples/mnist.py --data-root DATA --output build/mnist.safetensors", "README.md")
    run(f"python -c {shlex.quote(_EXPORTS)}", "docs/interop.md")
    for page in PAGES:
        for command in commands((ROOT / page).read_text("utf-8")):
            if reason(command, LEFT_OUT) is None:
                run(command, page)


#: The model as a file of ONNX and of torch.export.
_EXPORTS = """
import sys
import torch
from safetensors.torch import load_file
sys.path.insert(0, "examples")
from mnist import cnn
model = cnn().eval()
model.load_state_dict(load_file("build/mnist.safetensors"))
example = (torch.zeros(2, 1, 28, 28),)
batch = {0: torch.export.Dim("batch")}
program = torch.export.export(model, example, dynamic_shapes=(batch,))
torch.export.save(program, "build/net.pt2")
torch.onnx.export(model, example, "build/net.onnx", dynamic_shapes=(batch,))
"""
