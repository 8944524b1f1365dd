"""Verilog that ``generate`` or ``build`` wrote, read again with the folding that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...golden.basics.output_files import write_whole
from ...golden.errors import RheobaseError, file_error
from ...golden.files.file import network_hash
from ...golden.network.network import Network
from ...hw.design.folding import Folding, check_folding
from ...hw.verilog.generation import TOP, generate
from .memory_wrapper import WRAPPER
from .output import MANIFEST, manifest_folding, read_manifest, sha256, verilog_manifest

#: The accelerator's text in a build's folder.
ACCELERATOR = f"{TOP}.v"


@dataclass(frozen=True)
class BuiltVerilog:
    """An accelerator as it lies on disk.

    Attributes:
        path: its Verilog.
        text: of it, with the module of its memories where that has a file of its own.
        folding: from its manifest.
        memories: files that it reads.
    """

    path: Path
    text: str
    folding: Folding
    memories: tuple[Path, ...]


def manifest_beside(verilog: Path) -> Path:
    """Where ``generate`` writes the manifest of the file ``verilog``."""
    return verilog.with_name(f"{verilog.name}.json")


def write_verilog(network: Network, folding: Folding, output: Path) -> BuiltVerilog:
    """Write an accelerator as one Verilog file, and its manifest beside it.

    A device or a pipe gets no manifest.

    Raises:
        RheobaseError: a P or E out of range, or ``output`` cannot be written.
    """
    text = generate(network, folding)
    write_whole(output, text.encode())
    if output.is_file():
        manifest = verilog_manifest(network, folding, None, {output.name: text})
        write_whole(manifest_beside(output), manifest.encode())
    return BuiltVerilog(output, text, folding, ())


def read_built_verilog(path: Path, network: Network) -> BuiltVerilog:
    """What ``path`` holds: the folder of a build, or a Verilog file with its manifest.

    Raises:
        RheobaseError: there is no manifest, it is of another network, or a file is absent or not
            the one that was written.
    """
    if path.is_dir():
        verilog, manifest_path = path / ACCELERATOR, path / MANIFEST
    else:
        beside = manifest_beside(path)
        in_folder = path.name == ACCELERATOR and not beside.exists()
        verilog, manifest_path = path, path.with_name(MANIFEST) if in_folder else beside
    manifest = read_manifest(manifest_path)
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
        text="\n".join(text for name, text in texts.items() if not name.endswith(".hex")),
        folding=folding,
        memories=tuple(verilog.with_name(name) for name in texts if name.endswith(".hex")),
    )


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
