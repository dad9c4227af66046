"""Distances of shapes: what no rotation can bring together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.alignment._systems import center, of_pairs


def procrustes_similarity(a: ArrayLike, b: ArrayLike | None = None) -> float | NDArray[np.float64]:
    r"""Cosine of systems after the best rotation, greater for more alike ones.

    .. math:: \max_{Q^\top Q = I} \frac{\langle A, B Q \rangle}{\|A\| \|B\|}
              = \frac{\|A^\top B\|_*}{\|A\| \|B\|}

    of the centred activity, with Frobenius norms and the nuclear norm of the cross product [1]_.
    Rotations include reflections; the system with fewer units is filled up with silent ones.

    Parameters
    ----------
    a, b : array-like of shape (n_trials, n_units), or several systems
        As in `linear_cka`. Without `b`: all pairs of `a`.

    Returns
    -------
    similarity : float or ndarray of shape (n_a, n_b)
        From 0 to 1; 1 for a system and itself. NaN where a system is constant over trials.

    Raises
    ------
    ValueError
        If trials differ in number, or values are not finite.

    See Also
    --------
    angular_distance : Its arc cosine, a metric.
    procrustes_distance : The distance left, a metric.
    ProcrustesAlignment : The rotation, learned on some trials and scored on others.

    Notes
    -----
    Null: trials of one system shuffled, see `alignment_test`; it is far above 0 where units are
    many beside trials.

    References
    ----------
    .. [1] Williams, Kunz, Kornblith & Linderman (2021), "Generalized shape metrics on neural
       representations", NeurIPS. :doi:`10.48550/arXiv.2110.14739`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import procrustes_similarity
    >>> a = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
    >>> round(procrustes_similarity(a, 3 * a[:, ::-1] + 1), 12)
    1.0
    """
    return of_pairs(_similarity, _shape, a, b)


def angular_distance(a: ArrayLike, b: ArrayLike | None = None) -> float | NDArray[np.float64]:
    """Angle between systems after the best rotation: a distance, smaller for more alike ones.

    The arc cosine of `procrustes_similarity`, a metric on shapes (Williams et al. 2021).

    Parameters
    ----------
    a, b : array-like of shape (n_trials, n_units), or several systems
        As in `linear_cka`. Without `b`: all pairs of `a`.

    Returns
    -------
    distance : float or ndarray of shape (n_a, n_b)
        In radians, from 0 to pi / 2. NaN where a system is constant over trials.

    Raises
    ------
    ValueError
        As in `procrustes_similarity`.

    Notes
    -----
    Near 0 the angle comes from the residual after the rotation rather than from a cosine
    near 1, so that a system is at 0 from its rotated copy up to 1e-15, not 1e-8.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import angular_distance
    >>> a = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
    >>> angular_distance(a, 3 * a[:, ::-1] + 1) < 1e-12
    True
    """
    return of_pairs(lambda x, y: 2 * np.arcsin(_chord(x, y) / 2), _shape, a, b)


def procrustes_distance(
    a: ArrayLike, b: ArrayLike | None = None, *, scale: bool = True
) -> float | NDArray[np.float64]:
    r"""Distance of systems after the best rotation, smaller for more alike ones.

    .. math:: \min_{Q^\top Q = I} \|A - B Q\|

    of the centred activity, in the Frobenius norm: a metric on shapes (Williams et al. 2021).

    Parameters
    ----------
    a, b : array-like of shape (n_trials, n_units), or several systems
        As in `linear_cka`. Without `b`: all pairs of `a`.
    scale : bool, default=True
        Divide each system by its norm first; then from 0 to the square root of 2.

    Returns
    -------
    distance : float or ndarray of shape (n_a, n_b)
        NaN where a system is constant over trials and `scale`. In units of the activity times
        the square root of the number of values, if not `scale`.

    Raises
    ------
    ValueError
        As in `procrustes_similarity`.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import procrustes_distance
    >>> a = np.array([[-1.0], [1.0]])
    >>> round(procrustes_distance(a, 2 * a, scale=False), 12), procrustes_distance(a, 2 * a) < 1e-12
    (1.414213562373, True)
    """
    return of_pairs(_chord, _shape if scale else center, a, b)


def rotation(x: NDArray, y: NDArray) -> tuple[NDArray[np.float64], float]:
    """Return the partial isometry (n_units_x, n_units_y) that brings x closest to y.

    And the nuclear norm of the cross product, the inner product that is reached.
    """
    left, values, right = np.linalg.svd(x.T @ y, full_matrices=False)
    return left @ right, values.sum()


def _shape(activity):
    activity = center(activity)
    largest = abs(activity).max()
    if not largest > 0:
        return np.full_like(activity, np.nan)
    activity = activity / largest  # squares neither over- nor underflow
    return activity / np.linalg.norm(activity)


def _similarity(x, y):
    if np.isnan(x[0, 0]) or np.isnan(y[0, 0]):
        return np.nan
    return min(np.linalg.svd(x.T @ y, compute_uv=False).sum(), 1.0)


def _chord(x, y):
    """Frobenius norm of what is left after the best rotation of the wider system."""
    if np.isnan(x[0, 0]) or np.isnan(y[0, 0]):
        return np.nan
    if x.shape[1] > y.shape[1]:
        x, y = y, x
    # Filled up with silent units, so that the isometry keeps the norm of x.
    x = np.pad(x, ((0, 0), (0, y.shape[1] - x.shape[1])))
    isometry, _ = rotation(x, y)
    return np.linalg.norm(x @ isometry - y)
