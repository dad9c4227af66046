"""Which phase trains which task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def read_matrix(matrix: ArrayLike) -> NDArray[np.float64]:
    """Return scores (..., n_phases, n_tasks)."""
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.ndim < 2 or 0 in matrix.shape:
        raise ValueError(
            "matrix must have shape (n_phases, n_tasks), or (n_networks, n_phases, n_tasks): scores"
            f" of every task after every phase; got shape {matrix.shape}."
        )
    if np.isinf(matrix).any():
        raise ValueError("matrix must hold scores, got infinite values.")
    return matrix


def read_order(order: Sequence[int] | None, n_phases: int, n_tasks: int) -> NDArray[np.int64]:
    """Return the task that each phase trains, as a column of the matrix."""
    if order is None:
        if n_phases != n_tasks:
            raise ValueError(
                f"order must be given where phases are not one per task in their order: there are"
                f" {n_phases} phases and {n_tasks} tasks. Name the column of the task that each"
                " phase trains, such as order=[0, 1, 0]."
            )
        return np.arange(n_tasks)
    order = np.asarray(order)
    whole = order.dtype.kind in "iu" and order.shape == (n_phases,)
    if not whole or not ((order >= 0) & (order < n_tasks)).all():
        raise ValueError(
            f"order must hold, for each of the {n_phases} phases, the column of the task that it"
            f" trains, from 0 to {n_tasks - 1}; got {order.tolist()}."
        )
    return order


def last_phases(order: NDArray, n_tasks: int) -> NDArray[np.int64]:
    """Last phase that trains each task; -1 where none does."""
    last = np.full(n_tasks, -1)
    last[order] = np.arange(len(order))  # of repeated ones the last assignment stays
    return last


def first_phases(order: NDArray, n_tasks: int) -> NDArray[np.int64]:
    """First phase that trains each task; -1 where none does."""
    first = np.full(n_tasks, -1)
    first[order[::-1]] = np.arange(len(order))[::-1]
    return first


def after(matrix: NDArray, phases: NDArray) -> NDArray[np.float64]:
    """Score of each task after a phase of its own, (..., n_tasks); NaN for phase -1."""
    scores = matrix[..., phases, np.arange(matrix.shape[-1])]
    return np.where(phases >= 0, scores, np.nan)
