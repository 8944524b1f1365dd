"""A build's folder: never over anything that is no build."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..golden.errors import SHOWN, RheobaseError, file_error, shortened
from ..golden.file import network_hash
from ..golden.network import Network
from ..golden.output_files import check_folder
from ..hw.folding import Folding, LayerFolding
from ..hw.memory_shape import WeightMemory
from .failure import FAILED


def check_output(output: Path) -> None:
    """Raise ``RheobaseError`` unless ``output`` can become a build's folder.

    A folder that holds anything but a build is never replaced.
    """
    check_folder(output)
    try:
        foreign = output.exists() and not (
            output.is_dir()
            and (
                {path.name for path in output.iterdir()} <= {FAILED}
                or (output / "manifest.json").exists()
            )
        )
    except OSError as error:
        raise file_error(output, "cannot be read", error) from error
    if foreign:
        raise RheobaseError(
            f"{output}: exists and is no build, accepted is a new folder or one of an earlier build"
        )


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
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = shortened(str(error), SHOWN)
        raise RheobaseError(f"{path}: no manifest of a build ({reason})") from error


def _layer_folding(entry: dict[str, Any]) -> LayerFolding:
    """Lists as tuples, the memory by its name."""
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in entry.items()}
    memory = fields["weight_memory"]
    return LayerFolding(**fields | {"weight_memory": memory and WeightMemory(memory)})
