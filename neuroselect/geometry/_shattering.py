"""How many of all dichotomies can be decoded?"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroselect.geometry._decoders import Decide, balanced_accuracy, make_decoder, set_blocks
from neuroselect.geometry._dichotomies import DichotomyScores, read_dichotomies
from neuroselect.geometry._trials import (
    Trials,
    draw_rows,
    generator,
    permuted_orders,
    read_trials,
    standardized,
    zscored,
)
from neuroselect.utils._p_values import monte_carlo_p_values
from neuroselect.utils._sklearn import HasMethods, Interval, validate_params


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_splits": [Interval(Integral, 2, None, closed="left")],
        "n_trials": [Interval(Integral, 2, None, closed="left"), None],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "n_permutations": [Interval(Integral, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def shattering_dimensionality(
    activity: Any,
    conditions: Any,
    dichotomies: Any = "all",
    *,
    estimator: Any = None,
    n_splits: int = 5,
    n_trials: int | None = None,
    n_resamples: int = 5,
    n_permutations: int = 200,
    alpha: float = 0.05,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> DichotomyScores:
    """Shattering dimensionality: mean decoding accuracy over all balanced dichotomies [1]_.

    Each dichotomy of the conditions is decoded by itself, with cross-validation: every fold has
    trials of all conditions, equally many, and units are z-scored by the training trials.

    Parameters
    ----------
    activity, conditions, dichotomies, estimator
        As in :func:`cross_condition_generalization`. One condition on each side is enough.
    n_splits : int, default=5
        Number of folds; at most the trials per condition.
    n_trials : int, default=None
        Trials per condition in each resample. None takes those of the condition (and unit) that
        has fewest.
    n_resamples : int, default=5
        How often trials are drawn and shared out among folds; scores are the mean.
    n_permutations : int, default=200
        Permutations for the null distribution; 0 for none.
    alpha : float, default=0.05
        Dichotomies with p-values up to this count as decodable in `share_above_null`.
    n_jobs : int, default=None
        Processes for the fits of `estimator`, as in joblib.
    random_state : int, RandomState instance or None, default=None
        Source of the draws.

    Returns
    -------
    result : DichotomyScores
        A Bunch; ``to_frame()`` gives one row per dichotomy.

        score : float
            Shattering dimensionality: the mean accuracy over dichotomies. Chance is .5.
        p_value : float
            Of `score`, one-sided.
        share_above_null : float
            Another measure of the same name in the literature: the share of dichotomies that
            are decodable by themselves, with a one-sided p-value up to `alpha`. Without
            information its mean is `alpha` or less. NaN without permutations.
        scores : ndarray of shape (n_dichotomies,)
            Cross-validated accuracies, the mean over both sides.
        p_values : ndarray of shape (n_dichotomies,)
            One-sided, not corrected for the number of dichotomies.
        null : ndarray of shape (n_permutations, n_dichotomies)
            Accuracies with permuted conditions.
        names, dichotomies, conditions
            As of :func:`cross_condition_generalization`.

    Raises
    ------
    ValueError
        If activity is not finite, there are fewer trials per condition than folds, a
        dichotomy leaves a class empty, or inputs do not fit together.

    See Also
    --------
    separable_dichotomies : The exact count, of patterns without noise.
    participation_ratio : Dimensions that activity varies along, decodable or not.

    Notes
    -----
    For the null distribution the conditions of trials are permuted (in long form: within each
    unit), then trials are drawn and decoders trained anew. It says that activity has no
    information on the conditions at all; p-values are (k + 1) / (n_permutations + 1), with k
    permutations whose score is as high. A dichotomy decoded below chance is not decodable.

    References
    ----------
    .. [1] Rigotti, Barak, Warden, Wang, Daw, Miller & Fusi (2013), "The importance of mixed
       selectivity in complex cognitive tasks", Nature 497, 585-590. :doi:`10.1038/nature12160`

    Examples
    --------
    Four conditions on a square have three balanced dichotomies. Exclusive or, "dichotomy 0",
    needs a unit that responds to the combination:

    >>> import numpy as np
    >>> from neuroselect.geometry import shattering_dimensionality
    >>> rng = np.random.default_rng(0)
    >>> task, shape = np.tile([0, 0, 1, 1], 50), np.tile([0, 1], 100)
    >>> linear = 4 * np.column_stack([task, shape]) + rng.normal(size=(200, 2))
    >>> result = shattering_dimensionality(
    ...     linear, {"task": task, "shape": shape}, n_permutations=0, random_state=0
    ... )
    >>> result.names, bool(result.scores[0] < 0.65), bool(result.scores[1:].min() > 0.9)
    (['dichotomy 0', 'shape', 'task'], True, True)
    """
    rng = generator(random_state)
    trials = standardized(read_trials(activity, conditions))
    names, sides = read_dichotomies(dichotomies, trials.conditions, smallest=1)
    rows = draw_rows(trials, n_trials, n_resamples, rng)
    check_folds(n_splits, rows.shape[2])
    decide = make_decoder(estimator, n_jobs)
    scores = np.mean(
        [_accuracies(trials.data[each][np.newaxis], sides, n_splits, decide) for each in rows],
        axis=0,
    )[0]
    null = _null_accuracies(trials, rows, sides, n_splits, decide, n_permutations, rng)
    p_values = monte_carlo_p_values(scores, null)
    decodable = np.mean(p_values <= alpha) if n_permutations else np.nan
    return DichotomyScores(
        score=float(scores.mean()),
        p_value=float(monte_carlo_p_values(scores.mean(), null.mean(axis=1))),
        share_above_null=float(decodable),
        scores=scores,
        p_values=p_values,
        null=null,
        names=names,
        dichotomies=sides,
        conditions=trials.conditions,
    )


def check_folds(n_splits: int, n_trials: int) -> None:
    """Raise if folds are more than trials per condition."""
    if n_splits > n_trials:
        raise ValueError(
            f"n_splits={n_splits} folds need as many trials per condition, but there are"
            f" {n_trials}. Take fewer folds, or leave out the condition (or unit) with fewest."
        )


def _accuracies(
    trials: NDArray[np.float64], sides: NDArray[np.bool_], n_splits: int, decide: Decide
) -> NDArray[np.float64]:
    """Cross-validated accuracies of stacks of populations, (n_sets, n_dichotomies).

    Trials are (n_sets, n_conditions, n_trials, n_units), in random order; all dichotomies share
    the training set of a fold.
    """
    n_sets, n_conditions, n_trials, n_units = trials.shape
    fold = np.arange(n_trials) % n_splits
    correct = np.zeros((n_sets, len(sides), n_conditions))
    for k in range(n_splits):
        train = trials[:, :, fold != k].reshape(n_sets, -1, n_units)
        train, test = zscored(train, trials[:, :, fold == k].reshape(n_sets, -1, n_units))
        labels = np.repeat(sides, np.sum(fold != k), axis=1)
        decided = decide(train, labels, test).reshape(n_sets, len(sides), n_conditions, -1)
        correct += (decided == sides[..., np.newaxis]).sum(axis=-1)
    return balanced_accuracy(correct / n_trials, sides)


def _null_accuracies(
    trials: Trials,
    rows: NDArray[np.int64],
    sides: NDArray[np.bool_],
    n_splits: int,
    decide: Decide,
    n_permutations: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    null = np.zeros((n_permutations, len(sides)))
    orders = permuted_orders(trials, None, n_permutations, rng)
    for block in set_blocks(n_permutations, rows.shape[1] * rows.shape[2], trials.n_units):
        permuted = [trials.data[next(orders)] for _ in range(block.start, block.stop)]
        for each in rows:
            drawn = np.stack([data[each] for data in permuted])
            null[block] += _accuracies(drawn, sides, n_splits, decide) / len(rows)
    return null
