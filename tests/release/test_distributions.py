"""A release's files: each module once, what it reads when it runs, nothing else. It works, too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("golden", "converter", "hw", "sim", "boards")
#: Endings of files that the product needs.
SHIPPED = {".py", ".pyi", ".cpp", ".h", ".jinja", ".js", ".css", ".json", ".typed"}
#: What a source release has besides.
BESIDE = {
    "CHANGELOG.md",
    "LICENSE",
    "MANIFEST.in",
    "PKG-INFO",
    "README.md",
    "constraints.txt",
    "pyproject.toml",
    "setup.cfg",
}


def product() -> set[str]:
    """Every file of the product by its place in the package."""
    found = {f"rheobase/{path.name}" for path in (ROOT / "rheobase").iterdir() if path.is_file()}
    folders = [ROOT / room for room in ROOMS]
    folders += [p for p in (ROOT / "rheobase").iterdir() if p.is_dir() and not p.is_symlink()]
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.suffix in SHIPPED, f"{path}: is it shipped?"
                found.add(f"rheobase/{path.relative_to(folder.parent).as_posix()}")
    return found


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """Folder with a source release, and the wheel that was built from it."""
    copy = tmp_path_factory.mktemp("clone") / "rheobase"
    left_out = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "tests")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=left_out)
    out = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(copy)],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return out


def test_files(released):
    """Source and wheel hold the same, each file once; the wheel nothing beside the package."""
    (source,), (wheel,) = released.glob("*.tar.gz"), released.glob("*.whl")
    with tarfile.open(source) as archive:
        assert not [member.name for member in archive if member.issym() or member.islnk()]
        names = [m.name.split("/", 1)[1] for m in archive if m.isfile()]
    names = [name for name in names if not name.startswith("rheobase.egg-info/")]
    assert len(names) == len(set(names)) and set(names) == product() | BESIDE
    names = zipfile.ZipFile(wheel).namelist()
    inside = [name for name in names if ".dist-info/" not in name]
    assert len(inside) == len(set(inside)) and set(inside) == product()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_every_pattern_of_package_data_matches():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for package, patterns in settings["package-data"].items():
        names = package.split(".")
        folder = ROOT if package == "*" else ROOT.joinpath(*names)
        for pattern in patterns:
            assert list(folder.glob(f"*/{pattern}" if package == "*" else pattern)), pattern


def test_a_wheel_works_by_itself(released, tmp_path):
    """In an empty environment, outside the clone, without torch: file, golden model, Verilog."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    (wheel,) = released.glob("*.whl")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(pip, check=True)
    # The dependencies come from the environment of the tests; torch is kept out.
    own = next((tmp_path / "env").glob("lib/*/site-packages"))
    (own / "dependencies.pth").write_text(str(Path(numpy.__file__).parents[1]) + "\n")
    (own / "torch.py").write_text("raise ModuleNotFoundError('kept out', name='torch')\n")
    program = """
import numpy, rheobase, sys
from pathlib import Path
from rheobase.hw.design.layer_design import network_design
from rheobase.sim.design_header import design_headers
from rheobase.sim.harness_process import HARNESS
weight = numpy.ones((2, 1, 2, 2), numpy.int8)
layer = rheobase.Layer("scores", (rheobase.Connection(rheobase.IMAGE, weight),),
                       numpy.zeros(2, numpy.int32), None, None)
network = rheobase.Network(
    name="small", input_shape=(1, 2, 2), zero_point=numpy.zeros(1, numpy.uint8), layers=(layer,),
    outputs=(0,), coding=rheobase.Coding.RATE, readout=rheobase.Readout.CURRENT, steps=2, delay=0,
)
rheobase.save_network(network, "net.safetensors")
images = numpy.ones((1, 1, 2, 2), numpy.uint8)
found = rheobase.run_golden(rheobase.load_network("net.safetensors"), images)
assert found.scores.tolist() == [[8, 8]], found.scores
assert "module accelerator(" in rheobase.generate(network)
design = network_design(network, rheobase.default_folding(network))
assert HARNESS.is_file() and len(design_headers(design)) == 2
assert Path(rheobase.__file__).is_relative_to(sys.prefix), rheobase.__file__
print(rheobase.__version__)
"""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def run(*command):
        return subprocess.run(
            list(map(str, command)), cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    ran = run(python, "-c", program)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == version("rheobase")
    ran = run(tmp_path / "env" / "bin" / "rheobase", "--version")
    assert (ran.returncode, ran.stdout) == (0, f"rheobase {version('rheobase')}\n"), ran.stderr
    ran = run(tmp_path / "env" / "bin" / "rheobase", "demo", "--output", "demo")
    assert (ran.returncode, ran.stderr) == (
        3,
        "rheobase: torch is not installed: pip install 'rheobase[convert]'\n",
    )


def test_the_package_is_found_from_above_the_clone(tmp_path):
    """Where a folder named rheobase, the clone, stands beside: it is no package."""
    (tmp_path / "rheobase").symlink_to(ROOT)
    ran = subprocess.run(
        [sys.executable, "-c", "import rheobase; print(rheobase.__file__, rheobase.Coding.RATE)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0 and "__init__.py" in ran.stdout, ran.stderr
