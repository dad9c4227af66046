"""Configurations of points from their distances."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import squareform


def classical_mds(
    rdm: ArrayLike, n_components: int = 3, *, squared: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Coordinates whose distances approximate an RDM (Torgerson's scaling) [1]_.

    The eigenvectors of :math:`B = -\frac12 J D^2 J`, with :math:`D^2` the squared
    distances and :math:`J` the centring matrix, times the square root of their eigenvalues.
    For Euclidean distances these are the principal components of the conditions.

    Parameters
    ----------
    rdm : array-like of shape (n_pairs,) or (n_conditions, n_conditions)
        Distances, condensed in SciPy's order or square.
    n_components : int, default=3
        Number of dimensions, smaller than the number of conditions.
    squared : bool, default=False
        `rdm` holds squared distances, which may be negative: those of "sqeuclidean" and,
        signed, of "crossnobis" in :func:`~neuroselect.rsa.condensed_rdms`.

    Returns
    -------
    coordinates : ndarray of shape (n_conditions, n_components)
        Centred, in the unit of the distances, largest axis first. The entry of largest magnitude
        of each axis is positive (the first one of those that tie). A dimension that the distances
        do not have is 0.
    explained : ndarray of shape (n_components,)
        Share of each axis, :math:`\max(\lambda_k, 0) / \sum |\lambda|`. For Euclidean distances
        this is the share of the summed squared distances of all pairs; distances that are not
        Euclidean, as unbiased ones, have negative eigenvalues and never reach a total of 1.

    Raises
    ------
    ValueError
        If `rdm` is no RDM (wrong size, negative unless `squared`, not finite, not symmetric,
        diagonal not 0) or has too few conditions for `n_components`.

    Notes
    -----
    Axes of equal eigenvalue, as those of a perfect grid, are only determined up to a
    rotation among them.

    References
    ----------
    .. [1] Torgerson (1952), "Multidimensional scaling: I. Theory and method",
       Psychometrika 17, 401-419. :doi:`10.1007/BF02288916`

    Examples
    --------
    >>> coordinates, explained = classical_mds([1.0, 3.0, 2.0], n_components=1)
    >>> abs(coordinates[:, 0] - coordinates[0, 0]).round(6)
    array([0., 1., 3.])
    >>> explained.round(6)
    array([1.])
    """
    square = _as_square(rdm, signed=squared)
    n_conditions = len(square)
    if not 1 <= n_components < n_conditions:
        raise ValueError(
            f"n_components must be between 1 and {n_conditions - 1}, one less than the"
            f" {n_conditions} conditions of rdm, got {n_components}."
        )
    square = square if squared else square**2
    square = square - square.mean(axis=0)
    inner = -(square - square.mean(axis=1, keepdims=True)) / 2
    eigenvalues, axes = np.linalg.eigh((inner + inner.T) / 2)
    total = abs(eigenvalues).sum()
    leading = np.maximum(eigenvalues[::-1][:n_components], 0)
    # Eigenvalues at the level of rounding are 0, and 0 / 0 is no share.
    leading[leading <= n_conditions * np.finfo(np.float64).eps * total] = 0
    coordinates = _fix_signs(axes[:, ::-1][:, :n_components]) * np.sqrt(leading)
    return coordinates, leading / total if total > 0 else leading


def _as_square(rdm: ArrayLike, signed: bool = False) -> NDArray[np.float64]:
    rdm = np.asarray(rdm, dtype=np.float64)
    if not np.isfinite(rdm).all():
        raise ValueError("rdm must hold finite distances, got NaN or infinite values.")
    if not signed and (rdm < 0).any():
        raise ValueError(
            f"rdm must hold distances of at least 0, got {rdm.min():g}. Signed ones, as those of"
            " crossnobis, are squared distances: classical_mds takes them with squared=True."
        )
    if rdm.ndim == 1:
        n_conditions = round((1 + np.sqrt(1 + 8 * rdm.size)) / 2)
        if rdm.size == 0 or n_conditions * (n_conditions - 1) // 2 != rdm.size:
            raise ValueError(
                f"rdm has {rdm.size} entries, which is no number of pairs"
                " n_conditions * (n_conditions - 1) / 2."
            )
        return squareform(rdm)
    if rdm.ndim != 2 or rdm.shape[0] != rdm.shape[1]:
        raise ValueError(
            "rdm must have shape (n_pairs,) or (n_conditions, n_conditions), got shape"
            f" {rdm.shape}."
        )
    if not np.allclose(rdm, rdm.T, rtol=1e-8, atol=0) or np.diagonal(rdm).any():
        raise ValueError("A square rdm must be symmetric with zeros on its diagonal.")
    return rdm


def _fix_signs(axes: NDArray) -> NDArray[np.float64]:
    """Make the first of the entries of largest magnitude positive in every column.

    Rounding must not choose among entries that tie, as opposite corners of a grid do.
    """
    magnitude = abs(axes)
    first = (magnitude >= magnitude.max(axis=0) * (1 - 1e-8)).argmax(axis=0)
    return axes * np.sign(axes[first, np.arange(axes.shape[1])])
