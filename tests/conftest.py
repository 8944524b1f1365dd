"""What tests of several folders share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """torchvision's root folder with MNIST; skips where the data is not at hand."""
    root = SHARED / "data"
    if not (root / "MNIST" / "raw").is_dir():
        pytest.skip(f"MNIST is not under {root}")
    return root
