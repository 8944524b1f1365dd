"""Programs are found, asked and started in one way, and tell of a failure in one line."""

from __future__ import annotations

import subprocess

import pytest

from rheobase.golden.basics.programs import (
    ProgramStoppedError,
    first_line,
    recent_on_path,
    run_program,
    start_program,
)
from rheobase.golden.errors import MachineError


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Makes a shell script and puts it first on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def make(name: str, *lines: str):
        path = tmp_path / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return path

    return make


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (["reading", "ERROR: no such cell", "1 warning, 1 error"], "ERROR: no such cell"),
        (["%Warning: wide", "%Error: design.v:3: no module"], "%Error: design.v:3: no module"),
        (["main.cpp: In function", "main.cpp:3:1: error: what"], "main.cpp:3:1: error: what"),
        (["Traceback", "OSError: errors everywhere", "", ""], "OSError: errors everywhere"),
        ([], "status 3"),
    ],
)
def test_a_failure_is_told_in_its_telling_line(program, said, reason):
    path = program("tool", *(f"echo '{line}' >&2" for line in said), "exit 3")
    with pytest.raises(MachineError) as caught:
        run_program([str(path)], "the work")
    assert str(caught.value) == f"the work failed: {reason}"


def test_a_program_runs_where_and_with_what_it_is_told(program, tmp_path):
    path = program("tool", "pwd", 'echo "$WORD"', "printf 'a\\377b' >&2")
    folder = tmp_path / "work"
    folder.mkdir()
    ran = start_program([str(path)], folder=folder, environment={"WORD": "here"})
    assert (ran.status, ran.stdout, ran.stderr) == (0, f"{folder}\nhere\n", "a\ufffdb")


def test_what_cannot_be_started_or_does_not_end(program, tmp_path):
    (tmp_path / "text").write_text("no program")
    with pytest.raises(MachineError, match=r"text: cannot be started \(Permission denied\)"):
        run_program([str(tmp_path / "text")], "the work")
    path = program("slow", "exec sleep 60")
    with pytest.raises(subprocess.TimeoutExpired):
        start_program([str(path)], timeout=0.1)
    assert first_line([str(tmp_path / "absent")]) == ""


@pytest.mark.parametrize(
    ("oldest", "says", "found"),
    [
        ((0, 40), "", "0.41+23"),
        ((0, 41), "Tool ", "Tool 0.41+23"),
        ((0, 42), "", None),
        ((0, 40), "Another ", None),
        (None, "", "unknown"),
    ],
)
def test_versions_on_path(program, oldest, says, found):
    path = program("some-tool", '[ "$1" = -V ] && echo "Tool 0.41+23 (git)" >&2')
    expected = None if found is None else (path, found)
    assert recent_on_path("some-tool", "-V", oldest, says=says) == expected
    assert recent_on_path("no-such-tool", "-V", oldest) is None


def test_a_program_is_stopped_when_its_caller_has_seen_enough(program, tmp_path):
    path = program("tool", "echo begun > log", "exec sleep 600")
    log = tmp_path / "log"
    with pytest.raises(ProgramStoppedError):
        run_program([str(path)], "the work", folder=tmp_path, until=log.exists)
    assert log.read_text() == "begun\n"


def test_a_program_that_ends_by_itself_is_not_stopped(program):
    path = program("tool", "echo first", "sleep 3", "echo last")
    asked = []
    found = run_program([str(path)], "the work", until=lambda: bool(asked.append(0)))
    assert found.split() == ["first", "last"] and asked
