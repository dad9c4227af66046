"""Tasks of trials, however they are given."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESERVED = ("silent", "mixed", "selective", "all")


def task_names(tasks: ArrayLike) -> NDArray[np.str_]:
    """Names of the tasks, beside which classes of units can stand as labels."""
    names = np.asarray(tasks).astype(str)
    clashes = [name for name in RESERVED if name in names]
    if clashes:
        raise ValueError(
            f"A task cannot be called {' or '.join(map(repr, clashes))}: the words"
            f" {list(RESERVED)} stand for classes of units. Rename the task."
        )
    return names


def read_task(X, task) -> tuple[NDArray, int | None]:
    """Return the task of each row of X, and the column of X that holds it, if one does.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n_trials, n_columns)
    task : None, int, str or array-like of shape (n_trials,)
        None: all trials belong to task 0.
    """
    if task is None:
        return np.zeros(len(X), dtype=np.int64), None
    if not isinstance(task, (str, Integral)):
        return check_task(task, len(X), "task"), None
    column = column_position(X, task)
    codes = X.iloc[:, column] if hasattr(X, "iloc") else X[:, column]
    return check_task(codes, len(X), f"The column task={task!r}"), column


def check_task(codes: ArrayLike, n_trials: int, name: str) -> NDArray:
    """Return task codes (n_trials,) as integers where they are whole, else as floats or str."""
    codes = np.asarray(codes)
    if codes.shape != (n_trials,):
        raise ValueError(
            f"{name} must have shape (n_trials,) = ({n_trials},), one task for each trial; got"
            f" shape {codes.shape}."
        )
    if codes.dtype.kind not in "biuf":
        # By their text, since pandas.NA is neither equal nor unequal to itself.
        missing = sum(code is None or str(code == code) != "True" for code in codes.tolist())
        codes = codes.astype(str)
    else:
        missing = np.sum(~np.isfinite(codes))
        whole = codes.dtype.kind != "b" and not missing and np.all(codes == np.round(codes))
        codes = codes.astype(np.int64) if whole else codes
    if missing:
        raise ValueError(
            f"{name} holds {missing} missing values. Every trial needs a task: fill them in, or"
            " drop these trials."
        )
    n_tasks = len(np.unique(codes))
    if n_tasks > max(2, n_trials / 2):
        raise ValueError(
            f"{name} holds {n_tasks} different values in {n_trials} trials and looks continuous,"
            " not like task codes. Give one code for each trial, shared by the trials of a task."
        )
    return codes


def read_condition(condition, n_trials) -> NDArray[np.int64]:
    """Return the condition of each trial, counted from 0; all in one if there are none."""
    if condition is None:
        return np.zeros(n_trials, dtype=np.int64)
    condition = np.asarray(condition)
    if condition.shape != (n_trials,):
        raise ValueError(
            f"condition must have shape (n_trials,) = ({n_trials},), one for each trial, got"
            f" shape {condition.shape}."
        )
    return np.unique(condition, return_inverse=True)[1]


def column_position(X, task) -> int:
    """Position of a column of X, counted from 0."""
    if isinstance(task, str):
        names = list(getattr(X, "columns", []))
        if task not in names:
            known = f"one of {names}" if names else "X to be a DataFrame (it has no column names)"
            raise ValueError(f"task={task!r} is not a column of X. Expected {known}.")
        return names.index(task)
    n_columns = X.shape[1]
    if not -n_columns <= task < n_columns:
        raise ValueError(
            f"task={task} is not a column of X, which has {n_columns}. Expected an integer from"
            f" {-n_columns} to {n_columns - 1}, a column's name, or the task of each trial."
        )
    return int(task) % n_columns
