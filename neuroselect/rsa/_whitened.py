"""RDMs in the space where the errors of their entries are independent and equal."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular

from neuroselect.rsa._pairs import n_conditions_of, square_rdms


def whitened_features(
    rdms: NDArray[np.float64], present: NDArray[np.bool_], root: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    r"""Return vectors whose inner products are :math:`d_1^T V^{-1} d_2`.

    V holds the squares of :math:`C \Sigma_k C^T`, with C the contrasts of all pairs: up to a
    factor the covariance of the entries of an unbiased RDM. No matrix of that size is formed:
    with P the differences from the last condition, :math:`G = P S P^T` the products that belong
    to an RDM, and :math:`L L^T = P \Sigma_k P^T`, the inner product is the trace of
    :math:`W_1 W_2` with :math:`W = L^{-1} G L^{-T}`.

    Parameters
    ----------
    rdms : ndarray of shape (n_rdms, n_pairs)
        Condensed RDMs, 0 where pairs are missing.
    present : ndarray of bool of shape (n_pairs,)
        The others. Missing ones take the values that make the inner product smallest, which is
        the same as to leave their rows and columns out of V.
    root : ndarray of shape (n_conditions - 1, n_conditions - 1) or None
        L, from `contrast_root`. None for the identity as the covariance, where W has the same
        inner products as the doubly centred RDM.

    Returns
    -------
    features : ndarray of shape (n_rdms, about n_conditions ** 2)
    """
    features = _features(rdms, root)
    if not present.all():
        gaps = np.flatnonzero(~present)
        units = np.zeros((len(gaps), rdms.shape[1]))
        units[np.arange(len(gaps)), gaps] = 1.0
        basis = np.linalg.qr(_features(units, root).T)[0]
        features -= (features @ basis) @ basis.T
    return features


def contrast_root(sigma_k: ArrayLike, n_pairs: int) -> NDArray[np.float64]:
    """Return the Cholesky root of the covariance of differences from the last condition."""
    n = n_conditions_of(n_pairs)
    sigma = np.asarray(sigma_k, dtype=np.float64)
    if sigma.shape == (n,):
        sigma = np.diag(sigma)
    if sigma.shape != (n, n) or not np.isfinite(sigma).all():
        raise ValueError(
            f"sigma_k must be a finite covariance of the {n} conditions, of shape ({n}, {n}), or"
            f" their variances, of shape ({n},); got shape {sigma.shape}."
        )
    contrast = np.hstack([np.eye(n - 1), -np.ones((n - 1, 1))])
    try:
        if not np.allclose(sigma, sigma.T, rtol=1e-10, atol=0):
            raise np.linalg.LinAlgError
        return np.linalg.cholesky(contrast @ sigma @ contrast.T)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "sigma_k must be symmetric and positive definite: it is the covariance of the"
            " patterns' estimates over conditions."
        ) from error


def _features(rdms: NDArray, root: NDArray | None) -> NDArray[np.float64]:
    square = square_rdms(rdms)
    if root is None:
        square /= -2
        square -= square.mean(axis=1, keepdims=True)
        square -= square.mean(axis=2, keepdims=True)
        return square.reshape(len(rdms), -1)
    last = square[:, :-1, -1]
    products = (last[:, :, np.newaxis] + last[:, np.newaxis] - square[:, :-1, :-1]) / 2
    inverse = solve_triangular(root, np.eye(len(root)), lower=True)
    return (inverse @ products @ inverse.T).reshape(len(rdms), -1)
