"""The documentation's site: built strictly, whole, and without a request to another host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.main import get_command

import rheobase
from rheobase.cli import app

ROOT = Path(__file__).parents[2]
#: Attributes that make a browser fetch something when it opens the page.
FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("link", "href"),
    ("object", "data"),
}


class _Fetches(HTMLParser):
    """What a page's elements fetch, and the text that it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.paragraphs: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.targets += [v or "" for k, v in attributes if (tag, k) in FETCHED]
        if tag == "p":
            self.paragraphs.append("")
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = "p" if tag != "p" else ""

    def handle_data(self, data: str) -> None:
        if self._inside == "p" and self.paragraphs:
            self.paragraphs[-1] += data


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def read(page: Path) -> _Fetches:
    parser = _Fetches()
    parser.feed(page.read_text("utf-8"))
    return parser


def test_every_page_is_built(site):
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    built = {"index" if page.stem == "README" else page.stem for page in pages}
    assert built <= {page.stem for page in site.rglob("*.html")}
    assert not list(site.rglob("*.py"))


def test_nothing_comes_from_another_host(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 100
    away = {
        (page.name, target)
        for page in pages
        for target in read(page).targets
        if re.match(r"(https?:)?//", target)
    }
    assert not away
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"url\(['\"]?(?:https?:)?//|@import", sheet.read_text("utf-8")), sheet


def test_markdown_is_not_left_as_text(site):
    """A list or a table without an empty line above it would become a paragraph."""
    left = [
        (page.name, text)
        for page in site.rglob("*.html")
        for text in read(page).paragraphs
        if re.search(r"\n(- |\d+\. |\|)|\*\*|```|\\\|", text)
    ]
    assert not left


def test_reference_is_whole(site):
    python = (site / "reference" / "python.html").read_text("utf-8")
    shown = re.findall(r'<h3 id="rheobase\.(\w+)"', python)
    assert sorted(shown) == sorted(rheobase.__all__)
    commands = (site / "reference" / "commands.html").read_text("utf-8")
    for name, command in get_command(app).commands.items():
        section = re.search(rf'<h3 id="{name}".*?(?=<h[23]|</article>)', commands, re.DOTALL)
        assert section, name
        forms_of = [form for one in command.params for form in (*one.opts, *one.secondary_opts)]
        options = {form for form in forms_of if form.startswith("-")}
        forms = " ".join(re.findall(r"<td><code>(-.*?)</code>", section[0]))
        shown = {*re.findall(r"(?<!\S)--?[\w-]+", forms)}
        assert shown == options - {"--help", "-h"}, name
