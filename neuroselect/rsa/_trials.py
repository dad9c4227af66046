"""Single trials, their conditions and runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.preprocessing._groups import check_columns, group_numbers
from neuroselect.recordings._checks import check_table

if TYPE_CHECKING:
    import pandas as pd


def as_activity(activity: ArrayLike) -> NDArray:
    """Return real activity (n_trials, n_channels) or (n_trials, n_times, n_channels)."""
    activity = np.asarray(activity)
    if activity.dtype.kind not in "buif":
        raise ValueError(f"activity must be real numbers, got an array of dtype {activity.dtype}.")
    if activity.ndim not in (2, 3) or 0 in activity.shape:
        raise ValueError(
            "activity must have shape (n_trials, n_channels) or (n_trials, n_times, n_channels);"
            f" got shape {activity.shape}."
        )
    return activity


def number_conditions(conditions: Any, n_trials: int) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Return the number of the condition of each trial, and the table of conditions, sorted."""
    import pandas as pd

    if not isinstance(conditions, (pd.DataFrame, Mapping)):
        conditions = {"condition": _labels(conditions, "conditions", n_trials)}
    table = check_table(conditions, "conditions", n_trials, "trial of activity")
    columns = check_columns(list(table.columns), table, "conditions")
    if not columns:
        raise ValueError("conditions must have at least one column, got none.")
    return group_numbers(table, columns)


def number_runs(runs: ArrayLike | None, n_trials: int) -> tuple[NDArray[np.int64], NDArray]:
    """Return the number of the run of each trial, and the runs, sorted; None is a single run."""
    if runs is None:
        return np.zeros(n_trials, dtype=np.int64), np.zeros(1, dtype=np.int64)
    import pandas as pd

    table = pd.DataFrame({"run": _labels(runs, "runs", n_trials)})
    code, table = group_numbers(table, check_columns("run", table, "runs"))
    return code, table["run"].to_numpy()


def _labels(labels: ArrayLike, name: str, n_trials: int) -> Any:
    if np.shape(labels) != (n_trials,):
        raise ValueError(
            f"{name} must hold one label for each of the {n_trials} trials of activity, got shape"
            f" {np.shape(labels)}."
        )
    return labels
