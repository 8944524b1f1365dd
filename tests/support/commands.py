"""The ``rheobase`` command in a process of its own, forked from one that has imported it all.

To import torch anew for every command takes longer than what most of them do.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
#: What commands import only when they need it; what is absent is passed over.
_IMPORTED = (
    "rheobase.cli",
    "rheobase.converter.conversion",
    "rheobase.converter.data.data",
    "rheobase.sim.comparison",
    "rheobase.boards.builds.bitstream",
    "rheobase.building.folding_plan",
    "sklearn.datasets",
)


def run_command(
    *arguments: object, cwd: Path, timeout: float = 300, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`rheobase` with ``arguments`` in the folder ``cwd``: its exit status and what it printed.

    Args:
        environment: variables beside this process's own.

    Raises:
        subprocess.TimeoutExpired: it took longer than ``timeout`` seconds.
    """
    words = ["rheobase", *map(str, arguments)]
    variables = {**os.environ, "COLUMNS": "100", **environment}
    _SERVER.set_forkserver_preload(list(_IMPORTED))
    with tempfile.TemporaryDirectory() as folder:
        printed = [Path(folder) / name for name in ("stdout", "stderr")]
        process = _SERVER.Process(target=_command, args=(words, cwd, variables, printed))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired(words, timeout)
        output, errors = (path.read_text() for path in printed)
        return subprocess.CompletedProcess(words, process.exitcode, output, errors)


def _command(words: list[str], cwd: Path, variables: dict[str, str], printed: list[Path]) -> None:
    os.chdir(cwd)
    for number, path in enumerate(printed, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = words
    sys.path.insert(0, "")

    from rheobase.cli import main

    main()
