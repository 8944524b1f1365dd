"""The tutorial and the guides do what they show, in one folder, one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import LEFT_OUT, blocks, compare, run_page

DOCS = Path(__file__).parents[2] / "docs"
#: The guides go on where the tutorial ends.
PAGES = [DOCS / "tutorial.md", *sorted((DOCS / "how-to").glob("*.md")), DOCS / "scripts.md"]


@pytest.mark.slow
def test_pages_do_what_they_show(tmp_path):
    for page in PAGES:
        run_page(page, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_run_or_says_why_not(page):
    text = page.read_text("utf-8")
    found = list(blocks(text))
    assert len(found) * 2 == sum(line.startswith("```") for line in text.splitlines())
    assert {block.language for block in found} <= {"sh", "python", "text", "verilog"}
    assert all(block.title for block in found if block.language == "verilog")
    assert "\n\n    rheobase" not in text  # an indented block would not be run
    assert text.count(f"\n{LEFT_OUT} ") <= sum(not block.runs for block in found)


def test_comparison():
    assert compare("a 10 of 0\n...\nend", "│ a  11 │ of 0\nb\nc\nend") is None
    assert compare("a 10", "a 14.9") is None
    assert compare("a 3", "a 4") == "not printed: a 3"
    assert compare("a 10", "a 15.1") == "not printed: a 10"
    assert compare("0 differ", "1 differ") == "not printed: 0 differ"
    assert compare("a\nc", "a\nb\nc") == "not printed: c"
    assert compare("a", "a\nb") == "not shown: b"
    assert compare("layer4", "layer5") == "not printed: layer4"
