"""Classes of units by their activity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.recordings import condition_patterns
from neuroselect.selectivity._activity import check_activity
from neuroselect.selectivity._tasks import check_task, task_names


def unit_classes(
    activity: ArrayLike | Mapping, task: ArrayLike | str, *, tolerance: float = 0.0
) -> NDArray[np.str_]:
    """Classify units as silent, active in one task only, or active in several.

    By a unit's mean activity over the trials of each task [1]_.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or (n_networks, n_trials, n_units)
        Activity of which 0 means none: rates, or units behind a ReLU. Of centred activity, or
        of tanh units, the classes say nothing: half of the units look silent. Or a recording of
        :func:`~neuroselect.recordings.make_container`, of units recorded together or not; where
        it has time, the mean over it counts.
    task : array-like of shape (n_trials,), or str
        Task of each trial: numbers or names. Of a recording, the column of its trials.
    tolerance : float, default=0.0
        A unit is active in a task if its mean activity there is greater than this; in the
        units of the activity.

    Returns
    -------
    labels : ndarray of shape (n_units,) or (n_networks, n_units), str
        "silent" for a unit active in no task, the task's name for one active in that task
        alone, "mixed" for one active in several.

    Raises
    ------
    ValueError
        If shapes do not belong together, activity is not finite, `tolerance` is negative, or
        a task has the name of a class.

    See Also
    --------
    unit_labels : Classes by what a unit is worth to each task.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), "Orthogonal representations
       for robust context-dependent task performance in brains and neural networks",
       Neuron 110, 1258-1270. :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> activity = [[0.0, 1.0, 2.0], [0.0, 0.0, 1.0], [0.0, 0.0, 3.0]]
    >>> unit_classes(activity, ["add", "add", "multiply"])
    array(['silent', 'add', 'mixed'], dtype='<U8')
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be a number >= 0, got {tolerance!r}.")
    measure = _recorded_means if isinstance(activity, Mapping) else _means
    means, tasks = measure(activity, task)
    names = task_names(tasks)
    active = means > tolerance
    alone = np.where(active.sum(axis=0) == 1, names[active.argmax(axis=0)], "mixed")
    return np.where(active.any(axis=0), alone, "silent")


def _means(activity, task):
    """Mean activity in each task, (n_tasks, ..., n_units), and the tasks."""
    activity = check_activity(activity)
    tasks, index = np.unique(check_task(task, activity.shape[-2], "task"), return_inverse=True)
    return np.stack([activity[..., index == k, :].mean(axis=-2) for k in range(len(tasks))]), tasks


def _recorded_means(recording, task):
    if not isinstance(task, str):
        raise ValueError(
            "Of a recording, task must name the column of its trials that holds the task, got"
            f" {task!r}."
        )
    found = condition_patterns(recording, [task])
    means = found.patterns if found.patterns.ndim == 2 else found.patterns.mean(axis=1)
    return means, found.conditions[task].to_numpy()
