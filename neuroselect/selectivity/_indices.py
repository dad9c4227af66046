"""Indices of selectivity of single units."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.selectivity._activity import check_activity, check_labels, group_means


def lifetime_sparseness(patterns: ArrayLike) -> NDArray[np.float64]:
    r"""Over how few conditions the response of a unit is spread.

    With :math:`r_c` the mean response in condition c of n,

    .. math:: S = \frac{1 - a}{1 - 1/n}, \qquad
              a = \frac{(\sum_c r_c / n)^2}{\sum_c r_c^2 / n}

    where a is the sparseness of Treves & Rolls [1]_ and S that of Vinje & Gallant [2]_.

    Parameters
    ----------
    patterns : array-like of shape (n_conditions, n_units) or (n_networks, n_conditions, n_units)
        Mean responses, 0 or more: rates, or units behind a ReLU.

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
    patterns = check_activity(patterns, "n_conditions", "patterns")
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


def d_prime(activity: ArrayLike, group: ArrayLike) -> NDArray[np.float64]:
    r"""Distance of a unit's activity in two groups of trials, in standard deviations.

    .. math:: d' = \frac{\bar r_2 - \bar r_1}{\sqrt{(s_1^2 + s_2^2) / 2}}

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or (n_networks, n_trials, n_units)
        Activity.
    group : array-like of shape (n_trials,)
        Two different values. Positive d' is more activity in the greater one (of text: the one
        last in the alphabet).

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
    activity = check_activity(activity)
    group = check_labels(group, activity.shape[-2], "group")
    values, counts = np.unique(group, return_counts=True)
    if len(values) != 2 or counts.min() < 2:
        raise ValueError(
            "group must hold two different values, in two trials or more each, got"
            f" {dict(zip(values.tolist(), counts.tolist(), strict=True))}."
        )
    activity = activity - activity[..., :1, :]
    parts = [activity[..., group == value, :] for value in values]
    # Relative to the first trial of the group, so that constant activity varies by exactly 0.
    spread = [np.var(part - part[..., :1, :], axis=-2, ddof=1) for part in parts]
    difference = parts[1].mean(axis=-2) - parts[0].mean(axis=-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return difference / np.sqrt((spread[0] + spread[1]) / 2)


def preferred_condition(activity: ArrayLike, condition: ArrayLike) -> NDArray[np.int64]:
    """Return the condition in which each unit is most active on average.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or (n_networks, n_trials, n_units)
        Activity.
    condition : array-like of shape (n_trials,)
        Condition of each trial.

    Returns
    -------
    preferred : ndarray of shape (n_units,) or (n_networks, n_units)
        Position in the sorted conditions (``numpy.unique(condition)``), the first of equals; -1
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
    activity = check_activity(activity)
    condition = check_labels(condition, activity.shape[-2], "condition")
    values, index = np.unique(condition, return_inverse=True)
    means = group_means(activity - activity[..., :1, :], index, len(values))
    return np.where(np.ptp(means, axis=-2) > 0, means.argmax(axis=-2), -1)
