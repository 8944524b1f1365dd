"""Makes tests/support importable, and keeps builds of all workers in one cache."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """torchvision's root folder with MNIST; skips where the data is not at hand."""
    root = SHARED / "data"
    if not (root / "MNIST" / "raw").is_dir():
        pytest.skip(f"MNIST is not under {root}")
    return root
