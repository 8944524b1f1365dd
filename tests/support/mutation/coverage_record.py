"""Which test runs which line of a package, and how long each test takes: recorded once, kept.

A record is good for the sources and tests that it was made of; with others a new one is made.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from coverage import CoverageData

ROOT = Path(__file__).parents[3]
RECORDS = ROOT / "build" / "mutate"
#: As pytest prints it for ``--durations=0``.
_DURATION = re.compile(r"^([\d.]+)s (?:call|setup|teardown) +(\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class CoverageRecord:
    """What one run of the tests of ``room`` said.

    Attributes:
        data: file of the coverage package, with one context for each test.
        log: what pytest printed.
    """

    data: Path
    log: Path

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Seconds of each test, its fixtures included."""
        found: dict[str, float] = {}
        for seconds, test in _DURATION.findall(self.log.read_text()):
            found[test] = found.get(test, 0) + float(seconds)
        return found

    @cached_property
    def _lines(self) -> dict[str, dict[int, set[str]]]:
        data = CoverageData(str(self.data))
        data.read()
        found: dict[str, dict[int, set[str]]] = {}
        for name in data.measured_files():
            found[name] = {
                line: {context.rpartition("|")[0] for context in contexts} - {""}
                for line, contexts in data.contexts_by_lineno(name).items()
            }
        return found

    def tests_of(self, path: Path, line: int) -> list[str]:
        """Tests that run the statement at ``line`` of ``path``, those of its folder first.

        Tests of ``hw/window`` are in ``tests/hw/window``; short ones come first. What is run as the
        module is imported belongs to every test that runs a line of it.
        """
        lines = self._lines.get(str(path.resolve()), {})
        first, last = statement_lines(path.read_text(), line)
        reached = [lines[number] for number in range(first, last + 1) if number in lines]
        found: set[str] = set().union(*reached)
        if reached and not found:
            found = set().union(*lines.values())
        near = {test for test in found if f"/{path.parent.name}/" in test}
        return self._shortest_first(near) + self._shortest_first(found - near)

    def beside(self, tests: list[str]) -> list[str]:
        """The other tests of the files of ``tests``: they may use what one of those has built."""
        files = {test.partition("::")[0] for test in tests}
        others = {test for test in self.seconds if test.partition("::")[0] in files}
        return self._shortest_first(others - set(tests))

    def _shortest_first(self, tests: set[str]) -> list[str]:
        return sorted(tests, key=lambda test: (self.seconds.get(test, 0), test))


def statement_lines(source: str, line: int) -> tuple[int, int]:
    """First and last line of the innermost statement at ``line``; of its head where it has a body.

    Raises:
        ValueError: no statement is there.
    """
    around = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    if not around:
        raise ValueError(f"line {line}: must be a line of a statement")
    inner = max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)))
    body = getattr(inner, "body", None)
    last = body[0].lineno - 1 if body else inner.end_lineno or inner.lineno
    return inner.lineno, max(last, inner.lineno)


def coverage_record(room: str) -> CoverageRecord:
    """The record of the package ``room`` and its tests; made where there is none, in minutes.

    Raises:
        SystemExit: a test fails as it is.
    """
    digest = hashlib.sha256()
    for folder in (ROOT / room, ROOT / "tests" / room):
        for path in sorted(folder.rglob("*.py")):
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    folder = RECORDS / f"{room}-{digest.hexdigest()[:12]}"
    record = CoverageRecord(folder / "coverage", folder / "log")
    if record.log.exists():
        return record
    folder.mkdir(parents=True, exist_ok=True)
    print(f"recording which test of tests/{room} runs which line", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", "-vv"]
    command += [f"--cov={room}", "--cov-context=test", "--cov-report=", "--durations=0"]
    ran = subprocess.run(
        [*command, f"tests/{room}"],
        cwd=ROOT,
        env={**os.environ, "COVERAGE_FILE": str(record.data)},
        capture_output=True,
        text=True,
    )
    if ran.returncode:
        raise SystemExit(f"tests/{room} must pass as it is:\n{ran.stdout[-2000:]}{ran.stderr}")
    record.log.write_text(ran.stdout)
    return record
