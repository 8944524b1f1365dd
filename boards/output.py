"""A build's folder: put in place whole, never over anything that is no build."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..golden.errors import RheobaseError
from ..golden.file import network_hash
from ..golden.network import Network
from ..hw.folding import Folding, LayerFolding
from ..hw.memory_shape import WeightMemory


def check_output(output: Path) -> None:
    """Raise ``RheobaseError`` unless ``output`` can become a build's folder.

    A folder that holds anything but a build is never replaced.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        foreign = output.exists() and not (
            output.is_dir() and (not any(output.iterdir()) or (output / "manifest.json").exists())
        )
    except OSError as error:
        raise RheobaseError(f"{output}: cannot be written ({error.strerror})") from error
    if foreign:
        raise RheobaseError(
            f"{output}: exists and is no build, accepted is a new folder or one of an earlier build"
        )


def put_in_place(work: Path, output: Path) -> None:
    """Make the folder ``work`` be ``output``, in place of an earlier build."""
    try:
        if output.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
            output.rename(old / "old")
            work.rename(output)
            shutil.rmtree(old)
        else:
            work.rename(output)
    except OSError as error:
        raise RheobaseError(f"{output}: cannot be written ({error.strerror})") from error


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def network_entries(network: Network, folding: Folding) -> dict[str, Any]:
    """What a manifest says of the network and of its folding."""
    return {
        "network": {
            "name": network.name,
            "sha256": network_hash(network),
            "coding": network.coding.value,
            "steps": network.steps,
        },
        "folding": [asdict(fold) for fold in folding],
    }


def built_folding(folder: Path) -> Folding:
    """The folding that the manifest of the build in ``folder`` names.

    Raises:
        RheobaseError: no manifest of a build there.
    """
    path = folder / "manifest.json"
    try:
        entries = json.loads(path.read_text())["folding"]
        return tuple(_layer_folding(entry) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RheobaseError(f"{path}: no manifest of a build ({error})") from error


def _layer_folding(entry: dict[str, Any]) -> LayerFolding:
    """Lists as tuples, the memory by its name."""
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in entry.items()}
    memory = fields["weight_memory"]
    return LayerFolding(**fields | {"weight_memory": memory and WeightMemory(memory)})
