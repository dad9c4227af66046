"""Which recorded trials make up a pseudo-population; arrays only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroselect.preprocessing._groups import shuffled_within


def draw_trials(
    group: NDArray[np.int64],
    counts: NDArray[np.int64],
    fold: NDArray[np.int64],
    n_splits: int,
    *,
    replace: bool,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw one trial of every group for every pseudo-trial, folds apart.

    The trials of each group are put in random order. Without replacement, pseudo-trial j takes
    the one at position j, so that a trial is in one pseudo-trial at most. With replacement, the
    positions f, f + n_splits, ... belong to fold f, and a pseudo-trial takes any of its fold.

    Parameters
    ----------
    group : ndarray of shape (n_trials,)
        Group (a unit in a condition) of each recorded trial, sorted.
    counts : ndarray of shape (n_groups,)
        Trials of each group: at least n_pseudo, or with replacement at least `n_splits`.
    fold : ndarray of shape (n_pseudo,)
        Fold of each pseudo-trial of a condition.

    Returns
    -------
    trials : ndarray of shape (n_pseudo, n_groups)
        Positions in `group`.
    """
    starts, n_pseudo = np.cumsum(counts) - counts, len(fold)
    position = np.arange(n_pseudo)[:, np.newaxis]
    if not replace and 4 * n_pseudo * len(counts) < len(group):
        return shuffled_starts(len(group), starts, counts, n_pseudo, rng)[starts + position]
    if replace:
        fold = fold[:, np.newaxis]
        pool = (counts - fold + n_splits - 1) // n_splits
        position = fold + n_splits * rng.integers(0, pool)
    return shuffled_within(group, rng)[starts + position]


def shuffled_starts(
    n_trials: int,
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    n_first: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Shuffle until the first `n_first` of each group are random; the rest is not.

    The steps of Fisher and Yates, of all groups at once. Less work than sorting all trials where
    few of them are drawn.
    """
    order = np.arange(n_trials)
    for j in range(n_first):
        here, other = starts + j, starts + rng.integers(j, counts)
        order[here], order[other] = order[other], order[here]
    return order
