"""Choice matrices from single trials, and their alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.behavior._checks import N_TASKS, check_choice_matrices

if TYPE_CHECKING:
    import pandas as pd


def choice_matrices(
    trials: pd.DataFrame,
    features: Sequence[str] = ("leafiness", "branchiness"),
    *,
    task: str = "task",
    subject: str | None = "subject",
    choice: str = "choice",
    return_counts: bool = False,
) -> NDArray[np.float64] | tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Share of accept choices of each subject in each task and cell of the grid of levels.

    Parameters
    ----------
    trials : DataFrame
        One row per trial.
    features : sequence of two str, default=("leafiness", "branchiness")
        Columns of the features' levels. The first becomes the first axis of the grid, which
        must be the feature that is relevant in the first task.
    task : str, default="task"
        Column of the tasks; the two values are sorted.
    subject : str or None, default="subject"
        Column of the subjects, who are sorted; None for the trials of one subject.
    choice : str, default="choice"
        Column of the choices: 1 accept, 0 reject.
    return_counts : bool, default=False
        Also return the number of trials of each cell.

    Returns
    -------
    matrices : ndarray of shape (n_subjects, 2, n_levels, n_levels)
        Shares of accept choices.
    counts : ndarray of shape (n_subjects, 2, n_levels, n_levels)
        Only with ``return_counts=True``.

    Raises
    ------
    ValueError
        If columns are missing, choices are not 0 or 1, a subject has one task only, the levels
        of the features do not form a grid, or a cell has no trial.

    See Also
    --------
    align_choices : Turn features so that rewards rise with their levels.
    neuroselect.datasets.fetch_flesch2022_choices : Trials of this form.

    Examples
    --------
    >>> import pandas as pd
    >>> from neuroselect.behavior import choice_matrices
    >>> trials = pd.DataFrame({"task": [0, 0, 0, 0, 1, 1, 1, 1], "leafiness": [1, 1, 2, 2] * 2,
    ...                        "branchiness": [1, 2] * 4, "choice": [0, 0, 1, 1, 0, 1, 0, 1]})
    >>> choice_matrices(trials, subject=None)
    array([[[[0., 0.],
             [1., 1.]],
    <BLANKLINE>
            [[0., 1.],
             [0., 1.]]]])
    """
    features = list(features)
    _check_columns(trials, features, task, subject, choice)
    choices = _binary(trials[choice], choice)
    names = [_levels(trials[name], name) for name in features]
    _check_grid(features, names, len(trials))
    subjects, who = _codes(trials[subject] if subject is not None else np.zeros(len(trials)))
    tasks, which = _codes(trials[task])
    if len(tasks) != N_TASKS:
        raise ValueError(f"The column {task!r} must hold two tasks, got {tasks.tolist()}.")
    shape = (len(subjects), N_TASKS, len(names[0][0]), len(names[1][0]))
    cell = np.ravel_multi_index((who, which, names[0][1], names[1][1]), shape)
    counts = np.bincount(cell, minlength=np.prod(shape)).reshape(shape)
    accepted = np.bincount(cell, choices, minlength=np.prod(shape)).reshape(shape)
    _check_filled(counts, subjects, tasks, features, names)
    return (accepted / counts, counts) if return_counts else accepted / counts


def align_choices(
    matrices: ArrayLike, turned: ArrayLike, *, relevant: Sequence[int] = (0, 1)
) -> NDArray[np.float64]:
    """Turn features round, so that rewards rise with levels in both tasks of every subject.

    Parameters
    ----------
    matrices : array-like of shape (n_subjects, 2, n_levels, n_levels)
        Shares of accept choices by levels as they were shown; or numbers of trials of the cells.
    turned : array-like of bool of shape (n_subjects, 2) or (2,)
        Whether the reward falls with the level of the feature on the first, and on the second
        axis of the grid; for all subjects, or for each of them.
    relevant : sequence of two int, default=(0, 1)
        Axis of the grid whose feature is relevant in the first and in the second task; (1, 0)
        swaps the axes.

    Returns
    -------
    aligned : ndarray of shape (n_subjects, 2, n_levels, n_levels)
        In the frame that all functions of this module expect.

    Raises
    ------
    ValueError
        If shapes do not belong together, or `relevant` is neither (0, 1) nor (1, 0).

    Examples
    --------
    >>> from neuroselect.behavior import align_choices
    >>> align_choices([[[[1.0, 1.0], [0.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]]], [True, False])
    array([[[[0., 0.],
             [1., 1.]],
    <BLANKLINE>
            [[0., 1.],
             [0., 1.]]]])
    """
    m = np.asarray(matrices, dtype=np.float64)
    check_choice_matrices(m / max(m.max(initial=0), 1) if m.size and m.min() >= 0 else m)
    m = m[np.newaxis] if m.ndim == 3 else m
    turned = np.asarray(turned)
    if turned.shape not in ((2,), (len(m), 2)) or not np.isin(turned, (0, 1)).all():
        raise ValueError(
            "turned must hold True or False for each feature, shape (2,), or for each of the"
            f" {len(m)} subjects and feature, ({len(m)}, 2); got shape {turned.shape}."
        )
    if sorted(relevant) != [0, 1]:
        raise ValueError(f"relevant must be (0, 1) or (1, 0), got {tuple(relevant)}.")
    turned = np.broadcast_to(turned.astype(bool), (len(m), 2))[:, :, None, None, None]
    m = np.where(turned[:, 0], m[:, :, ::-1], m)
    m = np.where(turned[:, 1], m[..., ::-1], m)
    return m if tuple(relevant) == (0, 1) else m.swapaxes(2, 3)


def _check_columns(trials, features, task, subject, choice) -> None:
    if len(features) != 2 or features[0] == features[1]:
        raise ValueError(f"features must name two different columns of trials, got {features}.")
    needed = [*features, task, choice, *([subject] if subject is not None else [])]
    missing = [name for name in needed if name not in trials.columns]
    if missing:
        raise ValueError(f"trials lacks the columns {missing}; it has {list(trials.columns)}.")
    if not len(trials):
        raise ValueError("trials has no rows.")
    empty = [name for name in needed if trials[name].isna().any()]
    if empty:
        raise ValueError(
            f"trials has missing values in {empty}. Drop these trials, such as those without a"
            " response, first: trials.dropna(subset=...)."
        )


def _binary(column, name) -> NDArray[np.float64]:
    values = column.to_numpy()
    wrong = ~np.isin(values, (0, 1))
    if wrong.any():
        raise ValueError(
            f"The column {name!r} must hold choices, 1 (accept) or 0 (reject), got"
            f" {values[wrong][0]!r} in row {np.flatnonzero(wrong)[0]}. Code responses as 0 and 1,"
            " and drop trials without one."
        )
    return values.astype(np.float64)


def _codes(values) -> tuple[NDArray, NDArray[np.intp]]:
    return np.unique(np.asarray(values), return_inverse=True)


def _levels(column, name) -> tuple[NDArray, NDArray[np.intp]]:
    if column.dtype.kind not in "iufb":
        raise ValueError(f"The feature {name!r} of trials must hold numbers, got {column.dtype}.")
    return _codes(column.to_numpy())


def _check_grid(features, names, n_trials) -> None:
    n_levels = [len(levels) for levels, _ in names]
    if n_levels[0] != n_levels[1] or n_levels[0] < 2 or n_levels[0] ** 2 > n_trials:
        raise ValueError(
            "The levels of the features must form a grid, equally many (2 or more) of each and"
            f" every combination shown; got {n_levels[0]} levels of {features[0]!r} and"
            f" {n_levels[1]} of {features[1]!r} in {n_trials} trials. Bin continuous features"
            " first, for example with pandas.cut."
        )


def _check_filled(counts, subjects, tasks, features, names) -> None:
    untrained = np.argwhere(counts.sum(axis=(2, 3)) == 0)
    if len(untrained):
        subject, task = untrained[0]
        raise ValueError(
            f"Subject {subjects[subject]} has trials of one task only: none of task"
            f" {tasks[task]}. Choice matrices need both tasks; leave this subject out."
        )
    empty = np.argwhere(counts == 0)
    if len(empty):
        subject, task, *cell = empty[0]
        at = " and ".join(
            f"{name} {levels[k]}"
            for name, (levels, _), k in zip(features, names, cell, strict=True)
        )
        raise ValueError(
            f"{len(empty)} cell(s) of the grid have no trial, the first at subject"
            f" {subjects[subject]}, task {tasks[task]}, {at}. Merge levels, or leave the"
            " subject out."
        )
