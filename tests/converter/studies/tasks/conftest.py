"""The models that tests of tasks convert."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.models.tasks import MODELS


@pytest.fixture
def models(tmp_path: Path) -> Path:
    path = tmp_path / "models.py"
    path.write_text(MODELS)
    return path
