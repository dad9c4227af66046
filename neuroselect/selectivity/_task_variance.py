"""How much a unit varies in each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.recordings import condition_patterns
from neuroselect.selectivity._activity import check_activity, check_labels, group_means
from neuroselect.selectivity._tasks import check_task


def task_variance(
    activity: ArrayLike | Mapping[str, Any],
    task: ArrayLike | str,
    condition: ArrayLike | str | Sequence[str] | None = None,
    *,
    normalized: bool = False,
) -> NDArray[np.float64]:
    r"""Variance of each unit over the conditions of each task.

    With :math:`r_i(c, t)` the activity of unit i in condition c of task A at time t,

    .. math:: TV_i(A) = \langle \mathrm{Var}_{c \in A}\, r_i(c, t) \rangle_t

    with the population variance, each condition counting once [1]_.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or (n_networks, n_trials, n_units), or dict
        Activity, or a recording in one of both forms of
        :func:`~neuroselect.recordings.make_container`, with or without a time axis.
    task : array-like of shape (n_trials,), or str
        Task of each trial; of a recording the name of a column of its trials.
    condition : array-like of shape (n_trials,), or str or list of str, default=None
        Condition of each trial, over the means of which the variance is taken: trial noise
        still adds its variance over the number of trials. Of a recording, which needs them,
        names of columns. None: each trial is a condition, as for networks without noise.
    normalized : bool, default=False
        Divide by each unit's largest variance over tasks; NaN for units without variance.

    Returns
    -------
    variance : ndarray of shape (n_units, n_tasks) or (n_networks, n_units, n_tasks)
        In squared units of the activity; tasks are sorted.

    Raises
    ------
    ValueError
        If shapes do not belong together, activity is not finite, a task or condition is
        missing, or a recording comes without `condition`, lacks a column, or lacks values
        of a unit in a condition.

    See Also
    --------
    fractional_task_variance : Compares tasks, unit by unit.
    TaskClusters : Clusters of units by their normalised variances.

    References
    ----------
    .. [1] Yang, Joglekar, Song, Newsome & Wang (2019), "Task representations in neural networks
       trained to perform many cognitive tasks", Nature Neuroscience 22, 297-306.
       :doi:`10.1038/s41593-018-0310-2`

    Examples
    --------
    >>> activity = [[0.0, 1.0], [4.0, 1.0], [2.0, 5.0], [2.0, 7.0]]
    >>> task_variance(activity, ["add", "add", "multiply", "multiply"])
    array([[4., 0.],
           [0., 1.]])
    """
    if isinstance(activity, Mapping):
        variance = _recorded(activity, task, condition)
    else:
        variance = _measured(activity, task, condition)
    if not normalized:
        return variance
    largest = variance.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.where(largest > 0, variance / largest, np.nan)


def _measured(activity, task, condition):
    activity = check_activity(activity)
    tasks, index = np.unique(check_task(task, activity.shape[-2], "task"), return_inverse=True)
    if condition is not None:
        condition = check_labels(condition, activity.shape[-2], "condition")
    parts = []
    for k in range(len(tasks)):
        part = activity[..., index == k, :]
        if condition is not None:
            values, inner = np.unique(condition[index == k], return_inverse=True)
            # Relative to the first trial, so that a constant unit has no variance from rounding.
            part = group_means(part - part[..., :1, :], inner, len(values))
        parts.append(_variance(part, axis=-2))
    return np.stack(parts, axis=-1)


def _recorded(recording, task, condition):
    if condition is None or not isinstance(task, str):
        raise ValueError(
            "Of a recording, task must name a column of its trials and condition the columns"
            f" whose combinations are the conditions, got task={task!r} and"
            f" condition={condition!r}."
        )
    names = [condition] if isinstance(condition, str) else list(condition)
    by = [task, *(name for name in names if name != task)]
    found = condition_patterns(recording, by)
    codes = found.conditions[task].to_numpy()
    parts = []
    for code in np.unique(codes):
        variance = _variance(found.patterns[codes == code], axis=0)
        parts.append(variance if variance.ndim == 1 else variance.mean(axis=0))
    return np.stack(parts, axis=-1)


def _variance(values: NDArray, axis: int) -> NDArray[np.float64]:
    return np.var(values - np.take(values, [0], axis=axis), axis=axis)


def fractional_task_variance(variance: ArrayLike) -> NDArray[np.float64]:
    r"""Compare a unit's variances in two tasks.

    .. math:: FTV_i(A, B) = \frac{TV_i(A) - TV_i(B)}{TV_i(A) + TV_i(B)}

    Parameters
    ----------
    variance : array-like of shape (n_units, n_tasks) or (n_networks, n_units, n_tasks)
        As :func:`task_variance` returns it, 0 or more.

    Returns
    -------
    fractional : ndarray of shape (n_units, n_pairs) or (n_networks, n_units, n_pairs)
        From -1 to 1, where the unit varies in the first task of the pair only; NaN if it does so
        in neither. Pairs (0, 1), (0, 2), ..., (1, 2), ... of tasks.

    Raises
    ------
    ValueError
        If there are fewer than two tasks, or variances are negative or not finite.

    See Also
    --------
    relative_importance : The same comparison of what units are worth to tasks.

    Examples
    --------
    >>> fractional_task_variance([[4.0, 0.0], [1.0, 3.0], [0.0, 0.0]])
    array([[ 1. ],
           [-0.5],
           [ nan]])
    """
    variance = np.asarray(variance, dtype=np.float64)
    if variance.ndim not in (2, 3) or variance.shape[-1] < 2:
        raise ValueError(
            "variance must have shape (n_units, n_tasks) or (n_networks, n_units, n_tasks) with at"
            f" least two tasks, got shape {variance.shape}."
        )
    if not (np.isfinite(variance) & (variance >= 0)).all():
        raise ValueError("variance must be finite and at least 0, as task_variance returns it.")
    pairs = np.array(list(combinations(range(variance.shape[-1]), 2)))
    first, second = variance[..., pairs[:, 0]], variance[..., pairs[:, 1]]
    with np.errstate(invalid="ignore"):
        return (first - second) / (first + second)
