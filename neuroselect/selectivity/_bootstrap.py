"""How sure an importance is, given so many trials."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.validation import check_is_fitted

from neuroselect.selectivity._importance import relative_importance
from neuroselect.selectivity._lesion_selectivity import LesionSelectivity
from neuroselect.utils._sklearn import Interval, validate_params


@validate_params(
    {
        "lesions": [LesionSelectivity, list, tuple],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def bootstrap_importance(
    lesions: LesionSelectivity | Sequence[LesionSelectivity],
    X: ArrayLike,
    y: ArrayLike,
    *,
    task: ArrayLike | int | str | None = None,
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Percentile intervals of importance and relative importance, by resampled trials.

    Trials are drawn with replacement within each task, the estimator is not fitted again and
    no unit is lesioned twice: each resample weights the effects on single trials [1]_. Relative
    importance is pruned, and normalised if ``lesions`` says so, in every resample.

    Parameters
    ----------
    lesions : LesionSelectivity
        Fitted, with effect "squared" or "increase". A list or tuple of them, such as one for
        each network, gives all results but the names a first axis.
    X, y, task
        Trials, as in its `fit`: the same ones, or held-out ones, of the same tasks. With
        lesions to a mean, the mean over these trials, which is not resampled.
    n_resamples : int, default=1000
        Number of resamples.
    confidence_level : float, default=0.95
        Between 0 and 1. With few trials, or few of large effect, fewer intervals than that hold
        the truth: percentiles know neither skewness nor lost degrees of freedom.
    random_state : int, RandomState instance or None, default=None
        Of what is drawn.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``importances`` (n_units, n_tasks) and ``importance_intervals`` (n_units, n_tasks, 2),
        lower and upper end; ``relative_importance`` (n_units, n_pairs) and
        ``relative_intervals`` (n_units, n_pairs, 2), of the resamples in which the unit is
        important to either task; ``silent_share`` (n_units, n_pairs), the share of those where it
        is not; ``tasks`` and ``unit_names``.

    Raises
    ------
    ValueError
        If the effect is a scorer's, or tasks are not those of `fit`, or there is but one.

    References
    ----------
    .. [1] Efron & Tibshirani (1993), "An introduction to the bootstrap", chapter 13.
       :doi:`10.1201/9780429246593`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from neuroselect.selectivity import LesionSelectivity, bootstrap_importance
    >>> rates = np.random.default_rng(0).normal(size=(40, 3))
    >>> task = np.repeat(["colour", "motion"], 20)
    >>> choice = np.where(task == "colour", rates[:, 0], rates[:, 1])
    >>> lesions = LesionSelectivity(LinearRegression()).fit(rates, choice, task=task)
    >>> result = bootstrap_importance(lesions, rates, choice, task=task, random_state=0)
    >>> result.relative_intervals.shape
    (3, 1, 2)
    """
    random_state = check_random_state(random_state)
    if isinstance(lesions, (list, tuple)):
        options = {"task": task, "n_resamples": n_resamples, "confidence_level": confidence_level}
        return _stacked(
            [bootstrap_importance(e, X, y, random_state=random_state, **options) for e in lesions]
        )
    check_is_fitted(lesions)
    effects, index = _effects(lesions, X, y, task, random_state)
    n_tasks = len(lesions.tasks_)
    draws = np.empty((n_resamples, len(effects), n_tasks))
    for k in range(n_tasks):
        rows = np.flatnonzero(index == k)
        weights = random_state.multinomial(len(rows), [1 / len(rows)] * len(rows), n_resamples)
        draws[..., k] = (weights / len(rows)) @ effects[:, rows].T
    settings = {"threshold": lesions.threshold, "normalize": lesions.normalize}
    importances = np.stack([effects[:, index == k].mean(axis=1) for k in range(n_tasks)], axis=1)
    relative = np.stack([relative_importance(draw, **settings) for draw in draws])
    tails = (1 - confidence_level) / 2 * np.array([1, -1]) + [0, 1]
    return Bunch(
        importances=importances,
        importance_intervals=_quantiles(draws, tails),
        relative_importance=relative_importance(importances, **settings),
        relative_intervals=_quantiles(relative, tails),
        silent_share=np.isnan(relative).mean(axis=0),
        tasks=lesions.tasks_,
        unit_names=lesions.unit_names_,
    )


def _stacked(results: list[Bunch]) -> Bunch:
    """One result of several, which must have the same units and tasks."""
    names = {(tuple(each.tasks.tolist()), tuple(each.unit_names.tolist())) for each in results}
    if len(names) != 1:
        raise ValueError(
            "lesions must hold at least one LesionSelectivity, all with equally many units and"
            f" the same tasks, got {len(results)} of them. Resample different ones one by one."
        )
    arrays = {key: np.stack([each[key] for each in results]) for key in results[0]}
    return Bunch(**arrays | {key: results[0][key] for key in ("tasks", "unit_names")})


def _effects(lesions, X, y, task, random_state) -> tuple[NDArray, NDArray]:
    """Effects of lesions (n_units, n_trials), and the task of each trial."""
    lesions = copy(lesions)  # reading other trials leaves traces
    if lesions._check_variant():
        raise ValueError(
            "Trials can be resampled where lesions have effects on single trials: effect must be"
            f" 'squared' or 'increase', got {lesions.effect!r}."
        )
    made, codes = lesions._lesions(lesions._read_X(X, reset=False), y, task)
    tasks, index = np.unique(codes, return_inverse=True)
    if tasks.tolist() != lesions.tasks_.tolist():
        raise ValueError(
            f"Trials must be of the tasks {lesions.tasks_.tolist()} that fit has seen, all of"
            f" them, got {tasks.tolist()}."
        )
    return lesions._average_effects(made, index, random_state, keep=True)[1], index


def _quantiles(draws, tails):
    """Ends (..., 2) of the intervals of draws (n_draws, ...), NaN left out."""
    never = np.isnan(draws).all(axis=0)
    ends = np.nanquantile(np.where(never, 0.0, draws), tails, axis=0)
    return np.moveaxis(np.where(never, np.nan, ends), 0, -1)
