"""What tests of several folders share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Workers of pytest-xdist share the processors: torch's threads would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from rheobase.cli import main

# Tests start interpreters by the dozen: they read what is compiled, however the machine is set.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A slow machine is no failure.
settings.register_profile("any-machine", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """torchvision's root folder with MNIST; skips where the data is not at hand."""
    root = SHARED / "data"
    if not (root / "MNIST" / "raw").is_dir():
        pytest.skip(f"MNIST is not under {root}")
    return root


@pytest.fixture
def run_command(monkeypatch, capsys):
    """`rheobase` with arguments: (exit status, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["rheobase", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def full_disk(tmp_path):
    """A disk of 64 kB, ``tmp_path / "disk"``, that is full to the last byte."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk needs root, and mount")
    try:
        (place / "ballast").write_bytes(bytes(64 * 1024))
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
