"""Finds the program that configures boards."""

from __future__ import annotations

import os
import shutil

from ...golden.errors import MachineError


def find_loader() -> str:
    """openFPGALoader (``$OPENFPGALOADER`` or on PATH).

    Raises:
        MachineError: it is absent.
    """
    wanted = os.environ.get("OPENFPGALOADER", "openFPGALoader")
    found = shutil.which(wanted)
    if found is None:
        raise MachineError(
            f"{wanted}: not found on PATH, install it (`apt-get install openfpgaloader`, or see "
            "https://trabucayre.github.io/openFPGALoader)"
        )
    return found
