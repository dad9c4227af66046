"""Work on data in blocks of rows, so that what is larger than memory can be read."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK_BYTES = 32 * 2**20


def row_blocks(shape: tuple[int, ...], chunk_bytes: int) -> Iterator[slice]:
    """Cut the first axis into slices of about `chunk_bytes` in float64; one row is the least."""
    if not isinstance(chunk_bytes, numbers.Real) or not chunk_bytes > 0:
        raise ValueError(f"chunk_bytes must be a number of bytes > 0, got {chunk_bytes!r}.")
    step = max(1, int(chunk_bytes // (8 * math.prod(shape[1:]))))
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


def read_block(data: Any, *index: slice) -> NDArray:
    """Return a part of the data in memory; of a memory map a copy, read from start to end."""
    block = data[index]
    return np.array(block) if isinstance(block, np.memmap) else np.asarray(block)


def unit_blocks(shape: tuple[int, int, int], chunk_bytes: int) -> Iterator[slice]:
    """Cut the last axis, the units, in the same way."""
    return row_blocks((shape[2], *shape[:2]), chunk_bytes)


def take_rows(
    data: Any, rows: NDArray[np.int64], inner: tuple, chunk_bytes: int = CHUNK_BYTES
) -> NDArray:
    """Return ``data[rows]`` with `inner` (one slice or index array per further axis) of each row.

    Arrays in memory are indexed at once, as views where the index is a slice. What is only read
    by slices is read in blocks of rows, those without a wanted row not at all.
    """
    if isinstance(data, np.ndarray):
        return _index(data, (rows, *inner))
    taken = None
    for block in row_blocks(data.shape, chunk_bytes):
        wanted = np.flatnonzero((rows >= block.start) & (rows < block.stop))
        if len(wanted):
            piece = _index(np.asarray(data[block]), (rows[wanted] - block.start, *inner))
            if taken is None:
                taken = np.empty((len(rows), *piece.shape[1:]), dtype=piece.dtype)
            taken[wanted] = piece
    return taken


def _index(array: NDArray, index: tuple) -> NDArray:
    """Index every axis by itself, slices first, so that no more than the result is copied."""
    index = tuple(i if isinstance(i, slice) else as_slice(i) for i in index)
    array = array[tuple(i if isinstance(i, slice) else slice(None) for i in index)]
    lists = [
        np.arange(size) if isinstance(i, slice) else i
        for i, size in zip(index, array.shape, strict=True)
    ]
    return array if all(isinstance(i, slice) for i in index) else array[np.ix_(*lists)]


def as_slice(index: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Return consecutive positions as a slice, others as they are."""
    if len(index) and (np.diff(index) == 1).all():
        return slice(int(index[0]), int(index[-1]) + 1)
    return index
