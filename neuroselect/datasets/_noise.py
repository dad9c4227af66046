"""Noise of simulated units: Gaussian or Poisson, correlated between units."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_correlation(correlation: float | ArrayLike, n_units: int) -> float | NDArray[np.float64]:
    """Return one correlation for all pairs of units, or their correlation matrix."""
    if isinstance(correlation, Real):
        return float(correlation)
    matrix = np.array(correlation, dtype=np.float64)
    if matrix.shape != (n_units, n_units) or not np.isfinite(matrix).all():
        raise ValueError(
            "noise_correlation must be a number from 0 to below 1 or a finite matrix of shape"
            f" ({n_units}, {n_units}), got shape {matrix.shape}."
        )
    if not np.allclose(matrix, matrix.T) or not np.allclose(np.diagonal(matrix), 1):
        raise ValueError("noise_correlation must be symmetric with ones on its diagonal.")
    smallest = np.linalg.eigvalsh(matrix)[0]
    if smallest < -1e-8:
        raise ValueError(
            "noise_correlation must be positive semi-definite, got the eigenvalue"
            f" {smallest:.3g}: no noise has these correlations."
        )
    return matrix


def draw_noise(
    means: NDArray[np.float64],
    noise: str,
    noise_std: float,
    correlation: float | NDArray[np.float64],
    rng: np.random.RandomState,
) -> NDArray[np.float64]:
    """Return responses (n_trials, n_times, n_units) around the means."""
    if noise == "gaussian":
        return means + noise_std * correlated_normal(means.shape, correlation, rng)
    if not np.any(correlation):
        return rng.poisson(means).astype(np.float64)

    from scipy.special import ndtr
    from scipy.stats import poisson

    probability = ndtr(correlated_normal(means.shape, correlation, rng))
    return poisson.ppf(np.minimum(probability, 1 - 2.0**-53), means)  # ppf(1) is infinite


def correlated_normal(
    shape: tuple[int, ...], correlation: float | NDArray[np.float64], rng: np.random.RandomState
) -> NDArray[np.float64]:
    """Return standard normal numbers, correlated along the last axis."""
    private = rng.normal(size=shape)
    if isinstance(correlation, float):
        if correlation == 0:
            return private
        common = rng.normal(size=(*shape[:-1], 1))
        return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * private
    return private @ symmetric_root(correlation)


def symmetric_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric root of a positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
