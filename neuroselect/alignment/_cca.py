"""Canonical correlations of systems."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.alignment._systems import center, check_same_trials, of_pairs, read_system


def canonical_correlations(
    a: ArrayLike,
    b: ArrayLike,
    *,
    variance_kept: float = 1.0,
    n_components: int | None = None,
) -> NDArray[np.float64]:
    r"""Canonical correlations of two systems, the largest first.

    The cosines of the principal angles between the subspaces of trials that the units span,
    :math:`\sigma(Q_a^\top Q_b)` with orthonormal bases of the centred activity.

    Parameters
    ----------
    a, b : array-like of shape (n_trials, n_units)
        Activity of the same trials; units may differ in number.
    variance_kept : float, default=1.0
        Keep the leading principal components of each system up to this share of its variance
        (SVCCA [1]_ uses 0.99); 1 keeps all of its rank.
    n_components : int, default=None
        Keep at most so many principal components of each system.

    Returns
    -------
    correlations : ndarray of shape (n_correlations,)
        As many as the smaller number of components kept; from 0 to 1.

    Raises
    ------
    ValueError
        If the components kept are so many that correlations of 1 are certain whatever the
        systems: more than ``n_trials - 1`` together. If arguments are out of bounds, a system is
        constant, or trials differ in number.

    See Also
    --------
    cca_similarity : Their mean, for all pairs of systems.

    References
    ----------
    .. [1] Raghu, Gilmer, Yosinski & Sohl-Dickstein (2017), "SVCCA", NeurIPS.
       :doi:`10.48550/arXiv.1706.05806`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import canonical_correlations
    >>> a = np.random.default_rng(0).normal(size=(50, 3))
    >>> canonical_correlations(a, a @ [[1.0, 2.0], [0.0, 1.0], [0.0, 0.0]]).round(6)
    array([1., 1.])
    """
    a, b = read_system(a, "a"), read_system(b, "b")
    check_same_trials(a, b)
    _check_kept(variance_kept, n_components)
    return _correlations(*(_basis(x, variance_kept, n_components) for x in (a, b)))


def cca_similarity(
    a: ArrayLike,
    b: ArrayLike | None = None,
    *,
    variance_kept: float = 1.0,
    n_components: int | None = None,
) -> float | NDArray[np.float64]:
    """Mean canonical correlation of systems, greater for more alike ones.

    Parameters
    ----------
    a, b : array-like of shape (n_trials, n_units), or several systems
        As in `linear_cka`. Without `b`: all pairs of `a`.
    variance_kept, n_components
        As in `canonical_correlations`; ``variance_kept=0.99`` is SVCCA.

    Returns
    -------
    similarity : float or ndarray of shape (n_a, n_b)
        From 0 to 1; 1 for a system and itself.

    Raises
    ------
    ValueError
        As in `canonical_correlations`.

    Notes
    -----
    Invariant to any invertible linear map of either system's units. Unrelated systems of ranks p
    and q correlate, too, the more the closer p + q is to the number of trials: the null is
    never 0. It is that of shuffled trials, see `alignment_test`.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import cca_similarity
    >>> a, b = np.random.default_rng(0).normal(size=(2, 50, 20))
    >>> cca_similarity(a, b) > 0.4                              # unrelated
    True
    """
    _check_kept(variance_kept, n_components)
    return of_pairs(
        lambda x, y: _correlations(x, y).mean(),
        lambda x: _basis(x, variance_kept, n_components),
        a,
        b,
    )


def _basis(activity, variance_kept, n_components):
    """Orthonormal basis (n_trials, rank) of a centred system."""
    left, values, _ = np.linalg.svd(center(activity), full_matrices=False)
    eps = np.finfo(np.float64).eps
    rank = int(np.sum(values > values[0] * max(activity.shape) * eps)) if values[0] > 0 else 0
    if not rank:
        raise ValueError("A system is constant over trials: it has no canonical correlations.")
    share = np.cumsum(values[:rank] ** 2) / np.sum(values[:rank] ** 2)
    kept = rank if variance_kept == 1 else int(np.sum(share < variance_kept)) + 1
    return left[:, : min(kept, rank, n_components or rank)]


def _correlations(x, y):
    n_trials = len(x)
    if x.shape[1] + y.shape[1] > n_trials - 1 and x is not y:
        raise ValueError(
            f"The systems keep {x.shape[1]} and {y.shape[1]} components, in {n_trials} trials:"
            " together more than n_trials - 1, so that canonical correlations of 1 are certain"
            " for any systems. Keep fewer (n_components=..., or variance_kept=0.99), or show more"
            " trials."
        )
    return np.clip(np.linalg.svd(x.T @ y, compute_uv=False), 0, 1)


def _check_kept(variance_kept, n_components):
    if not 0 < variance_kept <= 1:
        raise ValueError(f"variance_kept must be above 0 and at most 1, got {variance_kept!r}.")
    if n_components is not None and n_components < 1:
        raise ValueError(f"n_components must be None or at least 1, got {n_components!r}.")
