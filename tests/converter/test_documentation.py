"""The examples of docs/converter.md run as they stand."""

import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "converter.md"


@pytest.mark.slow
def test_examples_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(examples) == 7
    names = {}
    for example in examples:
        exec(example, names)
    assert "boxes" in capsys.readouterr().out
