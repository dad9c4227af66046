"""The papers' lesion test: units of one task, of the other, and of both."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from neuroselect.selectivity._group_lesions import group_lesion_scores, stack_results


def task_group_lesion(
    selectivity,
    X: ArrayLike,
    y: ArrayLike,
    *,
    pair: int = 0,
    cutoff: float = 0.9,
    nan: str = "keep",
    keep: bool = False,
    lesion_value: str = "zero",
    scoring: str | Callable | None = "mae_increase",
    task: ArrayLike | int | str | None = None,
    subset: ArrayLike | None = None,
) -> Bunch:
    """Score of each task without the units of one task, of the other, or of both [1]_.

    By their relative importance RI for a pair of tasks, units belong to the pair's first task
    (RI > cutoff), to its second (RI < -cutoff), or are mixed; each group is lesioned as a whole.

    Parameters
    ----------
    selectivity : LesionSelectivity
        Fitted; its estimator's units are lesioned, in the layer that it looked at. A list or
        tuple of them gives the results a leading axis.
    X, y
        Trials and targets, as in `group_lesion_scores`.
    pair : int, default=0
        Position of the pair of tasks in ``selectivity.task_pairs_``.
    cutoff : float, default=0.9
        In [0, 1).
    nan : {"keep", "remove"}, default="keep"
        Units important to neither task (RI is NaN) stay as they are, or are lesioned with
        every group, as in the published comparison. Units that are each unimportant are not
        harmless together.
    keep : bool, default=False
        Lesion the other groups instead, and so keep only this one.
    lesion_value, scoring, task, subset
        As in `group_lesion_scores`; the published score is "mae_increase". With ``subset``
        trials of several kinds are scored apart, such as congruent and incongruent ones.

    Returns
    -------
    result : Bunch
        As from `group_lesion_scores`, ``scores`` (3, n_tasks), with ``groups`` (the two tasks
        and "mixed") and ``n_units`` (3,), how many units each group has.

    Raises
    ------
    ValueError
        If `pair`, `cutoff` or `nan` are out of bounds, or as in `group_lesion_scores`.

    See Also
    --------
    LesionSelectivity : Finds the groups.

    References
    ----------
    .. [1] George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

    Examples
    --------
    >>> from neuroselect import LesionSelectivity, MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> from neuroselect.selectivity import task_group_lesion
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((8,), learning_rate_init=0.02, max_iter=2000, random_state=0)
    >>> result = task_group_lesion(LesionSelectivity(net).fit(X, y), X, y)
    >>> result.groups.tolist(), result.scores.shape
    (['0', '1', 'mixed'], (3, 2))
    """
    if nan not in ("keep", "remove"):
        raise ValueError(f"nan must be 'keep' or 'remove', got {nan!r}.")
    if not 0 <= cutoff < 1:
        raise ValueError(f"cutoff must be in [0, 1), got {cutoff!r}.")
    lesions = {"lesion_value": lesion_value, "scoring": scoring, "task": task, "subset": subset}
    groups = {"pair": pair, "cutoff": cutoff, "nan": nan, "keep": keep}
    if not isinstance(selectivity, (list, tuple)):
        removed, names = _groups_of(selectivity, **groups)
        result = group_lesion_scores(
            selectivity.estimator_, X, y, removed, layer=selectivity.layer_, **lesions
        )
        return Bunch(**result, **names)
    if not selectivity:
        raise ValueError("selectivity is an empty list; pass at least one LesionSelectivity.")
    removed, names = zip(*(_groups_of(each, **groups) for each in selectivity), strict=True)
    if (
        len({(each.layer_, len(sets[0])) for each, sets in zip(selectivity, removed, strict=True)})
        > 1
    ):
        return stack_results([task_group_lesion(s, X, y, **groups, **lesions) for s in selectivity])
    estimators, layer = [each.estimator_ for each in selectivity], selectivity[0].layer_
    result = group_lesion_scores(estimators, X, y, np.stack(removed), layer=layer, **lesions)
    n_units = np.stack([each["n_units"] for each in names])
    return Bunch(**result, groups=names[0]["groups"], n_units=n_units)


def _groups_of(selectivity, *, pair, cutoff, nan, keep):
    """Return the units to lesion (3, n_units), and names and sizes of the groups."""
    check_is_fitted(selectivity)
    n_pairs = len(selectivity.task_pairs_)
    if not -n_pairs <= pair < n_pairs:
        raise ValueError(
            f"pair={pair} does not exist: selectivity compared {n_pairs} pair(s) of tasks,"
            f" {selectivity.task_pairs_}."
        )
    relative = selectivity.relative_importance_[:, pair]
    member = np.array([relative > cutoff, relative < -cutoff, abs(relative) <= cutoff])
    removed = member[[[1, 2], [0, 2], [0, 1]]].any(axis=1) if keep else member
    if nan == "remove":
        removed = removed | np.isnan(relative)
    names = np.array([*map(str, selectivity.task_pairs_[pair]), "mixed"])
    return removed, {"groups": names, "n_units": member.sum(axis=1)}
