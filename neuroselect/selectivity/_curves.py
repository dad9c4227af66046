"""How scores fall as units are removed, or as noise is added."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from neuroselect.selectivity._group_lesions import TrialGroups
from neuroselect.selectivity._lesion_selectivity import LesionSelectivity
from neuroselect.selectivity._unit_sets import (
    InputColumns,
    intact_scores,
    lesion_values,
    lesionable_units,
    make_scorer,
    read_X,
    stacks_of,
    stimulus_columns,
    trial_tasks,
)
from neuroselect.utils._score_curve import ScoreCurve, stack_curves

ORDERS = ("random", "most", "least")


def lesion_curve(
    estimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    layer: int | str = -1,
    shares: ArrayLike | None = None,
    order: str = "random",
    n_repeats: int = 20,
    lesion_value: str = "zero",
    scoring: str | Callable | None = None,
    task: ArrayLike | int | str | None = None,
    random_state=None,
) -> ScoreCurve:
    """Score of each task against the share of units removed.

    In each repeat units are removed in one order: the units that are gone at a share are gone
    at all larger ones.

    Parameters
    ----------
    estimator, X, y, layer, lesion_value, scoring, task
        As in `group_lesion_scores`.
    shares : array-like of shape (n_points,), default=None
        Shares of the layer's units to remove, from 0 to 1; rounded to whole units. None: 0,
        0.1, ..., 1.
    order : {"random", "most", "least"}, default="random"
        What goes first: units at random, those most important, or those least important. The
        importance is that of `LesionSelectivity`, on these trials, divided by its sum over
        units in each task and then summed over tasks.
    n_repeats : int, default=20
        Number of random orders. The other orders are made once.
    random_state : int, RandomState instance or None, default=None
        Draws the orders. A list of networks draws one after the other.

    Returns
    -------
    curve : ScoreCurve
        A Bunch: ``share`` (n_points,), ``n_removed`` (n_points,), ``scores`` (n_points,
        n_repeats, n_tasks), ``intact_scores`` (n_tasks,), ``tasks``; scores have a leading axis
        for a list of networks. ``to_frame()`` gives one row for each score.

    Raises
    ------
    ValueError
        If `order` is unknown, `shares` or `n_repeats` are out of bounds, or as in
        `group_lesion_scores`.

    See Also
    --------
    group_lesion_scores : Sets of your own.
    noise_curve : Robustness to noise.
    neuroselect.displays.LesionCurveDisplay : Draws it.

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> from neuroselect.selectivity import lesion_curve
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((8,), learning_rate_init=0.02, max_iter=2000, random_state=0).fit(X, y)
    >>> curve = lesion_curve(net, X, y, shares=[0.0, 0.5, 1.0], random_state=0)
    >>> curve.n_removed, curve.scores.shape
    (array([0, 4, 8]), (3, 20, 2))
    >>> list(curve.to_frame())
    ['share', 'repeat', 'task', 'score']
    """
    shares = _read_points(shares, "shares", 0, 1, np.linspace(0, 1, 11))
    if order not in ORDERS:
        raise ValueError(f"order must be one of {list(ORDERS)}, got {order!r}.")
    n_repeats = _read_repeats(n_repeats) if order == "random" else 1
    random_state = check_random_state(random_state)
    X, alone = read_X(X), not isinstance(estimator, (list, tuple))
    estimators = [estimator] if alone else list(estimator)
    options = {"layer": layer, "lesion_value": lesion_value, "task": task}
    stacks = stacks_of(estimators, X, scoring, layer)
    prepared = [
        lesionable_units([estimators[k] for k in stack], X, layer=layer, task=task)
        for stack in stacks
    ]
    n_units = {
        k: lesionable.n_units
        for stack, (lesionable, _) in zip(stacks, prepared, strict=True)
        for k in stack
    }
    ranks = [
        np.array([random_state.permutation(n_units[k]) for _ in range(n_repeats)])
        if order == "random"
        else _importance_rank(each, X, y, order, options)[np.newaxis]
        for k, each in enumerate(estimators)
    ]
    curves = {}
    for stack, (lesionable, codes) in zip(stacks, prepared, strict=True):
        networks, rank = [estimators[k] for k in stack], np.stack([ranks[k] for k in stack])
        groups = TrialGroups(codes, None)
        scorer = make_scorer(networks, X, y, groups.member, scoring)
        n_removed = np.round(shares * lesionable.n_units).astype(int)
        removed = rank[:, np.newaxis] < n_removed[:, np.newaxis, np.newaxis]
        removed = removed.reshape(len(stack), -1, lesionable.n_units)
        value = lesion_values(lesionable.activity, codes, lesion_value)
        scores = lesionable.scores(removed, value, scorer)
        points = {"x_name": "share", "share": shares, "n_removed": n_removed}
        curves |= zip(stack, _curves(scores, scorer, groups, points, n_repeats), strict=True)
    return curves[0] if alone else stack_curves([curves[k] for k in range(len(estimators))])


def _curves(scores, scorer, groups, points, n_repeats) -> list[ScoreCurve]:
    """Curve of each network, from scores (n_networks, n_points * n_repeats, n_tasks)."""
    n_networks, _, n_tasks = scores.shape
    intact = intact_scores(scorer, n_networks)
    scores = scores.reshape(n_networks, -1, n_repeats, n_tasks)
    return [
        ScoreCurve(**points, scores=scores[k], intact_scores=intact[k], tasks=groups.names["tasks"])
        for k in range(n_networks)
    ]


def noise_curve(
    estimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    noise_std: ArrayLike = (0.0, 0.1, 0.2, 0.5, 1.0),
    n_repeats: int = 20,
    scoring: str | Callable | None = None,
    task: ArrayLike | int | str | None = None,
    random_state=None,
) -> ScoreCurve:
    """Score of each task against the strength of noise on the input.

    Independent Gaussian noise is added to each stimulus feature of each trial, never to the task.
    Within a repeat it is the same noise, scaled, at all strengths and for all networks of
    a list.

    Parameters
    ----------
    estimator, X, y, scoring, task
        As in `group_lesion_scores`.
    noise_std : array-like of shape (n_points,), default=(0, 0.1, 0.2, 0.5, 1)
        Standard deviations of the noise, in units of X.
    n_repeats : int, default=20
        Number of draws of the noise.
    random_state : int, RandomState instance or None, default=None
        Draws the noise.

    Returns
    -------
    curve : ScoreCurve
        As from `lesion_curve`, with ``noise_std`` instead of ``share``.

    Raises
    ------
    ValueError
        If `noise_std` is negative or not finite, or as in `group_lesion_scores`.

    See Also
    --------
    lesion_curve : Robustness to removal of units.

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> from neuroselect.selectivity import noise_curve
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((8,), learning_rate_init=0.02, max_iter=2000, random_state=0).fit(X, y)
    >>> curve = noise_curve(net, X, y, noise_std=[0.0, 0.1], random_state=0)
    >>> curve.scores.shape, curve.intact_scores.round(2)
    ((2, 20, 2), array([1., 1.]))
    """
    noise_std = _read_points(noise_std, "noise_std", 0, np.inf, None)
    n_repeats = _read_repeats(n_repeats)
    random_state = check_random_state(random_state)
    X, alone = read_X(X), not isinstance(estimator, (list, tuple))
    estimators = [estimator] if alone else list(estimator)
    if not alone:
        seed = random_state.randint(np.iinfo(np.int32).max)
    curves = {}
    for stack in stacks_of(estimators, X, scoring):
        networks = [estimators[k] for k in stack]
        draws = random_state if alone else check_random_state(seed)
        found = _noisy(networks, X, y, noise_std, n_repeats, scoring, task, draws)
        curves |= zip(stack, found, strict=True)
    return curves[0] if alone else stack_curves([curves[k] for k in range(len(estimators))])


def _noisy(networks, X, y, noise_std, n_repeats, scoring, task, random_state) -> list[ScoreCurve]:
    """Curve of each network of a stack."""
    check_is_fitted(networks[0])
    columns = InputColumns(networks, X, stimulus_columns(networks[0], X, task))
    groups = TrialGroups(trial_tasks(networks[0], X, task), None)
    scorer = make_scorer(networks, X, y, groups.member, scoring)
    stimuli = columns.stimuli
    scores = np.empty((len(networks), len(noise_std), n_repeats, len(groups.member)))
    for repeat in range(n_repeats):
        noise = random_state.normal(size=stimuli.shape)
        noisy = stimuli + noise_std[:, np.newaxis, np.newaxis] * noise
        scores[:, :, repeat] = columns.scores_with(noisy, scorer)
    points = {"x_name": "noise_std", "noise_std": noise_std}
    scores = scores.reshape(len(networks), -1, len(groups.member))
    return _curves(scores, scorer, groups, points, n_repeats)


def _importance_rank(estimator, X, y, order, options) -> NDArray[np.int64]:
    """Place of each unit in the order of removal; the first of equal units goes first."""
    task = options["task"]
    selectivity = LesionSelectivity(
        estimator, layer=options["layer"], lesion_value=options["lesion_value"], prefit=True
    ).fit(X, y, task=task)
    importances = selectivity.importances_
    total = importances.sum(axis=0)
    shares = np.divide(importances, total, out=np.zeros_like(importances), where=total > 0)
    worth = shares.sum(axis=1)
    return np.argsort(np.argsort(-worth if order == "most" else worth, kind="stable"))


def _read_points(points, name, low, high, default):
    points = default if points is None else np.asarray(points, dtype=np.float64)
    if points.ndim != 1 or not len(points) or not ((points >= low) & (points <= high)).all():
        bounds = f"from {low} to {high}" if np.isfinite(high) else f">= {low}"
        raise ValueError(f"{name} must be a list of numbers {bounds}, got {points.tolist()}.")
    if not np.isfinite(points).all():
        raise ValueError(f"{name} must be finite, got {points.tolist()}.")
    return points


def _read_repeats(n_repeats):
    if isinstance(n_repeats, bool) or not isinstance(n_repeats, Integral) or n_repeats < 1:
        raise ValueError(f"n_repeats must be an integer >= 1, got {n_repeats!r}.")
    return int(n_repeats)
