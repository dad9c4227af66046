"""Tests of the terms of many linear models at once.

Designs are stacks (n_designs, n_trials, n_columns) and responses (n_designs, n_trials,
n_responses): one design for all units, or one each, whose surplus rows are 0 in both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroselect.selectivity._factors import Term

DEPENDENT = 1e-10  # share of a column that others leave over, below which it adds nothing
BLOCK_BYTES = 64 * 2**20
Array = NDArray[np.float64]


@dataclass
class TermSums:
    """Sums of squares: of terms (n_designs, n_responses, n_terms), of residuals; their df."""

    terms: Array
    df: NDArray[np.int64]
    residual: Array
    df_residual: NDArray[np.int64]


def _t(matrices: Array) -> Array:
    return np.swapaxes(matrices, -1, -2)


def orthonormal(columns: Array, *given: Array) -> tuple[Array, NDArray[np.int64]]:
    """Return a basis of what columns add to given bases, 0 where they add nothing, and its size."""
    if not columns.shape[-1]:
        return columns, np.zeros(len(columns), dtype=np.int64)
    size = np.linalg.norm(columns, axis=-2).max(axis=-1)
    for other in (*given, *given):  # once more, for what rounding left
        columns = columns - other @ (_t(other) @ columns)
    vectors, values, _ = np.linalg.svd(columns, full_matrices=False)
    kept = values > DEPENDENT * size[:, np.newaxis]
    return np.where(kept[:, np.newaxis], vectors, 0.0), kept.sum(axis=-1)


def term_bases(
    design: Array, owners: NDArray[np.int64], terms: list[Term], k: int
) -> tuple[Array, Array, Array, NDArray[np.int64]]:
    """Return bases of the terms without term k, of what it adds, of what those with it add."""
    containing = [j for j, term in enumerate(terms) if set(terms[k]) < set(term)]
    rest = np.isin(owners, containing)
    reduced, _ = orthonormal(design[..., ~rest & (owners != k)])
    added, df = orthonormal(design[..., owners == k], reduced)
    higher, _ = orthonormal(design[..., rest], reduced, added)
    return reduced, added, higher, df


def term_sums(
    design: Array, responses: Array, counts: NDArray, owners: NDArray, terms: list[Term]
) -> TermSums:
    """Return type II sums of squares: each term given all terms that do not contain it."""
    full, rank = orthonormal(design)
    residual = np.sum((responses - full @ (_t(full) @ responses)) ** 2, axis=-2)
    sums, df = [], []
    for k in range(len(terms)):
        _, added, _, size = term_bases(design, owners, terms, k)
        sums.append(np.sum((_t(added) @ responses) ** 2, axis=-2))
        df.append(size)
    return TermSums(np.stack(sums, axis=-1), np.stack(df, axis=-1), residual, counts - rank)


def permutation_counts(
    design: Array,
    responses: Array,
    counts: NDArray,
    owners: NDArray,
    terms: list[Term],
    observed: Array,
    n_permutations: int,
    rng: np.random.RandomState,
) -> NDArray[np.int64]:
    """Return how many permutations of the reduced models' residuals reach the observed ratio.

    `observed` (n_designs, n_responses, n_terms) is the sum of squares of the term over that of
    the residuals.
    """
    n_designs, n_trials, n_columns = design.shape
    bases, residuals = [], []
    for k in range(len(terms)):
        reduced, added, higher, _ = term_bases(design, owners, terms, k)
        bases.append(np.concatenate([added, reduced, higher], axis=-1))
        residuals.append(responses - reduced @ (_t(reduced) @ responses))
    n_added = [min(n_trials, int(np.sum(owners == k))) for k in range(len(terms))]
    surplus = np.arange(n_trials) >= counts[:, np.newaxis]
    reached = np.zeros(observed.shape, dtype=np.int64)
    per_permutation = 8 * n_designs * n_columns * (n_trials + responses.shape[-1])
    step = int(max(1, BLOCK_BYTES // per_permutation))
    for start in range(0, n_permutations, step):
        n_drawn = min(step, n_permutations - start)
        keys = rng.random_sample((n_drawn, n_designs, n_trials)) + surplus  # surplus rows stay
        orders = keys.argsort(axis=-1).swapaxes(0, 1)
        for k, (basis, residual) in enumerate(zip(bases, residuals, strict=True)):
            ratio = permuted_ratios(basis, residual, orders, n_added[k])
            nearly = observed[..., k] * (1 - 1e-9)
            reached[..., k] += np.sum(ratio >= nearly[:, np.newaxis], axis=1)
    return reached


def permuted_ratios(
    basis: Array, residuals: Array, orders: NDArray[np.int64], n_added: int
) -> Array:
    """Return explained over residual sums of squares (n_designs, n_drawn, n_responses)."""
    n_designs, n_drawn, n_trials = orders.shape
    # Permuting the rows of the few columns of the basis does for all responses at once.
    rows = basis[np.arange(n_designs)[:, np.newaxis, np.newaxis], orders]
    rows = rows.swapaxes(-1, -2).reshape(n_designs, -1, n_trials)
    squared = (rows @ residuals).reshape(n_designs, n_drawn, basis.shape[-1], -1) ** 2
    total = np.sum(residuals**2, axis=-2)[:, np.newaxis]
    left = np.maximum(total - squared.sum(axis=2), np.finfo(np.float64).tiny)
    return squared[:, :, :n_added].sum(axis=2) / left
