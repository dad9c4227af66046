"""Linear centred kernel alignment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.alignment._systems import center, of_pairs


def linear_cka(
    a: ArrayLike, b: ArrayLike | None = None, *, debiased: bool = False
) -> float | NDArray[np.float64]:
    r"""Linear centred kernel alignment (CKA) of systems, greater for more alike ones.

    The cosine between the centred kernels of the same trials,

    .. math:: \mathrm{CKA} = \frac{\mathrm{HSIC}(K, L)}{\sqrt{\mathrm{HSIC}(K, K)
              \mathrm{HSIC}(L, L)}}, \quad K = A A^\top, \; L = B B^\top

    with the biased estimator of HSIC, :math:`\langle HKH, HLH \rangle` [1]_, or with the unbiased
    one [2]_, :math:`\langle \tilde K, \tilde L \rangle` of U-centred kernels without diagonals.

    Parameters
    ----------
    a, b : array-like of shape (n_trials, n_units), or several systems
        Activity of the same trials, units may differ in number. Several systems are an array
        (n_systems, n_trials, n_units) or a list. Without `b`: all pairs of `a`.
    debiased : bool, default=False
        False: the biased variant, from 0 to 1, which is high for unrelated systems whose units
        outnumber the trials. True: the debiased variant, with the unbiased estimator in
        numerator and denominator; about 0 for unrelated systems whatever their size,
        and slightly below 0 for some.

    Returns
    -------
    cka : float or ndarray of shape (n_a, n_b)
        An axis only for an argument with several systems. 1 for a system and itself. NaN where
        a system is constant over trials, or its unbiased HSIC is not positive.

    Raises
    ------
    ValueError
        If the systems' trials differ in number, or are fewer than 4 for the debiased variant; if
        values are not finite.

    See Also
    --------
    neuroselect.regime.representation_alignment : The same cosine, uncentred by default.
    alignment_test : Its null.

    Notes
    -----
    Invariant to rotations, isotropic scaling and shifts of either system. Null: the trials of
    one system shuffled (`alignment_test`); the debiased variant averages about 0 over them.

    References
    ----------
    .. [1] Kornblith, Norouzi, Lee & Hinton (2019), "Similarity of neural network representations
       revisited", ICML. :doi:`10.48550/arXiv.1905.00414`
    .. [2] Song, Smola, Gretton, Bedo & Borgwardt (2012), "Feature selection via dependence
       maximization", JMLR 13, 1393-1434; for CKA: Nguyen, Raghu & Kornblith (2021), ICLR,
       :doi:`10.48550/arXiv.2010.15327`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import linear_cka
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(2, 30, 100))                # unrelated, more units than trials
    >>> round(linear_cka(a, b), 2), abs(linear_cka(a, b, debiased=True)) < 0.1
    (0.77, True)
    >>> linear_cka([a, b], debiased=True).shape
    (2, 2)
    """
    if not debiased:
        return of_pairs(_biased, lambda x: _Kernel.of(center(x)), a, b)
    return of_pairs(_debiased, lambda x: _Kernel.of(_enough(center(x))), a, b)


class _Kernel(NamedTuple):
    """A centred system, and its kernel where that is the smaller matrix."""

    system: NDArray[np.float64]
    kernel: NDArray[np.float64] | None

    @classmethod
    def of(cls, system):
        largest = abs(system).max()
        system = system / largest if largest > 0 else system
        n_trials, n_units = system.shape
        return cls(system, system @ system.T if n_units > n_trials else None)


def _inner(x: _Kernel, y: _Kernel) -> float:
    """Inner product of two kernels, without forming those of trials by trials."""
    if x.kernel is not None and y.kernel is not None:
        return np.sum(x.kernel * y.kernel)
    return np.sum((x.system.T @ y.system) ** 2)


def _biased(x, y):
    return _cosine(_inner(x, y), _inner(x, x), _inner(y, y))


def _debiased(x, y):
    return _cosine(_unbiased(x, y), _unbiased(x, x), _unbiased(y, y))


def _unbiased(x, y):
    """Return n (n - 3) times the unbiased estimator of HSIC, from kernels without diagonals."""
    n = len(x.system)
    norms = [np.sum(s.system**2, axis=1) for s in (x, y)]
    # Centred systems: rows of the whole kernel sum to 0, those without the diagonal to minus it.
    trace = _inner(x, y) - norms[0] @ norms[1]
    sums = norms[0].sum() * norms[1].sum() / ((n - 1) * (n - 2))
    return trace + sums - 2 / (n - 2) * (norms[0] @ norms[1])


def _cosine(product, first, second):
    if not (first > 0 and second > 0):
        return np.nan
    return float(np.clip(product / np.sqrt(first * second), -1, 1))


def _enough(system):
    if len(system) < 4:
        raise ValueError(
            f"debiased=True needs at least 4 trials, got {len(system)}: the unbiased estimator"
            " divides by n_trials - 3."
        )
    return system
