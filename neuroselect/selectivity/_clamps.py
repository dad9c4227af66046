"""What a lesioned unit is clamped to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def clamp_values(
    lesions, task: NDArray, lesion_value: str, *, n_draws: int, random_state
) -> list[NDArray]:
    """Return the values of each draw, each of a shape that broadcasts to (n_trials, n_units).

    ``task`` counts the tasks of the trials from 0. All but "resample" are one draw.
    """
    if lesion_value == "resample":
        return _resampled(lesions.activity, n_draws, random_state)
    return [CLAMPS[lesion_value](lesions.activity, task)]


def _task_means(activity, task):
    tasks, index = np.unique(task, return_inverse=True)
    means = [activity[index == k].mean(0, dtype=np.float64) for k in range(len(tasks))]
    return np.array(means)[index]


def _resampled(activity, n_draws, random_state):
    n_trials = len(activity)
    if n_trials < 2:
        raise ValueError(
            "lesion_value='resample' clamps units to their activity in other trials, but there"
            " is one trial. Give more trials, or another lesion_value."
        )
    shifts = random_state.randint(1, n_trials, size=(n_draws, n_trials))
    return [activity[(np.arange(n_trials) + shift) % n_trials] for shift in shifts]


# name: (activity, task of each trial) -> what units are clamped to
CLAMPS = {
    "zero": lambda activity, task: np.zeros((1, 1)),
    "mean": lambda activity, task: activity.mean(0, dtype=np.float64, keepdims=True),
    "task_mean": _task_means,
}
LESION_VALUES = (*CLAMPS, "resample")
