"""Dissimilarities over runs, which average 0 on pure noise."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from neuroselect.rsa._differences import NEAR_SIGNED, Product, difference_products
from neuroselect.rsa._noise import symmetric_inverse


def leave_one_run_out(
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    *,
    symmetric: bool,
    chunk_bytes: float,
    product: Product,
    out: NDArray[np.float64],
) -> None:
    """Products of differences in the mean of the other runs and in each run, their mean.

    Parameters
    ----------
    left, right : ndarray of shape (n_systems, n_runs, n_conditions, n_channels)
        What is averaged over the other runs, and what is taken from the run left out.
    symmetric : bool
        Whether they are the same.
    out : ndarray of shape (n_systems, n_pairs)
        Where to write the products, summed over channels.
    """
    n_runs = left.shape[1]
    others = (left.sum(axis=1, keepdims=True) - left) / (n_runs - 1)
    # One product of matrices for all runs, which lie side by side along the channels. The inner
    # products of others_i and run_j, summed over runs, are those of others_j and run_i.
    difference_products(
        _side_by_side(others),
        _side_by_side(right),
        symmetric=symmetric,
        near=NEAR_SIGNED,
        chunk_bytes=chunk_bytes,
        product=product,
        out=out,
    )
    out /= n_runs


def over_pairs_of_runs(
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    gaps: NDArray[np.bool_] | None,
    *,
    symmetric: bool,
    root_of: Callable[[int, int], NDArray] | None,
    chunk_bytes: float,
    product: Product,
) -> NDArray[np.float64]:
    """Mean over the pairs of different runs that both have the two conditions.

    With all conditions in all runs and one precision this is what `leave_one_run_out` returns.

    Parameters
    ----------
    left, right : ndarray of shape (n_systems, n_runs, n_conditions, n_channels)
        Any finite values where there is no pattern.
    gaps : ndarray of bool of shape (n_systems, n_runs, n_conditions) or None
        Where there is no pattern.
    symmetric : bool
        Whether the order of two runs is of no matter.
    root_of : callable or None
        From two runs to what their patterns are multiplied by.

    Returns
    -------
    products : ndarray of shape (n_systems, n_pairs)
        NaN where fewer than two runs have both conditions.
    """
    n_systems, n_runs, n_conditions, _ = left.shape
    first, second = np.triu_indices(n_conditions, k=1)
    total, count = np.zeros((2, n_systems, len(first)))
    for r, s in itertools.permutations(range(n_runs), 2):
        if symmetric and r > s:
            continue
        a, b = left[:, r], right[:, s]
        if root_of is not None:
            root = root_of(r, s)
            a, b = a @ root, b @ root
        values = difference_products(
            a,
            b,
            symmetric=False,
            near=NEAR_SIGNED,
            chunk_bytes=chunk_bytes,
            product=product,
        )
        both = np.ones_like(values, dtype=bool)
        if gaps is not None:
            away = gaps[:, r] | gaps[:, s]
            both = ~(away[:, first] | away[:, second])
        total += np.where(both, values, 0)
        count += both
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def root_of_runs(roots: NDArray[np.float64]) -> Callable[[int, int], NDArray]:
    """Return the function from two runs to the root of the inverse of their mean covariance.

    `roots` are those of the precisions of the runs, (n_runs, n_channels, n_channels).
    """
    covariances = [symmetric_inverse(root) for root in roots]

    def root_of(r: int, s: int) -> NDArray[np.float64]:
        mean = np.linalg.cholesky((covariances[r] + covariances[s]) / 2)
        return np.linalg.cholesky(symmetric_inverse(mean))

    return root_of


def _side_by_side(runs: NDArray) -> NDArray:
    n_systems, n_runs, n_conditions, n_channels = runs.shape
    return runs.transpose(0, 2, 1, 3).reshape(n_systems, n_conditions, n_runs * n_channels)
