"""Dimensions of the signal that repeats share, without those of the noise."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cross_validated_participation_ratio(
    repeats: ArrayLike, *, center: bool = True
) -> float | NDArray[np.float64]:
    r"""Participation ratio of the signal, corrected for the noise of single trials.

    Noise adds variance on all axes, so that the ratio of means over a few trials is too high.
    Of the covariance C of the signal over conditions,

    .. math:: PR = (\operatorname{tr} C)^2 / \operatorname{tr} C^2

    numerator and denominator are each estimated without bias, by products of four different
    repeats, averaged over all choices of four: noise that is independent between repeats
    drops out, however it is correlated between units.

    Parameters
    ----------
    repeats : array-like of shape (n_conditions, n_units, n_repeats) or \
            (n_systems, n_conditions, n_units, n_repeats)
        Single trials, at least 4 of each condition.
    center : bool, default=True
        Subtract each unit's mean over conditions. Without, the mean counts as a dimension.

    Returns
    -------
    ratio : float or ndarray of shape (n_systems,)
        Estimates, which may lie below 1 or above the number of units. NaN where an estimate of
        one of the two is not above 0: there is too little signal to tell.

    Raises
    ------
    ValueError
        If `repeats` has another number of axes, too few conditions or repeats, or is not finite.

    See Also
    --------
    participation_ratio : Of activity as it is.
    cross_validated_pca : The spectrum of the signal.

    Notes
    -----
    The ratio of two unbiased estimates is not itself unbiased, but consistent: its bias shrinks
    with the number of conditions and repeats.

    References
    ----------
    .. [1] Gao, Trautmann, Yu, Santhanam, Ryu, Shenoy & Ganguli (2017), "A theory of
       multineuronal dimensionality, dynamics and measurement", bioRxiv.
       :doi:`10.1101/214262`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.geometry import cross_validated_participation_ratio, participation_ratio
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.normal(size=(100, 2)) @ rng.normal(size=(2, 50))
    >>> repeats = signal[..., np.newaxis] + 3 * rng.normal(size=(100, 50, 6))
    >>> measures = [participation_ratio(signal), participation_ratio(repeats.mean(axis=-1)),
    ...             cross_validated_participation_ratio(repeats)]
    >>> np.round(measures, 1)
    array([1.9, 4.6, 1.9])
    """
    repeats = _as_repeats(repeats, 4, center)
    if repeats.ndim == 3:
        return _ratio(*unbiased_moments(repeats))
    return np.array([_ratio(*unbiased_moments(system)) for system in repeats])


def cross_validated_pca(repeats: ArrayLike, *, center: bool = True) -> NDArray[np.float64]:
    r"""Variance of the signal on each principal axis of other repeats [1]_.

    Axes :math:`v_k` come from the mean X of all repeats but one, and

    .. math:: \lambda_k = \frac{1}{n} \sum_c (x_c^\top v_k) (y_c^\top v_k)

    from that mean and the repeat Y left out, over n conditions, averaged over the repeat left
    out. Noise adds nothing on average: of pure noise, all :math:`\lambda_k` are 0 but for
    chance, and their sum is an unbiased estimate of the variance of the signal.

    Parameters
    ----------
    repeats : array-like of shape (n_conditions, n_units, n_repeats) or \
            (n_systems, n_conditions, n_units, n_repeats)
        Single trials, at least 2 of each condition. [1]_ has 2.
    center : bool, default=True
        Subtract each unit's mean over conditions, in each repeat.

    Returns
    -------
    spectrum : ndarray of shape (n_components,) or (n_systems, n_components)
        Signed variances in the squared unit of `repeats`, summed over units, in the order of the
        axes' own variances; ``n_components = min(n_conditions, n_units)``.

    Raises
    ------
    ValueError
        If `repeats` has another number of axes, too few conditions or repeats, or is not finite.

    See Also
    --------
    explained_variance : The spectrum of activity as it is.
    n_components_for : How many components are needed for a share of it.

    References
    ----------
    .. [1] Stringer, Pachitariu, Steinmetz, Carandini & Harris (2019), "High-dimensional geometry
       of population responses in visual cortex", Nature 571, 361-365.
       :doi:`10.1038/s41586-019-1346-5`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.geometry import cross_validated_pca
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.normal(size=(200, 2)) @ [[3.0, 0, 0, 0], [0, 1.0, 0, 0]]
    >>> repeats = signal[..., np.newaxis] + rng.normal(size=(200, 4, 5))
    >>> np.allclose(cross_validated_pca(repeats), [9, 1, 0, 0], atol=1)
    True
    """
    repeats = _as_repeats(repeats, 2, center)
    if repeats.ndim == 3:
        return _cross_validated_spectrum(repeats)
    return np.array([_cross_validated_spectrum(system) for system in repeats])


def n_components_for(spectrum: ArrayLike, share: float = 0.9) -> int | NDArray[np.intp]:
    """Number of leading components that hold a share of the variance.

    Parameters
    ----------
    spectrum : array-like of shape (n_components,) or (n_systems, n_components)
        Variances or shares, largest first: of `explained_variance` or `cross_validated_pca`.
        Values below 0 of the latter count with their sign.
    share : float, default=0.9
        Above 0, at most 1.

    Returns
    -------
    number : int or ndarray of shape (n_systems,)
        The smallest number of components whose sum is at least `share` of the total.

    Raises
    ------
    ValueError
        If `share` is out of range, or the total of a spectrum is not above 0.

    Examples
    --------
    >>> n_components_for([0.6, 0.3, 0.05, 0.05], 0.9)
    2
    """
    if not isinstance(share, Real) or not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share!r}.")
    spectrum = np.asarray(spectrum, dtype=np.float64)
    if spectrum.ndim not in (1, 2) or 0 in spectrum.shape:
        raise ValueError(
            "spectrum must have shape (n_components,) or (n_systems, n_components), got shape"
            f" {spectrum.shape}."
        )
    total = np.atleast_1d(spectrum.sum(axis=-1))
    bad = np.flatnonzero(~(total > 0))
    if len(bad):
        raise ValueError(
            f"The spectra of {len(bad)} system(s), first system {bad[0]}, have no variance to take"
            f" a share of: they sum to {total[bad[0]]:g}. Leave these systems out."
        )
    # Rounding must not ask for one component more.
    reached = np.cumsum(spectrum, axis=-1) >= share * total.reshape(-1, 1) * (1 - 1e-12)
    number = reached.argmax(axis=-1) + 1
    return int(number[0]) if spectrum.ndim == 1 else number


def _as_repeats(repeats, least, center):
    repeats = np.asarray(repeats, dtype=np.float64)
    if repeats.ndim not in (3, 4) or 0 in repeats.shape:
        raise ValueError(
            "repeats must have shape (n_conditions, n_units, n_repeats) or (n_systems,"
            f" n_conditions, n_units, n_repeats), got shape {repeats.shape}."
        )
    if center and repeats.shape[-3] < 2:
        raise ValueError(
            "repeats must hold at least 2 conditions on its third axis from the end, got"
            f" {repeats.shape[-3]}: one alone does not vary. Without others, set center=False."
        )
    if repeats.shape[-1] < least:
        raise ValueError(
            f"repeats must hold at least {least} repeats of each condition on its last axis, got"
            f" {repeats.shape[-1]}."
        )
    if not np.isfinite(repeats).all():
        raise ValueError(
            f"repeats must be finite, got {np.sum(~np.isfinite(repeats))} NaN or infinite values."
            " Drop conditions with missing repeats first."
        )
    return repeats - repeats.mean(axis=-3, keepdims=True) if center else repeats


def _ratio(squared_trace, trace_of_square):
    if min(squared_trace, trace_of_square) <= 0:
        return float("nan")
    return float(squared_trace / trace_of_square)


def unbiased_moments(repeats: NDArray) -> tuple[float, float]:
    """Return estimates of (tr C)^2 and tr C^2, C = M'M of the mean M (n_conditions, n_units).

    Means over all choices of four different repeats of <X_r, X_s> <X_t, X_u> and of
    tr(X_r X_s' X_t X_u'). The sums over different indices are sums over all indices, corrected
    for those that coincide (inclusion and exclusion over the partitions of four).
    """
    n_conditions, n_units, n = repeats.shape
    stack = np.moveaxis(repeats, -1, 0)
    if n_units < n_conditions:  # the same traces from the smaller matrices
        stack = stack.transpose(0, 2, 1)
    inner, gram = np.empty((n, n)), np.zeros((stack.shape[1],) * 2)
    total = gram.copy()
    twice, fourfold, thrice, single = 0.0, 0.0, 0.0, 0.0
    for r, X in enumerate(stack):
        products = X @ stack.transpose(0, 2, 1)  # X_r X_s' for all s
        inner[r] = np.trace(products, axis1=1, axis2=2)
        own, across = products[r], products.sum(axis=0)
        gram, total = gram + own, total + across
        single += (across**2).sum() + (across * across.T).sum()
        twice += (products**2).sum() + (products * products.transpose(0, 2, 1)).sum()
        thrice += (own * across.T).sum()
        fourfold += (own**2).sum()
    squares = (
        (total**2).sum() - 2 * (gram * total).sum() - 2 * single
        + (gram**2).sum() + twice + 8 * thrice - 6 * fourfold
    )  # fmt: skip
    rows, own = inner.sum(axis=1), np.diagonal(inner)
    traces = (
        rows.sum() ** 2 - 2 * own.sum() * rows.sum() - 4 * (rows**2).sum()
        + own.sum() ** 2 + 2 * (inner**2).sum() + 8 * (own * rows).sum() - 6 * (own**2).sum()
    )  # fmt: skip
    n_choices = n * (n - 1) * (n - 2) * (n - 3)
    return traces / n_choices, squares / n_choices


def _cross_validated_spectrum(repeats):
    n_conditions, _, n_repeats = repeats.shape
    total, spectrum = repeats.sum(axis=-1), 0.0
    for repeat in np.moveaxis(repeats, -1, 0):
        others = (total - repeat) / (n_repeats - 1)
        left, singular, axes = np.linalg.svd(others, full_matrices=False)
        spectrum = spectrum + singular * np.einsum("ck,cu,ku->k", left, repeat, axes, optimize=True)
    return spectrum / (n_conditions * n_repeats)
