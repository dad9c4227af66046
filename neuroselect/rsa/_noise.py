"""Precision of the noise of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg.lapack import dpotri

from neuroselect.preprocessing._axes import condition_means
from neuroselect.preprocessing._noise_covariance import ESTIMATORS, noise_covariance
from neuroselect.rsa._checks import check_finite
from neuroselect.rsa._trials import as_activity, number_conditions, number_runs

if TYPE_CHECKING:
    import pandas as pd

EPS = np.finfo(np.float64).eps


def noise_precision(
    activity: ArrayLike,
    conditions: ArrayLike | pd.DataFrame | Mapping[str, Sequence] | None = None,
    runs: ArrayLike | None = None,
    *,
    covariance: str = "ledoit_wolf",
    per_run: bool = False,
    dof: int | None = None,
) -> NDArray[np.float64]:
    """Estimate the precision of the noise of channels, shrunk, for `condensed_rdms`.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_channels) or (n_trials, n_times, n_channels)
        Single trials; or, without `conditions`, residuals of a model, of which only the mean of
        each channel is subtracted. All times count as samples.
    conditions : array-like, DataFrame or mapping of columns, default=None
        Condition of each trial, as for :func:`condition_patterns`. The mean over the trials of a
        condition within a run is subtracted.
    runs : array-like of shape (n_trials,), default=None
        Run of each trial. None: one run.
    covariance : {"ledoit_wolf", "shrunk_diagonal", "diagonal", "full"}, default="ledoit_wolf"
        How the covariance is shrunk, as in
        :class:`~neuroselect.preprocessing.NoiseNormalizer`: towards the mean variance times the
        identity; correlations towards 0; to the variances alone; not at all.
    per_run : bool, default=False
        Estimate one precision for each run.
    dof : int, default=None
        Degrees of freedom, of each run with ``per_run=True``. None: samples less the means
        subtracted. Give it for residuals of a model with more regressors.

    Returns
    -------
    precision : ndarray of shape (n_channels, n_channels) or (n_runs, n_channels, n_channels)
        Inverse of the shrunk covariance; runs sorted.

    Raises
    ------
    ValueError
        If lengths do not belong together, values are not finite, no condition has two trials in
        a run, or the covariance is singular.

    See Also
    --------
    condensed_rdms : Takes it as `noise`, for "mahalanobis" and "crossnobis".
    neuroselect.preprocessing.NoiseNormalizer : Whiten activity by the same covariance.

    Examples
    --------
    >>> from neuroselect.rsa import noise_precision
    >>> activity = [[1.0, 10.0], [3.0, 10.0], [5.0, 30.0], [5.0, 50.0]]
    >>> noise_precision(activity, ["a", "a", "b", "b"], covariance="diagonal")
    array([[1.  , 0.  ],
           [0.  , 0.01]])
    """
    if covariance not in ESTIMATORS:
        raise ValueError(f"covariance must be one of {list(ESTIMATORS)}, got {covariance!r}.")
    activity = as_activity(activity).astype(np.float64)
    n_trials, n_channels = len(activity), activity.shape[-1]
    check_finite(activity.reshape(n_trials, -1), "activity", ("trial", "value"))
    cell, n_cells = np.zeros(n_trials, dtype=np.int64), 1
    if conditions is not None:
        cell, table = number_conditions(conditions, n_trials)
        n_cells = len(table)
    run, labels = number_runs(runs, n_trials)
    cell = np.unique(run * n_cells + cell, return_inverse=True)[1]
    residuals = activity - condition_means(activity, cell)[cell]
    residuals = residuals.reshape(n_trials, -1, n_channels)
    if not per_run:
        return _inverse(residuals, cell, covariance, dof, "all runs")
    return np.stack(
        [
            _inverse(residuals[run == k], cell[run == k], covariance, dof, f"run {label}")
            for k, label in enumerate(labels)
        ]
    )


def _inverse(residuals, cell, covariance, dof, where) -> NDArray[np.float64]:
    n_trials, n_times, n_channels = residuals.shape
    natural = (n_trials - len(np.unique(cell))) * n_times
    if not natural:
        raise ValueError(
            f"activity must have a condition with at least 2 trials in a run, but in {where} the"
            f" {n_trials} trial(s) are all of different conditions, which leaves no noise. Pass"
            " residuals without conditions, or estimate it over runs."
        )
    if dof is None:
        dof = natural
    if not isinstance(dof, Integral) or dof < 1:
        raise ValueError(f"dof must be an integer >= 1, got {dof!r}.")
    return shrunk_precision(residuals.reshape(-1, n_channels), dof, covariance, where)


def shrunk_precision(
    residuals: NDArray[np.float64], dof: int, covariance: str, where: str
) -> NDArray[np.float64]:
    """Invert the shrunk covariance of residuals (n_samples, n_channels)."""
    n_channels = residuals.shape[1]
    shrunk, _ = noise_covariance(residuals, dof, covariance)
    try:
        root = np.linalg.cholesky(shrunk)
        # Squares of the diagonal are variances given the channels before.
        if np.diag(root).min() ** 2 <= n_channels * EPS * np.diag(shrunk).max():
            raise np.linalg.LinAlgError
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"The noise covariance of {n_channels} channels is singular in {where}: it was"
            f" estimated with {dof} degrees of freedom. Give more trials, take"
            " covariance='ledoit_wolf', or leave out channels that do not vary."
        ) from error
    return symmetric_inverse(root)


def symmetric_inverse(root: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of ``root @ root.T``, with root lower triangular."""
    lower, _ = dpotri(root, lower=1)
    return np.tril(lower) + np.tril(lower, k=-1).T


def precision_roots(precision: ArrayLike, name: str = "noise") -> NDArray[np.float64]:
    """Return L with ``L @ L.T`` the precision, for one (n, n) or several (..., n, n)."""
    precision = np.asarray(precision, dtype=np.float64)
    transposed = np.swapaxes(precision, -1, -2)
    scale = abs(precision).max(initial=0)
    try:
        if not abs(precision - transposed).max(initial=0) <= 1e-8 * scale:
            raise np.linalg.LinAlgError
        return np.linalg.cholesky(precision)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"{name} must be a precision matrix, symmetric and positive definite: the inverse of"
            " the covariance of the noise, as noise_precision returns it."
        ) from error


def precision_over_runs(patterns: NDArray[np.float64], covariance: str) -> NDArray[np.float64]:
    """Precision of patterns (n_runs, n_conditions, n_channels) around their means.

    The means over runs and over the conditions of a run are both subtracted: what is common to a
    run does not enter distances.
    """
    n_runs, n_conditions, n_channels = patterns.shape
    residuals = patterns - patterns.mean(axis=0)
    residuals -= residuals.mean(axis=1, keepdims=True)
    dof = (n_runs - 1) * (n_conditions - 1)
    return shrunk_precision(residuals.reshape(-1, n_channels), dof, covariance, "all runs")


def read_noise(
    noise: ArrayLike | str | None, shape: tuple[int, ...], metric: str
) -> NDArray[np.float64] | str | None:
    """Return roots of precisions (1 or n_systems, n, n), for runs (..., 1 or n_runs, n, n)."""
    n_systems, n_channels = shape[0], shape[-1]
    runs = shape[1] if len(shape) == 4 else None
    if isinstance(noise, str):
        if noise not in ESTIMATORS or runs is None:
            allowed = list(ESTIMATORS) if runs else "a precision matrix or None"
            raise ValueError(f"noise for metric {metric!r} must be {allowed}, got {noise!r}.")
        return noise
    if noise is None:
        return None
    noise = np.asarray(noise, dtype=np.float64)
    square = (n_channels, n_channels)
    forms = {square: "for all systems", (n_systems, *square): "per system"}
    if runs:
        forms = {
            square: "for all",
            (runs, *square): "per run",
            (n_systems, 1, *square): "per system",
            (n_systems, runs, *square): "per system and run",
        }
    if noise.shape not in forms:
        listed = ", ".join(f"{form} {words}" for form, words in forms.items())
        raise ValueError(
            f"noise for metric {metric!r} must be a precision matrix of the {n_channels} channels,"
            f" of shape {listed}; got shape {noise.shape}."
        )
    check_finite(noise.reshape(-1, n_channels), "noise", ("row", "column"))
    roots = precision_roots(noise)
    return roots.reshape((1,) * (len(shape) - noise.ndim) + noise.shape)
