"""Scores after lesions of sets of units."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch

from neuroselect.selectivity._unit_sets import (
    intact_scores,
    lesion_values,
    lesionable_units,
    make_scorer,
    read_sets,
    read_X,
    stacks_of,
)


def group_lesion_scores(
    estimator,
    X: ArrayLike,
    y: ArrayLike,
    units: ArrayLike,
    *,
    layer: int | str = -1,
    keep: bool = False,
    lesion_value: str = "zero",
    scoring: str | Callable | None = None,
    task: ArrayLike | int | str | None = None,
    subset: ArrayLike | None = None,
) -> Bunch:
    """Score of each task after lesions of whole sets of units, thousands at once.

    The units of a set are clamped together at test time, weights untouched. Units that are
    each unimportant may be important together, which single lesions cannot show.

    Parameters
    ----------
    estimator : object
        Fitted network (`MultiTaskMLP` and its like), whose hidden units are lesioned; or any
        fitted estimator of scikit-learn's interface, whose input columns are. A list or tuple
        of them, as from `fit_many`, gives the results a leading axis.
    X : array-like or DataFrame of shape (n_trials, n_columns)
        Trials, with a network's task column.
    y : array-like of shape (n_trials,) or (n_trials, n_outputs)
        Target of each trial.
    units : array-like of shape (n_sets, n_units) or (n_units,), bool
        True for the units of a set. For a list of networks also (n_networks, n_sets, n_units):
        each its own sets.
    layer : int or "input", default=-1
        Hidden layer of a network: 0 is the first, -1 the last; a unit of a convolutional layer
        is a channel. "input" lesions the stimulus columns of a network; other estimators have
        only these, whatever the default says.
    keep : bool, default=False
        Lesion all units but those of the set.
    lesion_value : {"zero", "mean", "task_mean"}, default="zero"
        What units are clamped to: 0, their mean over the trials of X, or over those of the
        trial's task.
    scoring : str or callable, default=None
        None: as `score_by_task`, R² of a regressor and accuracy of a classifier. "accuracy": of
        a regressor the share of trials with the right sign, targets of 0 dropped.
        "mae_increase": mean absolute error lesioned minus intact, divided by intact (0: as
        before, 1: twice the error). Or a scorer of scikit-learn, by name or callable.
    task : array-like of shape (n_trials,), int or str, default=None
        Task of each trial, or the column of X that holds it, which is not lesioned. None: a
        network's task column; for other estimators one task, called 0.
    subset : array-like of shape (n_trials,), default=None
        Kind of each trial (names, numbers or booleans), such as congruent and incongruent:
        scores are those of each task's trials of each kind.

    Returns
    -------
    result : Bunch
        ``scores`` (n_sets, n_tasks), ``intact_scores`` (n_tasks,), ``tasks`` (n_tasks,). With
        ``subset`` an axis of kinds comes before that of tasks, and ``subsets`` names them; NaN
        for a kind that a task has no trial of. Without the axis of sets if ``units`` has none.

    Raises
    ------
    ValueError
        If layer, sets, tasks or targets do not fit, or the estimator's predictions do not
        give the scores asked for.

    See Also
    --------
    LesionSelectivity : Single units.
    task_group_lesion : Units of one task, of the other, and of both.
    lesion_curve : More and more units.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> from neuroselect.selectivity import group_lesion_scores
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((8,), learning_rate_init=0.02, max_iter=2000, random_state=0).fit(X, y)
    >>> sets = np.random.default_rng(0).random((1000, 8)) < 0.5
    >>> result = group_lesion_scores(net, X, y, sets)
    >>> result.scores.shape, result.intact_scores.round(2)
    ((1000, 2), array([1., 1.]))
    """
    options = {"layer": layer, "keep": keep, "lesion_value": lesion_value, "scoring": scoring}
    options |= {"task": task, "subset": subset}
    X = read_X(X)
    if not isinstance(estimator, (list, tuple)):
        if np.ndim(units) == 3:
            raise ValueError(
                f"units of shape {np.shape(units)} are sets for several networks, but estimator is"
                " one. Pass a list of networks, or units of shape (n_sets, n_units)."
            )
        return _lesioned([estimator], X, y, [np.asarray(units)], **options)[0]
    sets, results = _sets_of_networks(units, len(estimator)), {}
    for stack in stacks_of(estimator, X, scoring, layer):
        networks, of_networks = [estimator[k] for k in stack], [sets[k] for k in stack]
        results |= zip(stack, _lesioned(networks, X, y, of_networks, **options), strict=True)
    return stack_results([results[k] for k in range(len(estimator))])


def _lesioned(
    networks, X, y, units, *, layer, keep, lesion_value, scoring, task, subset
) -> list[Bunch]:
    """Results of each network of a stack, for the sets of each."""
    lesionable, codes = lesionable_units(networks, X, layer=layer, task=task)
    units = np.stack([read_sets(of_network, lesionable.n_units) for of_network in units])
    groups = TrialGroups(codes, subset)
    scorer = make_scorer(networks, X, y, groups.member, scoring)
    value = lesion_values(lesionable.activity, codes, lesion_value)
    removed = (~units if keep else units).reshape(len(networks), -1, lesionable.n_units)
    scores = groups.shaped(lesionable.scores(removed, value, scorer))
    intact = groups.shaped(intact_scores(scorer, len(networks)))
    return [
        Bunch(
            scores=scores[k] if units.ndim == 3 else scores[k, 0],
            intact_scores=intact[k],
            **groups.names,
        )
        for k in range(len(networks))
    ]


class TrialGroups:
    """Trials by task, and by their kind where ``subset`` names it."""

    def __init__(self, codes: NDArray, subset: ArrayLike | None):
        tasks = np.unique(codes)
        member = codes == tasks[:, None]
        self.names = {"tasks": tasks}
        if subset is not None:
            subset = np.asarray(subset)
            if subset.shape != codes.shape:
                raise ValueError(
                    f"subset must have shape (n_trials,) = ({len(codes)},), the kind of each"
                    f" trial; got shape {subset.shape}."
                )
            kinds = np.unique(subset)
            member = (subset == kinds[:, None])[:, None] & member
            self.names["subsets"] = kinds
        self._shape = member.shape[:-1]
        self.member = member.reshape(-1, len(codes))

    def shaped(self, scores: NDArray) -> NDArray:
        """Scores (..., n_groups) with an axis of tasks, behind one of kinds if there are."""
        return scores.reshape(*scores.shape[:-1], *self._shape)


def _sets_of_networks(units, n_networks):
    units = np.asarray(units)
    if not n_networks:
        raise ValueError("estimator is an empty list; pass at least one fitted network.")
    if units.ndim == 3 and len(units) != n_networks:
        raise ValueError(
            f"units has sets for {len(units)} networks (its first axis), but there are"
            f" {n_networks}."
        )
    return units if units.ndim == 3 else [units] * n_networks


def stack_results(results: list[Bunch]) -> Bunch:
    """One result of several: scores and counts get a leading axis, names must agree."""
    stacked = Bunch(**results[0])
    for key in ("tasks", "subsets"):
        if any(not np.array_equal(r[key], stacked[key]) for r in results if key in r):
            raise ValueError(f"The estimators differ in their {key}: compare them one by one.")
    for key in ("scores", "intact_scores", "n_units"):
        if key in stacked:
            shapes = {r[key].shape for r in results}
            if len(shapes) > 1:
                raise ValueError(f"The estimators' {key} differ in shape: {sorted(shapes)}.")
            stacked[key] = np.stack([r[key] for r in results])
    return stacked
