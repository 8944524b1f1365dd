"""Blocks of a documentation page, run in order, and what they print compared with the page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
#: Digits within a word (layer4, 4x4) belong to the word.
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w.]*\w)")
_FRAME = re.compile(r"[\u2500-\u257f]")
#: How far a number may be from the page's, in parts of the larger one: trained weights differ.
TOLERANCE = 1 / 3
#: A paragraph that begins like this says why the blocks up to the next heading are not run.
LEFT_OUT = "Not run in the tests"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it is written to, its text, where it is."""

    language: str
    title: str | None
    text: str
    line: int
    runs: bool


def blocks(page: str) -> Iterator[Block]:
    """The blocks of ``page``, in order."""
    for found in _BLOCK.finditer(page):
        before = page[: found.start()]
        section = re.split(r"^#+ .*$", before, flags=re.MULTILINE)[-1]
        runs = not re.search(rf"^{LEFT_OUT}\b", section, re.MULTILINE)
        yield Block(found[1], found[2], found[3], before.count("\n") + 1, runs)


def run_page(page: Path, folder: Path) -> None:
    """Run what ``page`` shows in ``folder``.

    Raises:
        AssertionError: a block fails, or prints something else than the page shows.
    """
    printed = ""
    for block in blocks(page.read_text("utf-8")):
        where = f"{page.name}:{block.line}"
        if not block.runs:
            continue
        if block.language == "text":
            difference = compare(block.text, printed)
            assert difference is None, f"{where}: {difference}\nprinted:\n{printed}"
        elif block.title:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
        else:
            printed = _run(block, folder, where)


def _run(block: Block, folder: Path, where: str) -> str:
    command = {"sh": ["bash", "-e"], "python": [sys.executable, "-"]}[block.language]
    if "iverilog" in block.text and not shutil.which("iverilog"):
        assert os.environ.get("CI") != "true", "iverilog is not installed"
        return ""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        command, input=block.text, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{where}: exit status {done.returncode}\n{done.stderr}"
    return done.stdout + done.stderr


def compare(shown: str, printed: str) -> str | None:
    """What of ``shown`` is not in ``printed``; None where they agree.

    Words have to be the same, blanks and frames of tables do not count. Whole numbers
    below ten have to be the same as well, others may be a third away, or one. A line ``...``
    stands for any lines.
    """
    actual = _lines(printed)
    at, skipping = 0, False
    for line in _lines(shown):
        if line == "...":
            skipping = True
            continue
        where = next(
            (
                i
                for i in range(at, len(actual))
                if (skipping or i == at) and _alike(line, actual[i])
            ),
            None,
        )
        if where is None:
            return f"not printed: {line}"
        at, skipping = where + 1, False
    return None if skipping or at == len(actual) else f"not shown: {actual[at]}"


def _lines(text: str) -> list[str]:
    lines = (" ".join(_FRAME.sub(" ", line).split()) for line in text.splitlines())
    return [line for line in lines if line]


def _alike(shown: str, printed: str) -> bool:
    if _NUMBER.sub("#", shown) != _NUMBER.sub("#", printed):
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True)
    return all(_near(float(a.replace(",", "")), float(b.replace(",", ""))) for a, b in pairs)


def _near(one: float, other: float) -> bool:
    exact = all(number < 10 and number.is_integer() for number in (one, other))
    return one == other if exact else abs(one - other) <= max(1, TOLERANCE * max(one, other))
