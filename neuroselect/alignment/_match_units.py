"""Matches chosen on one half of the trials, scored on the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from neuroselect.alignment._systems import check_same_trials, read_system
from neuroselect.alignment._unit_matching import UnitMatching
from neuroselect.utils._p_values import monte_carlo_p_values


def match_units(
    a: ArrayLike,
    b: ArrayLike,
    *,
    method: str = "one-to-one",
    absolute: bool = False,
    test_size: float = 0.5,
    groups: ArrayLike | None = None,
    baseline: Sequence[ArrayLike] | None = None,
    n_permutations: int = 0,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Match the units of two systems on some trials, and score the match on others.

    Parameters
    ----------
    a, b : array-like of shape (n_trials, n_units)
        Activity of the same trials; units may differ in number.
    method, absolute
        As of `UnitMatching`.
    test_size : float, default=0.5
        Share of the trials (of the groups, if given) that the match is scored on.
    groups : array-like of shape (n_trials,), default=None
        Stimulus of each trial: trials of one stimulus stay together.
    baseline : pair of array-like, default=None
        Activity of another pair in the same trials, such as the two networks before training,
        matched and scored in the same way.
    n_permutations : int, default=0
        Number of times the trials of b are shuffled, groups as a whole, before all is done again.
    random_state : int, RandomState instance or None, default=None
        Divides and shuffles the trials.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``pairs`` (n_pairs, 2); ``train_correlations`` and ``correlations`` (n_pairs,) in the
        trials of the choice and in the others; ``curve``, the latter sorted, greatest first;
        ``score``, their mean; ``n_silent``, units of a and b that are constant in the trials of
        the choice and left out; ``baseline_score``, or None; ``null`` (n_permutations,),
        scores of shuffled trials; ``p_value``, one-sided, (1 + count) / (1 + n_permutations), or
        None.

    Raises
    ------
    ValueError
        If too few trials are left on either side, or groups with different numbers of trials are
        to be shuffled.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import match_units
    >>> a = np.random.default_rng(0).normal(size=(60, 5))
    >>> result = match_units(a, a[:, ::-1], n_permutations=19, random_state=0)
    >>> result.pairs.tolist(), round(result.score, 6), result.p_value
    ([[0, 4], [1, 3], [2, 2], [3, 1], [4, 0]], 1.0, 0.05)
    """
    a, b = read_system(a, "a"), read_system(b, "b")
    check_same_trials(a, b)
    random_state = check_random_state(random_state)
    groups, test = split_trials(groups, len(a), test_size, random_state)
    model = UnitMatching(method, absolute=absolute).fit(a[~test], b[~test])

    def scored(x, y):
        return (
            UnitMatching(method, absolute=absolute).fit(x[~test], y[~test]).score(x[test], y[test])
        )

    correlations = model.pair_correlations(a[test], b[test])
    score = model.score(a[test], b[test])
    null = np.array(
        [scored(a, b[shuffled_trials(groups, random_state)]) for _ in range(n_permutations)]
    )
    return Bunch(
        pairs=model.pairs_,
        train_correlations=model.correlations_,
        correlations=correlations,
        curve=np.sort(correlations)[::-1],
        score=score,
        n_silent=model.n_silent_,
        baseline_score=None if baseline is None else scored(*_read_pair(baseline, len(a))),
        null=null,
        p_value=float(monte_carlo_p_values(score, null)) if n_permutations else None,
    )


def shuffled_trials(groups, random_state):
    """Order of trials in which whole groups have changed places."""
    _, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(set(counts.tolist())) > 1:
        raise ValueError(
            "groups of different size cannot be shuffled as a whole, got groups of"
            f" {sorted(set(counts.tolist()))} trials. Give each as many trials."
        )
    rows = np.argsort(index, kind="stable").reshape(len(counts), -1)
    order = np.empty(len(index), dtype=np.int64)
    order[rows] = rows[random_state.permutation(len(rows))]
    return order


def read_groups(groups, n_trials):
    """One group for each trial; None takes each trial for its own."""
    groups = np.arange(n_trials) if groups is None else np.asarray(groups)
    if groups.shape != (n_trials,):
        raise ValueError(
            f"groups must have shape ({n_trials},), one per trial, got {groups.shape}."
        )
    return groups


def split_trials(groups, n_trials, test_size, random_state):
    """Group of each trial, and whether it is one to score on."""
    groups = read_groups(groups, n_trials)
    names, index = np.unique(groups, return_inverse=True)
    n_test = round(test_size * len(names))
    if not 0 < n_test < len(names):
        raise ValueError(
            f"test_size={test_size!r} must leave trials to choose on and trials to score on; of"
            f" {len(names)} groups of trials it takes {n_test}."
        )
    test = np.isin(index, random_state.permutation(len(names))[:n_test])
    if min(test.sum(), (~test).sum()) < 2:
        raise ValueError(
            f"Matches need at least 2 trials to choose on and 2 to score on, got {(~test).sum()}"
            f" and {test.sum()}. Show more trials, or change test_size={test_size!r}."
        )
    return groups, test


def _read_pair(baseline, n_trials):
    if len(baseline) != 2:
        raise ValueError(f"baseline must be a pair of systems, got {len(baseline)}.")
    pair = [read_system(x, f"baseline[{k}]") for k, x in enumerate(baseline)]
    for k, x in enumerate(pair):
        if len(x) != n_trials:
            raise ValueError(f"baseline[{k}] must have the {n_trials} trials of a, got {len(x)}.")
    return pair
