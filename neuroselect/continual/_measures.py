"""Forgetting, transfer and intransigence from scores of every task after every phase."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.continual._phases import (
    after,
    first_phases,
    last_phases,
    read_matrix,
    read_order,
)


def forgetting(
    matrix: ArrayLike, *, order: Sequence[int] | None = None, reference: str = "best"
) -> NDArray[np.float64]:
    r"""How much worse each task is in the end than it was.

    With :math:`a_{k,j}` the score of task j after phase k of K,

    .. math:: f_j = \max_{k < K} a_{k,j} - a_{K,j}

    for tasks that were trained before the last phase and not in it [1]_.

    Parameters
    ----------
    matrix : array-like of shape (n_phases, n_tasks) or (n_networks, n_phases, n_tasks)
        Score of each task after each phase, greater for better.
    order : sequence of int of shape (n_phases,), default=None
        Column of the task that each phase trains. None: phases train the tasks in their order.
    reference : {"best", "own"}, default="best"
        "best": the best score before the last phase, as published. "own": that after the last
        phase which trained the task; then it is minus the task's part of `backward_transfer`.

    Returns
    -------
    forgetting : ndarray of shape (n_tasks,) or (n_networks, n_tasks)
        NaN for a task that the last phase trained, or none. The published measure of a network is
        the mean over the other tasks, ``numpy.nanmean(..., axis=-1)``. Below 0 where a task
        has become better.

    Raises
    ------
    ValueError
        If shapes do not fit, or `reference` is unknown.

    References
    ----------
    .. [1] Chaudhry, Dokania, Ajanthan & Torr (2018), "Riemannian walk for incremental learning",
       ECCV. :doi:`10.1007/978-3-030-01252-6_33`

    Examples
    --------
    >>> from neuroselect.continual import forgetting
    >>> forgetting([[0.9, 0.5], [0.6, 0.9]]).round(2)      # task A falls from .9 to .6
    array([0.3, nan])
    """
    matrix = read_matrix(matrix)
    order = read_order(order, *matrix.shape[-2:])
    last = last_phases(order, matrix.shape[-1])
    if reference not in ("best", "own"):
        raise ValueError(f"reference must be 'best' or 'own', got {reference!r}.")
    if reference == "own" or matrix.shape[-2] == 1:
        before = after(matrix, last)
    else:
        before = matrix[..., :-1, :].max(axis=-2)
    lost = before - matrix[..., -1, :]
    return np.where((last >= 0) & (last < matrix.shape[-2] - 1), lost, np.nan)


def backward_transfer(
    matrix: ArrayLike, *, order: Sequence[int] | None = None
) -> NDArray[np.float64] | float:
    r"""What learning later tasks did to earlier ones; below 0 is forgetting.

    .. math:: \mathrm{BWT} = \frac{1}{T - 1} \sum_{j} \left( a_{K,j} - a_{k_j,j} \right)

    over the tasks not trained in the last phase K, :math:`k_j` the last phase that trained task j
    [1]_.

    Parameters
    ----------
    matrix, order
        As in `forgetting`.

    Returns
    -------
    transfer : float or ndarray of shape (n_networks,)
        NaN if there is no such task.

    Raises
    ------
    ValueError
        As in `forgetting`.

    References
    ----------
    .. [1] Lopez-Paz & Ranzato (2017), "Gradient episodic memory for continual learning", NeurIPS.
       :doi:`10.48550/arXiv.1706.08840`

    Examples
    --------
    >>> from neuroselect.continual import backward_transfer
    >>> round(backward_transfer([[0.9, 0.5], [0.6, 0.9]]), 2)
    -0.3
    """
    return _mean_over_tasks(-forgetting(matrix, order=order, reference="own"))


def forward_transfer(
    matrix: ArrayLike, initial: ArrayLike, *, order: Sequence[int] | None = None
) -> NDArray[np.float64] | float:
    r"""What earlier tasks did for tasks not yet learned.

    .. math:: \mathrm{FWT} = \frac{1}{T - 1} \sum_{j} \left( a_{k_j - 1,j} - b_j \right)

    over the tasks not trained in the first phase, :math:`k_j` the first phase that trained task j,
    b the scores before all training [1]_.

    Parameters
    ----------
    matrix, order
        As in `forgetting`.
    initial : array-like of shape (n_tasks,) or (n_networks, n_tasks)
        Score of each task before training, at the initial weights.

    Returns
    -------
    transfer : float or ndarray of shape (n_networks,)
        NaN if there is no such task.

    Raises
    ------
    ValueError
        As in `forgetting`; if `initial` does not fit.

    References
    ----------
    .. [1] Lopez-Paz & Ranzato (2017), "Gradient episodic memory for continual learning", NeurIPS.
       :doi:`10.48550/arXiv.1706.08840`

    Examples
    --------
    >>> from neuroselect.continual import forward_transfer
    >>> round(forward_transfer([[0.9, 0.7], [0.6, 0.9]], initial=[0.5, 0.5]), 2)
    0.2
    """
    return _mean_over_tasks(transfer_before(read_matrix(matrix), initial, order))


def intransigence(
    matrix: ArrayLike, reference: ArrayLike, *, order: Sequence[int] | None = None
) -> NDArray[np.float64]:
    r"""How far short of a reference each task stays when its turn comes.

    .. math:: I_j = a^*_j - a_{k_j,j}

    with :math:`k_j` the last phase that trained task j and :math:`a^*` the score of a reference
    [1]_, which is published as a network trained on all tasks so far at once.

    Parameters
    ----------
    matrix, order
        As in `forgetting`.
    reference : array-like of shape (n_tasks,) or (n_networks, n_tasks)
        Score of the reference on each task, such as of networks trained on all tasks interleaved.

    Returns
    -------
    intransigence : ndarray of shape (n_tasks,) or (n_networks, n_tasks)
        NaN for a task that no phase trained. Below 0 where learning one task after the other did
        better than the reference.

    Raises
    ------
    ValueError
        As in `forgetting`; if `reference` does not fit.

    References
    ----------
    .. [1] Chaudhry, Dokania, Ajanthan & Torr (2018), "Riemannian walk for incremental learning",
       ECCV. :doi:`10.1007/978-3-030-01252-6_33`

    Examples
    --------
    >>> from neuroselect.continual import intransigence
    >>> intransigence([[0.9, 0.5], [0.6, 0.7]], reference=[0.9, 0.9]).round(2)
    array([0. , 0.2])
    """
    matrix = read_matrix(matrix)
    order = read_order(order, *matrix.shape[-2:])
    reference = _of_tasks(reference, matrix, "reference")
    return reference - after(matrix, last_phases(order, matrix.shape[-1]))


def transfer_before(matrix, initial, order):
    """Score of each task right before its first phase, minus its initial one."""
    order = read_order(order, *matrix.shape[-2:])
    initial = _of_tasks(initial, matrix, "initial")
    first = first_phases(order, matrix.shape[-1])
    before = after(matrix, first - (first > 0))
    return np.where(first > 0, before - initial, np.nan)


def _of_tasks(scores, matrix, name):
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape not in ((matrix.shape[-1],), (*matrix.shape[:-2], matrix.shape[-1])):
        raise ValueError(
            f"{name} must have shape (n_tasks,) = ({matrix.shape[-1]},), or an axis of networks"
            f" before, as matrix; got shape {scores.shape}."
        )
    return scores


def _mean_over_tasks(values):
    known = np.isfinite(values)
    mean = np.full(values.shape[:-1], np.nan)
    np.divide(
        np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1), out=mean,
        where=known.any(axis=-1),
    )  # fmt: skip
    return mean if mean.ndim else float(mean)
