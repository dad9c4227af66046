"""Networks as subjects: their outputs as choice matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import is_classifier

from neuroselect.behavior._checks import N_TASKS
from neuroselect.behavior._matrices import _check_filled, _check_grid, _codes, _levels

if TYPE_CHECKING:
    import pandas as pd


def network_choice_matrices(
    networks: object | Sequence[object],
    X: ArrayLike,
    conditions: pd.DataFrame,
    features: Sequence[str] = ("leafiness", "branchiness"),
    *,
    task: str = "task",
    reward: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Probability that networks accept what is shown, in the frame of human choice matrices.

    Parameters
    ----------
    networks : network or list of networks
        Fitted. What counts as the probability to accept: ``choice_probability(X)`` of a
        `ContextGatedRegressor`; the probability of the second class of a classifier with two
        classes; the sigmoid of the output of other regressors.
    X : array-like of shape (n_trials, n_features + 1)
        Trials that show every combination of levels in both tasks.
    conditions : DataFrame of shape (n_trials, n_columns)
        Levels and task of each trial, such as of `make_context_blobs(return_X_y=False)`.
    features : sequence of two str, default=("leafiness", "branchiness")
        Columns of the levels; the one that is relevant in the first task comes first.
    task : str, default="task"
        Column of the tasks; the two values are sorted.
    reward : array-like of shape (n_trials,), default=None
        Reward for accepting, or target. A feature whose reward falls with its level, in the task
        in which it is relevant, is turned round. None: nothing is turned.

    Returns
    -------
    matrices : ndarray of shape (n_networks, 2, n_levels, n_levels)
        Mean probability of each cell. Of shape (1, ...) for one network.

    Raises
    ------
    ValueError
        If there are not two tasks, levels are no grid, a cell has no trial, or the reward
        of a feature neither rises nor falls with its level.

    See Also
    --------
    choice_slopes, congruency_effect, choice_rdm_betas : What is made of them.
    fit_network_parameter : Which networks choose as a person does?

    Examples
    --------
    >>> from neuroselect import ContextGatedRegressor, fit_many
    >>> from neuroselect.behavior import congruency_effect, network_choice_matrices
    >>> from neuroselect.datasets import make_context_blobs
    >>> blobs = make_context_blobs(return_X_y=False)
    >>> nets = fit_many([ContextGatedRegressor((20,), gating="none", learning_rate_init=0.02,
    ...     random_state=k) for k in range(2)], blobs.data, blobs.target)
    >>> m = network_choice_matrices(nets, blobs.data, blobs.conditions, reward=blobs.target)
    >>> m.shape, bool((m[:, 0, -1] > m[:, 0, 0]).all())        # north: rises along the rows
    ((2, 2, 5, 5), True)
    """
    networks = list(networks) if isinstance(networks, (list, tuple)) else [networks]
    if not networks:
        raise ValueError("networks is an empty list; pass at least one fitted network.")
    features = list(features)
    missing = [name for name in [*features, task] if name not in conditions.columns]
    if missing or len(features) != 2 or len(set(features)) != 2:
        raise ValueError(
            f"features must name two columns of conditions, and task one; got {features} and"
            f" {task!r}, columns are {list(conditions.columns)}."
        )
    levels = [_levels(conditions[name], name) for name in features]
    _check_grid(features, levels, len(conditions))
    tasks, which = _codes(conditions[task])
    if len(tasks) != N_TASKS:
        raise ValueError(f"The column {task!r} must hold two tasks, got {tasks.tolist()}.")
    places = [
        _turned(place, name, reward, which == k)
        for k, ((_, place), name) in enumerate(zip(levels, features, strict=True))
    ]
    shape = (N_TASKS, len(levels[0][0]), len(levels[1][0]))
    cell = np.ravel_multi_index((which, *places), shape)
    counts = np.bincount(cell, minlength=np.prod(shape))
    _check_filled(counts.reshape(1, *shape), np.array(["all"]), tasks, features, levels)
    sums = [np.bincount(cell, accepted(n, X), minlength=np.prod(shape)) for n in networks]
    return (np.stack(sums) / counts).reshape(-1, *shape)


def accepted(network, X: ArrayLike) -> NDArray[np.float64]:
    """Probability of each trial that the network accepts what is shown."""
    if hasattr(network, "choice_probability"):
        return np.ravel(network.choice_probability(X))
    if not is_classifier(network):
        return expit(np.ravel(network.predict(X)))
    if len(network.classes_) != 2:
        raise ValueError(
            f"A classifier must have two classes, reject and accept, got {len(network.classes_)}."
            " Train it on whether the reward is positive."
        )
    return network.predict_proba(X)[:, 1]


def _turned(place, name, reward, shown):
    """Positions of levels, from the other end if the reward falls with them."""
    if reward is None:
        return place
    reward = np.asarray(reward, dtype=np.float64)
    if reward.shape != place.shape:
        raise ValueError(
            f"reward must have shape ({len(place)},), one per trial, got {reward.shape}."
        )
    level = place[shown] - place[shown].mean()
    slope = level @ (reward[shown] - reward[shown].mean())
    if slope == 0:
        raise ValueError(
            f"reward neither rises nor falls with {name!r} in the task in which it is relevant."
            " Name the features in the order of the tasks that they are relevant in."
        )
    return place if slope > 0 else place.max() - place
