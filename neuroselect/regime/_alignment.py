"""Cosines between kernels before and after training."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def representation_alignment(
    initial: ArrayLike, final: ArrayLike, *, center: bool = False
) -> float | NDArray[np.float64]:
    r"""Similarity of a population's representation before and after training.

    The cosine between the kernels of the same trials [1]_,

    .. math:: \frac{\langle K_1, K_0 \rangle}{\|K_1\| \|K_0\|}, \quad K = H H^\top

    with activity :math:`H`, Frobenius inner product and norms. 1 where training left the
    geometry as it was (lazy), lower the more it changed (rich). Rotating or rescaling the
    activity leaves it as it is; shuffling the trials of one of the two does not.

    Parameters
    ----------
    initial, final : array-like of shape (n_trials, n_units) or (n_networks, n_trials, n_units)
        Activity before and after training, of one network or of several, in the same trials.
    center : bool, default=False
        Subtract each unit's mean over trials first. The published measure does not; with it
        the result is the linear centred kernel alignment (CKA) [2]_. Activity that is 0 or
        more shares a large mean, which keeps the uncentred alignment high.

    Returns
    -------
    alignment : float or ndarray of shape (n_networks,)
        Between 0 and 1. NaN where the activity, before or after, is 0 throughout (constant
        over trials, if centred): its kernel has no direction.

    Raises
    ------
    ValueError
        If the arrays differ in shape, have another number of axes, no entries, or are not
        finite.

    See Also
    --------
    tangent_kernel_alignment : The same of the tangent kernel.
    kernel_alignment : The same for given kernels.

    Notes
    -----
    No matrix of trials by trials is formed where there are fewer units than trials:
    :math:`\langle K_1, K_0 \rangle = \|H_0^\top H_1\|^2`.

    References
    ----------
    .. [1] Liu, Baratin, Cornford, Mihalas, Shea-Brown & Lajoie (2024), "How connectivity
       structure shapes rich and lazy learning in neural circuits", ICLR.
       :doi:`10.48550/arXiv.2310.08513`
    .. [2] Kornblith, Norouzi, Lee & Hinton (2019), "Similarity of neural network
       representations revisited", ICML. :doi:`10.48550/arXiv.1905.00414`

    Examples
    --------
    >>> representation_alignment([[1.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [2.0, 0.0]])
    1.0
    >>> representation_alignment([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]])
    0.7071067811865475
    """
    initial, final = _as_activities(initial, final)
    if initial.ndim == 2:
        return _representation_alignment(initial, final, center)
    pairs = zip(initial, final, strict=True)
    return np.array([_representation_alignment(*pair, center) for pair in pairs])


def kernel_alignment(initial: ArrayLike, final: ArrayLike) -> float | NDArray[np.float64]:
    r"""Cosine between two kernels.

    .. math:: \frac{\langle K_1, K_0 \rangle}{\|K_1\| \|K_0\|}

    with Frobenius inner product and norms.

    Parameters
    ----------
    initial, final : array-like of shape (..., n, n)
        Symmetric kernels, such as those of `tangent_kernel`, before and after training.
        Leading axes run over networks.

    Returns
    -------
    alignment : float or ndarray of shape (...)
        Between 0 and 1 for positive semi-definite kernels, else between -1 and 1. NaN where
        a kernel is 0 throughout: it has no direction.

    Raises
    ------
    ValueError
        If the kernels differ in shape, are not square, symmetric and finite.

    See Also
    --------
    representation_alignment : From activity, without forming the kernels.
    tangent_kernel_alignment : From networks.

    Examples
    --------
    >>> kernel_alignment([[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 2.0]])
    1.0
    """
    initial, final = as_kernel(initial, "initial"), as_kernel(final, "final")
    _check_same_shape(initial, final)
    initial, final = (k / _positive(abs(k).max((-2, -1), keepdims=True)) for k in (initial, final))
    product = np.sum(initial * final, axis=(-2, -1))
    return cosine(product, np.sum(initial**2, (-2, -1)), np.sum(final**2, (-2, -1)))


def cosine(product, initial, final):
    """Cosine from an inner product and two squared norms; NaN where one of these is 0."""
    norms = np.sqrt(np.multiply(initial, final))
    ratio = np.divide(product, norms, out=np.full(norms.shape, np.nan), where=norms > 0)
    ratio = np.clip(ratio, -1, 1)  # rounding
    return ratio if ratio.ndim else float(ratio)


def as_kernel(kernel: ArrayLike, name: str) -> NDArray[np.float64]:
    """Validate kernels of shape (..., n, n)."""
    kernel = np.asarray(kernel, dtype=np.float64)
    if kernel.ndim < 2 or kernel.shape[-1] != kernel.shape[-2] or 0 in kernel.shape:
        raise ValueError(f"{name} must hold kernels of shape (..., n, n), got {kernel.shape}.")
    if not np.isfinite(kernel).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinite values.")
    gap = abs(kernel - np.swapaxes(kernel, -2, -1)).max((-2, -1))
    if np.any(gap > 1e-5 * abs(kernel).max((-2, -1))):
        raise ValueError(
            f"{name} must hold symmetric kernels, trials by trials. For activity of shape"
            " (n_trials, n_units) use representation_alignment."
        )
    return kernel


def _representation_alignment(initial, final, center):
    n_trials, n_units = initial.shape
    initial, final = _scaled(initial, center), _scaled(final, center)
    if n_units < n_trials:
        product = np.sum((initial.T @ final) ** 2)
        grams = initial.T @ initial, final.T @ final
    else:
        grams = initial @ initial.T, final @ final.T
        product = np.sum(grams[0] * grams[1])
    return cosine(product, *(np.sum(gram**2) for gram in grams))


def _scaled(activity, center):
    """Activity in units of its largest value: the fourth powers neither over- nor underflow."""
    largest = abs(activity).max()
    if center:
        # Against the first trial a constant unit is exactly 0; against its mean it may be off
        # by rounding, which would look like a representation.
        activity = activity - activity[0]
        activity = activity - activity.mean(axis=0)
        deviation = abs(activity).max()
        if deviation <= 4 * np.finfo(np.float64).eps * largest:
            return np.zeros_like(activity)
        largest = deviation
    return activity / _positive(largest)


def _positive(value):
    return np.where(value > 0, value, 1.0)


def _as_activities(initial, final):
    pair = []
    for name, activity in (("initial", initial), ("final", final)):
        activity = np.asarray(activity, dtype=np.float64)
        if activity.ndim not in (2, 3) or 0 in activity.shape:
            raise ValueError(
                f"{name} must have shape (n_trials, n_units) or (n_networks, n_trials, n_units)"
                f" with at least one entry on each axis, got {activity.shape}."
            )
        if not np.isfinite(activity).all():
            raise ValueError(f"{name} must be finite, but holds NaN or infinite activity.")
        pair.append(activity)
    _check_same_shape(*pair)
    return pair


def _check_same_shape(initial, final):
    if initial.shape != final.shape:
        raise ValueError(
            f"initial and final must have the same shape, got {initial.shape} and {final.shape}."
            " Compare the same trials and units before and after training."
        )
