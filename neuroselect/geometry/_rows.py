"""Single trials with or without time, of units recorded together or not, as rows of an array."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from neuroselect.preprocessing._axes import read_activity
from neuroselect.recordings import check_container, make_container

if TYPE_CHECKING:
    import pandas as pd


class Rows(NamedTuple):
    """Activity as (n_rows, n_values), with the unit of each row, or None for all units."""

    values: NDArray[np.float64]
    trials: pd.DataFrame
    unit: NDArray[np.int64] | None
    n_units: int
    n_times: int | None


def read_rows(estimator: BaseEstimator, X: Any, y: Any, names: list[str]) -> Rows:
    """Validate single-trial activity in one of both forms, and the table of its trials.

    `names` has the one column that an array `y` stands for.
    """
    if isinstance(X, Mapping):
        recording = check_container(X)
        X, y = recording.data, recording.trials
        n_units = len(recording.units)
    else:
        y, n_units = _as_table(estimator, X, y, names), None
    long = "unit" in (y.columns if hasattr(y, "columns") else y)
    if not long:
        values, leading = read_activity(estimator, X, reset=True, allow_nan=False)
        n_units, n_times = values.shape[1], leading[1] if len(leading) == 2 else None
        values = values.reshape(leading[0], -1)
    else:
        array = np.asarray(X)
        n_times = array.shape[1] if array.ndim == 2 else None
        values = validate_data(estimator, array.reshape(len(array), -1), y="no_validation")
    if len(values) < 2:
        raise ValueError(f"X must have at least 2 trials, got n_samples={len(values)}.")
    times = None if n_times is None else np.arange(n_times)
    units = None if n_units is None or not long else {"unit": np.arange(n_units)}
    data = X if long else np.zeros((len(values), 1) if times is None else (len(values), n_times, 1))
    checked = make_container(data, y, units=units, time=times, time_unit="ms")
    if long:
        n_units = estimator.n_features_in_ = len(checked.units)
    unit = checked.trials["unit"].to_numpy() if long else None
    return Rows(values.astype(np.float64), checked.trials, unit, n_units, n_times)


def _as_table(estimator: BaseEstimator, X: Any, y: Any, names: list[str]) -> Any:
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: it"
            " holds the trials."
        )
    if hasattr(y, "columns") or isinstance(y, Mapping):
        return y
    values = np.asarray(y)
    if len(names) != 1 or values.ndim != 1:
        raise ValueError(
            "y must be a table with the columns of the variables, or the values (n_trials,) of a"
            f" single one; got an array of shape {values.shape} for {names}."
        )
    return {names[0]: values}


def transformed(values: NDArray[np.float64], transform: str | None) -> NDArray[np.float64]:
    """Return the square root, or the values as they are."""
    if transform is None:
        return values
    if values.min() < 0:
        raise ValueError(
            "Negative values in data: transform='sqrt' is for counts and rates, got"
            f" {values.min():g}. Take transform=None."
        )
    return np.sqrt(values)
