"""Verilog that ``generate`` or ``build`` wrote, read again with the folding that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...golden.basics.output_files import write_whole
from ...golden.errors import RheobaseError, file_error
from ...golden.files.file import network_hash
from ...golden.network.network import Network
from ...hw.design.folding import Folding, check_folding
from ...hw.verilog.generation import TOP, generate
from ...hw.verilog.module_names import check_module_name, with_module_name
from .edges import EDGES
from .interfaces import Interface
from .memory_wrapper import WRAPPER
from .output import MANIFEST, manifest_folding, read_manifest, sha256, verilog_manifest


@dataclass(frozen=True)
class BuiltVerilog:
    """An accelerator as it lies on disk.

    Attributes:
        path: its Verilog.
        text: of it, with the module of its memories where that has a file of its own; its top
            module is ``accelerator``, whatever it is called on disk.
        folding: from its manifest.
        memories: files that it reads.
        manifest: that it was read with; None of what was written now.
    """

    path: Path
    text: str
    folding: Folding
    memories: tuple[Path, ...]
    manifest: dict[str, Any] | None = None


def manifest_beside(verilog: Path) -> Path:
    """Where ``generate`` writes the manifest of the file ``verilog``."""
    return verilog.with_name(f"{verilog.name}.json")


def write_verilog(
    network: Network,
    folding: Folding,
    output: Path,
    *,
    name: str = TOP,
    interface: Interface = Interface.STREAM,
) -> BuiltVerilog:
    """Write an accelerator as one Verilog file, and its manifest beside it.

    A device or a pipe gets no manifest.

    Args:
        name: of the accelerator's module.
        interface: what a module around the accelerator has at its edge, if any.

    Raises:
        RheobaseError: a P or E out of range, a name that no module can have, or ``output`` cannot
            be written.
    """
    check_module_name(name)
    text = generate(network, folding)
    if interface in EDGES:
        text += EDGES[interface](network)
    text = with_module_name(text, name)
    write_whole(output, text.encode())
    if output.is_file():
        manifest = verilog_manifest(network, folding, None, {output.name: text}, name)
        write_whole(manifest_beside(output), manifest.encode())
    return BuiltVerilog(output, with_module_name(text, TOP, name), folding, ())


def read_built_verilog(path: Path, network: Network) -> BuiltVerilog:
    """What ``path`` holds: the folder of a build, or a Verilog file with its manifest.

    Raises:
        RheobaseError: there is no manifest, it is of another network, or a file is absent or not
            the one that was written.
    """
    manifest_path = _manifest_of(path)
    manifest = read_manifest(manifest_path)
    top = _top(manifest, manifest_path)
    verilog = path / f"{top}.v" if path.is_dir() else path
    entry, hashes = manifest.get("network"), manifest.get("files")
    if not isinstance(entry, dict) or not isinstance(hashes, dict):
        raise RheobaseError(f"{manifest_path}: no manifest of a build (no network, or no files)")
    if entry.get("sha256") != network_hash(network):
        raise RheobaseError(
            f"{verilog}: made of another network than {network.name!r} (says {manifest_path.name})"
        )
    folding = manifest_folding(manifest_path)
    try:
        check_folding(network, folding)
    except (RheobaseError, TypeError, ValueError) as error:
        raise RheobaseError(f"{manifest_path}: {error}") from error
    used = [verilog.name]
    used += [name for name in hashes if name == f"{WRAPPER}.v" or Path(name).suffix == ".hex"]
    texts = {name: _checked_text(verilog.with_name(name), name, hashes) for name in used}
    return BuiltVerilog(
        path=verilog,
        text=with_module_name(
            "\n".join(text for name, text in texts.items() if not name.endswith(".hex")), TOP, top
        ),
        folding=folding,
        memories=tuple(verilog.with_name(name) for name in texts if name.endswith(".hex")),
        manifest=manifest,
    )


def _manifest_of(path: Path) -> Path:
    """Where the manifest of a build's folder or of a Verilog file is."""
    if path.is_dir():
        return path / MANIFEST
    beside, in_folder = manifest_beside(path), path.with_name(MANIFEST)
    return in_folder if in_folder.exists() and not beside.exists() else beside


def _top(manifest: Mapping[str, object], path: Path) -> str:
    """The accelerator's module; builds of earlier versions do not say it."""
    name = manifest.get("top", TOP)
    if not isinstance(name, str):
        raise RheobaseError(f"{path}: no manifest of a build (its top is no name)")
    return check_module_name(name)


def _checked_text(path: Path, name: str, hashes: Mapping[str, object]) -> str:
    """Text of ``path``, whose hash is the one that was written down."""
    if Path(name).name != name:
        raise RheobaseError(f"{path}: must be a file of the build's own folder")
    try:
        content = path.read_bytes()
        text = content.decode()
    except OSError as error:
        raise file_error(path, "cannot be read", error) from error
    except UnicodeDecodeError as error:
        raise RheobaseError(f"{path}: no text") from error
    if sha256(content) != hashes.get(name):
        raise RheobaseError(
            f"{path}: changed since it was written, must be the file that its manifest names"
        )
    return text
