"""Covariance of the noise of units, shrunk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage

Covariance = NDArray[np.float64]


def _full(residuals: NDArray, covariance: Covariance) -> tuple[Covariance, float]:
    return covariance, 0.0


def _diagonal(residuals: NDArray, covariance: Covariance) -> tuple[Covariance, float]:
    return np.diag(np.diag(covariance)), 1.0


def _ledoit_wolf(residuals: NDArray, covariance: Covariance) -> tuple[Covariance, float]:
    """Towards the mean variance times the identity."""
    shrinkage = float(ledoit_wolf_shrinkage(residuals, assume_centered=True))
    shrunk = (1 - shrinkage) * covariance
    shrunk.flat[:: len(shrunk) + 1] += shrinkage * np.trace(covariance) / len(covariance)
    return shrunk, shrinkage


def _shrunk_diagonal(residuals: NDArray, covariance: Covariance) -> tuple[Covariance, float]:
    """Correlations towards 0, variances as they are."""
    n = len(residuals)
    squares = residuals**2  # times (n - 1) / their sum: of z-scores, whose mean is 0
    total, deviation = squares.sum(axis=0), np.sqrt(np.diag(covariance))
    squares *= (n - 1) / np.where(total == 0, 1, total)
    deviation = np.where(deviation == 0, 1, deviation)
    correlation = covariance / np.outer(deviation, deviation)
    variance = n / (n - 1) ** 3 * (squares.T @ squares - ((n - 1) * correlation) ** 2 / n)
    off = ~np.eye(len(covariance), dtype=bool)
    power = np.sum(correlation[off] ** 2)
    shrinkage = float(np.clip(np.sum(variance[off]) / power, 0, 1)) if power else 1.0
    return np.where(off, (1 - shrinkage) * covariance, covariance), shrinkage


# name: (residuals, their covariance) -> shrunk covariance, how far it was shrunk
ESTIMATORS = {
    "ledoit_wolf": _ledoit_wolf,
    "shrunk_diagonal": _shrunk_diagonal,
    "diagonal": _diagonal,
    "full": _full,
}


def noise_covariance(
    residuals: NDArray[np.float64], dof: int, estimator: str
) -> tuple[Covariance, float]:
    """Return the covariance (n_units, n_units) and the shrinkage intensity in [0, 1].

    Parameters
    ----------
    residuals : ndarray of shape (n_samples, n_units)
        Deviations from the means of conditions.
    dof : int
        Degrees of freedom: samples less the means that were subtracted.
    """
    return ESTIMATORS[estimator](residuals, residuals.T @ residuals / dof)
