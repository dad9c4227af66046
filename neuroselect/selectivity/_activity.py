"""Checks of activity that come before measures of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_activity(
    activity: ArrayLike, rows: str = "n_trials", name: str = "activity"
) -> NDArray[np.float64]:
    """Return finite activity of one population, or of several on a first axis."""
    activity = np.asarray(activity, dtype=np.float64)
    if activity.ndim not in (2, 3) or 0 in activity.shape:
        raise ValueError(
            f"{name} must have shape ({rows}, n_units) or (n_networks, {rows}, n_units) with at"
            f" least one entry on each axis, got shape {activity.shape}."
        )
    if not np.isfinite(activity).all():
        raise ValueError(
            f"{name} must be finite, got {np.sum(~np.isfinite(activity))} NaN or infinite"
            " values. Drop or impute these trials or units first."
        )
    return activity


def check_labels(labels: ArrayLike, n_trials: int, name: str) -> NDArray:
    """Return one label per trial, of numbers or text."""
    labels = np.asarray(labels)
    if labels.shape != (n_trials,):
        raise ValueError(
            f"{name} must have shape (n_trials,) = ({n_trials},), got shape {labels.shape}."
        )
    if labels.dtype.kind not in "iufb":
        missing = sum(label is None or str(label == label) != "True" for label in labels.tolist())
        labels = labels.astype(str)
    else:
        missing = np.sum(~np.isfinite(labels))
    if missing:
        raise ValueError(f"{name} is missing in {missing} trials. Leave these trials out.")
    return labels


def group_means(activity: NDArray, index: NDArray[np.int64], n_groups: int) -> NDArray[np.float64]:
    """Return means over the rows of each group, (..., n_groups, n_units)."""
    weights = (index == np.arange(n_groups)[:, np.newaxis]).astype(np.float64)
    return (weights / weights.sum(axis=1, keepdims=True)) @ activity
