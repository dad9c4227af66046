"""Choices of single trials summed up in cells."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import column_or_1d

from neuroselect.behavior._psychometric import Cells


def check_choices(
    y: ArrayLike, sample_weight: ArrayLike | None, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return choices or shares, and weights, as floats of shape (n,)."""
    y = np.asarray(y)
    if y.dtype.kind in "USmM" or any(isinstance(value, str) for value in y.ravel()[:100]):
        raise ValueError(
            "Unknown label type: y must hold choices, 1 (accept) or 0 (reject), or shares of accept"
            f" choices from 0 to 1, got {str(y.ravel()[0])!r}. Code responses as 0 and 1."
        )
    y = column_or_1d(y, dtype=np.float64, warn=True)
    if len(y) != n:
        raise ValueError(f"X and y must be of the same length, got {n} and {len(y)}.")
    if not ((y >= 0) & (y <= 1)).all():
        wrong = y[~((y >= 0) & (y <= 1))][0]
        what = "Input y contains NaN or infinity: " if not np.isfinite(wrong) else ""
        raise ValueError(
            f"{what}y must hold choices, 1 (accept) or 0 (reject), or shares of accept choices"
            f" from 0 to 1, got {wrong:.6g}. Code responses as 0 and 1, and drop trials without"
            " one."
        )
    weight = np.ones(n) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n,) or not weight.any():
        raise ValueError(
            f"sample_weight must hold the number of trials of each of the {n} rows, not all of"
            f" them 0; got shape {weight.shape}."
        )
    return y, weight


def check_two_tasks(task: NDArray, weight: NDArray) -> tuple[NDArray, NDArray[np.intp]]:
    """Return the two codes of tasks, and which of them each trial has."""
    tasks = np.unique(task[weight > 0])
    if len(tasks) != 2:
        raise ValueError(
            f"The last column of X must hold two tasks, got {len(tasks)}: {tasks[:5].tolist()}."
            " A boundary needs trials of its task; leave out a subject with only one."
        )
    return tasks, np.searchsorted(tasks, task).clip(0, 1)


def as_cells(
    features: NDArray[np.float64], code: NDArray[np.intp], y: NDArray, weight: NDArray
) -> Cells:
    """Sum trials up over equal features, for each task: cells (2, n_cells, ...)."""
    parts = []
    for task in (0, 1):
        rows = (code == task) & (weight > 0)
        cell, which = np.unique(features[rows], axis=0, return_inverse=True)
        which = which.ravel()
        accepted = np.bincount(which, weight[rows] * y[rows], minlength=len(cell))
        parts.append(Cells(cell, accepted, np.bincount(which, weight[rows], minlength=len(cell))))
    return Cells(*(_padded(part) for part in zip(*parts, strict=True)))


def stack_cells(subjects: Sequence[Cells]) -> Cells:
    """Stack the cells of subjects, (2, n_cells, ...) each, on a first axis."""
    return Cells(
        *(
            np.swapaxes(_padded([np.swapaxes(cells, 0, 1) for cells in part]), 1, 2)
            for part in zip(*subjects, strict=True)
        )
    )


def _padded(arrays: Sequence[NDArray]) -> NDArray:
    """Stack arrays that differ in length, with zeros after the shorter ones."""
    longest = max(map(len, arrays))
    padding = [(0, 0)] * (arrays[0].ndim - 1)
    return np.stack([np.pad(a, [(0, longest - len(a)), *padding]) for a in arrays])
