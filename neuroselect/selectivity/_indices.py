"""Indices of selectivity of single units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.recordings import check_container, is_long
from neuroselect.rsa._checks import constant_rows
from neuroselect.selectivity._activity import check_activity, check_labels, read_patterns


def lifetime_sparseness(
    patterns: ArrayLike | Mapping[str, Any],
    condition: ArrayLike | str | Sequence[str] | None = None,
) -> NDArray[np.float64]:
    r"""Over how few conditions the response of a unit is spread.

    With :math:`r_c` the mean response in condition c of n,

    .. math:: S = \frac{1 - a}{1 - 1/n}, \qquad
              a = \frac{(\sum_c r_c / n)^2}{\sum_c r_c^2 / n}

    where a is the sparseness of Treves & Rolls [1]_ and S that of Vinje & Gallant [2]_.

    Parameters
    ----------
    patterns : array-like of shape (n_conditions, n_units) or (n_networks, n_conditions, n_units)
        Mean responses, 0 or more: rates, or units behind a ReLU. With `condition` trials instead,
        or a recording in one of both forms of :func:`~neuroselect.recordings.make_container`;
        where it has time, the mean over it counts.
    condition : array-like of shape (n_trials,), or str or list of str, default=None
        Condition of each trial; of a recording the columns whose combinations are the conditions.

    Returns
    -------
    sparseness : ndarray of shape (n_units,) or (n_networks, n_units)
        0 for equal responses to all conditions, 1 for a response to one only, NaN for none.

    Raises
    ------
    ValueError
        If there are fewer than two conditions, or a response is negative or not finite.

    References
    ----------
    .. [1] Treves & Rolls (1991), Network: Computation in Neural Systems 2, 371-397,
       :doi:`10.1088/0954-898X_2_4_004`
    .. [2] Vinje & Gallant (2000), Science 287, 1273-1276, :doi:`10.1126/science.287.5456.1273`

    Examples
    --------
    >>> lifetime_sparseness([[2.0, 0.0], [2.0, 3.0], [2.0, 0.0]])
    array([0., 1.])
    """
    patterns = read_patterns(patterns, condition, "patterns")[0]
    n_conditions = patterns.shape[-2]
    if n_conditions < 2 or (patterns < 0).any():
        raise ValueError(
            "patterns must hold responses of 0 or more in at least two conditions, got"
            f" {n_conditions} conditions and a minimum of {patterns.min():.3g}."
        )
    largest = patterns.max(axis=-2, keepdims=True)
    scaled = np.divide(patterns, largest, out=np.full(patterns.shape, np.nan), where=largest > 0)
    ratio = scaled.mean(axis=-2) ** 2 / np.mean(scaled**2, axis=-2)
    return np.clip((1 - ratio) / (1 - 1 / n_conditions), 0, 1)


def d_prime(activity: ArrayLike | Mapping[str, Any], group: ArrayLike | str) -> NDArray[np.float64]:
    r"""Distance of a unit's activity in two groups of trials, in standard deviations.

    .. math:: d' = \frac{\bar r_2 - \bar r_1}{\sqrt{(s_1^2 + s_2^2) / 2}}

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or (n_networks, n_trials, n_units), or dict
        Activity, or a recording in one of both forms of
        :func:`~neuroselect.recordings.make_container`; where it has time, the mean over it counts.
    group : array-like of shape (n_trials,), or str
        Two different values; of a recording the column of its trials. Positive d' is more
        activity in the greater one (of text: the one last in the alphabet).

    Returns
    -------
    distance : ndarray of shape (n_units,) or (n_networks, n_units)
        Infinite if the groups differ and do not vary; NaN if they neither differ nor vary.

    Raises
    ------
    ValueError
        If shapes do not belong together, activity is not finite, or there are not two groups
        of at least two trials each.

    Examples
    --------
    >>> activity = [[0.0, 5.0], [2.0, 3.0], [4.0, 4.0], [6.0, 4.0]]
    >>> d_prime(activity, ["left", "left", "right", "right"]).round(3)
    array([2.828, 0.   ])
    """
    if isinstance(activity, Mapping):
        activity, group = _recorded_groups(activity, group)
        if activity.ndim == 1:
            return _d_prime_of_rows(activity, *group)
    activity = check_activity(activity)
    group = check_labels(group, activity.shape[-2], "group")
    values = _two_groups(group)
    activity = activity - activity[..., :1, :]
    parts = [activity[..., group == value, :] for value in values]
    # Relative to the first trial of the group, so that constant activity varies by exactly 0.
    spread = [np.var(part - part[..., :1, :], axis=-2, ddof=1) for part in parts]
    difference = parts[1].mean(axis=-2) - parts[0].mean(axis=-2)
    return _ratio(difference, spread)


def _ratio(difference, spread):
    with np.errstate(divide="ignore", invalid="ignore"):
        return difference / np.sqrt((spread[0] + spread[1]) / 2)


def _two_groups(group):
    """Return the two values of group; raise if there are not two, or too few trials."""
    values, counts = np.unique(group, return_counts=True)
    if len(values) != 2 or counts.min() < 2:
        raise ValueError(
            "group must hold two different values, in two trials or more each, got"
            f" {dict(zip(values.tolist(), counts.tolist(), strict=True))}."
        )
    return values


def _recorded_groups(recording, group):
    """Return activity and groups of trials; in long form of rows, with the unit of each."""
    recording = check_container(recording)
    known = [name for name in recording.trials.columns if name != "unit"]
    if not isinstance(group, str) or group not in known:
        raise ValueError(
            f"Of a recording, group must name a column of its trials among {known}, got {group!r}."
        )
    data, labels = np.asarray(recording.data, dtype=np.float64), recording.trials[group]
    data = data if recording.time is None else data.mean(axis=1)
    if not is_long(recording):
        return data, labels
    labels = check_labels(labels, len(data), "group")
    check_activity(data[:, np.newaxis])
    return data, (labels, recording.trials["unit"].to_numpy(), len(recording.units))


def _d_prime_of_rows(values, group, unit, n_units):
    """D' of units recorded one by one, from one value per unit and trial."""
    _two_groups(group)
    key = 2 * unit + np.unique(group, return_inverse=True)[1]
    counts = np.bincount(key, minlength=2 * n_units)
    if counts.min() < 2:
        raise ValueError(
            "group must hold two trials or more of each of its two values for each unit, got"
            f" {counts.min()} for unit {int(np.argmin(counts)) // 2}."
        )
    first = values[np.unique(key, return_index=True)[1]]
    deviation = values - first[key]  # relative to the first, constant activity varies by exactly 0
    mean = np.bincount(key, deviation) / counts
    spread = np.bincount(key, (deviation - mean[key]) ** 2) / (counts - 1)
    mean, spread = (mean + first).reshape(-1, 2), spread.reshape(-1, 2)
    return _ratio(mean[:, 1] - mean[:, 0], spread.T)


def preferred_condition(
    activity: ArrayLike | Mapping[str, Any], condition: ArrayLike | str | Sequence[str]
) -> NDArray[np.int64]:
    """Return the condition in which each unit is most active on average.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or (n_networks, n_trials, n_units), or dict
        Activity, or a recording in one of both forms of
        :func:`~neuroselect.recordings.make_container`; where it has time, the mean over it counts.
    condition : array-like of shape (n_trials,), or str or list of str
        Condition of each trial; of a recording the columns whose combinations are the conditions.

    Returns
    -------
    preferred : ndarray of shape (n_units,) or (n_networks, n_units)
        Position in the sorted conditions (``numpy.unique(condition)``, or the rows of what
        :func:`~neuroselect.recordings.condition_patterns` returns), the first of equals; -1
        for a unit whose means are all the same.

    Raises
    ------
    ValueError
        If shapes do not belong together, activity is not finite, or conditions are missing.

    Notes
    -----
    The largest of noisy means: choose it on other trials than those that show how much it is
    preferred.

    Examples
    --------
    >>> preferred_condition([[0.0, 1.0, 2.0], [3.0, 1.0, 1.0]], ["left", "right"])
    array([ 1, -1,  0])
    """
    if condition is None:
        raise ValueError("condition must hold the condition of each trial, got None.")
    means = read_patterns(activity, condition)[0]
    constant = constant_rows(np.moveaxis(means, -2, -1))
    return np.where(constant, -1, means.argmax(axis=-2))
