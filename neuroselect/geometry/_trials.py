"""Trials of conditions, of units recorded together or not, and draws of equally many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch, check_random_state

from neuroselect.preprocessing import PseudoPopulation
from neuroselect.preprocessing._axes import condition_means
from neuroselect.preprocessing._draws import draw_trials
from neuroselect.preprocessing._groups import check_columns, group_numbers, shuffled_within
from neuroselect.recordings import check_container, make_container
from neuroselect.rsa._checks import check_finite

if TYPE_CHECKING:
    import pandas as pd


class Trials(NamedTuple):
    """Recorded trials and their conditions.

    `data` is (n_trials, n_units), or in long form (n_rows,) with the `unit` of each row.
    """

    recording: Bunch
    data: NDArray[np.float64]
    columns: list[str]
    condition: NDArray[np.int64]  # (n_rows,)
    conditions: pd.DataFrame  # one row each, sorted
    unit: NDArray[np.int64] | None
    n_units: int

    def counts(self) -> NDArray[np.int64]:
        """Trials of each condition (of each unit: (n_units, n_conditions))."""
        n_conditions = len(self.conditions)
        if self.unit is None:
            return np.bincount(self.condition, minlength=n_conditions)
        group = self.unit * n_conditions + self.condition
        counts = np.bincount(group, minlength=self.n_units * n_conditions)
        return counts.reshape(self.n_units, n_conditions)


def generator(random_state: Any) -> np.random.Generator:
    """Return a generator; an int gives the same one each time."""
    return np.random.default_rng(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def read_trials(activity: Any, conditions: Any, *, min_trials: int = 2) -> Trials:
    """Validate activity and conditions; every condition has at least `min_trials` trials."""
    recording, columns = _recording(activity, conditions)
    data = np.asarray(recording.data, dtype=np.float64)
    if recording.time is not None:
        if len(recording.time) != 1:
            raise ValueError(
                f"The recording must have no time axis, or one bin, got {len(recording.time)}."
                " Average an epoch with recordings.bin_time, or pass one bin after another."
            )
        data = data[:, 0]
    long = "unit" in recording.trials.columns
    check_finite(data, "activity", ("row",) if long else ("trial", "unit"))
    columns = check_columns(columns, recording.trials, "conditions")
    condition, table = group_numbers(recording.trials, columns)
    unit = recording.trials["unit"].to_numpy() if long else None
    trials = Trials(recording, data, columns, condition, table, unit, len(recording.units))
    _check_counts(trials, min_trials)
    return trials


def _recording(activity: Any, conditions: Any) -> tuple[Bunch, Any]:
    if isinstance(activity, Mapping):
        if not _are_names(conditions):
            raise ValueError(
                "conditions must name columns of the trials of the recording, got"
                f" {type(conditions).__name__}."
            )
        return check_container(activity), conditions
    if conditions is None or isinstance(conditions, str):
        raise ValueError(
            "conditions must hold the condition of each trial (labels, or a table with one row per"
            " trial); names of columns need a recording as activity. Got"
            f" {conditions!r}."
        )
    activity = np.asarray(activity)
    if activity.ndim != 2 or activity.dtype.kind not in "buif":
        raise ValueError(
            "activity must be numbers of shape (n_trials, n_units), or a recording, got shape"
            f" {activity.shape} of dtype {activity.dtype}."
        )
    is_table = hasattr(conditions, "columns") or isinstance(conditions, Mapping)
    table = conditions if is_table else {"condition": _labels(conditions)}
    columns = list(table.columns if hasattr(table, "columns") else table)
    if "unit" in columns:
        raise ValueError(
            "conditions must not have a column 'unit', which says that units were not recorded"
            " together. Such data come as a recording (recordings.make_container)."
        )
    n_rows = len(table) if hasattr(table, "columns") else len(next(iter(table.values()), ()))
    if n_rows != len(activity):
        raise ValueError(
            f"conditions must have one entry per trial of activity, got {n_rows} for"
            f" {len(activity)} trials."
        )
    return make_container(activity, table), columns


def _are_names(conditions: Any) -> bool:
    return isinstance(conditions, str) or (
        isinstance(conditions, (list, tuple))
        and len(conditions) > 0
        and all(isinstance(name, str) for name in conditions)
        and len(set(conditions)) == len(conditions)
    )


def _labels(conditions: Any) -> NDArray:
    labels = np.asarray(conditions)
    if labels.ndim != 1:
        raise ValueError(
            f"conditions must be labels of shape (n_trials,), or a table; got shape {labels.shape}."
        )
    return labels


def _check_counts(trials: Trials, min_trials: int) -> None:
    if len(trials.conditions) < 2:
        raise ValueError(
            f"conditions must hold at least 2 different conditions, got {len(trials.conditions)}:"
            f" {trials.conditions.to_dict('records')}."
        )
    counts = trials.counts()
    if counts.min() >= min_trials:
        return
    where = np.unravel_index(counts.argmin(), counts.shape)
    condition = trials.conditions.iloc[where[-1]].to_dict()
    unit = "" if trials.unit is None else f" of unit {where[0]}"
    raise ValueError(
        f"Every condition must have at least {min_trials} trial{'s' if min_trials > 1 else ''}"
        f"{' of every unit' if unit else ''},"
        f" but {condition} has {counts.min()}{unit}. Leave out such conditions"
        f"{' or units' if unit else ''}, or merge conditions."
    )


def draw_rows(
    trials: Trials,
    n_trials: int | None,
    n_resamples: int,
    rng: np.random.Generator,
    *,
    min_trials: int = 2,
) -> NDArray[np.int64]:
    """Draw `n_trials` of every condition, without replacement, in random order.

    Returns
    -------
    rows : ndarray of shape (n_resamples, n_conditions, n_trials) or (..., n_units)
        Rows of `trials.data`. In long form every unit has trials of its own.
    """
    fewest = int(trials.counts().min())
    n_trials = fewest if n_trials is None else n_trials
    if not min_trials <= n_trials <= fewest:
        raise ValueError(
            f"n_trials must be from {min_trials} to {fewest}, the trials of the condition"
            f"{'' if trials.unit is None else ' and unit'} that has fewest, got {n_trials}."
        )
    n_conditions = len(trials.conditions)
    if trials.unit is not None:
        pseudo = PseudoPopulation(
            trials.columns,
            n_trials=n_trials,
            n_splits=1,
            n_resamples=n_resamples,
            random_state=int(rng.integers(np.iinfo(np.int32).max)),
        )
        rows = np.stack(list(pseudo.rows(trials.recording)))
        return rows.reshape(n_resamples, n_conditions, n_trials, trials.n_units)
    order = np.argsort(trials.condition, kind="stable")
    group, counts, fold = trials.condition[order], trials.counts(), np.zeros(n_trials, np.int64)
    draws = [
        draw_trials(group, counts, fold, 1, replace=False, rng=rng) for _ in range(n_resamples)
    ]
    return order[np.stack(draws).transpose(0, 2, 1)]


def is_balanced(trials: Trials, n_trials: int | None) -> bool:
    """Whether there is only one way to draw: units together, all trials of equal counts."""
    counts = trials.counts()
    return trials.unit is None and counts.min() == counts.max() and n_trials in (None, counts[0])


def permuted_orders(
    trials: Trials, within: NDArray[np.int64] | None, n_permutations: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Return, for each permutation, the row of data that takes the place of each row.

    Rows move within their group and, in long form, within their unit.
    """
    group = np.zeros(len(trials.data), np.int64) if within is None else within
    if trials.unit is not None:
        group = group * trials.n_units + trials.unit
    return orders_within(group, n_permutations, rng)


def orders_within(
    group: NDArray[np.int64], n_permutations: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Generate permutations of rows within groups; each overwrites the one before."""
    place = np.argsort(group, kind="stable")
    order = np.empty_like(place)
    for _ in range(n_permutations):
        order[place] = shuffled_within(group, rng)
        yield order


def condition_centroids(trials: Trials) -> NDArray[np.float64]:
    """Means over all trials of each condition, (n_conditions, n_units)."""
    if trials.unit is None:
        return condition_means(trials.data, trials.condition)
    n_conditions = len(trials.conditions)
    group = trials.condition * trials.n_units + trials.unit
    sums = np.bincount(group, trials.data, n_conditions * trials.n_units)
    return sums.reshape(n_conditions, trials.n_units) / trials.counts().T


def standardized(trials: Trials) -> Trials:
    """z-scores of each unit over all of its trials; a constant unit becomes 0."""
    if trials.unit is None:
        return trials._replace(data=zscored(trials.data)[0])
    n = np.bincount(trials.unit, minlength=trials.n_units).clip(min=1)
    centred = trials.data - (np.bincount(trials.unit, trials.data, trials.n_units) / n)[trials.unit]
    variance = np.bincount(trials.unit, centred**2, trials.n_units) / n
    magnitude = np.zeros(trials.n_units)
    np.maximum.at(magnitude, trials.unit, abs(trials.data))
    return trials._replace(data=centred / safe_scale(np.sqrt(variance), magnitude)[trials.unit])


def zscored(train: NDArray, *others: NDArray) -> list[NDArray[np.float64]]:
    """z-score (..., n_trials, n_units) by the moments of the training trials."""
    mean = train.mean(axis=-2, keepdims=True)
    scale = safe_scale(train.std(axis=-2, keepdims=True), abs(train).max(axis=-2, keepdims=True))
    return [(trials - mean) / scale for trials in (train, *others)]


def safe_scale(deviation: NDArray, magnitude: NDArray) -> NDArray[np.float64]:
    """Replace by 1 a standard deviation that is but rounding."""
    return np.where(deviation <= 1e-13 * magnitude, 1.0, deviation)
