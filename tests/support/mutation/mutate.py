"""Do the tests notice? Single-operator changes, each in a scratch copy of the package.

``make mutate SEED=0 COUNT=28`` draws them of ``hw/`` at random, with ``ROOM=golden`` of
``golden/``; ``python -m tests.support.mutation.mutate --at window/rotate.py:84:-:+`` tries one. Of
each change the tests are run that run its line (``coverage_record``), those of its folder first,
then the other tests of their files; ``--tests`` names test files to run in their place. A change
survives where all of them pass: then a test is missing, or the change is equivalent.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .coverage_record import RECORDS, ROOT, CoverageRecord, coverage_record
from .operators import Mutation, mutations

#: The packages whose operators are changed, and of each the folders that are left out: of hw those
#: that are no hardware.
ROOMS = {"hw": ("planning", "engine/compiler", "engine/model"), "golden": ()}
#: Tests that take this much longer than they did are taken not to end.
PATIENCE = 5


def all_mutations(room: str) -> list[tuple[str, Mutation]]:
    """Every change of every module of ``room`` that is drawn from, as (path in it, change)."""
    left_out = tuple(f"{folder}/" for folder in ROOMS[room])
    return [
        (name, mutation)
        for path in sorted((ROOT / room).rglob("*.py"))
        if not (name := str(path.relative_to(ROOT / room))).startswith(left_out)
        for mutation in mutations(path.read_text())
    ]


def scratch_package(folder: Path, room: str, name: str, mutation: Mutation) -> None:
    """The package ``rheobase`` in ``folder``: links to ours, and the one file with its change."""
    package = folder / "rheobase"
    package.mkdir()
    for path in (ROOT / "rheobase").iterdir():
        if path.name != room:
            (package / path.name).symlink_to(path)
    for path in (*(ROOT / room).rglob("*.py"), *(ROOT / room).rglob("*.pyi")):
        place = package / room / path.relative_to(ROOT / room)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path)
    changed = package / room / name
    changed.unlink()
    changed.write_text(mutation.applied((ROOT / room / name).read_text()))


def killed_by(
    room: str, name: str, mutation: Mutation, tests: list[list[str]], timeout: float
) -> str | None:
    """The test that notices the change; None where the change survives.

    A name that a change has made unknown to pytest (it takes part in a parameter) stands for its
    file.

    Args:
        tests: test files or single tests, in the parts in which they are run.
        timeout: seconds for each part.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch_package(Path(folder), room, name, mutation)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([folder, str(ROOT)]),
            # Without it the folder of ours, where pytest is started, would come first.
            "PYTHONSAFEPATH": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            # Entries are named by what they are built from, so that changes share them.
            "RHEOBASE_CACHE": str(RECORDS / "cache"),
        }
        for part in filter(None, tests):
            try:
                ran = _run(part, environment, timeout)
                if ran.returncode == pytest.ExitCode.USAGE_ERROR:
                    files = list(dict.fromkeys(test.partition("::")[0] for test in part))
                    ran = _run(files, environment, timeout)
            except subprocess.TimeoutExpired:
                return f"does not end in {timeout:.0f} s"
            if ran.returncode:
                failed = re.search(r"^(?:FAILED|ERROR) (\S+)", ran.stdout, re.MULTILINE)
                return failed[1].split("/")[-1] if failed else "pytest ends early"
    return None


def _run(
    tests: list[str], environment: dict[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "-m", "not slow", *tests],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def _chosen(arguments: argparse.Namespace) -> list[tuple[str, Mutation]]:
    everything = all_mutations(arguments.room)
    if not arguments.at:
        return random.Random(arguments.seed).sample(everything, arguments.count)
    found = []
    for wanted in arguments.at:
        name, line, old, new = wanted.split(":")
        matching = [
            (file, mutation)
            for file, mutation in everything
            if (file, mutation.line) == (name, int(line))
            and (mutation.old, mutation.new) == (old, new)
        ]
        if not matching:
            raise SystemExit(f"{wanted}: no such operator, must be FILE:LINE:OLD:NEW")
        found += matching
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.support.mutation.mutate", description=__doc__)
    parser.add_argument("--room", choices=ROOMS, default="hw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=28)
    parser.add_argument("--at", nargs="*", metavar="FILE:LINE:OLD:NEW")
    parser.add_argument("--tests", nargs="*", metavar="FILE", help="test files to run")
    arguments = parser.parse_args()
    room, chosen = arguments.room, _chosen(arguments)
    record = None if arguments.tests else coverage_record(room)
    survivors = 0
    for name, mutation in chosen:
        path = ROOT / room / name
        tests = _tests(record, path, mutation.line) if record else [arguments.tests]
        seconds = (
            sum(record.seconds.get(test, 0) for part in tests for test in part) if record else 0
        )
        killer = killed_by(room, name, mutation, tests, timeout=120 + PATIENCE * seconds)
        survivors += killer is None
        line = path.read_text().splitlines()[mutation.line - 1].strip()
        change = f"{name}:{mutation.line}: {mutation.old} -> {mutation.new}"
        said = killer or ("SURVIVES" if any(tests) else "SURVIVES: no test runs this line")
        print(f"{change:<44} {said}\n    {line}", flush=True)
    print(f"{len(chosen)} changes, {survivors} survive")
    sys.exit(1 if survivors else 0)


def _tests(record: CoverageRecord, path: Path, line: int) -> list[list[str]]:
    first = record.tests_of(path, line)
    return [first, record.beside(first)]


if __name__ == "__main__":
    main()
