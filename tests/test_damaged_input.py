"""Damaged input of all kinds, each in a process with bounded memory (``support.fuzzing``)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: How many of each kind `make test` tries, and `make test-slow`.
COUNTS = {"network": (800, 40_000), "float": (100, 3000), "frame": (400, 10_000)}


def _tried(kind: str, seed: int, count: int) -> dict:
    command = [sys.executable, "-m", "support.fuzzing", kind, str(seed), str(count)]
    ran = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _check(found: dict) -> None:
    assert found["faults"] == []
    assert found["taken"] and found["refused"]
    assert len(found["longest"]) <= 300, found["longest"]


@pytest.mark.parametrize("kind", COUNTS)
def test_damaged_input(kind):
    _check(_tried(kind, 0, COUNTS[kind][0]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", COUNTS)
def test_much_damaged_input(kind):
    _check(_tried(kind, 1, COUNTS[kind][1]))
