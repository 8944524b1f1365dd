"""Geometries of windows that come whole."""

from __future__ import annotations

from rheobase.hw.design.geometry import WindowGeometry
from rheobase.hw.design.sliding import SlidingGeometry


def sliding_geometry(
    *,
    kernel: tuple[int, int],
    channels: int,
    planes: int,
    steps: int,
    planes_of_step: int,
    kept: range | None = None,
    size: tuple[int, int] = (6, 7),
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    pool: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    whole_outputs: bool = True,
) -> SlidingGeometry:
    """Of a map of ``size`` with as much padding on all sides; a pool that is as wide as its stride.

    ``whole_outputs``: pooled outputs with fewer windows than others are left out.
    """
    offsets = tuple(
        tuple(range(0, kernel[axis] * dilation[axis], dilation[axis])) for axis in range(2)
    )
    conv = tuple(
        (size[axis] + 2 * padding[axis] - max(offsets[axis]) - 1) // stride[axis] + 1
        for axis in range(2)
    )
    output = tuple(
        conv[axis] // pool[axis] if whole_outputs else -(-conv[axis] // pool[axis])
        for axis in range(2)
    )
    geometry = WindowGeometry(
        channels=channels,
        rows=size[0],
        columns=size[1],
        kernel=kernel,
        stride=stride,
        origin=(-padding[0], -padding[1]),
        pool_kernel=pool,
        pool_stride=pool,
        pool_padding=(0, 0),
        conv=conv,
        output=output,
        planes=planes,
        steps=steps * planes_of_step,
        spare_rows=1,
        offsets=offsets,
        step_planes=planes_of_step,
    )
    kept = range(channels) if kept is None else kept
    return SlidingGeometry(geometry, kept.start, len(kept))
