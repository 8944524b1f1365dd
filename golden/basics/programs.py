"""Programs of others: found, asked for their version, started, and what they say of a failure."""

from __future__ import annotations

import logging
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import MachineError

#: Told of each program that has run, and of steps; `rheobase COMMAND -v` shows them.
LOGGER = logging.getLogger("rheobase")
#: Seconds in which a program says its version.
_VERSION_SECONDS = 60
#: Seconds between two looks at whether a program is to be stopped.
_LOOK_SECONDS = 2.0
#: Lines such as "ERROR: ...", "%Error: ..." and "main.cpp:3:1: error: ...".
_ERROR_LINE = re.compile(r"(%?error\b|.*\b(fatal )?error:)", re.IGNORECASE)


class ProgramStoppedError(Exception):
    """A program was stopped as its caller wanted."""


@dataclass(frozen=True)
class Ran:
    """A program that has ended: its exit status, and what it said."""

    status: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stderr + self.stdout

    @property
    def reason(self) -> str:
        """Why it failed: the first line that says so, else the last line."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        errors = [line for line in lines if _ERROR_LINE.match(line)] or lines[-1:]
        return errors[0] if errors else f"status {self.status}"


def start_program(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
    until: Callable[[], bool] | None = None,
) -> Ran:
    """Run ``command`` to its end, in ``folder`` and with ``environment`` where they are given.

    Args:
        timeout: seconds.
        until: asked every other second; the program is stopped where it says so.

    Raises:
        MachineError: it cannot be started.
        ProgramStoppedError: ``until`` said so.
        subprocess.TimeoutExpired: it took longer than ``timeout``.
    """
    start = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise MachineError(f"{command[0]}: cannot be started ({error.strerror})") from error
    with process:
        try:
            stdout, stderr = _output(process, timeout, until)
        except BaseException:
            process.kill()
            raise
    LOGGER.info("%s: %.1f s", shlex.join(map(str, command)), time.monotonic() - start)
    return Ran(process.returncode, stdout, stderr)


def _output(
    process: subprocess.Popen[str], timeout: float | None, until: Callable[[], bool] | None
) -> tuple[str, str]:
    """What ``process`` says to its end; see ``start_program``."""
    if until is None:
        return process.communicate(timeout=timeout)
    while True:
        try:
            return process.communicate(timeout=_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if until():
                raise ProgramStoppedError("stopped") from None


def run_program(
    command: Sequence[str],
    task: str,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    until: Callable[[], bool] | None = None,
) -> str:
    """Run ``command`` and return its output; ``task`` is what an error calls it.

    Raises:
        MachineError: it cannot be started, or failed; the message has its telling line.
        ProgramStoppedError: ``until`` said so, as of ``start_program``.
    """
    ran = start_program(command, folder=folder, environment=environment, until=until)
    if ran.status:
        raise MachineError(f"{task} failed: {ran.reason}")
    return ran.output


def first_line(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """First line that ``command`` says, such as its version; "" where it says nothing."""
    try:
        ran = start_program(command, environment=environment, timeout=_VERSION_SECONDS)
    except (MachineError, subprocess.TimeoutExpired):
        return ""
    return next(iter((ran.stdout + ran.stderr).strip().splitlines()), "")


def recent_on_path(
    name: str, option: str, oldest: tuple[int, int] | None, *, says: str = ""
) -> tuple[Path, str] | None:
    """(program, version) of ``name`` on PATH; None where there is none, or an old one.

    Args:
        option: with which it says its version.
        oldest: version that is new enough; None where it tells none, which is then "unknown".
        says: what must stand in front of the version.
    """
    found = shutil.which(name)
    if found is None:
        return None
    if oldest is None:
        return Path(found), "unknown"
    match = re.search(rf"{says}(\d+)\.(\d+)[\w.+-]*", first_line([found, option]))
    if match is None or (int(match[1]), int(match[2])) < oldest:
        return None
    return Path(found), match[0]


def wheel_command(module: str, function: str) -> tuple[str, ...]:
    """The command of a program in a wheel: ``function`` of ``module`` takes its arguments."""
    start = f"import sys, {module} as wheel; sys.exit(wheel.{function}(sys.argv[1:]))"
    return sys.executable, "-c", start


def not_found(name: str, remedy: str) -> MachineError:
    """The error of a program or a package that is absent; ``remedy`` is how to install it."""
    return MachineError(f"{name}: not found, install it with {remedy}")
