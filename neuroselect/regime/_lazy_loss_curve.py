"""Loss curve of training that a fixed tangent kernel predicts."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from neuroselect.curricula import Interleaved, get_curriculum
from neuroselect.regime._lazy_dynamics import eigen, in_modes
from neuroselect.regime._networks import as_networks, grouped, weights_of
from neuroselect.regime._tangent_kernel import tangent_kernel

# Gradient descent that the kernel describes.
REQUIRED = {
    "loss": "squared_error",
    "solver": "sgd",
    "momentum": 0,
    "alpha": 0,
    "consolidation": None,
    "sluggishness": 1,
}


def lazy_loss_curve(
    estimators: object | Sequence, X: ArrayLike, y: ArrayLike, n_iter: int | None = None
) -> NDArray[np.float64]:
    r"""Loss of full-batch gradient descent that the initial tangent kernel predicts.

    With :math:`\eta` the network's step size (divided by the number of trials if
    ``reduction="mean"``), residuals follow

    .. math:: u_k = (I - \eta K)^k u_0

    exactly in a network that is linear in its parameters, and the better in others the lazier
    they learn [1]_. Hold the result beside ``loss_curve_``: where they part, the kernel
    changed, and features were learned.

    Parameters
    ----------
    estimators : MultiTaskMLP or sequence of these
        Networks fitted on X and y by plain descent in full batch: ``solver="sgd"``,
        ``batch_size=None``, without momentum, weight decay or sample weights.
    X : array-like of shape (n_trials, n_features + 1)
        The trials that they were fitted on.
    y : array-like of shape (n_trials,) or (n_trials, n_outputs)
        Targets.
    n_iter : int, default=None
        Number of passes to predict; None is as many as the networks made.

    Returns
    -------
    loss : ndarray of shape (n_iter,) or (n_networks, n_iter)
        Loss before each pass, as in ``loss_curve_``: half the squared error, mean or sum over
        trials as in the network. It grows without bound, to infinity, where the step size is
        too large for the kernel, :math:`\eta \lambda_{max} > 2`.

    Raises
    ------
    TypeError
        If an estimator is not a multi-layer perceptron of this package.
    ValueError
        If a network is not fitted, was trained otherwise or on other trials, or networks made
        different numbers of passes and `n_iter` is None.

    See Also
    --------
    lazy_dynamics : Residuals in continuous time.
    tangent_kernel_alignment : How far the kernel stayed as it was.

    References
    ----------
    .. [1] Jacot, Gabriel & Hongler (2018), "Neural tangent kernel: convergence and
       generalization in neural networks", NeurIPS. :doi:`10.48550/arXiv.1806.07572`

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((50,), solver="sgd", batch_size=None, random_state=0).fit(X, y)
    >>> bool(abs(lazy_loss_curve(net, X, y) / net.loss_curve_ - 1).max() < 0.01)
    True
    """
    networks, alone = as_networks(estimators)
    for network in networks:
        _check_descent(network)
    n_iter = _common_n_iter(networks) if n_iter is None else n_iter
    if not isinstance(n_iter, Integral) or n_iter < 1:
        raise ValueError(f"n_iter must be an integer, 1 or more, or None, got {n_iter!r}.")
    curves = np.empty((len(networks), n_iter))
    for k, network in enumerate(networks):
        curves[k] = _loss_curve(network, X, y, n_iter)
    return curves[0] if alone else curves


def _loss_curve(network, X, y, n_iter):
    residual = _initial_residual(network, X, y)
    share = 1 / len(residual) if network.reduction == "mean" else 1.0
    _check_first_loss(network, 0.5 * share * np.sum(residual**2))
    rates, modes = eigen(tangent_kernel(network, X, initial=True))
    squares = in_modes(modes, residual.ravel()) ** 2
    excited = squares > 0
    factors = (1 - network.learning_rate_init * share * rates[excited]) ** 2
    with np.errstate(over="ignore"):
        growth = factors ** np.arange(n_iter)[:, None]
        return 0.5 * share * growth @ squares[excited]


def _initial_residual(network, X, y):
    """Output minus target before training, (n_trials, n_outputs)."""
    from neuroselect._engine._predict import outputs

    (group,) = grouped([network], X)
    n_trials, n_outputs = len(group.stimuli), group.network.n_outputs
    _check_full_batch(network, n_trials)
    y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
    if y.reshape(len(y), -1).shape != (n_trials, n_outputs):
        raise ValueError(
            f"y must hold {n_outputs} output(s) for each of the {n_trials} trials of X, got an"
            f" array of shape {y.shape}."
        )
    stimuli = group.stimuli.astype(np.float64)
    weights = weights_of(network, initial=True)
    output = outputs(group.network, weights, stimuli, group.task, group.device)
    return output - y.reshape(n_trials, n_outputs)


def _common_n_iter(networks):
    counts = {network.n_iter_ for network in networks}
    if len(counts) > 1:
        raise ValueError(
            f"The networks made different numbers of passes, {sorted(counts)}. Pass n_iter to"
            " predict the same number for all."
        )
    return counts.pop()


def _check_descent(network):
    """Raise for a network that the kernel's plain descent does not describe."""
    for name, value in REQUIRED.items():
        given = getattr(network, name, value)
        if given != value:
            raise ValueError(
                f"The lazy prediction is for plain gradient descent with {name}={value!r}; this"
                f" network has {name}={given!r}."
            )
    if getattr(network, "gating", "none") in ("oja", "oja_all"):
        raise ValueError(
            "The lazy prediction is for plain gradient descent; this network has a Hebbian rule"
            f" beside it, gating={network.gating!r}."
        )
    if not isinstance(get_curriculum(network.curriculum), Interleaved):
        raise ValueError(
            "The lazy prediction is for descent on all trials at every step; this network has"
            f" curriculum={network.curriculum!r}. Use curriculum='interleaved'."
        )


def _check_full_batch(network, n_trials):
    size = min(200, n_trials) if network.batch_size == "auto" else network.batch_size
    if size is not None and size < n_trials:
        raise ValueError(
            f"The lazy prediction is for full-batch descent; this network has"
            f" batch_size={network.batch_size!r} for {n_trials} trials. Use batch_size=None."
        )


def _check_first_loss(network, loss):
    first = network.loss_curve_[0]
    if not np.isclose(loss, first, rtol=1e-3, atol=1e-12):
        raise ValueError(
            "X and y must be what the network was fitted on, without sample weights: the loss of"
            f" its initial weights on them is {loss:.6g}, but its loss_curve_ begins with"
            f" {first:.6g}."
        )
