"""Is a unit worth more to one task than to another? Tasks of trials exchanged."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

BLOCK_VALUES = 2**22
# Relative: statistics of one and the same assignment of labels differ by rounding.
TIE = 1e-9


def permutation_p_values(
    effects: NDArray,
    task: NDArray,
    condition: NDArray,
    *,
    n_permutations: int,
    normalize: str | None,
    random_state: np.random.RandomState,
) -> NDArray[np.float64]:
    """Two-sided p-values (n_units, n_pairs) that a unit's importance differs between tasks.

    Parameters
    ----------
    effects : ndarray of shape (n_units, n_trials)
        Effect of each lesion on each trial.
    task, condition : ndarray of shape (n_trials,), int
        Labels of tasks, counted from 0, are exchanged among trials of the same condition and
        of the two tasks of a pair.
    """
    columns = []
    for a, b in combinations(range(task.max() + 1), 2):
        trials = np.flatnonzero((task == a) | (task == b))
        trials = trials[np.argsort(condition[trials], kind="stable")]
        first = task[trials] == a
        _check_exchangeable(first, condition[trials])
        of_pair = effects[:, trials]
        if normalize == "layer":
            of_pair = of_pair / np.where(
                first, *(_share(of_pair[:, rows]) for rows in (first, ~first))
            )
        observed = _contrasts(of_pair, first[:, None], normalize)
        count = np.zeros(len(effects))
        permuted = _permuted(first, condition[trials], len(effects), n_permutations, random_state)
        for labels in permuted:
            count += (_contrasts(of_pair, labels, normalize) >= observed * (1 - TIE)).sum(axis=1)
        columns.append((1 + count) / (1 + n_permutations))
    return np.stack(columns, axis=1)


def _share(effects):
    """Sum over units of a task's importances, which layer normalisation divides by."""
    total = effects.mean(axis=1).clip(min=0).sum()
    return total if total > 0 else 1.0


def _check_exchangeable(first, condition):
    if min(first.sum(), (~first).sum()) < 2:
        raise ValueError("n_permutations > 0 needs at least two trials of each task. Give more.")
    both = np.bincount(condition, first) * np.bincount(condition, ~first)
    if not both.any():
        raise ValueError(
            "condition must leave trials to exchange: every condition has trials of one task"
            " only. Name conditions that both tasks share, or condition=None."
        )


def _permuted(first, condition, n_units, n_permutations, random_state):
    """Yield blocks (n_trials, n_labels) of labels exchanged within condition.

    Trials are sorted by condition.
    """
    size = max(1, BLOCK_VALUES // max(len(first), n_units))
    for start in range(0, n_permutations, size):
        shape = (len(first), min(size, n_permutations - start))
        order = np.argsort(condition[:, None] + random_state.uniform(size=shape), axis=0)
        yield first[order]


def _contrasts(effects, labels, normalize):
    """Welch's |t| of each unit (rows) between the trials that labels (columns) call first."""
    grand = effects.mean(axis=1, keepdims=True)
    deviations = effects - grand
    means, variances = [], []
    for chosen in (labels.astype(np.float64), (~labels).astype(np.float64)):
        n = chosen.sum(axis=0)
        mean = deviations @ chosen / n
        variance = (np.square(deviations) @ chosen / n - mean**2).clip(min=0) / (n - 1)
        mean += grand
        if normalize == "layer":
            share = mean.clip(min=0).sum(axis=0)
            share = np.where(share > 0, share, 1.0)
            mean, variance = mean / share, variance / share**2
        means.append(mean)
        variances.append(variance)
    difference, error = np.abs(means[0] - means[1]), np.sqrt(variances[0] + variances[1])
    noise = TIE * np.abs(effects).max(axis=1, keepdims=True)
    t = np.divide(difference, error, out=np.full_like(error, np.inf), where=error > noise)
    return np.where(difference > noise, t, 0.0)
