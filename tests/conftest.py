"""What tests of several folders share."""

import os
from pathlib import Path

import pytest

# Workers of pytest-xdist share the processors: torch's threads would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """torchvision's root folder with MNIST; skips where the data is not at hand."""
    root = SHARED / "data"
    if not (root / "MNIST" / "raw").is_dir():
        pytest.skip(f"MNIST is not under {root}")
    return root
