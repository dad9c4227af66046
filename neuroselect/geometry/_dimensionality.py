"""How many dimensions a population uses."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def participation_ratio(activity: ArrayLike, *, center: bool = True) -> float | NDArray[np.float64]:
    r"""Effective number of dimensions that activity varies along.

    With :math:`\lambda_k` the eigenvalues of the covariance (second moments if not
    centred) of the units,

    .. math:: PR = \left(\sum_k \lambda_k\right)^2 / \sum_k \lambda_k^2

    1 if all variance lies on one axis, n if it is spread evenly over n axes [1]_. Rotating
    or rescaling the activity leaves it as it is.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or (n_systems, n_trials, n_units)
        Activity of one population, or of several with equally many units.
    center : bool, default=True
        Subtract each unit's mean over trials. Without, the mean counts as a dimension.

    Returns
    -------
    ratio : float or ndarray of shape (n_systems,)
        Between 1 and the smaller one of the numbers of trials and units. NaN for
        a population without any variance, e.g. one whose units are all silent.

    Raises
    ------
    ValueError
        If `activity` has another number of axes, no entries, or is not finite.

    See Also
    --------
    explained_variance : The whole spectrum.

    References
    ----------
    .. [1] Gao, Trautmann, Yu, Santhanam, Ryu, Shenoy & Ganguli (2017), "A theory of
       multineuronal dimensionality, dynamics and measurement", bioRxiv.
       :doi:`10.1101/214262`

    Examples
    --------
    >>> participation_ratio([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    2.0
    >>> participation_ratio([[1.0, 2.0], [-1.0, -2.0]])
    1.0
    """
    activity = _as_activity(activity)
    if activity.ndim == 2:
        return _participation_ratio(activity, center)
    return np.array([_participation_ratio(system, center) for system in activity])


def explained_variance(activity: ArrayLike, *, center: bool = True) -> NDArray[np.float64]:
    """Share of the variance on each principal axis, largest first.

    The squared singular values of the activity, divided by their sum.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or (n_systems, n_trials, n_units)
        Activity of one population, or of several with equally many units.
    center : bool, default=True
        Subtract each unit's mean over trials.

    Returns
    -------
    shares : ndarray of shape (n_components,) or (n_systems, n_components)
        ``n_components = min(n_trials, n_units)`` shares, which sum to 1. NaN for a population
        without any variance.

    Raises
    ------
    ValueError
        If `activity` has another number of axes, no entries, or is not finite.

    See Also
    --------
    participation_ratio : The spectrum in one number.

    Examples
    --------
    >>> explained_variance([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    array([0.8, 0.2])
    """
    activity = _as_activity(activity)
    if activity.ndim == 2:
        return _explained_variance(activity, center)
    return np.array([_explained_variance(system, center) for system in activity])


def _as_activity(activity: ArrayLike) -> NDArray[np.float64]:
    activity = np.asarray(activity, dtype=np.float64)
    if activity.ndim not in (2, 3) or 0 in activity.shape:
        raise ValueError(
            "activity must have shape (n_trials, n_units) or (n_systems, n_trials, n_units)"
            f" with at least one entry on each axis, got shape {activity.shape}."
        )
    if not np.isfinite(activity).all():
        raise ValueError(
            f"activity must be finite, got {np.sum(~np.isfinite(activity))} NaN or infinite"
            " values. Drop or impute these trials or units first."
        )
    return activity


def _scaled(activity: NDArray, center: bool) -> NDArray[np.float64] | None:
    """Activity in units of its largest deviation, or None if that is but rounding."""
    rounding = 4 * np.finfo(np.float64).eps * abs(activity).max()
    if center:
        # Compared with the first trial a constant unit is exactly 0; compared with its
        # mean it may be off by rounding, which would look like variance.
        activity = activity - activity[0]
        activity = activity - activity.mean(axis=0)
    largest = abs(activity).max()
    return activity / largest if largest > rounding else None


def _participation_ratio(activity: NDArray, center: bool) -> float:
    scaled = _scaled(activity, center)
    if scaled is None:
        return float("nan")
    n_trials, n_units = scaled.shape
    gram = scaled.T @ scaled if n_units < n_trials else scaled @ scaled.T
    return float(np.trace(gram) ** 2 / np.sum(gram**2))


def _explained_variance(activity: NDArray, center: bool) -> NDArray[np.float64]:
    scaled = _scaled(activity, center)
    if scaled is None:
        return np.full(min(activity.shape), np.nan)
    squared = np.linalg.svd(scaled, compute_uv=False) ** 2
    return squared / squared.sum()
