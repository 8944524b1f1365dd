"""Finds the program that configures boards."""

from __future__ import annotations

import os
import shutil

from ..golden.errors import RheobaseError


def find_loader() -> str:
    """openFPGALoader (``$OPENFPGALOADER`` or on PATH).

    Raises:
        RheobaseError: it is absent.
    """
    wanted = os.environ.get("OPENFPGALOADER", "openFPGALoader")
    found = shutil.which(wanted)
    if found is None:
        raise RheobaseError(
            f"{wanted}: not found on PATH, install it (`apt-get install openfpgaloader`, or see "
            "https://trabucayre.github.io/openFPGALoader)"
        )
    return found
