"""Exit status of a command that fails: 2 bad input, 3 a tool or the machine, 130 Ctrl-C."""

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from rheobase.failures import finish, one_line
from rheobase.golden.errors import SHOWN, MachineError, RheobaseError, shown
from rheobase.golden.files.file import save_network
from tests.support.networks.random_networks import network_of_digits

COMMAND = [sys.executable, "-c", "from rheobase.cli import main; main()"]

FAILURES = {
    "input": (RheobaseError("x: 1, must be 2"), 2, "x: 1, must be 2"),
    "tool": (MachineError("yosys failed:\n a\n b"), 3, "yosys failed: a b"),
    "full disk": (
        OSError(errno.ENOSPC, "No space left", "/tmp/x"),
        3,
        "/tmp/x: the machine refuses (No space left)",
    ),
    "no folder for temporary files": (
        FileNotFoundError(errno.ENOENT, "No usable temporary directory"),
        3,
        "output: the machine refuses (No usable temporary directory)",
    ),
    "memory": (MemoryError("Unable to allocate 4 GiB"), 3, "out of memory"),
    "torch's memory": (
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
        3,
        "out of memory",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_status_and_line(capsys, case):
    error, status, line = FAILURES[case]
    with pytest.raises(SystemExit) as ended, finish():
        raise error
    assert ended.value.code == status
    assert capsys.readouterr().err == (f"rheobase: {line}\n")


def test_faults_of_the_program_keep_their_traceback():
    for fault in (RuntimeError("dictionary changed size"), KeyError("x"), IndexError()):
        with pytest.raises(type(fault)), finish():
            raise fault


def test_lines_and_values_are_cut():
    line = one_line(RheobaseError("begin " + "x" * 100_000 + " end"))
    assert len(line) == 2000 and line.startswith("begin x") and line.endswith("x end")
    nested = []
    for _ in range(50):
        nested = [nested, "y" * 1000]
    for value in ("x" * 10**6, 10**5000, nested, dict.fromkeys(range(1000), "z" * 99), b"x" * 999):
        assert len(shown(value)) <= SHOWN
    for value in ("name", (1, 2, 3), None, -7, 1.5, True, [1, "a"]):
        assert shown(value) == repr(value)


@pytest.fixture(scope="module")
def network_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("status") / "net"
    save_network(network_of_digits(2), path)
    return path


def _run(*arguments, **options):
    defaults = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 300}
    return subprocess.run([*COMMAND, *map(str, arguments)], **(defaults | options))


def _one_line(text, message):
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("rheobase: ") and message in lines[0], text


@pytest.mark.slow
def test_generate_to_a_full_device_and_a_full_standard_output(tmp_path, network_file):
    ran = _run("generate", network_file, "-o", "/dev/full", cwd=tmp_path)
    assert ran.returncode == 3
    _one_line(ran.stderr, "/dev/full: cannot be written (No space left on device)")
    with open("/dev/full", "w") as full:
        ran = _run("generate", network_file, "-o", "a.v", cwd=tmp_path, stdout=full)
    assert ran.returncode == 3
    _one_line(ran.stderr, "No space left on device")
    reading, writing = os.pipe()
    os.close(reading)
    ran = _run("generate", network_file, "-o", "a.v", cwd=tmp_path, stdout=writing)
    os.close(writing)
    assert ran.returncode == 3
    _one_line(ran.stderr, "standard output was closed")
    ran = _run("generate", network_file, "-o", tmp_path, cwd=tmp_path)
    assert ran.returncode == 2
    _one_line(ran.stderr, "is a folder, must be the name of a file")


#: Stands for a program that takes its time; it says its version as the real one does.
WAITING = """#!/bin/sh
case "$1" in -V|--version) exec {real} "$1" ;; esac
touch '{folder}/started'
exec sleep 60
"""
MODEL = """
import pathlib, time
def model():
    pathlib.Path('started').touch()
    time.sleep(60)
"""
DIGITS = ["--images", "digits"]
INTERRUPTED = {
    "convert": ["convert", "slow.py:model", *DIGITS, "-o", "made"],
    "sweep": ["sweep", "slow.py:model", *DIGITS, "--processes", "2", "-T", "2,4", "-o", "made"],
    "simulate": ["simulate", "net", *DIGITS, "-n", "2"],
    "report": ["report", "net", "--images", "images.npy", "-n", "2", "-o", "made.html"],
    "build": ["build", "net", "--board", "icebreaker", "-o", "made"],
}


#: What is interrupted in the other ones is interrupted in these.
OFTEN = ("convert", "report")


@pytest.mark.parametrize(
    "case", [pytest.param(x, marks=[pytest.mark.slow] * (x not in OFTEN)) for x in INTERRUPTED]
)
def test_ctrl_c(tmp_path, case):
    """Interrupted while it works: one line, no traceback, no half file; programs end as well."""
    save_network(network_of_digits(2), tmp_path / "net")
    np.save(tmp_path / "images.npy", np.zeros((4, 1, 8, 8), np.uint8))
    (tmp_path / "slow.py").write_text(MODEL)
    (tmp_path / "bin").mkdir()
    for name, real in (("waiting-c++", "c++"), ("yosys", "echo 'Yosys 0.99';")):
        program = tmp_path / "bin" / name
        program.write_text(WAITING.format(real=real, folder=tmp_path))
        program.chmod(0o755)
    before = {path.name for path in tmp_path.iterdir()}
    process = subprocess.Popen(
        [*COMMAND, *INTERRUPTED[case]],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {
            "RHEOBASE_CACHE": str(tmp_path / "cache"),
            "CXX": str(tmp_path / "bin" / "waiting-c++"),
            "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        },
        start_new_session=True,
        # Where the tests run in the background of a shell, they ignore interrupts, and so would it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (tmp_path / "started").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    # A terminal interrupts all that runs in it.
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors == "rheobase: interrupted\n"
    left = {path.name for path in tmp_path.iterdir()} - before - {"__pycache__", "cache", "started"}
    assert left <= ({"made"} if case == "sweep" else set())  # the folder that a sweep goes on in
    assert not [path for path in (tmp_path / "made").rglob("*") if path.is_file()]
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.name.startswith(".")]


def test_the_table_of_statuses_is_documented():
    folder = os.path.join(os.path.dirname(__file__), "..", "..")
    for path in ("README.md", "docs/exit-status.md"):
        with open(os.path.join(folder, path), encoding="utf-8") as file:
            text = file.read()
        assert all(f"| {status} |" in text for status in (0, 1, 2, 3, 130)), path
