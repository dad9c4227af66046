"""Generalisation to held-out conditions, of stacks of populations.

Populations are (n_sets, n_conditions, n_trials, n_units), `sides` (n_dichotomies, n_conditions).
All dichotomies that have two held-out conditions on different sides share their training set.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from neuroselect.geometry._decoders import (
    Decide,
    balancing_weights,
    make_decoder,
    solve_ridge,
)
from neuroselect.geometry._trials import safe_scale, zscored


def held_out_pairs(
    sides: NDArray[np.bool_],
) -> Iterator[tuple[list[int], NDArray[np.int64], NDArray[np.int64]]]:
    """Generate pairs of conditions, the other conditions, and the dichotomies of the pair."""
    n_conditions = sides.shape[1]
    for i, j in combinations(range(n_conditions), 2):
        apart = np.flatnonzero(sides[:, i] != sides[:, j])
        if len(apart):
            yield [i, j], np.delete(np.arange(n_conditions), [i, j]), apart


def ccgp(
    trials: NDArray[np.float64], sides: NDArray[np.bool_], decide: Decide
) -> NDArray[np.float64]:
    """Mean accuracy over all choices of a condition of each side, (n_sets, n_dichotomies)."""
    n_sets, _, n_trials, n_units = trials.shape
    total = np.zeros((n_sets, len(sides)))
    for pair, kept, apart in held_out_pairs(sides):
        train = trials[:, kept].reshape(n_sets, -1, n_units)
        train, test = zscored(train, trials[:, pair].reshape(n_sets, -1, n_units))
        labels = np.repeat(sides[np.ix_(apart, kept)], n_trials, axis=1)
        truth = np.repeat(sides[np.ix_(apart, pair)], n_trials, axis=1)
        total[:, apart] += (decide(train, labels, test) == truth).mean(axis=-1)
    return total / (sides.sum(axis=1) * (~sides).sum(axis=1))


def ridge_ccgp(trials: NDArray[np.float64], sides: NDArray[np.bool_]) -> NDArray[np.float64]:
    """As :func:`ccgp` with ridge regression, from means and scatter matrices of conditions.

    Training sets differ in which conditions they leave out: each is a sum over conditions, no
    pass over trials. Where units are more than training trials, trials are the smaller problem.
    """
    n_conditions, n_trials, n_units = trials.shape[1:]
    if n_units > (n_conditions - 2) * n_trials:
        return ccgp(trials, sides, make_decoder(None, None))
    means = trials.mean(axis=2)
    centred = trials - means[:, :, np.newaxis]
    scatter = np.swapaxes(centred, 2, 3) @ centred
    total = np.zeros((len(trials), len(sides)))
    for pair, kept, apart in held_out_pairs(sides):
        weights = balancing_weights(sides[np.ix_(apart, kept)])
        kinds, kind = np.unique(weights, axis=0, return_inverse=True)
        scale = _training_scale(scatter, means, kept, n_trials)
        for k, weight in enumerate(kinds):
            members = apart[kind.ravel() == k]
            target = np.where(sides[np.ix_(members, kept)], 1.0, -1.0).T
            mean, coef = _ridge_of_sums(scatter, means, kept, weight, target, n_trials, scale)
            decided = (trials[:, pair] - mean[:, np.newaxis]) @ coef[:, np.newaxis] > 0
            correct = decided == sides[np.ix_(members, pair)].T[:, np.newaxis]
            total[:, members] += correct.mean(axis=(1, 2))
    return total / (sides.sum(axis=1) * (~sides).sum(axis=1))


def _training_scale(scatter, means, kept, n_trials):
    """Standard deviation of each unit over the training trials, (n_sets, n_units, 1)."""
    within = np.diagonal(scatter, axis1=2, axis2=3)[:, kept].mean(axis=1) / n_trials
    deviation = np.sqrt(within + means[:, kept].var(axis=1))
    return safe_scale(deviation, abs(means[:, kept]).max(axis=1))[..., np.newaxis]


def _ridge_of_sums(scatter, means, kept, weight, target, n_trials, scale):
    """Weighted mean (n_sets, 1, n_units), and coefficients (n_sets, n_units, n_targets)."""
    n_sets, _, n_units = means.shape
    weight = weight[:, np.newaxis]
    mean = (means[:, kept] * weight).mean(axis=1, keepdims=True)
    between = np.swapaxes(means[:, kept] - mean, 1, 2)
    within = weight.T @ scatter[:, kept].reshape(n_sets, len(kept), -1)
    gram = within.reshape(n_sets, n_units, n_units)
    gram = gram + n_trials * ((between * weight.T) @ np.swapaxes(between, 1, 2))
    moment = n_trials * (between @ (weight * target))
    gram /= scale * np.swapaxes(scale, 1, 2)
    return mean, solve_ridge(gram, moment / scale, n_units) / scale
