"""From single trials to patterns and RDMs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from neuroselect import recordings
from neuroselect.rsa._metrics import METRICS
from neuroselect.rsa._noise import noise_precision
from neuroselect.rsa._rdm import condensed_rdms
from neuroselect.rsa._trials import as_activity, number_conditions, number_runs

if TYPE_CHECKING:
    import pandas as pd

    Conditions = ArrayLike | pd.DataFrame | Mapping[str, Sequence]


class ConditionPatterns(Bunch):
    """Patterns with their conditions; NumPy takes it for the array of the patterns."""

    def __array__(self, dtype=None, copy=None):
        """Return the patterns."""
        return np.array(self["patterns"], dtype=dtype, copy=copy)

    def __getitem__(self, key):
        """Return an entry by its name, or else what the array of the patterns has there."""
        return super().__getitem__(key) if isinstance(key, str) else self["patterns"][key]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the patterns."""
        return self["patterns"].shape


def condition_patterns(
    activity: ArrayLike,
    conditions: Conditions,
    runs: ArrayLike | None = None,
    *,
    min_trials: int = 1,
    missing: str = "raise",
) -> ConditionPatterns:
    """Average single trials per condition, or per run and condition, for `condensed_rdms`.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_channels) or (n_trials, n_times, n_channels)
        Single trials of channels recorded together; NaN where a value is missing. For units that
        were not, see :func:`neuroselect.recordings.condition_patterns`.
    conditions : array-like of shape (n_trials,), DataFrame or mapping of columns
        Label of each trial, or columns whose combinations are the conditions.
    runs : array-like of shape (n_trials,), default=None
        Run of each trial: what cross-validated dissimilarities need, and no others.
    min_trials : int, default=1
        A mean over fewer trials is missing. Trials in which the value is NaN do not count.
    missing : {"raise", "nan"}, default="raise"
        What to do about missing means, as those of a condition that does not occur in a run: an
        error that names the first, or NaN.

    Returns
    -------
    result : ConditionPatterns, a :class:`~sklearn.utils.Bunch`
        patterns : ndarray of shape ([n_times,] [n_runs,] n_conditions, n_channels)
            Means in float64; what ``numpy.asarray(result)`` returns, so that the result itself
            goes into :func:`condensed_rdms`, and ``result[np.newaxis]`` as one system into
            :class:`RDMTransformer`. With an axis of time the time bins are the systems, first.
        conditions : DataFrame of shape (n_conditions, n_columns)
            The conditions, sorted: what :func:`model_rdms` takes. Labels are in the column
            "condition".
        runs : ndarray of shape (n_runs,) or None
            The runs, sorted.
        counts : ndarray of shape ([n_runs,] n_conditions)
            Numbers of trials.

    Raises
    ------
    ValueError
        If lengths do not belong together, labels are missing, activity is infinite, or means are
        missing and `missing` is "raise".

    See Also
    --------
    trial_rdms : On to RDMs, in one call.
    noise_precision : The precision of the noise of the same trials.

    Examples
    --------
    >>> from neuroselect.rsa import condensed_rdms, condition_patterns
    >>> activity = [[1.0, 4.0], [5.0, 6.0], [3.0, 4.0], [5.0, 8.0]]
    >>> result = condition_patterns(activity, ["face", "house", "face", "house"])
    >>> result.patterns
    array([[2., 4.],
           [5., 7.]])
    >>> condensed_rdms(result).round(3)
    array([[4.243]])
    >>> in_runs = condition_patterns(activity, ["face", "house", "face", "house"], [1, 1, 2, 2])
    >>> in_runs.patterns.shape, in_runs.counts.tolist()
    ((2, 2, 2), [[1, 1], [1, 1]])
    """
    activity = as_activity(activity)
    if missing not in ("raise", "nan"):
        raise ValueError(f"missing must be 'raise' or 'nan', got {missing!r}.")
    condition, table = number_conditions(conditions, len(activity))
    run, labels = number_runs(runs, len(activity))
    recording = recordings.make_container(
        activity,
        {"run": run, "condition": condition},
        time=np.arange(activity.shape[1]) if activity.ndim == 3 else None,
        time_unit="ms" if activity.ndim == 3 else None,
    )
    cells = recordings.condition_patterns(
        recording, ["run", "condition"], min_trials=min_trials, missing="nan"
    )
    places = cells.conditions["run"].to_numpy(), cells.conditions["condition"].to_numpy()
    shape = (len(labels), len(table))
    patterns, counts = np.full((*shape, *activity.shape[1:]), np.nan), np.zeros(shape, dtype=int)
    patterns[places], counts[places] = cells.patterns, cells.counts
    if missing == "raise":
        _check_complete(patterns, counts, min_trials, table, labels if runs is not None else None)
    if runs is None:
        patterns, counts, labels = patterns[0], counts[0], None
    if activity.ndim == 3:
        patterns = np.moveaxis(patterns, -2, 0)
    return ConditionPatterns(patterns=patterns, conditions=table, runs=labels, counts=counts)


def trial_rdms(
    activity: ArrayLike,
    conditions: Conditions,
    runs: ArrayLike | None = None,
    *,
    metric: str = "euclidean",
    noise: ArrayLike | str | None = None,
    min_trials: int = 1,
    missing: str = "raise",
    **kwargs,
) -> Bunch:
    """RDMs of single trials in one call: means, precision of the noise, dissimilarities.

    Parameters
    ----------
    activity, conditions, runs, min_trials, missing
        As for :func:`condition_patterns`; `runs` are for cross-validated metrics and for the noise.
        With an axis of time there is one RDM per time bin.
    metric : str, default="euclidean"
        See :func:`condensed_rdms`.
    noise : array-like, str or None, default=None
        Precision, as for :func:`condensed_rdms`; or the name of an estimator, "ledoit_wolf",
        "shrunk_diagonal", "diagonal" or "full": :func:`noise_precision` of the trials around the
        means of their conditions within runs, all times and runs together.
    **kwargs
        Passed to :func:`condensed_rdms`.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        rdms : ndarray of shape (1 or n_times, n_pairs)
            Condensed RDMs.
        conditions, counts
            As :func:`condition_patterns` returns them.
        noise : ndarray or None
            The precision used.

    Raises
    ------
    ValueError
        As :func:`condition_patterns`, :func:`noise_precision` and :func:`condensed_rdms` have it;
        if `runs` is None for a cross-validated metric.

    See Also
    --------
    RDMTransformer : From patterns, as a step of a pipeline.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.datasets import make_patterns
    >>> from neuroselect.rsa import trial_rdms
    >>> fmri = make_patterns(rdm=[1.0, 4.0, 3.0], n_repeats=4, random_state=0)
    >>> result = trial_rdms(fmri.data, fmri.trials["condition"], fmri.trials["run"],
    ...                     metric="crossnobis", noise="shrunk_diagonal")
    >>> result.rdms.shape, result.noise.shape
    ((1, 3), (100, 100))
    """
    takes_runs = metric in METRICS and METRICS[metric].takes_runs
    if takes_runs and runs is None:
        raise ValueError(
            f"metric={metric!r} is cross-validated over runs, but runs is None. Pass the run of"
            " each trial."
        )
    activity = as_activity(activity)
    number_runs(runs, len(activity))  # raises for bad ones, also where they are not needed
    means = condition_patterns(
        activity,
        conditions,
        runs if takes_runs else None,
        min_trials=min_trials,
        missing=missing,
    )
    if isinstance(noise, str):
        noise = noise_precision(activity, conditions, runs, covariance=noise)
    rdms = condensed_rdms(means.patterns, metric, noise=noise, missing=missing, **kwargs)
    return Bunch(rdms=rdms, conditions=means.conditions, counts=means.counts, noise=noise)


def _check_complete(patterns, counts, min_trials, table, runs) -> None:
    gaps = np.isnan(patterns).reshape(*counts.shape, -1).any(axis=-1)
    if not gaps.any():
        return
    run, condition = np.argwhere(gaps)[0]
    where = f"the condition {table.iloc[condition].to_dict()}"
    if runs is not None:
        where += f" in run {runs[run]}"
    raise ValueError(
        f"activity must have at least {min_trials} trial(s) with a value in every channel of every"
        f" {'condition' if runs is None else 'run and condition'}, but {where} has"
        f" {counts[run, condition]} trial(s) ({gaps.sum()} of {gaps.size} means are missing). Leave"
        " out such conditions, runs or channels, or pass missing='nan'."
    )
