"""Python files that models are made in."""

import sys

import pytest

from rheobase.converter.data.model import load_model


@pytest.mark.parametrize("name", ["own_model", "json"])
def test_a_file_may_have_dataclasses(name, tmp_path):
    """Python looks for the module of a dataclass with written-out types among the imported ones.

    The second has the name of a module that is imported already.
    """
    file = tmp_path / f"{name}.py"
    file.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from torch import nn\n"
        "@dataclass(frozen=True)\n"
        "class Widths:\n"
        "    hidden: int = 3\n"
        "def model():\n"
        "    return nn.Sequential(nn.Linear(2, Widths().hidden), nn.ReLU())\n"
    )
    before = sys.modules.get(name)
    assert load_model(f"{file}:model")[0].out_features == 3
    assert sys.modules.get(name) is before
