"""Angles between coding directions, and between subspaces."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def subspace_angle(
    a: ArrayLike, b: ArrayLike, *, directed: bool = False
) -> float | NDArray[np.float64]:
    r"""Angle between two axes, or principal angles between two subspaces [1]_, in degrees.

    Axes have no sign: the angle between a and b is that between a and -b, from 0 to 90 degrees.
    Directions have one: with ``directed=True`` the angle goes from 0 to 180 degrees, and is more
    than 90 if what excites along the one inhibits along the other.

    Parameters
    ----------
    a, b : array-like of shape (n_units,) or (n_units, n_dims)
        A vector, or a basis of a subspace in its columns; they need not be orthogonal, nor of
        unit length, and may be linearly dependent.
    directed : bool, default=False
        Whether vectors are directions. Not for bases.

    Returns
    -------
    angle : float or ndarray of shape (n_angles,)
        A number where `a` or `b` is a vector. For two bases the principal angles, largest first,
        as many as the smaller subspace has dimensions.

    Raises
    ------
    ValueError
        If shapes do not fit, or a vector is 0 or not finite.

    See Also
    --------
    scipy.linalg.subspace_angles : The principal angles, in radians.

    Notes
    -----
    Angles between random directions of many units are close to 90 degrees: with n units their
    cosine has a standard deviation of :math:`1/\sqrt{n}`. And noise in both vectors turns any
    angle towards 90 degrees.

    References
    ----------
    .. [1] Knyazev & Argentati (2002), "Principal angles between subspaces in an A-based scalar
       product", SIAM Journal on Scientific Computing 23, 2008-2040.
       :doi:`10.1137/S1064827500377332`

    Examples
    --------
    >>> from neuroselect.geometry import subspace_angle
    >>> round(subspace_angle([1.0, 0.0], [-1.0, 1.0]), 6)
    45.0
    >>> round(subspace_angle([1.0, 0.0], [-1.0, 1.0], directed=True), 6)
    135.0
    >>> plane, other = [[1, 0], [0, 1], [0, 0]], [[1, 0], [0, 0], [0, 1]]
    >>> subspace_angle(plane, other).round(6)
    array([90.,  0.])
    """
    from scipy.linalg import subspace_angles

    a, b = _as_basis(a, "a"), _as_basis(b, "b")
    if len(a) != len(b):
        raise ValueError(f"a and b must have the same number of units, got {len(a)} and {len(b)}.")
    vectors = a.ndim == b.ndim == 1
    if directed:
        if not vectors:
            raise ValueError(
                "directed=True is for two vectors of shape (n_units,); subspaces have no direction."
            )
        return _angle_of_directions(a, b)
    angles = np.degrees(subspace_angles(_columns(a), _columns(b)))
    return angles if a.ndim == b.ndim == 2 else float(angles[0])


def _as_basis(basis: ArrayLike, name: str) -> NDArray[np.float64]:
    """Check the vectors and bring each to a largest entry of 1, which no angle depends on."""
    basis = np.asarray(basis, dtype=np.float64)
    if basis.ndim not in (1, 2) or 0 in basis.shape:
        raise ValueError(
            f"{name} must have shape (n_units,) or (n_units, n_dims), got shape {basis.shape}."
        )
    largest = abs(basis).max(axis=0)
    if not np.isfinite(basis).all() or (largest == 0).any():
        raise ValueError(f"{name} must have finite vectors that are not 0: they have no angle.")
    return basis / largest


def _columns(basis: NDArray) -> NDArray:
    return basis.reshape(len(basis), -1)


def _angle_of_directions(a: NDArray, b: NDArray) -> float:
    """By the tangent of half the angle: the cosine loses small angles (Kahan)."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))
