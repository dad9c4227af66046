"""Residuals over time that a fixed tangent kernel predicts."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.regime._alignment import as_kernel


def lazy_dynamics(kernel: ArrayLike, residual: ArrayLike, times: ArrayLike) -> NDArray[np.float64]:
    r"""Residuals over time in the lazy limit, where the tangent kernel stays as it is.

    .. math:: u(t) = \exp(-K t) \, u(0)

    the solution of gradient flow on half the squared error, :math:`\dot u = -K u`, with
    :math:`u = \hat y - y` [1]_.

    Parameters
    ----------
    kernel : array-like of shape (n, n) or (n_networks, n, n)
        Tangent kernel at the start, as from ``tangent_kernel(..., initial=True)``.
    residual : array-like of shape (n,) or (n_networks, n)
        Output minus target at the start, in the order of the kernel's rows.
    times : array-like of shape (n_times,)
        0 or more, in units of step size x number of steps if the loss is the sum over
        trials; divided by the number of trials if it is their mean.

    Returns
    -------
    residuals : ndarray of shape (n, n_times) or (n_networks, n, n_times)
        A kernel or residual without a network axis serves all networks of the other.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, times are negative, or the kernel is
        not symmetric and positive semi-definite.

    See Also
    --------
    lazy_loss_curve : The same in steps, as a loss to hold beside ``loss_curve_``.

    References
    ----------
    .. [1] Jacot, Gabriel & Hongler (2018), "Neural tangent kernel: convergence and
       generalization in neural networks", NeurIPS. :doi:`10.48550/arXiv.1806.07572`

    Examples
    --------
    >>> import numpy as np
    >>> lazy_dynamics([[1.0, 0.0], [0.0, 0.0]], [1.0, -1.0], [0.0, np.log(2)])
    array([[ 1. ,  0.5],
           [-1. , -1. ]])
    """
    kernel = as_kernel(kernel, "kernel")
    residual, times = np.asarray(residual, np.float64), np.asarray(times, np.float64)
    if kernel.ndim > 3:
        raise ValueError(
            f"kernel must have shape (n, n) or (n_networks, n, n), got {kernel.shape}."
        )
    stacked = kernel.ndim == 3 and residual.ndim == 2 and len(kernel) != len(residual)
    if residual.ndim not in (1, 2) or residual.shape[-1] != kernel.shape[-1] or stacked:
        raise ValueError(
            "residual must have shape (n,) or (n_networks, n) to fit the kernel of shape"
            f" {kernel.shape}, got {residual.shape}. Pass (output - y).ravel()."
        )
    if not np.isfinite(residual).all():
        raise ValueError("residual must be finite, but holds NaN or infinite values.")
    if times.ndim != 1 or not np.all((times >= 0) & np.isfinite(times)):
        raise ValueError(
            f"times must be a list of finite numbers, 0 or more, got {times.tolist()}."
        )
    rates, modes = eigen(kernel)
    decay = np.exp(-rates[..., :, None] * times)
    return modes @ (decay * in_modes(modes, residual)[..., None])


def eigen(kernel):
    """Eigenvalues, those that are but rounding set to 0, and eigenvectors."""
    rates, modes = np.linalg.eigh(kernel)
    largest = abs(rates).max(-1, keepdims=True)
    if np.any(rates < -1e-5 * largest):
        raise ValueError(
            "kernel must be positive semi-definite, as J J^T is, but has the eigenvalue"
            f" {rates.min():.3g}."
        )
    rounding = kernel.shape[-1] * np.finfo(np.float64).eps * largest
    return np.where(rates > rounding, rates, 0.0), modes


def in_modes(modes, residual):
    """Coordinates of residuals (..., n) along eigenvectors (..., n, n)."""
    return (np.swapaxes(modes, -2, -1) @ residual[..., None])[..., 0]
