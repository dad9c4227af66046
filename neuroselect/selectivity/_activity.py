"""Activity as measures need it: checked, and averaged over the trials of conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.recordings import condition_patterns


def check_activity(
    activity: ArrayLike, rows: str = "n_trials", name: str = "activity"
) -> NDArray[np.float64]:
    """Return finite activity of one population, or of several on a first axis."""
    try:
        activity = np.asarray(activity, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be numbers, of equally many trials and units in each network: {error} Of"
            " networks pass np.stack([net.activations(X) for net in networks])."
        ) from error
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


def read_patterns(activity, condition, name="activity") -> tuple[NDArray[np.float64], Any, NDArray]:
    """Return responses (..., n_conditions, n_units), the conditions, and the names of units.

    Of arrays or recordings; of a recording with time, the mean over it.
    """
    if isinstance(activity, Mapping):
        if condition is None or not all(isinstance(name, str) for name in np.ravel(condition)):
            raise ValueError(
                "Of a recording, condition must name the columns of its trials whose combinations"
                f" are the conditions, got {condition!r}."
            )
        found = condition_patterns(activity, condition)
        patterns = found.patterns if found.patterns.ndim == 2 else found.patterns.mean(axis=1)
        named = "unit" in found.units.columns
        names = found.units["unit"].to_numpy() if named else numbered(patterns.shape[-1])
        return patterns, found.conditions, names
    rows = "n_conditions" if condition is None else "n_trials"
    activity = check_activity(activity, rows, name)
    names = numbered(activity.shape[-1])
    if condition is None:
        return activity, None, names
    condition = check_labels(condition, activity.shape[-2], "condition")
    values, index = np.unique(condition, return_inverse=True)
    first = activity[..., :1, :]  # relative to it, a constant unit stays constant
    return group_means(activity - first, index, len(values)) + first, values, names


def numbered(n_units: int) -> NDArray:
    """Return the names of units that have none."""
    return np.array([f"unit{k}" for k in range(n_units)])
