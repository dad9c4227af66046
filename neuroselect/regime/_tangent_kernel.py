"""Neural tangent kernels of trained networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.regime._alignment import cosine
from neuroselect.regime._networks import Group, as_networks, grouped, weights_of


def tangent_kernel(
    estimators: object | Sequence, X: ArrayLike, *, initial: bool = False
) -> NDArray[np.float64]:
    r"""Neural tangent kernel of networks on given trials.

    .. math:: K = J J^\top, \quad J_{(i, a), p} = \partial f_a(x_i) / \partial \theta_p

    with the outputs :math:`f_a` of trial :math:`x_i` and all parameters :math:`\theta`:
    weights, cue weights and intercepts. It tells how a small step of gradient descent on one
    trial moves the outputs of all trials [1]_.

    Parameters
    ----------
    estimators : MultiTaskMLP, MultiTaskMLPClassifier, or sequence of these
        Fitted networks.
    X : array-like of shape (n_trials, n_features + 1)
        Trials, as in the networks' ``fit``.
    initial : bool, default=False
        Take the weights before training instead of the trained ones.

    Returns
    -------
    kernel : ndarray of shape (n, n) or (n_networks, n, n), float64
        With n = n_trials * n_outputs; rows and columns run trial by trial, outputs within,
        as ``output.ravel()`` does. Outputs are those of `predict` for a regressor, the
        values before the softmax for a classifier.

    Raises
    ------
    TypeError
        If an estimator is not a multi-layer perceptron of this package.
    ValueError
        If a network is not fitted, X does not fit, or networks differ in their number of
        outputs.

    See Also
    --------
    tangent_kernel_alignment : How far training changed it.
    lazy_loss_curve : The training that it predicts.

    Notes
    -----
    The Jacobian is never formed: a layer adds the product of two Gram matrices, of what
    enters it and of the gradients at its pre-activation. The derivative of a ReLU at 0 is
    taken to be 0.

    References
    ----------
    .. [1] Jacot, Gabriel & Hongler (2018), "Neural tangent kernel: convergence and
       generalization in neural networks", NeurIPS. :doi:`10.48550/arXiv.1806.07572`

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((20,), random_state=0).fit(X, y)
    >>> tangent_kernel(net, X).shape
    (50, 50)
    """
    networks, alone = as_networks(estimators)
    kernels = None
    for group in grouped(networks, X):
        n = len(group.stimuli) * group.network.n_outputs
        if kernels is None:
            kernels = np.empty((len(networks), n, n))
        elif kernels.shape[1] != n:
            raise ValueError(
                "estimators must have the same number of outputs to be stacked, got"
                f" {kernels.shape[1] // len(group.stimuli)} and {group.network.n_outputs}. Call"
                " tangent_kernel for each kind."
            )
        positions = np.array(group.positions)
        for part, rows, block in _kernel_blocks(group, networks, initial=initial):
            kernels[positions[part], rows] = block
    return kernels[0] if alone else kernels


def tangent_kernel_alignment(
    estimators: object | Sequence, X: ArrayLike
) -> float | NDArray[np.float64]:
    r"""Similarity of networks' tangent kernels before and after training.

    .. math:: \frac{\langle K_1, K_0 \rangle}{\|K_1\| \|K_0\|}, \quad K = J J^\top

    with Frobenius inner product and norms [1]_. 1 in the lazy limit, where the kernel stays
    and the network learns as a linear model of fixed features; lower the richer learning was.

    Parameters
    ----------
    estimators : MultiTaskMLP, MultiTaskMLPClassifier, or sequence of these
        Fitted networks, of any mixture of architectures.
    X : array-like of shape (n_trials, n_features + 1)
        Trials, as in the networks' ``fit``.

    Returns
    -------
    alignment : float or ndarray of shape (n_networks,)
        Between 0 and 1. NaN where a kernel is 0 throughout.

    Raises
    ------
    TypeError
        If an estimator is not a multi-layer perceptron of this package.
    ValueError
        If a network is not fitted or X does not fit.

    See Also
    --------
    tangent_kernel : The kernel itself.
    representation_alignment : The same of the activity's kernel.

    References
    ----------
    .. [1] Liu, Baratin, Cornford, Mihalas, Shea-Brown & Lajoie (2024), "How connectivity
       structure shapes rich and lazy learning in neural circuits", ICLR.
       :doi:`10.48550/arXiv.2310.08513`

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> nets = [MultiTaskMLP((20,), init_scale=s, random_state=0).fit(X, y) for s in (0.1, 10)]
    >>> rich, lazy = tangent_kernel_alignment(nets, X)
    >>> bool(rich < lazy)
    True
    """
    networks, alone = as_networks(estimators)
    sums = np.zeros((3, len(networks)))  # <K1, K0>, |K0|², |K1|²
    for group in grouped(networks, X):
        positions = np.array(group.positions)
        both = (_kernel_blocks(group, networks, initial=initial) for initial in (True, False))
        for (part, _, old), (_, _, new) in zip(*both, strict=True):
            pairs = ((new, old), (old, old), (new, new))
            sums[:, positions[part]] += [np.einsum("bij,bij->b", a, b) for a, b in pairs]
    alignment = cosine(*sums)
    return float(alignment[0]) if alone else alignment


def _kernel_blocks(group: Group, networks: list, *, initial: bool):
    """Iterate over blocks of the group's tangent kernels, as the engine yields them."""
    from neuroselect._engine._tangent import tangent_kernel_blocks

    weights = [weights_of(networks[k], initial=initial) for k in group.positions]
    return tangent_kernel_blocks(
        group.network, weights, group.stimuli, group.task, device=group.device
    )
