"""Are the coding vectors of a dichotomy parallel?"""

from __future__ import annotations

from itertools import permutations
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroselect.geometry._centroid_null import random_axes, random_centroids, relocated
from neuroselect.geometry._decoders import set_blocks
from neuroselect.geometry._dichotomies import DichotomyScores, read_dichotomies
from neuroselect.geometry._trials import (
    condition_centroids,
    draw_rows,
    generator,
    read_trials,
    standardized,
)
from neuroselect.utils._p_values import ALTERNATIVES, monte_carlo_p_values
from neuroselect.utils._sklearn import Interval, StrOptions, validate_params

MOST_PER_SIDE = 7


@validate_params(
    {
        "cross_validate": ["boolean"],
        "standardize": ["boolean"],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "n_null": [Interval(Integral, 0, None, closed="left")],
        "alternative": [StrOptions(set(ALTERNATIVES))],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def parallelism_score(
    activity: Any,
    conditions: Any,
    dichotomies: Any = "all",
    *,
    cross_validate: bool = False,
    standardize: bool = False,
    n_resamples: int = 10,
    n_null: int = 200,
    alternative: str = "greater",
    random_state: Any = None,
) -> DichotomyScores:
    r"""Parallelism score of dichotomies: cosine between coding vectors [1]_.

    Conditions are paired across the two sides; the coding vector of a pair is the difference of
    the mean activity of its two conditions. The score is the mean cosine over all pairs of
    coding vectors, for the pairing that makes it largest. 1: the variable adds the same vector
    to the activity in whatever condition.

    Parameters
    ----------
    activity, conditions
        As in :func:`cross_condition_generalization`. All trials enter the means. One row per
        condition will do, such as the noise-free activity of a network, without `cross_validate`.
    dichotomies : str, list of str, array-like of bool or dict of them, default="all"
        As in :func:`cross_condition_generalization`; with two to seven conditions on each
        side, equally many.
    cross_validate : bool, default=False
        Choose the pairing in one random half of the trials and measure in the other one, with
        squared lengths of the coding vectors corrected for noise (see Notes). Needs at least
        four trials per condition.
    standardize : bool, default=False
        z-score units over all trials first. Without, units of high rates count most.
    n_resamples : int, default=10
        Number of random halvings if `cross_validate`.
    n_null : int, default=200
        Draws of the null distribution; 0 for none.
    alternative : {"greater", "less", "two-sided"}, default="greater"
        Whether the score is tested to be above the null, below it, or either.
    random_state : int, RandomState instance or None, default=None
        Source of the draws.

    Returns
    -------
    result : DichotomyScores
        As of :func:`cross_condition_generalization`; `scores` are from -1 to 1 without
        `cross_validate`.

    Raises
    ------
    ValueError
        If activity is not finite, the sides of a dichotomy differ in size or have fewer than
        two conditions, or trials are too few.

    See Also
    --------
    cross_condition_generalization : The same question asked of a decoder.

    Notes
    -----
    The score has two biases. Noise in the means attenuates it: it adds to the length of coding
    vectors, not to their inner products, which are of different conditions, so that perfectly
    parallel vectors of squared length S with noise variance V have the cosine S / (S + V). And
    the maximum over pairings biases it upwards. In the null, means of conditions are put at
    random places, isotropic and with the same total variance, and the same maximum is taken, so
    that p-values have neither bias.

    With `cross_validate` the pairing that is best in one half of the trials is measured in the
    other half by

    .. math:: \frac{\langle v_k \cdot v_l \rangle_{k < l}}
                   {\langle v_k \cdot v_k - \hat\sigma_k^2 \rangle_k}

    where :math:`\hat\sigma_k^2` estimates the noise variance of the coding vector, summed over
    units. Numerator and denominator are unbiased, and averaged over both halves and all
    halvings. Parallel vectors of equal length give 1 however noisy they are; a single value may be
    above 1. NaN where the denominator is not positive: the data show no coding vectors.

    References
    ----------
    .. [1] Bernardi, Benna, Rigotti, Munuera, Fusi & Salzman (2020), "The geometry of
       abstraction in the hippocampus and prefrontal cortex", Cell 183, 954-967.
       :doi:`10.1016/j.cell.2020.09.031`

    Examples
    --------
    >>> from neuroselect.geometry import parallelism_score
    >>> square = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    >>> conditions = {"task": [0, 0, 1, 1], "shape": [0, 1, 0, 1]}
    >>> result = parallelism_score(square, conditions, random_state=0)
    >>> result.names, result.scores.round(6)
    (['dichotomy 0', 'shape', 'task'], array([-1.,  1.,  1.]))
    """
    rng = generator(random_state)
    trials = read_trials(activity, conditions, min_trials=4 if cross_validate else 1)
    trials = standardized(trials) if standardize else trials
    names, sides = read_dichotomies(dichotomies, trials.conditions, smallest=2)
    _check_equal_sides(names, sides)
    pairings = [_pairings(side) for side in sides]
    if cross_validate:
        scores, null = _halved(trials, pairings, n_resamples, n_null, rng)
    else:
        centroids = condition_centroids(trials)
        scores = parallelism(centroids[np.newaxis], pairings)[0]
        null = np.empty((n_null, len(sides)))
        n_values = max(pairing.orders.size for pairing in pairings) + len(centroids) ** 2
        for block in set_blocks(n_null, n_values, trials.n_units):
            drawn = random_centroids(centroids, block.stop - block.start, rng)
            null[block] = parallelism(drawn, pairings)
    return DichotomyScores(
        scores=scores,
        null=null,
        p_values=monte_carlo_p_values(scores, null, alternative),
        names=names,
        dichotomies=sides,
        conditions=trials.conditions,
    )


def _check_equal_sides(names: list[str], sides: NDArray[np.bool_]) -> None:
    n_first = (~sides).sum(axis=1)
    for k in np.flatnonzero((2 * n_first != sides.shape[1]) | (n_first > MOST_PER_SIDE)):
        raise ValueError(
            "The parallelism score pairs the conditions of both sides: they must have equally many,"
            f" up to {MOST_PER_SIDE}, but {names[k]!r} has {n_first[k]} and"
            f" {sides.shape[1] - n_first[k]}."
        )


class _Pairing(NamedTuple):
    """Conditions of both sides, (n_pairs,), and the orders of the second (n_pairings, n_pairs)."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    orders: NDArray[np.int64]


def _pairings(side: NDArray[np.bool_]) -> _Pairing:
    second = np.flatnonzero(side)
    return _Pairing(np.flatnonzero(~side), second, np.array(list(permutations(range(len(second))))))


def _inner_products(
    means: NDArray[np.float64], pairing: _Pairing
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inner products of the coding vectors of every pairing, and their squared lengths.

    Of vectors k < l, (n_sets, n_pairings, n_pairs * (n_pairs - 1) / 2), and (..., n_pairs). Made
    of the inner products of all differences across the sides, which lose no precision.
    """
    n_pairs = len(pairing.first)
    vectors = means[:, np.newaxis, pairing.second] - means[:, pairing.first][:, :, np.newaxis]
    vectors = vectors.reshape(len(means), n_pairs**2, -1)
    gram = vectors @ np.swapaxes(vectors, 1, 2)
    own = n_pairs * np.arange(n_pairs) + pairing.orders
    k, m = np.triu_indices(n_pairs, 1)
    return gram[:, own[:, k], own[:, m]], gram[:, own, own]


def parallelism(means: NDArray[np.float64], pairings: list[_Pairing]) -> NDArray[np.float64]:
    """Largest mean cosine of stacks of condition means, (n_sets, n_dichotomies)."""
    return np.stack([_mean_cosines(means, pairing).max(axis=1) for pairing in pairings], axis=1)


def _mean_cosines(means: NDArray, pairing: _Pairing) -> NDArray[np.float64]:
    """Mean cosine for every pairing, (n_sets, n_pairings); a vector of 0 has the cosine 0."""
    inner, squared = _inner_products(means, pairing)
    k, m = np.triu_indices(squared.shape[-1], 1)
    size = np.sqrt(squared[..., k] * squared[..., m])
    return np.divide(inner, size, out=np.zeros_like(inner), where=size > 0).mean(axis=-1)


def _halved(trials, pairings, n_resamples, n_null, rng):
    """Cross-validated scores (n_dichotomies,) and null (n_null, n_dichotomies)."""
    rows = draw_rows(trials, None, n_resamples, rng)
    rows = rows[:, :, : rows.shape[2] // 2 * 2]
    sums = sum(cross_validated(trials.data[each][np.newaxis], pairings) for each in rows)
    centroids = condition_centroids(trials)
    null = np.zeros((2, n_null, len(pairings)))
    for block in set_blocks(n_null, rows.shape[1] * rows.shape[2], trials.n_units):
        drawn = random_centroids(centroids, block.stop - block.start, rng)
        axes = random_axes(drawn.shape, rng)
        for each in rows:
            residuals = trials.data[each] - centroids[:, np.newaxis]
            null[:, block] += cross_validated(relocated(residuals, drawn, axes), pairings)
    return _ratio(sums)[0], _ratio(null)


def cross_validated(trials: NDArray[np.float64], pairings: list[_Pairing]) -> NDArray[np.float64]:
    """Numerators and denominators (2, n_sets, n_dichotomies), summed over both halves.

    Trials are (n_sets, n_conditions, n_trials, n_units), the first half against the second.
    """
    half = trials.shape[2] // 2
    halves = trials[:, :, :half], trials[:, :, half:]
    sums = np.zeros((2, len(trials), len(pairings)))
    for chosen, measured in (halves, halves[::-1]):
        means, noise = measured.mean(axis=2), measured.var(axis=2, ddof=1).sum(axis=-1) / half
        for d, pairing in enumerate(pairings):
            best = _mean_cosines(chosen.mean(axis=2), pairing).argmax(axis=1)
            inner, squared = _inner_products(means, pairing)
            partners = pairing.second[pairing.orders]
            squared = squared - noise[:, partners] - noise[:, pairing.first][:, np.newaxis]
            own = np.arange(len(trials)), best
            sums[:, :, d] += inner[own].mean(axis=-1), squared[own].mean(axis=-1)
    return sums


def _ratio(sums: NDArray) -> NDArray[np.float64]:
    return np.divide(sums[0], sums[1], out=np.full_like(sums[0], np.nan), where=sums[1] > 0)
