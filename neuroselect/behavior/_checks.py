"""Checks of choice matrices, shared by all functions of behaviour."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

N_TASKS = 2


def check_choice_matrices(matrices: ArrayLike) -> NDArray[np.float64]:
    """Return choice matrices as floats of shape (n_subjects, 2, n_levels, n_levels), checked.

    The matrices of one subject, (2, n_levels, n_levels), get a first axis of length 1.
    """
    m = np.asarray(matrices, dtype=np.float64)
    m = m[np.newaxis] if m.ndim == 3 else m
    if m.ndim != 4 or m.size == 0:
        raise ValueError(
            "choice matrices must have shape (n_subjects, n_tasks, n_levels, n_levels), or"
            f" (n_tasks, n_levels, n_levels) for one subject, got shape {np.shape(matrices)}."
        )
    if m.shape[1] != N_TASKS:
        raise ValueError(
            f"choice matrices must have two tasks, north first, got {m.shape[1]} (axis 1 of shape"
            f" {m.shape}): which feature is relevant is told apart by comparing two rules."
        )
    if m.shape[2] != m.shape[3] or m.shape[2] < 2:
        raise ValueError(
            "choice matrices must be square with at least 2 levels: the levels of the two"
            f" features form a grid of n_levels x n_levels, got {m.shape[2]} x {m.shape[3]}."
        )
    _check_shares(m)
    return m


def as_groups(matrices: ArrayLike | Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    """Return checked choice matrices by the name of the group; "" for an array of one group."""
    named = matrices if isinstance(matrices, Mapping) else {"": matrices}
    groups = {str(name): check_choice_matrices(group) for name, group in named.items()}
    if len({group.shape[1:] for group in groups.values()}) != 1:
        raise ValueError(
            "choice matrices of the groups must have the same number of levels, got shapes"
            f" {[group.shape for group in groups.values()]}."
        )
    return groups


def _check_shares(m: NDArray[np.float64]) -> None:
    bad = ~((m >= 0) & (m <= 1))
    if not bad.any():
        return
    subject, task, row, column = np.argwhere(bad)[0]
    value = m[subject, task, row, column]
    where = f"subject {subject}, task {task}, cell ({row}, {column})"
    if np.isnan(value):
        raise ValueError(
            f"choice matrices have {np.isnan(m).sum()} empty cell(s) (NaN), the first at {where}."
            " Leave the subject out, or merge levels."
        )
    raise ValueError(
        f"choice matrices must hold shares of accept choices from 0 to 1, got {value:.6g} at"
        f" {where}. Divide counts by the trials of a cell; pass a network's output through a"
        " sigmoid."
    )


def signed_levels(n_levels: int) -> NDArray[np.float64]:
    """-1 below the middle of the levels, 0 in the middle, 1 above."""
    return np.sign(np.arange(n_levels) - (n_levels - 1) / 2)


def relevant_first(m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn the second task's grid, so that the relevant feature is on axis 2 in both tasks."""
    return np.stack([m[:, 0], m[:, 1].swapaxes(1, 2)], axis=1)
