"""Damaged input of all kinds, each in a process with bounded memory (``tests.support.fuzzing``)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: How many of each kind `make test` tries, and `make test-slow`.
COUNTS = {
    "network": (800, 40_000),
    "float": (60, 3000),
    "frame": (400, 10_000),
    "picture": (200, 7000),
    "checkpoint": (100, 3000),
}
#: Characters of the longest line. A checkpoint's has a program in it, the way out.
LONGEST = {"checkpoint": 600}


def _tried(kind: str, seed: int, count: int) -> dict:
    command = [sys.executable, "-m", "tests.support.fuzzing", kind, str(seed), str(count)]
    ran = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _check(kind: str, found: dict) -> None:
    assert found["faults"] == []
    assert found["taken"] and found["refused"]
    assert len(found["longest"]) <= LONGEST.get(kind, 300), found["longest"]


@pytest.mark.parametrize("kind", COUNTS)
def test_damaged_input(kind):
    _check(kind, _tried(kind, 0, COUNTS[kind][0]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", COUNTS)
def test_much_damaged_input(kind):
    _check(kind, _tried(kind, 1, COUNTS[kind][1]))
