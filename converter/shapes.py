"""Map sizes between blocks."""

from __future__ import annotations

from .blocks import Block


def output_shape(block: Block, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """(channels, rows, columns) after ``block`` for an input of ``shape``."""
    top, left, bottom, right = block.padding
    rows = (shape[1] + top + bottom - block.weight.shape[2]) // block.stride[0] + 1
    columns = (shape[2] + left + right - block.weight.shape[3]) // block.stride[1] + 1
    if block.pool is not None:
        pool = block.pool
        rows = (rows + 2 * pool.padding[0] - pool.kernel[0]) // pool.stride[0] + 1
        columns = (columns + 2 * pool.padding[1] - pool.kernel[1]) // pool.stride[1] + 1
    return (block.weight.shape[0], rows, columns)
