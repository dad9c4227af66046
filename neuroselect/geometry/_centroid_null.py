"""Populations whose conditions lie at random places, each with its own cloud of noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def random_centroids(
    centroids: NDArray[np.float64], n_draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw centroids (n_draws, n_conditions, n_units), in isotropic random directions.

    The summed squared deviation from their mean is that of the ones given, and so is the mean.
    """
    mean = centroids.mean(axis=0)
    size = np.linalg.norm(centroids - mean)
    drawn = rng.standard_normal((n_draws, *centroids.shape))
    drawn -= drawn.mean(axis=1, keepdims=True)
    return mean + drawn * (size / np.linalg.norm(drawn, axis=(1, 2), keepdims=True))


def random_axes(shape: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw a permutation of the units for every condition, (n_draws, n_conditions, n_units)."""
    return np.argsort(rng.random(shape), axis=-1)


def relocated(
    residuals: NDArray[np.float64], centroids: NDArray[np.float64], axes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Attach each condition's noise, its axes permuted, to another centroid.

    Parameters
    ----------
    residuals : ndarray of shape (n_conditions, n_trials, n_units)
        Deviations from the centroids recorded.
    centroids, axes : ndarray of shape (n_draws, n_conditions, n_units)
        As drawn.

    Returns
    -------
    trials : ndarray of shape (n_draws, n_conditions, n_trials, n_units)
    """
    noise = np.take_along_axis(residuals[np.newaxis], axes[:, :, np.newaxis], axis=-1)
    return noise + centroids[:, :, np.newaxis]
