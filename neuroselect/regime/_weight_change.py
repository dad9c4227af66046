"""Weights before and after training."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def relative_norm_change(initial: ArrayLike, final: ArrayLike) -> float | NDArray[np.float64]:
    r"""Change of the norm of a weight matrix, relative to the initial norm.

    .. math:: (\|W_{end}\| - \|W_0\|) / \|W_0\|

    with Frobenius norms, the measure published in [1]_. It cannot see rotations: weights that
    turned without growing score 0. Report :func:`relative_distance` beside it.

    Parameters
    ----------
    initial, final : array-like of shape (fan_in, fan_out) or (n_networks, fan_in, fan_out)
        Weights before and after training, of one network or of several. A vector is taken
        for the weights of one network.

    Returns
    -------
    change : float or ndarray of shape (n_networks,)
        No unit; -1 or more. 0 if the norm did not change. NaN where the initial weights are
        all 0: nothing is relative to them.

    Raises
    ------
    ValueError
        If the arrays differ in shape, have more than three axes, or are not finite.

    See Also
    --------
    relative_distance : The distance travelled, which sees rotations.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), "Orthogonal representations
       for robust context-dependent task performance in brains and neural networks",
       Neuron 110, 1258-1270. :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> relative_norm_change([[3.0, 4.0]], [[6.0, 8.0]])
    1.0
    >>> relative_norm_change([[3.0, 4.0]], [[4.0, -3.0]])  # turned by 90 degrees
    0.0
    """
    initial, final = _as_pair(initial, final)
    norm = _norm(initial)
    return _relative(_norm(final) - norm, norm)


def relative_distance(initial: ArrayLike, final: ArrayLike) -> float | NDArray[np.float64]:
    r"""Distance that the weights travelled, relative to the initial norm.

    .. math:: \|W_{end} - W_0\| / \|W_0\|

    with Frobenius norms. It sees every change; by the triangle inequality it is never smaller
    than the magnitude of :func:`relative_norm_change`.

    Parameters
    ----------
    initial, final : array-like of shape (fan_in, fan_out) or (n_networks, fan_in, fan_out)
        Weights before and after training, of one network or of several. A vector is taken
        for the weights of one network.

    Returns
    -------
    distance : float or ndarray of shape (n_networks,)
        No unit; 0 or more. NaN where the initial weights are all 0.

    Raises
    ------
    ValueError
        If the arrays differ in shape, have more than three axes, or are not finite.

    See Also
    --------
    relative_norm_change : The published measure, which cannot see rotations.

    Examples
    --------
    >>> relative_distance([[3.0, 4.0]], [[6.0, 8.0]])
    1.0
    >>> relative_distance([[3.0, 4.0]], [[-3.0, -4.0]])
    2.0
    """
    initial, final = _as_pair(initial, final)
    return _relative(_norm(final - initial), _norm(initial))


def sign_similarity(initial: ArrayLike, final: ArrayLike) -> float | NDArray[np.float64]:
    """Share of weights whose sign training left as it was.

    1 where no weight changed from excitatory to inhibitory or back, as in the lazy regime;
    about 1/2 where the final signs are unrelated to the initial ones.

    Parameters
    ----------
    initial, final : array-like of shape (fan_in, fan_out) or (n_networks, fan_in, fan_out)
        Weights before and after training, of one network or of several. A vector is taken
        for the weights of one network.

    Returns
    -------
    share : float or ndarray of shape (n_networks,)
        Between 0 and 1. A weight that is 0 before and after is no connection and is left
        out; one that is 0 only before, or only after, did change its sign. NaN where no
        weight is left.

    Raises
    ------
    ValueError
        If the arrays differ in shape, have more than three axes, or are not finite.

    See Also
    --------
    relative_distance : How far the weights travelled.

    Examples
    --------
    >>> sign_similarity([[1.0, -2.0], [3.0, 0.0]], [[0.5, -9.0], [-0.1, 0.0]])
    0.6666666666666666
    """
    initial, final = _as_pair(initial, final)
    axes = tuple(range(initial.ndim))[-2:]
    before, after = np.sign(initial), np.sign(final)
    n_connections = ((before != 0) | (after != 0)).sum(axis=axes)
    return _relative(((before == after) & (before != 0)).sum(axis=axes), n_connections)


def _as_pair(initial, final):
    pair = []
    for name, weights in (("initial", initial), ("final", final)):
        weights = np.asarray(weights, dtype=np.float64)
        if not 1 <= weights.ndim <= 3:
            raise ValueError(
                f"{name} must have shape (fan_in, fan_out) or (n_networks, fan_in, fan_out),"
                f" got {weights.shape}."
            )
        if not np.isfinite(weights).all():
            raise ValueError(f"{name} must be finite, but holds NaN or infinite weights.")
        pair.append(weights)
    initial, final = pair
    if initial.shape != final.shape:
        raise ValueError(
            f"initial and final must have the same shape, got {initial.shape} and {final.shape}."
            " Pass the weights of the same layer before and after training."
        )
    return initial, final


def _norm(weights):
    axes = tuple(range(weights.ndim))[-2:]
    return np.sqrt((weights**2).sum(axis=axes))


def _relative(change, norm):
    change, norm = np.asarray(change), np.asarray(norm)
    ratio = np.divide(change, norm, out=np.full(norm.shape, np.nan), where=norm > 0)
    return ratio if ratio.ndim else float(ratio)
