"""Pairs of conditions in SciPy's order."""

import math

import numpy as np
from numpy.typing import NDArray


def n_conditions_of(n_pairs: int, name: str = "rdms") -> int:
    """Return the number of conditions with so many pairs."""
    n = (1 + math.isqrt(1 + 8 * n_pairs)) // 2
    if n * (n - 1) // 2 != n_pairs:
        raise ValueError(
            f"{name} must be condensed RDMs with n_conditions * (n_conditions - 1) / 2 pairs (1,"
            f" 3, 6, 10, ...), got {n_pairs}."
        )
    return n


def square_rdms(rdms: NDArray) -> NDArray[np.float64]:
    """Turn condensed RDMs (n_rdms, n_pairs) into squares (n_rdms, n, n), diagonal 0."""
    n = n_conditions_of(rdms.shape[1])
    place = np.zeros((n, n), dtype=np.intp)
    first, second = np.triu_indices(n, k=1)
    place[first, second] = place[second, first] = np.arange(len(first))
    square = rdms.take(place.ravel(), axis=1).reshape(-1, n, n)
    square[:, np.arange(n), np.arange(n)] = 0
    return square
