"""Uncertainty of a mean over networks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit


class MeanInterval(NamedTuple):
    """Mean over the last axis and the ends of its confidence interval."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> MeanInterval:
    """Mean and Student's t interval over the last axis.

    Parameters
    ----------
    values : array-like of shape (..., n_networks)
        Independent measurements.
    confidence : float, default=0.95
        Coverage of the interval.

    Returns
    -------
    interval : MeanInterval
        ``mean``, ``low`` and ``high`` of shape (...,). One measurement has no interval: its
        ends are NaN.

    Examples
    --------
    >>> mean, low, high = mean_interval([1.0, 2.0, 3.0])
    >>> float(mean), round(float(low), 3), round(float(high), 3)
    (2.0, -0.484, 4.484)
    """
    values = np.asarray(values, dtype=np.float64)
    n, mean = values.shape[-1], values.mean(axis=-1)
    if n < 2:
        nothing = np.full_like(mean, np.nan)
        return MeanInterval(mean, nothing, nothing)
    half = stdtrit(n - 1, (1 + confidence) / 2) * values.std(axis=-1, ddof=1) / np.sqrt(n)
    return MeanInterval(mean, mean - half, mean + half)
