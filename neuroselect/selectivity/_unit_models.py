"""One linear model per unit, in one solve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.selectivity._factors import Term
from neuroselect.selectivity._term_tests import (
    BLOCK_BYTES,
    DEPENDENT,
    permutation_counts,
    term_sums,
)


@dataclass
class UnitFits:
    """Of each unit: statistics of terms (n_units, n_terms), and of the model."""

    partial_variance: NDArray[np.float64]
    f_values: NDArray[np.float64]
    p_values: NDArray[np.float64]
    df: NDArray[np.int64]
    df_residual: NDArray[np.int64]
    coef: NDArray[np.float64]
    r2: NDArray[np.float64]
    constant: NDArray[np.bool_]


@dataclass
class Responses:
    """Values (n_designs, n_trials, n_responses) and the row of the design of each."""

    values: NDArray[np.float64]
    rows: NDArray[np.int64]
    counts: NDArray[np.int64]


def shared_responses(activity: NDArray) -> Responses:
    """Return responses of units that all have the same trials, from (n_trials, n_units)."""
    n_trials = len(activity)
    return Responses(activity[np.newaxis], np.arange(n_trials)[np.newaxis], np.array([n_trials]))


def own_responses(
    values: NDArray, unit: NDArray[np.int64], row: NDArray[np.int64], n_units: int
) -> Responses:
    """Return responses of units with trials of their own, from one value per unit and trial."""
    counts = np.bincount(unit, minlength=n_units)
    order = np.argsort(unit, kind="stable")
    place = np.arange(len(unit)) - np.repeat(np.cumsum(counts) - counts, counts)
    padded = np.zeros((n_units, max(1, counts.max()), 1), dtype=values.dtype)
    rows = np.full(padded.shape[:2], -1)
    padded[unit[order], place, 0] = values[order]
    rows[unit[order], place] = row[order]
    return Responses(padded, rows, counts)


def blocks(responses: Responses, n_columns: int) -> Iterator[slice]:
    """Cut the designs into blocks that fit into memory."""
    n_designs, n_trials, _ = responses.values.shape
    step = int(max(1, BLOCK_BYTES // (8 * n_trials * n_columns)))
    for start in range(0, n_designs, step):
        yield slice(start, min(start + step, n_designs))


def fit_units(
    responses: Responses,
    columns: NDArray[np.float64],
    owners: NDArray[np.int64],
    terms: list[Term],
    n_permutations: int,
    rng: np.random.RandomState,
) -> UnitFits:
    """Fit and test all units; `n_permutations` of 0 is the F test."""
    padded = np.vstack([columns, np.zeros(columns.shape[1])])  # row -1 is of no trial
    fits = []
    for block in blocks(responses, columns.shape[1]):
        counts, rows = responses.counts[block], responses.rows[block]
        design = padded[rows]
        values = responses.values[block]
        fits.append(_fit_block(design, values, counts, owners, terms, n_permutations, rng))
    joined = [np.concatenate(parts) for parts in zip(*fits, strict=True)]
    return UnitFits(*joined)


def _fit_block(design, raw, counts, owners, terms, n_permutations, rng):
    from scipy.stats import f as f_distribution

    values, means, floor = _centred(raw, counts)
    sums = term_sums(design, values, counts, owners, terms)
    total = _above(np.sum(values**2, axis=-2), floor)
    explained = _above(sums.terms, floor[..., np.newaxis])
    residual = _above(sums.residual, floor)[..., np.newaxis]
    df = sums.df[:, np.newaxis]
    df_residual = sums.df_residual[:, np.newaxis, np.newaxis]
    testable = (df > 0) & (df_residual > 0) & (total > 0)[..., np.newaxis]
    ratio = _ratio(explained, residual)
    with np.errstate(divide="ignore", invalid="ignore"):
        f_values = np.where(testable, ratio * df_residual / df, np.nan)
        r2 = np.where(testable.any(axis=-1), 1 - residual[..., 0] / total, np.nan)
    partial = np.where(testable, _ratio(explained, explained + residual), np.nan)
    if n_permutations:
        reached = permutation_counts(
            design, values, counts, owners, terms, ratio, n_permutations, rng
        )
        p_values = (1 + reached) / (1 + n_permutations)
    else:
        p_values = f_distribution.sf(f_values, np.maximum(df, 1), np.maximum(df_residual, 1))
    p_values = np.where(testable, p_values, np.nan)
    coef = _coefficients(design, values, means, sums.df_residual, counts)
    per_unit = [
        np.broadcast_to(part, f_values.shape[:2] + part.shape[2:]).reshape(-1, *part.shape[2:])
        for part in (partial, f_values, p_values, df, df_residual[..., 0], coef, r2, total == 0)
    ]
    return per_unit


def _centred(raw: NDArray, counts: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return responses minus their means, 0 in surplus rows, and the squares that are rounding."""
    here = np.arange(raw.shape[1])[:, np.newaxis] < counts[:, np.newaxis, np.newaxis]
    values = raw.astype(np.float64)
    n_values = np.maximum(counts, 1)[:, np.newaxis]
    # Compared with its first value a constant unit is exactly 0.
    first = values[:, :1]
    values = np.where(here, values - first, 0.0)
    means = values.sum(axis=1, keepdims=True) / n_values[:, np.newaxis]
    values = np.where(here, values - means, 0.0)
    rounding = 16 * np.finfo(raw.dtype).eps * abs(raw).max(axis=1)
    return values, (means + first)[:, 0], n_values * rounding**2


def _above(squares: NDArray, floor: NDArray) -> NDArray:
    return np.where(squares > floor, squares, 0.0)


def _ratio(part: NDArray, whole: NDArray) -> NDArray:
    """Return part over whole, 0 where there is no part, infinite where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(part > 0, part / whole, 0.0)


def _coefficients(design, values, means, df_residual, counts):
    """Return least-squares coefficients, NaN where the columns depend on each other."""
    coef = np.linalg.pinv(design, rcond=DEPENDENT) @ values
    coef[:, 0] += means
    full_rank = counts - df_residual == design.shape[-1]
    return np.where(full_rank[:, np.newaxis, np.newaxis], coef, np.nan).swapaxes(-1, -2)


def adjusted(p_values: ArrayLike, correction: str | None) -> NDArray[np.float64]:
    """Return p-values corrected for the number of all that are there; NaN stays NaN."""
    from scipy.stats import false_discovery_control

    p_values = np.asarray(p_values, dtype=np.float64)
    q_values, known = p_values.copy(), ~np.isnan(p_values)
    if correction is not None and known.any():
        method = correction.removeprefix("fdr_")
        q_values[known] = false_discovery_control(p_values[known], method=method)
    return q_values
