"""The notebooks of `examples/` run from top to bottom, and show tables and figures."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
#: Tables and figures that each of them shows.
SHOWN = {"own_cnn": ("text/html", 5), "ablation": ("image/png", 2)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["own_cnn", "ablation"])
def test_notebook(name, tmp_path):
    path = tmp_path / f"{name}.ipynb"
    shutil.copy(EXAMPLES / path.name, path)
    options = ["-q", "-p", "no:cacheprovider", "--nbmake", "--overwrite", "--nbmake-timeout=600"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, path.name],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    kind, count = SHOWN[name]
    outputs = [
        output
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    found = [output for output in outputs if kind in output.get("data", {})]
    assert len(found) == count
    # Bars are drawn on standard error: they have ended.
    bars = "".join(output.text for output in outputs if output.get("name") == "stderr")
    begun = {line.partition(":")[0] for line in re.split(r"[\r\n]", bars) if line.strip()}
    assert begun and begun == set(re.findall(r"(\w+): 100%", bars))


@pytest.mark.parametrize("name", SHOWN)
def test_notebooks_hold_no_outputs(name):
    """Decision 182 says why."""
    cells = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4).cells
    assert all(not cell.get("outputs") for cell in cells)
    assert {path.stem for path in EXAMPLES.glob("*.ipynb")} == {*SHOWN}
