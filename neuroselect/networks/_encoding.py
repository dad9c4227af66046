"""From the user's X and y to the trials that the engine trains on."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from neuroselect.utils._sklearn import check_feature_names, check_n_features

FLOATS = (np.float64, np.float32)


def encode_stimuli(estimator, X, *, reset: bool):
    """Validate X and split it into stimuli and task codes.

    Sets ``n_features_in_`` and ``feature_names_in_`` if ``reset``, checks X against them
    otherwise.

    Returns
    -------
    stimuli : ndarray of shape (n_trials, n_features), float64 or float32
    codes : ndarray of shape (n_trials,) or None
        None if the estimator's ``task_column`` is None.
    """
    column = estimator.task_column
    if column is None:
        return validate_data(estimator, X, dtype=FLOATS, reset=reset), None
    position = _column_position(X, column)
    if not _holds_names(X, position):
        X = validate_data(estimator, X, dtype=FLOATS, reset=reset, ensure_min_features=2)
        return np.delete(X, position, axis=1), _tidy_codes(X[:, position])
    check_feature_names(estimator, X, reset=reset)
    check_n_features(estimator, X, reset=reset)
    rest = [k for k in range(X.shape[1]) if k != position]
    codes, stimuli = (X.iloc[:, c] if hasattr(X, "iloc") else X[:, c] for c in (position, rest))
    stimuli = check_array(stimuli, dtype=FLOATS, estimator=estimator, input_name="X")
    return stimuli, _named_codes(codes, column)


def _column_position(X, column) -> int:
    """Position of the task column, counted from 0."""
    if isinstance(column, str):
        names = list(getattr(X, "columns", []))
        if not names:
            raise ValueError(
                f"task_column={column!r} is a name, but X has no column names. Pass X as a"
                " DataFrame, or task_column as an integer position."
            )
        if column not in names:
            raise ValueError(
                f"task_column={column!r} is not a column of X. Expected one of {names}."
            )
        return names.index(column)
    shape = np.shape(X)
    n_columns = shape[1] if len(shape) == 2 else 1
    if len(shape) == 2 and not -n_columns <= column < n_columns:
        raise ValueError(
            f"task_column={column} does not exist: X has {n_columns} columns. Expected an"
            f" integer from {-n_columns} to {n_columns - 1}, a name, or None for one task."
        )
    return column % n_columns


def _holds_names(X, position) -> bool:
    """Whether the task column must be read apart from the numbers beside it."""
    if hasattr(X, "iloc"):
        dtype = X.dtypes.iloc[position]
        return not (isinstance(dtype, np.dtype) and dtype.kind in "iufb")
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and len(X):
        return isinstance(X[0, position], str)
    return False


def _named_codes(codes, column):
    codes = np.asarray(codes)
    if codes.dtype.kind in "iuf" and np.isfinite(codes).all():  # categories of numbers
        return _tidy_codes(codes)
    codes = codes.astype(object)
    missing = np.array([code is None or code != code for code in codes])
    if missing.any():
        raise ValueError(
            f"The task column {column!r} has {missing.sum()} missing values. Every trial needs"
            " a task: fill them in, or drop these trials."
        )
    return codes.astype(str)


def tidy_tasks(codes):
    """Task codes as they are known: strings, or numbers."""
    return _tidy_codes(codes) if codes.dtype.kind in "iufb" else codes.astype(str)


def _tidy_codes(codes):
    """Whole numbers as integers, so that tasks are called 0 and 1 rather than 0.0 and 1.0."""
    return codes.astype(np.int64) if np.all(codes == np.round(codes)) else codes


def learn_tasks(codes, column):
    """Return the known tasks, sorted; refuse a column that looks continuous."""
    tasks = np.unique(codes)
    if len(tasks) > max(2, len(codes) / 2):
        raise ValueError(
            f"The task column (task_column={column!r}) holds {len(tasks)} different values in"
            f" {len(codes)} trials and looks continuous, not like task codes. Name the column"
            " that holds the task with task_column=..., or pass task_column=None if all trials"
            " belong to one task."
        )
    return tasks


def encode_tasks(codes, tasks):
    """Index of each code among the known ``tasks``, (n_trials,) int64."""
    if codes is None:
        return None
    if codes.dtype.kind != tasks.dtype.kind and "U" in (codes.dtype.kind, tasks.dtype.kind):
        known = np.zeros(len(codes), dtype=bool)
    else:
        known = np.isin(codes, tasks)
    if not known.all():
        unseen = ", ".join(repr(c) for c in np.unique(codes[~known])[:5].tolist())
        raise ValueError(
            f"The task column of X holds codes that were not there in fit: {unseen}."
            f" Known tasks: {tasks.tolist()}."
        )
    return np.searchsorted(tasks, codes)


def layer_index(layer, n_hidden: int, name: str = "layer") -> int:
    """Resolve a hidden layer's index, counted from 0 or from the last (-1)."""
    if isinstance(layer, bool) or not isinstance(layer, Integral):
        raise TypeError(f"{name} must be an integer, got {layer!r}.")
    if not -n_hidden <= layer < n_hidden:
        raise ValueError(
            f"{name}={layer} does not exist: the network has {n_hidden} hidden layer(s)."
            f" Expected an integer from {-n_hidden} to {n_hidden - 1} (0 is the first, -1 the"
            " last)."
        )
    return int(layer) % n_hidden
