"""p-values from draws of a null distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALTERNATIVES = ("greater", "less", "two-sided")
# Relative: one and the same value, computed in another order, differs by rounding.
TIE = 1e-9


def monte_carlo_p_values(
    observed: ArrayLike, null: NDArray, alternative: str = "greater"
) -> NDArray[np.float64]:
    """Return (k + 1) / (n + 1), with k of n null draws at least as extreme as observed.

    Two-sided is twice the smaller one of both tails, at most 1. A null draw that is NaN counts as
    extreme. NaN where observed is NaN, or where there are no draws.

    Parameters
    ----------
    observed : array-like of shape (...)
        Statistics.
    null : ndarray of shape (n_draws, ...)
        The same statistics of each draw.
    """
    observed, null = np.asarray(observed, dtype=np.float64), np.asarray(null, dtype=np.float64)
    if not len(null):
        return np.full(observed.shape, np.nan)
    tie = TIE * np.maximum(abs(observed), 1e-3)
    greater = (1 + np.sum(~(null < observed - tie), axis=0)) / (1 + len(null))
    less = (1 + np.sum(~(null > observed + tie), axis=0)) / (1 + len(null))
    both = np.minimum(1.0, 2 * np.minimum(greater, less))
    p = {"greater": greater, "less": less, "two-sided": both}[alternative]
    return np.where(np.isnan(observed), np.nan, p)
