"""Hands a bitstream to openFPGALoader."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ...golden.basics.programs import not_found, run_program
from ...golden.errors import RheobaseError, shown
from ..builds.output import read_manifest, sha256
from ..platforms.registry import FAMILY_TOOLS, BoardDescription, board


def find_bitstream(path: Path, name: str | None) -> tuple[Path, BoardDescription]:
    """The bitstream at ``path`` (a file, or a build's folder) and the board that it is for.

    Args:
        name: the board; where None, what the manifest beside the bitstream says.

    Raises:
        RheobaseError: no such file, another board's or a damaged bitstream, or no board is known.
    """
    folder = path if path.is_dir() else path.parent
    manifest = _manifest(folder / "manifest.json")
    built_for = manifest.get("board")
    if name is None and built_for is None:
        raise RheobaseError(f"{path}: no manifest.json beside it, --board is needed")
    target = board(name or built_for)
    if path.is_dir():
        path = path / f"rheobase.{FAMILY_TOOLS[target.family].bitstream}"
    if not path.is_file():
        raise RheobaseError(f"{path}: no such bitstream")
    expected = manifest.get("files", {}).get(path.name)
    if expected is not None:
        if built_for != target.id:
            raise RheobaseError(f"{path}: built for {shown(built_for)}, not for {target.id}")
        if sha256(path.read_bytes()) != expected:
            raise RheobaseError(f"{path}: damaged, its SHA-256 is not that of manifest.json")
    return path, target


def program(bitstream: Path, target: BoardDescription, *, flash: bool = False) -> None:
    """Configure ``target``: at once, or with ``flash`` from its flash memory at every start.

    Raises:
        MachineError: openFPGALoader is absent or fails.
    """
    command = [find_loader(), "-b", target.loader, *(["-f"] if flash else []), str(bitstream)]
    run_program(command, "openFPGALoader")


def find_loader() -> str:
    """openFPGALoader (``$OPENFPGALOADER`` or on PATH).

    Raises:
        MachineError: it is absent.
    """
    wanted = os.environ.get("OPENFPGALOADER", "openFPGALoader")
    found = shutil.which(wanted)
    if found is None:
        raise not_found(
            wanted,
            "`apt-get install openfpgaloader` (or see https://trabucayre.github.io/openFPGALoader)",
        )
    return found


def _manifest(path: Path) -> dict:
    """Content of a build's manifest; empty where there is none."""
    return read_manifest(path) if path.exists() else {}
