"""Whatever README, docs and comments name is there: files, links and their headings, modules."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
PACKAGES = ["golden", "converter", "hw", "sim", "boards", "rheobase"]
ROOMS = [*PACKAGES, "benchmarks", "examples", "tests"]
#: Names in the text that stand for a file of the reader's.
PLACEHOLDERS = {"path.py", "voc_models.py", "own_cnn.py"}


@cache
def _files() -> tuple[str, ...]:
    """Paths of the project's text files, from its root."""
    found = [*ROOT.glob("*.*"), *(ROOT / "docs").rglob("*.md")]
    for room in ROOMS:
        # The rooms stand once more, as links, in `rheobase`.
        found += (path for path in (ROOT / room).rglob("*.*") if not path.is_symlink())
    return tuple(path.relative_to(ROOT).as_posix() for path in found)


def _exists(name: str) -> bool:
    return any(path == name or path.endswith(f"/{name}") for path in _files())


def _named_files(text: str) -> list[str]:
    """Files of the project's own kinds that ``text`` names, wherever they stand in it."""
    names = re.findall(r"(?<![\w/.{}*-])((?:[\w-]+/)*[\w-]+\.(?:py|md|toml))\b(?![\w/])", text)
    return [name for name in names if name not in PLACEHOLDERS]


def _anchors(text: str) -> set[str]:
    """Headings as GitHub links to them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page(page: Path) -> None:
    text = page.read_text()
    missing = [name for name in _named_files(text) if not _exists(name)]
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in _anchors(file.read_text())):
            missing.append(target)
    missing += [
        f"python -m {module}"
        for module in re.findall(r"python -m ([\w.]+)", text)
        if module.split(".")[0] in ROOMS and not _exists(module.replace(".", "/") + ".py")
    ]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    missing += [
        f"make {''.join(target)}"
        for target in re.findall(r"^    make ([a-z-]+)|`make ([a-z-]+)", text, re.MULTILINE)
        if not set(target) & set(targets)
    ]
    assert not missing


def test_comments_name_pages_that_are_there() -> None:
    missing = {
        (path, name)
        for path in _files()
        if path.endswith(".py")
        for name in re.findall(r"docs/[\w./-]+\.md", (ROOT / path).read_text())
        if not _exists(name)
    }
    assert not missing


def test_readme_leads_to_every_page() -> None:
    linked = re.findall(r"\]\((docs/[^)#]+)", (ROOT / "README.md").read_text())
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")} <= {*linked}
