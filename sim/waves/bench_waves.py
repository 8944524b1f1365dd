"""Waveforms of components under test, for whoever sets ``RHEOBASE_WAVES``."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ...golden.basics.output_files import make_folder
from ..tools.cache import content_key
from .wave_format import WaveFormat, has_compression

#: Environment variable with the folder for them; without it none are written.
FOLDER = "RHEOBASE_WAVES"
# What pytest says which test is running.
_CURRENT_TEST = "PYTEST_CURRENT_TEST"


def bench_waves(
    component: str, *parameters: str, wave_format: WaveFormat | None = None
) -> Path | None:
    """File for the waveforms of ``component``, if they are wanted.

    It is named after the test and the component; a hash tells the runs of one test apart.

    Args:
        parameters: of the run.
        wave_format: FST where None, if the compiler finds what compresses it, else VCD.
    """
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    make_folder(Path(folder))
    ending = wave_format or (WaveFormat.FST if has_compression() else WaveFormat.VCD)
    test = os.environ.get(_CURRENT_TEST, "").rpartition("/")[2].removesuffix(" (call)")
    name = f"{test}-{component}-{content_key(parameters)[:8]}"
    return Path(folder).resolve() / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name).strip('-')}.{ending}"
