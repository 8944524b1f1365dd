"""Files that people give as a model or its weights and that are something else, by name."""

from __future__ import annotations

import zipfile
from pathlib import Path

#: What files begin with.
_BEGINNINGS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file (git lfs pull fetches that)"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes it"),
    (b"<!DOCTYPE", "a web page in place of the file (the download failed)"),
    (b"<!doctype", "a web page in place of the file (the download failed)"),
    (b"<html", "a web page in place of the file (the download failed)"),
    (b"\x93NUMPY", "a NumPy array"),
)
#: What suffixes say.
_SUFFIXES = {
    ".onnx": "an ONNX file",
    ".h5": "an HDF5 file, as Keras writes it",
    ".hdf5": "an HDF5 file, as Keras writes it",
    ".keras": "a Keras file",
    ".pb": "a TensorFlow file",
    ".tflite": "a TensorFlow Lite file",
    ".pt2": "a file of torch.export",
    ".mlmodel": "a Core ML file",
    ".npz": "NumPy arrays",
}


def foreign_file(path: Path) -> str | None:
    """What ``path`` is, where it is no weights file of torch or safetensors; else None.

    The file need not exist; then its suffix decides.
    """
    if path.suffix.lower() in _SUFFIXES:
        return _SUFFIXES[path.suffix.lower()]
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "an empty file"
    for beginning, kind in _BEGINNINGS:
        if start.startswith(beginning):
            return kind
    if start.startswith(b"PK"):
        return _archive_kind(path)
    return None


def instead_of(path: Path) -> str:
    """How ``path``, given as a model, becomes a file that is taken; "" where nothing is known."""
    kind = foreign_file(path) or ""
    if "Keras" in kind:
        return f" (tf2onnx makes one: python -m tf2onnx.convert --keras {path} --output net.onnx)"
    if "TensorFlow Lite" in kind:
        return (
            f" (tf2onnx makes one: python -m tf2onnx.convert --tflite {path} --output model.onnx)"
        )
    if "TorchScript" in kind:
        return " (torch.onnx.export writes one of torch.jit.load(FILE), with dynamo=False)"
    return ""


def _archive_kind(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if any(name.endswith("/constants.pkl") for name in names):
        return (
            "a TorchScript file (in Python: torch.save(torch.jit.load(FILE).state_dict(), "
            "'weights.pth'))"
        )
    if any(name.endswith("serialized_exported_program.json") for name in names):
        return "a file of torch.export"
    if "model.weights.h5" in names:
        return "a Keras file"
    return None
