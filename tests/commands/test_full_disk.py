"""Every command that writes, on a full or read-only disk: one line, status 3, nothing left."""

import subprocess

import pytest

from rheobase.golden.files.file import save_network
from tests.support.networks.random_networks import network_of_digits

MODEL = ["rheobase.demo_model:cnn", "--images", "digits"]
COMMANDS = {
    "convert": ["convert", *MODEL, "-o", "disk/net"],
    "convert --float": ["convert", *MODEL, "--float", "-o", "disk/net"],
    "sweep": ["sweep", *MODEL, "-o", "disk/sweep"],
    "table1": ["table1", *MODEL, "-o", "disk/table1"],
    "generate": ["generate", "net", "-o", "disk/a.v"],
    "build": ["build", "--board", "generic", "net", "-o", "disk/build"],
    "build for a board": ["build", "--board", "icebreaker", "net", "-o", "disk/build"],
    "demo": ["demo", "-o", "disk/demo"],
    "simulate": ["simulate", "net", "--images", "digits"],
}


@pytest.fixture
def disk(full_disk):
    """A full disk, at ``disk`` in a folder with a network ``net``."""
    save_network(network_of_digits(), full_disk.parent / "net")
    return full_disk


@pytest.mark.parametrize(
    ("command", "state"),
    # What simulate writes, its cache, is not known before it works: once is enough.
    [(name, state) for name in COMMANDS for state in ("full", "read-only")][:-1],
)
def test_one_line_and_nothing_left(disk, run_command, monkeypatch, command, state):
    if state == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    monkeypatch.chdir(disk.parent)
    monkeypatch.setenv("RHEOBASE_CACHE", str(disk / "cache"))
    status, shown, error = run_command(*COMMANDS[command])
    assert status == 3, shown + error
    (line,) = (line for line in error.splitlines() if line.strip())
    assert line.startswith("rheobase: disk") or str(disk) in line
    assert ("No space left" if state == "full" else "Read-only file system") in line
    assert not [path for path in disk.rglob("*") if path.is_file() and path.name != "ballast"]
    assert command == "simulate" or [path.name for path in disk.iterdir()] == ["ballast"]
