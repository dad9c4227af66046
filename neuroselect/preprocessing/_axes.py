"""Activity with and without an axis of time, and means that leave NaN out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

FLOATS = (np.float64, np.float32)


def flatten_time(activity: ArrayLike) -> NDArray:
    """Put times and units on one axis, for decoders that take two.

    As a step of a `Pipeline`: ``FunctionTransformer(flatten_time)``.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_times, n_units)
        Activity; with two axes it is returned as it is.

    Returns
    -------
    activity : ndarray of shape (n_trials, n_times * n_units)
        Time by time, units within.

    Raises
    ------
    ValueError
        If there are neither two nor three axes.

    Examples
    --------
    >>> flatten_time([[[1.0, 2.0], [3.0, 4.0]]])     # 1 trial, 2 times, 2 units
    array([[1., 2., 3., 4.]])
    """
    activity = np.asarray(activity)
    if activity.ndim not in (2, 3):
        raise ValueError(
            "activity must have shape (n_trials, n_times, n_units) or (n_trials, n_units), got"
            f" shape {activity.shape}."
        )
    return activity.reshape(len(activity), -1)


def has_time(X: ArrayLike) -> bool:
    """Return whether X has three axes."""
    return (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) == 3


def read_activity(
    estimator, X: ArrayLike, *, reset: bool, allow_nan: bool = True
) -> tuple[NDArray, tuple[int, ...]]:
    """Validate activity of two or three axes, the last one units.

    Returns
    -------
    X : ndarray of shape (n_trials, n_units) or (n_trials * n_times, n_units)
        In its own dtype if that is float32 or float64.
    leading : tuple of int
        The axes before the units, to bring results back into shape.
    """
    leading = None
    if has_time(X):
        X = np.asarray(X)
        leading, X = X.shape[:-1], X.reshape(-1, X.shape[-1])
    finite = "allow-nan" if allow_nan else True
    X = validate_data(estimator, X, dtype=FLOATS, ensure_all_finite=finite, reset=reset)
    return X, leading or X.shape[:1]


def check_conditions(estimator, y: ArrayLike, n_trials: int) -> NDArray[np.int64]:
    """Return the number of the condition of each trial."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: it"
            " holds the condition of each trial."
        )
    y = column_or_1d(y, warn=True)
    check_consistent_length(np.empty(n_trials), y)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError(f"y must have no missing values, got {np.sum(~np.isfinite(y))} of them.")
    values, condition = np.unique(y, return_inverse=True)
    if y.dtype.kind == "f" and (y != np.round(y)).any() and len(values) > n_trials / 2:
        raise ValueError(
            "y must hold the condition of each trial. It looks continuous: Unknown label type, with"
            f" {len(values)} different values in {n_trials} trials."
        )
    return condition


def nan_mean(X: NDArray, axis: int = 0) -> NDArray[np.float64]:
    """Mean in float64 of what is not NaN; NaN where there is nothing."""
    there = ~np.isnan(X)
    total = np.sum(X, axis=axis, where=there, dtype=np.float64)
    count = there.sum(axis=axis)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)


def condition_means(X: NDArray, condition: NDArray[np.int64]) -> NDArray[np.float64]:
    """Means over the trials of each condition, (n_conditions, ...)."""
    return np.stack([nan_mean(X[condition == k]) for k in range(condition.max() + 1)])


def unit_names(positions: NDArray[np.int64], estimator) -> str:
    """Name units for a message: by their columns, if these have names."""
    names = getattr(estimator, "feature_names_in_", None)
    shown = [str(k if names is None else names[k]) for k in positions[:10]]
    return ", ".join(shown) + (", ..." if len(positions) > 10 else "")
