"""A build that came to no bitstream: by how much it missed, and its reports."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from ...golden.errors import MachineError, RheobaseError, file_error
from .reports import Usage

#: Folder of a build's folder that keeps the reports of attempts without a bitstream, by number.
FAILED = "failed"


class BuildError(RheobaseError):
    """The tools made no bitstream of a design, or one that is too slow.

    Attributes:
        usage: cells that the design wants, of those of the device; empty where nobody counted them.
        too_slow: it was placed and routed, and misses its clock.
    """

    def __init__(self, message: str, usage: Mapping[str, Usage], *, too_slow: bool = False):
        super().__init__(message)
        self.usage = dict(usage)
        self.too_slow = too_slow
        short = any(cells.used > cells.available for cells in usage.values())
        # It asks for too much; or a tool failed, whatever of.
        self.status = RheobaseError.status if too_slow or short else MachineError.status

    def with_reports(self, folder: Path) -> BuildError:
        """The same, whose message names where the reports are."""
        return BuildError(f"{self}; reports in {folder}", self.usage, too_slow=self.too_slow)


def missed_by(usage: Mapping[str, Usage]) -> str:
    """Text such as "5,304 of 5,280 LUT4 (24 over)": of kinds that are short, else of all."""
    short = {kind: cells for kind, cells in usage.items() if cells.used > cells.available}
    return ", ".join(
        f"{cells.used:,} of {cells.available:,} {kind}"
        + (f" ({cells.used - cells.available:,} over)" if kind in short else "")
        for kind, cells in (short or usage).items()
    )


def keep_reports(work: Path, output: Path, attempt: int, reports: Mapping[str, str]) -> Path:
    """Copy ``reports`` (name in ``work``: name to keep) to the attempt's folder; gives it.

    Those of earlier builds leave with the first attempt.
    """
    folder = output / FAILED / str(attempt)
    try:
        if attempt == 1:
            shutil.rmtree(output / FAILED, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        for name, kept in reports.items():
            if (work / name).exists():
                shutil.copyfile(work / name, folder / Path(kept).name)
    except OSError as error:
        raise file_error(folder, "cannot be written", error) from error
    return folder
