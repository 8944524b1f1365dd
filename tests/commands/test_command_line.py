"""The command as a user meets it: results, files, and one line with status 2 for bad input."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rheobase.boards.platforms.registry import BOARDS
from rheobase.golden import load_network, save_network
from rheobase.golden.network.network import Coding
from tests.support.commands import run_command as rheobase
from tests.support.networks.random_networks import network_of_digits

FACTORY = "rheobase.demo_model:cnn"


@pytest.fixture(scope="module")
def network_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "network.safetensors"
    save_network(network_of_digits(), path)
    return path


def test_convert_generate_simulate(tmp_path):
    """The three commands in a row, on digits with an untrained model."""
    made = rheobase(
        "convert",
        FACTORY,
        "--images",
        "digits",
        "--calibration",
        60,
        "--count",
        40,
        "--coding",
        "radix",
        "-T",
        2,
        "--weight-bits",
        3,
        "-o",
        "net.safetensors",
        cwd=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    assert "integer network" in made.stdout and "wrote net.safetensors" in made.stdout
    network = load_network(tmp_path / "net.safetensors")
    assert (network.coding, network.steps) == (Coding.RADIX, 2)
    assert network.layers[0].connections[0].weight_bits == 3

    first = rheobase("generate", "net.safetensors", "-o", "a.v", "--adders", 40, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    rheobase("generate", "net.safetensors", "-o", "b.v", "--adders", 40, cwd=tmp_path)
    text = (tmp_path / "a.v").read_text()
    assert "module accelerator(" in text and text == (tmp_path / "b.v").read_text()

    ran = rheobase(
        "simulate",
        "net.safetensors",
        "--images",
        "digits",
        "--count",
        12,
        "--record",
        12,
        "--adders",
        40,
        "--gap",
        20,
        "--stall",
        30,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "hardware = golden model: all answers and scores of 12 images" in ran.stdout


def test_help_needs_no_torch(tmp_path):
    for command in ([], ["convert"], ["generate"], ["simulate"], ["demo"]):
        shown = rheobase(*command, "--help", cwd=tmp_path)
        assert shown.returncode == 0 and "Usage" in shown.stdout
    check = "import sys; import rheobase.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


BAD_CONVERT = {
    "no factory": (["nothing.here:f"], "module 'nothing.here' cannot be imported"),
    "malformed factory": (["models.py"], "must be package.module:factory"),
    "no weights": ([FACTORY, "--weights", "absent.pth"], "absent.pth: no such file"),
    "weights that do not fit": ([FACTORY, "--weights", "other.safetensors"], "does not fit"),
    "T": ([FACTORY, "-T", "0"], "T is 0, must be an integer in 1..1024"),
    "t0": ([FACTORY, "-T", "4", "--t0", "4"], "t0 is 4, must be an integer in 0..3"),
    "bits": ([FACTORY, "--weight-bits", "9"], "weight bits is 9, must be an integer in 2..8"),
    "mean alone": ([FACTORY, "--mean", "0.5"], "must be both of them"),
    "mean": ([FACTORY, "--mean", "x", "--std", "1"], "--mean: 'x', must be numbers"),
    "folder": ([FACTORY, "-o", "no/such/net"], "no folder no/such to write to"),
    "device": ([FACTORY, "--device", "abacus"], "device: 'abacus' cannot be used"),
    "untraceable": (["models.py:branching"], "cannot be traced by torch.fx"),
    "module": (["models.py:silu"], "1 (SiLU; accepted:"),
}


@pytest.mark.parametrize("case", BAD_CONVERT)
def test_bad_convert(tmp_path, case):
    import torch
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "models.py").write_text(
        "import torch.nn as nn\n"
        "class Branching(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x if x.sum() > 0 else -x\n"
        "branching = Branching\n"
        "def silu():\n"
        "    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.SiLU(), nn.Flatten(), nn.Linear(72, 2))\n"
    )
    before = sorted(tmp_path.iterdir())
    arguments, message = BAD_CONVERT[case]
    ran = rheobase("convert", *arguments, "--images", "digits", cwd=tmp_path)
    _one_line(ran, message)
    assert [p for p in sorted(tmp_path.iterdir()) if p.name != "__pycache__"] == before


BAD_NETWORK = {
    "absent": (["generate", "absent"], "absent: cannot be read"),
    "foreign": (["generate", "foreign"], "foreign: not a safetensors file"),
    "truncated": (["generate", "short"], "short: not a safetensors file"),
    "P": (["generate", "net", "-P", "99,1", "-E", "1,1"], "P of layer 'conv0' is 99, must be"),
    "E": (["generate", "net", "-P", "1,1", "-E", "0,1"], "E of layer 'conv0' is 0, must be"),
    "P alone": (["generate", "net", "-P", "1,1"], "must be both of them together"),
    "P count": (["generate", "net", "-P", "1", "-E", "1,1"], "-P: 1 values, must be"),
    "adders": (["generate", "net", "--adders", "0"], "adders is 0, must be an integer >= 1"),
    "output": (["generate", "net", "-o", "no/a.v"], "no folder no to write to"),
    "T": (["simulate", "net", "--images", "digits", "-T", "4"], "T is 4, must be an"),
    "t0": (["simulate", "net", "--images", "digits", "--t0", "1"], "t0 is 1, must be"),
    "image size": (["simulate", "net", "--images", "pictures"], "must be 1 x 8 x 8"),
}


@pytest.mark.parametrize("case", BAD_NETWORK)
def test_bad_network(tmp_path, network_file, case):
    from PIL import Image

    (tmp_path / "net").write_bytes(network_file.read_bytes())
    (tmp_path / "short").write_bytes(network_file.read_bytes()[:-5])
    (tmp_path / "foreign").write_bytes(b"{}" * 50)
    (tmp_path / "pictures" / "a").mkdir(parents=True)
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "pictures" / "a" / "1.png")
    before = sorted(tmp_path.iterdir())
    arguments, message = BAD_NETWORK[case]
    _one_line(rheobase(*arguments, cwd=tmp_path), message)
    assert sorted(tmp_path.iterdir()) == before


def test_missing_compiler(tmp_path, network_file):
    ran = rheobase(
        "simulate", network_file, "--images", "digits", cwd=tmp_path, PATH=str(tmp_path), CXX="none"
    )
    _one_line(ran, "C++ compiler (c++ or g++ on PATH): not found", status=3)


def _one_line(ran, message, status=2):
    assert ran.returncode == status, ran.stdout + ran.stderr
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("rheobase: "), ran.stderr
    assert message in lines[0]
    assert "Traceback" not in ran.stdout + ran.stderr


def test_a_pipe_gets_whole_names_and_numbers(tmp_path, network_file):
    """Whatever COLUMNS says: no ellipsis, no colour, nothing on standard error."""
    long = "a_name_" * 30
    network = load_network(network_file)
    first = replace(network.layers[0], name=long)
    save_network(replace(network, layers=(first, *network.layers[1:])), tmp_path / "net")
    for command in ("inspect", "compile"):
        ran = rheobase(command, "net", cwd=tmp_path, COLUMNS="40", TERM="xterm-256color")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert long in ran.stdout and not {"…", "\x1b"} & set(ran.stdout)
    shown = rheobase("boards", cwd=tmp_path, COLUMNS="40").stdout
    assert all(board.title in shown and board.note in shown for board in BOARDS.values())


def test_quiet_and_verbose(tmp_path, network_file):
    """-q leaves notes out; -v names each program and step with its seconds on standard error."""
    assert "clock: where" in rheobase("boards", cwd=tmp_path).stdout
    quiet = rheobase("boards", "-q", cwd=tmp_path)
    assert "icebreaker" in quiet.stdout and "clock: where" not in quiet.stdout
    ran = rheobase("generate", network_file, "-v", cwd=tmp_path)
    lines = ran.stderr.splitlines()
    assert all(re.match(r"\[ *\d+\.\d s\] \S.*", line) for line in lines)
    assert any("yosys" in line and re.search(r": \d+\.\d s$", line) for line in lines)
    assert re.search(r"\] generating Verilog: \d+\.\d s$", lines[-1])
    assert "wrote accelerator.v" in ran.stdout


def test_progress_on_a_terminal_alone(network_file, tmp_path):
    """The bar has a count and the time left; it is not in what is kept."""
    script = (
        "from rich.console import Console\n"
        "from rheobase import console\n"
        "console._ERR = Console(stderr=True, force_terminal=True, width=100)\n"
        "from rheobase.cli import main\n"
        "main()\n"
    )
    command = ["compile", network_file]
    shown = {}
    for option in ((), ("-q",)):
        ran = subprocess.run(
            [sys.executable, "-c", script, *map(str, command), *option],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0 and "wrote network.rbe" in ran.stdout
        assert "compiling" not in ran.stdout
        shown[option] = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", ran.stderr)
    assert re.search(r"compiling .*\d/2 .*[\d-]:", shown[()]) and not shown[("-q",)]
