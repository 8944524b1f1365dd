"""Numbers of NIR nodes, of NumPy or torch, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ....golden.errors import RheobaseError, shown


class Unsuitable(Exception):  # noqa: N818 - collected into one RheobaseError
    """A node that no network has: what it is, and what would be accepted."""


def per_channel(
    values: Any, shape: Sequence[int], map_shape: Sequence[int], field: str
) -> np.ndarray:
    """(channels,) of what the neurons of a map have, given in ``shape``, which may be flat."""
    whole = broadcast(values, shape, field).reshape(map_shape[0], -1)
    if np.any(whole != whole[:, :1]):
        raise Unsuitable(f"{field} that differs within a map", "one for each channel")
    return whole[:, 0]


def broadcast(values: Any, shape: Sequence[int], field: str) -> np.ndarray:
    found = finite(values, field)
    while found.ndim > len(shape) and found.shape[0] == 1:
        found = found[0]
    if found.shape == tuple(shape[:1]):
        found = found.reshape(-1, *[1] * (len(shape) - 1))
    try:
        return np.broadcast_to(found, tuple(shape)).copy()
    except ValueError:
        raise Unsuitable(
            f"{field} {extents(found.shape)} for neurons {extents(shape)}", "the same shape"
        ) from None


def per_map(values: np.ndarray, shape: Sequence[int]) -> Tensor:
    """(channels,) so that it broadcasts against a map of ``shape``."""
    return torch.from_numpy(values.reshape(-1, *[1] * (len(shape) - 1)))


def array(values: Any) -> np.ndarray:
    """Numbers of a node in float64: of NumPy, of torch, or one alone."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
    found = np.asarray(values)
    if found.dtype.kind not in "fiub":
        raise Unsuitable(f"values of type {found.dtype}", "numbers")
    return found.astype(np.float64)


def finite(values: Any, field: str) -> np.ndarray:
    found = array(values)
    if not np.all(np.isfinite(found)):
        raise Unsuitable(f"{field} that are not finite", "finite numbers")
    return found


def numbers(field: str, values: Any, count: int, *, least: int = 1) -> tuple[int, ...]:
    """``count`` integers, of which one may stand for all."""
    found = np.asarray(values).reshape(-1)
    if found.dtype.kind not in "iu" or len(found) not in (1, count) or np.any(found < least):
        raise Unsuitable(f"{field} {shown(values)}", f"{count} integers of at least {least}")
    return tuple(int(value) for value in np.broadcast_to(found, (count,)))


def checked_shape(name: str, values: Any) -> tuple[int, ...]:
    found = np.asarray(values).reshape(-1) if values is not None else np.zeros(0)
    if found.dtype.kind not in "iu" or not len(found) or np.any(found < 1):
        raise RheobaseError(
            f"NIR graph: {shown(name)} has shape {shown(values)}, must be positive integers"
        )
    return tuple(int(value) for value in found)


def extents(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"
