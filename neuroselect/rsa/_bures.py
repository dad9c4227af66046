"""Bures similarity of the products of conditions that belong to RDMs."""

import numpy as np
from numpy.typing import NDArray

from neuroselect.rsa._pairs import square_rdms


def centred_products(rdms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner products of centred conditions whose squared distances are `rdms`.

    In an orthonormal basis of what is left by centring: (n_rdms, n - 1, n - 1).
    """
    square = square_rdms(rdms)
    n = square.shape[1]
    basis = np.linalg.qr(np.hstack([np.ones((n, 1)), np.eye(n)[:, 1:]]))[0][:, 1:]
    return -basis.T @ square @ basis / 2


def fidelities(
    a: NDArray[np.float64], b: NDArray[np.float64], chunk_bytes: float
) -> NDArray[np.float64]:
    r"""Traces of :math:`(A^{1/2} B A^{1/2})^{1/2}`, (n_a, n_b).

    Eigenvalues below 0, of A and of the product, count as 0. Where B has none, the singular
    values of :math:`A^{1/2} B^{1/2}` are the same and keep twice the digits.
    """
    values, vectors = np.linalg.eigh(a)
    roots = _root(values, vectors)
    other_values, other_vectors = np.linalg.eigh(b)
    other_roots = _root(other_values, other_vectors)
    largest = abs(other_values).max(axis=1)
    definite = other_values[:, 0] >= -8 * b.shape[1] * np.finfo(np.float64).eps * largest
    step = max(1, int(chunk_bytes // (24 * a[0].size)))
    result = np.empty((len(a), len(b)))
    for k in range(len(b)):
        for start in range(0, len(a), step):
            root = roots[start : start + step]
            if definite[k]:
                shares = np.linalg.svd(root @ other_roots[k], compute_uv=False)
            else:
                shares = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ b[k] @ root), 0))
            result[start : start + step, k] = shares.sum(axis=1)
    return result


def _root(values: NDArray, vectors: NDArray) -> NDArray[np.float64]:
    scaled = vectors * np.sqrt(np.maximum(values, 0))[:, np.newaxis]
    return scaled @ vectors.transpose(0, 2, 1)
