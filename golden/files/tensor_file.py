"""Files of tensors with texts beside them: safetensors, the same bytes for the same content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..errors import RheobaseError, file_error

#: A file larger than this is refused before it is read.
MAX_FILE_BYTES = 2**31


def tensor_file_bytes(tensors: Mapping[str, np.ndarray], metadata: dict[str, str]) -> bytes:
    """The content of a file."""
    ordered = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    return _with_sorted_header(save(ordered, metadata=metadata))


def file_content(path: Path, what: str) -> bytes:
    """The bytes of ``path``.

    Raises:
        RheobaseError: it cannot be read, or is larger than a file that is ``what``.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RheobaseError(f"{path}: larger than {MAX_FILE_BYTES} bytes, no {what}")
        return path.read_bytes()
    except OSError as error:
        raise file_error(path, "cannot be read", error) from error


def parsed_tensor_file(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Metadata and tensors of a file's ``content``.

    Raises:
        RheobaseError: it is damaged, or no such file.
    """
    try:
        length = int.from_bytes(content[:8], "little")
        # The metadata may be null, which safetensors takes for none.
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__") or {}
        return metadata, load(content)
    except (SafetensorError, ValueError, AttributeError, TypeError, KeyError, RecursionError):
        raise RheobaseError("not a safetensors file, or a damaged one") from None


def _with_sorted_header(content: bytes) -> bytes:
    """``content`` with its header's keys sorted: safetensors keeps no order of the metadata."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]
