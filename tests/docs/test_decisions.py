"""docs/decisions/README.md has every decision, by its number and title, with its status."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
ROW = re.compile(r"^\| (\d+) \| \[(.*)\]\((\S+\.md)\) \| (.*) \|$", re.MULTILINE)


def test_every_decision_stands_in_the_index() -> None:
    listed = {
        name: (int(number), title, status)
        for number, title, name, status in ROW.findall((FOLDER / "README.md").read_text())
    }
    files = sorted(path.name for path in FOLDER.glob("[0-9]*.md"))
    assert sorted(listed) == files
    for name in files:
        number, title, status = listed[name]
        assert name.startswith(f"{number:04d}-")
        assert (FOLDER / name).read_text().startswith(f"# {number}. {title}\n")
        assert re.fullmatch(r"in force|(partly: |superseded by ).*\[\d+\]\(\S+\).*", status), status
