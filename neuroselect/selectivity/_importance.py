"""What a unit is worth to each task, from the losses of single trials."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.selectivity._tasks import check_task, task_names

# name: what counts of a change in loss, lesioned minus intact
EFFECTS = {"squared": np.square, "increase": np.asarray}
NORMALIZERS = ("layer",)


def unit_importance(
    intact: ArrayLike, lesioned: ArrayLike, task: ArrayLike, *, effect: str = "squared"
) -> NDArray[np.float64]:
    r"""Importance of each unit for each task, from losses with and without the unit.

    With :math:`\ell(z)` the loss of trial z and :math:`\ell_i(z)` the one with unit i lesioned,
    the mean over the trials of a task of

    .. math:: (\ell(z) - \ell_i(z))^2 \quad\text{or}\quad \ell_i(z) - \ell(z)

    The first, squared effect is that of [1]_; the second, increase, is negative for a unit
    that the task is better off without.

    Parameters
    ----------
    intact : array-like of shape (n_trials,)
        Loss of each trial; for several systems (n_systems, n_trials).
    lesioned : array-like of shape (n_units, n_trials)
        Loss of each trial with each unit lesioned; (n_systems, n_units, n_trials).
    task : array-like of shape (n_trials,)
        Task of each trial: numbers or names.
    effect : {"squared", "increase"}, default="squared"
        What to average.

    Returns
    -------
    importances : ndarray of shape (n_units, n_tasks)
        Tasks in the order of ``numpy.unique(task)``; (n_systems, n_units, n_tasks) for several
        systems. In units of the loss, squared for the squared effect.

    Raises
    ------
    ValueError
        If shapes do not belong together, values are not finite or `effect` is unknown.

    See Also
    --------
    LesionSelectivity : Lesions the units of an estimator, too.
    relative_importance : Compares tasks.

    References
    ----------
    .. [1] George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

    Examples
    --------
    The first unit serves task "a", the second one serves both.

    >>> intact = [0.0, 0.0, 1.0, 1.0]
    >>> lesioned = [[1.0, 3.0, 1.0, 1.0], [1.0, 1.0, 2.0, 2.0]]
    >>> unit_importance(intact, lesioned, ["a", "a", "b", "b"])
    array([[5., 0.],
           [1., 1.]])
    """
    if effect not in EFFECTS:
        raise ValueError(f"effect must be one of {sorted(EFFECTS)}, got {effect!r}.")
    intact, lesioned = (np.asarray(a, dtype=np.float64) for a in (intact, lesioned))
    expected = (*intact.shape[:-1], *lesioned.shape[-2:-1], *intact.shape[-1:])
    if lesioned.ndim != intact.ndim + 1 or lesioned.shape != expected or not intact.size:
        raise ValueError(
            "intact must have shape (n_trials,) and lesioned (n_units, n_trials), or both one more"
            f" leading axis of systems; got shapes {intact.shape} and {lesioned.shape}."
        )
    _check_finite(intact, "intact")
    _check_finite(lesioned, "lesioned")
    tasks, index = np.unique(check_task(task, intact.shape[-1], "task"), return_inverse=True)
    sums = task_sums(EFFECTS[effect](lesioned - intact[..., None, :]), index, len(tasks))
    return sums / np.bincount(index)


def task_sums(effects: NDArray, task: NDArray, n_tasks: int) -> NDArray:
    """Effects (..., n_units, n_trials) of lesions, summed over trials: (..., n_units, n_tasks)."""
    return effects @ (task[:, None] == np.arange(n_tasks)).astype(np.float64)


def relative_importance(
    importances: ArrayLike, *, threshold: float = 0.1, normalize: str | None = None
) -> NDArray[np.float64]:
    r"""Relative importance of each unit for one task against another.

    For tasks A and B, after pruning,

    .. math:: RI_i(A, B) = \frac{I_i(A) - I_i(B)}{I_i(A) + I_i(B)}

    1: unit i serves A alone, -1: B alone [1]_.

    Parameters
    ----------
    importances : array-like of shape (n_units, n_tasks) or (n_systems, n_units, n_tasks)
        Of all units of one layer, or of the layers of several networks. Negative ones (of effect
        "increase") count as 0: a unit that a task is better off without does not serve it.
    threshold : float, default=0.1
        Pruning: an importance below this share of its task's mean over units is set to 0.
        With 0 nothing is pruned.
    normalize : {"layer"}, default=None
        "layer": divide each task's importances by their sum over units first. This
        removes what all units have in common, such as the task's squared residual in
        first-order estimates. Pruning does not depend on it.

    Returns
    -------
    relative : ndarray of shape (n_units, n_pairs) or (n_systems, n_units, n_pairs)
        In [-1, 1]; NaN where a unit is important to neither task. Pairs in the order of
        ``itertools.combinations(range(n_tasks), 2)``.

    Raises
    ------
    ValueError
        If there is but one task, or importances are not finite.

    See Also
    --------
    unit_labels : Classes of units that follow from it.

    References
    ----------
    .. [1] George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

    Examples
    --------
    >>> relative_importance([[4.0, 0.0], [3.0, 1.0], [0.0, 0.0], [0.1, 5.0]])
    array([[ 1. ],
           [ 0.5],
           [ nan],
           [-1. ]])
    """
    kept = kept_importances(importances, threshold, normalize)
    if kept.shape[-1] < 2:
        raise ValueError(
            "Relative importance compares tasks two by two, but importances has one column, for"
            " one task. Give the trials of at least two tasks: through the task column of X or"
            " through task=... of LesionSelectivity.fit."
        )
    return _relative(kept)


def unit_labels(
    importances: ArrayLike,
    *,
    tasks: ArrayLike | None = None,
    cutoff: float = 0.9,
    threshold: float = 0.1,
    normalize: str | None = None,
) -> NDArray[np.str_]:
    """Class of each unit by its importances: silent, a task's, or mixed.

    Parameters
    ----------
    importances : array-like of shape (n_units, n_tasks) or (n_systems, n_units, n_tasks)
        Of all units of one layer, or of the layers of several networks.
    tasks : array-like of shape (n_tasks,), default=None
        Names of the tasks; None: "0", "1", ...
    cutoff : float, default=0.9
        A unit belongs to a task if its relative importance for this task against
        every other one is greater than ``cutoff``, in [0, 1).
    threshold, normalize
        As in `relative_importance`.

    Returns
    -------
    labels : ndarray of shape (n_units,) or (n_systems, n_units), str
        "silent" for a unit important to no task, the name of the one task that it belongs
        to, "mixed" for the rest. With one task: "silent" or that task's name.

    Raises
    ------
    ValueError
        If `importances` or `cutoff` are out of bounds, or a task has the name of a class.

    See Also
    --------
    unit_classes : Classes by activity instead of importance.

    Examples
    --------
    >>> unit_labels([[4.0, 0.0], [3.0, 1.0], [0.0, 0.0], [0.1, 5.0]], tasks=["add", "multiply"])
    array(['add', 'mixed', 'silent', 'multiply'], dtype='<U8')
    """
    if not 0 <= cutoff < 1:
        raise ValueError(f"cutoff must be in [0, 1), got {cutoff!r}.")
    kept = kept_importances(importances, threshold, normalize)
    names = task_names(np.arange(kept.shape[-1]) if tasks is None else tasks)
    if len(names) != kept.shape[-1]:
        raise ValueError(
            f"tasks must hold a name for each of the {kept.shape[-1]} columns of importances,"
            f" got {len(names)}."
        )
    n_tasks = len(names)
    beyond = np.zeros((*kept.shape, n_tasks), dtype=bool)
    a, b = _pairs(n_tasks)
    relative = _relative(kept)
    beyond[..., a, b] = relative > cutoff
    beyond[..., b, a] = relative < -cutoff
    own = beyond.sum(axis=-1) == n_tasks - 1
    labels = np.where(own.any(axis=-1), names[own.argmax(axis=-1)], "mixed")
    return np.where(kept.any(axis=-1), labels, "silent")


def kept_importances(
    importances: ArrayLike, threshold: float, normalize: str | None
) -> NDArray[np.float64]:
    """Importances that relative importance is made of: at least 0, normalised, pruned."""
    importances = np.asarray(importances, dtype=np.float64)
    if importances.ndim not in (2, 3) or 0 in importances.shape:
        raise ValueError(
            "importances must have shape (n_units, n_tasks) or (n_systems, n_units, n_tasks), with"
            f" at least one unit and one task, got shape {importances.shape}."
        )
    _check_finite(importances, "importances")
    if not threshold >= 0:
        raise ValueError(f"threshold must be a number >= 0, got {threshold!r}.")
    if normalize is not None and normalize not in NORMALIZERS:
        raise ValueError(f"normalize must be 'layer' or None, got {normalize!r}.")
    kept = importances.clip(min=0)
    if normalize == "layer":
        total = kept.sum(axis=-2, keepdims=True)
        kept = np.divide(kept, total, out=np.zeros_like(kept), where=total > 0)
    return np.where(kept < threshold * kept.mean(axis=-2, keepdims=True), 0.0, kept)


def _relative(kept) -> NDArray[np.float64]:
    a, b = _pairs(kept.shape[-1])
    total = kept[..., a] + kept[..., b]
    out = np.full_like(total, np.nan)
    return np.divide(kept[..., a] - kept[..., b], total, out=out, where=total > 0)


def _pairs(n_tasks):
    """Positions of the first and of the second task of each pair."""
    return np.array(list(combinations(range(n_tasks), 2)), dtype=int).reshape(-1, 2).T


def _check_finite(values, name):
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be finite, got {np.sum(~np.isfinite(values))} NaN or infinite values."
        )
