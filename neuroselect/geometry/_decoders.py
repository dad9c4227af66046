"""Two-class decoders on stacks of training sets that share their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone

BLOCK_BYTES = 2**26
# (n_sets, n_train, n_units), (n_labellings, n_train), (n_sets, n_test, n_units)
#   -> (n_sets, n_labellings, n_test)
Decide = Callable[[NDArray, NDArray, NDArray], NDArray[np.bool_]]


def make_decoder(estimator: Any, n_jobs: int | None) -> Decide:
    """Return the function that trains on stacks and decides; None is ridge in closed form."""
    if estimator is None:
        return ridge_decisions
    return partial(_fitted_decisions, estimator, n_jobs)


def ridge_decisions(
    train: NDArray[np.float64], labels: NDArray[np.bool_], test: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Decide as ``RidgeClassifier(alpha=n_units, class_weight="balanced")`` does.

    Labellings that give the trials the same weights, as all balanced ones do, share one
    factorisation. It is of the size of the units or of the trials, whichever is less.
    """
    kinds, kind = np.unique(balancing_weights(labels), axis=0, return_inverse=True)
    decisions = np.empty((len(train), len(labels), test.shape[1]), dtype=bool)
    for k, weight in enumerate(kinds):
        members = np.flatnonzero(kind.ravel() == k)
        target = np.where(labels[members], 1.0, -1.0).T
        mean = (weight @ train / len(weight))[:, np.newaxis]
        root = np.sqrt(weight)[:, np.newaxis]
        coef = ridge_coefficients((train - mean) * root, target * root, train.shape[-1])
        decisions[:, members] = np.swapaxes((test - mean) @ coef > 0, 1, 2)
    return decisions


def balancing_weights(labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights of mean 1 (n_labellings, n_train) that give both classes the same sum."""
    share = labels.mean(axis=1, keepdims=True)
    return np.where(labels, 0.5 / share, 0.5 / (1 - share)).round(12)


def ridge_coefficients(X: NDArray, y: NDArray, alpha: float) -> NDArray[np.float64]:
    """Solve stacks of ridge regressions, (n_sets, n_units, n_targets)."""
    X_t = np.swapaxes(X, 1, 2)
    if X.shape[2] <= X.shape[1]:
        return solve_ridge(X_t @ X, X_t @ y, alpha)
    return X_t @ solve_ridge(X @ X_t, np.broadcast_to(y, (len(X), *y.shape)), alpha)


def solve_ridge(gram: NDArray, moment: NDArray, alpha: float) -> NDArray[np.float64]:
    """Solve (gram + alpha I) coef = moment of stacks."""
    return np.linalg.solve(gram + alpha * np.eye(gram.shape[-1]), moment)


def _fitted_decisions(estimator, n_jobs, train, labels, test):
    pairs = [(k, labelling) for k in range(len(train)) for labelling in labels]
    decided = Parallel(n_jobs=n_jobs)(
        delayed(_fit_predict)(estimator, train[k], labelling, test[k]) for k, labelling in pairs
    )
    return np.array(decided).reshape(len(train), len(labels), -1)


def _fit_predict(estimator, train, labelling, test):
    predicted = clone(estimator).fit(train, labelling.astype(np.int64)).predict(test)
    return np.asarray(predicted) > 0.5


def set_blocks(n_sets: int, n_trials: int, n_units: int) -> Iterator[slice]:
    """Cut stacks of training sets into blocks of bounded memory."""
    values = n_trials * n_units * 6 + min(n_trials, n_units) ** 2 * 2
    size = max(1, BLOCK_BYTES // (8 * values))
    for start in range(0, n_sets, size):
        yield slice(start, min(start + size, n_sets))


def balanced_accuracy(
    correct: NDArray[np.float64], sides: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Mean over both sides of the mean over their conditions.

    Parameters
    ----------
    correct : ndarray of shape (n_sets, n_dichotomies, n_conditions)
        Share of trials of each condition that are decided right.
    sides : ndarray of shape (n_dichotomies, n_conditions)
        The dichotomies.
    """
    return (
        (correct * sides).sum(axis=-1) / sides.sum(axis=1)
        + (correct * ~sides).sum(axis=-1) / (~sides).sum(axis=1)
    ) / 2
