"""Do tasks share the code of a feature? Decoders trained in one task, tested in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.geometry._decoders import Decide, balanced_accuracy, make_decoder, set_blocks
from neuroselect.geometry._shattering import check_folds
from neuroselect.geometry._trials import (
    draw_rows,
    generator,
    permuted_orders,
    read_trials,
    standardized,
    zscored,
)
from neuroselect.rsa._design import check_features, relevant_features
from neuroselect.utils._p_values import ALTERNATIVES, monte_carlo_p_values
from neuroselect.utils._sklearn import HasMethods, Interval, StrOptions, validate_params

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("relevant", "irrelevant")


class CrossTaskScores(Bunch):
    """Accuracies of decoders of every task and feature, on every task and feature."""

    def to_frame(self) -> pd.DataFrame:
        """Return one row per trained decoder and test.

        Returns
        -------
        table : DataFrame
            Columns train_task, test_task, train_feature, test_feature, train_role, test_role,
            score, null_mean and p_value.
        """
        import pandas as pd

        shape = self.scores.shape
        index = [axis.ravel() for axis in np.indices(shape)]
        names = [np.array([*self[key]], dtype=object) for key in ("tasks", "features")]
        role = np.array([[ROLES[int(f != r)] for f in range(2)] for r in self.relevant])
        null = self.null.mean(axis=0) if len(self.null) else np.full(shape, np.nan)
        return pd.DataFrame(
            {
                "train_task": names[0][index[0]],
                "test_task": names[0][index[1]],
                "train_feature": names[1][index[2]],
                "test_feature": names[1][index[3]],
                "train_role": role[index[0], index[2]],
                "test_role": role[index[1], index[3]],
                "score": self.scores.ravel(),
                "null_mean": null.ravel(),
                "p_value": self.p_values.ravel(),
            }
        )


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_splits": [Interval(Integral, 2, None, closed="left")],
        "n_trials": [Interval(Integral, 2, None, closed="left"), None],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "scale": [StrOptions({"each_task", "train_task"})],
        "n_permutations": [Interval(Integral, 0, None, closed="left")],
        "alternative": [StrOptions(set(ALTERNATIVES))],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def cross_task_decoding(
    activity: Any,
    conditions: Any,
    features: Sequence[str],
    task: str,
    *,
    relevant: Mapping[Any, str] | None = None,
    estimator: Any = None,
    n_splits: int = 5,
    n_trials: int | None = None,
    n_resamples: int = 5,
    scale: str = "each_task",
    n_permutations: int = 200,
    alternative: str = "greater",
    n_jobs: int | None = None,
    random_state: Any = None,
) -> CrossTaskScores:
    """Decode the relevant and the irrelevant feature within tasks and across them [1]_.

    A decoder is trained to tell low from high levels of a feature in one task, and tested on
    both features of every task. If tasks put their relevant features on one axis, a decoder of the
    one is a decoder of the other; if on orthogonal axes, it is at chance.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or dict
        As in :func:`cross_condition_generalization`.
    conditions : DataFrame or dict of columns, or list of str
        Variables of each trial, with the columns of task and features; all combinations of its
        values are the conditions, of which each has equally many trials. Of a recording: names of
        columns of its trials.
    features : list of two str
        The columns of the features. Levels below and above the middle of the levels are the two
        classes; trials of the middle level are not used. Of values that are no numbers there are
        two, in sorted order.
    task : str
        The column of the task.
    relevant : dict, default=None
        From each task to its relevant feature. By default the sorted tasks take the features in
        their order, which needs exactly two tasks.
    estimator : object, default=None
        As in :func:`cross_condition_generalization`.
    n_splits : int, default=5
        Number of folds. Decoders train on the training trials of one task, and are tested on the
        test trials of all tasks, so that scores within and across tasks are comparable.
    n_trials, n_resamples
        As in :func:`shattering_dimensionality`.
    scale : {"each_task", "train_task"}, default="each_task"
        Whether the test trials of another task are z-scored by the training trials of their own
        task or by those of the decoder. With the latter a difference of mean activity between
        tasks can put all trials on one side of the decoder, even where tasks share the code.
    n_permutations : int, default=200
        Permutations of the conditions of trials, within tasks (in long form also within units);
        0 for none.
    alternative : {"greater", "less", "two-sided"}, default="greater"
        Whether scores are tested to be above the null, below it, or either. Below chance is a code
        that the other task reverses.
    n_jobs : int, default=None
        Processes for the fits of `estimator`, as in joblib.
    random_state : int, RandomState instance or None, default=None
        Source of the draws.

    Returns
    -------
    result : CrossTaskScores
        A Bunch; ``to_frame()`` gives one row per training and test.

        scores : ndarray of shape (n_tasks, n_tasks, 2, 2)
            Accuracies, the mean over both classes: task and feature of training are on axes 0
            and 2, those of the test on axes 1 and 3.
        p_values : ndarray of shape (n_tasks, n_tasks, 2, 2)
            (k + 1) / (n_permutations + 1), not corrected for their number.
        null : ndarray of shape (n_permutations, n_tasks, n_tasks, 2, 2)
            Scores with permuted conditions.
        role_scores, role_p_values : ndarray of shape (2, 2, 2)
            Means within tasks (0) and across tasks (1), by role of the feature trained (axis 1) and
            tested (axis 2), relevant (0) or irrelevant (1). ``role_scores[1, 0, 0]``: do
            the relevant features of different tasks share a code?
        tasks, features : list
            In the order of the axes.
        relevant : ndarray of shape (n_tasks,)
            Position in `features` of the relevant one.

    Raises
    ------
    ValueError
        If activity is not finite, a task lacks one of the classes of a feature, there are
        fewer trials per condition than folds, or inputs do not fit together.

    See Also
    --------
    cross_condition_generalization : Generalisation over conditions.
    subspace_angle : The angle between the coding directions of two tasks.

    Notes
    -----
    The null distribution has no information on features at all. A score across tasks that it
    rejects tells of a shared code; orthogonal codes of few units can
    also be far enough from orthogonal by chance, for which only the mean over recordings helps.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), "Orthogonal representations
       for robust context-dependent task performance in brains and neural networks", Neuron.
       :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    Each task represents its relevant feature only, on an axis that the tasks share:

    >>> import numpy as np
    >>> import pandas as pd
    >>> from neuroselect.geometry import cross_task_decoding
    >>> rng = np.random.default_rng(0)
    >>> levels = rng.choice([-1, 1], (320, 3))
    >>> trials = pd.DataFrame(levels, columns=["rule", "colour", "motion"])
    >>> signal = np.where(trials["rule"] < 0, trials["colour"], trials["motion"])
    >>> activity = np.outer(signal, rng.normal(size=20)) + rng.normal(size=(320, 20))
    >>> result = cross_task_decoding(
    ...     activity, trials, ["colour", "motion"], "rule", n_permutations=0, random_state=0
    ... )
    >>> across = result.role_scores[1]
    >>> bool(across[0, 0] > 0.9), bool(abs(across[1, 1] - 0.5) < 0.2)   # relevant, irrelevant
    (True, True)
    """
    rng = generator(random_state)
    trials = standardized(read_trials(activity, conditions))
    design = _read_design(trials.conditions, features, task, relevant)
    rows = draw_rows(trials, n_trials, n_resamples, rng)
    check_folds(n_splits, rows.shape[2])
    options = {"n_splits": n_splits, "decide": make_decoder(estimator, n_jobs), "scale": scale}
    scores = np.mean(
        [_scores(trials.data[each][np.newaxis], design, **options) for each in rows], axis=0
    )[0]
    null = np.zeros((n_permutations, *scores.shape))
    orders = permuted_orders(trials, design.task[trials.condition], n_permutations, rng)
    for block in set_blocks(n_permutations, rows.shape[1] * rows.shape[2], trials.n_units):
        permuted = [trials.data[next(orders)] for _ in range(block.start, block.stop)]
        for each in rows:
            drawn = np.stack([data[each] for data in permuted])
            null[block] += _scores(drawn, design, **options) / len(rows)
    role_scores, role_null = _by_role(scores[np.newaxis], design)[0], _by_role(null, design)
    return CrossTaskScores(
        scores=scores,
        p_values=monte_carlo_p_values(scores, null, alternative),
        null=null,
        role_scores=role_scores,
        role_p_values=monte_carlo_p_values(role_scores, role_null, alternative),
        tasks=design.tasks,
        features=design.features,
        relevant=design.relevant,
    )


class _Design(NamedTuple):
    tasks: list
    features: list[str]
    relevant: NDArray[np.intp]  # (n_tasks,)
    task: NDArray[np.intp]  # (n_conditions,)
    side: NDArray[np.int64]  # (2, n_conditions): -1, 0 or 1


def _read_design(conditions, features, task, relevant) -> _Design:
    features = check_features(features)
    if len(features) != 2:
        raise ValueError(
            f"features must name two columns, of which one is relevant in a task, got {features}."
        )
    missing = [name for name in (task, *features) if name not in conditions.columns]
    if missing or task in features:
        raise ValueError(
            "task and features must name three different columns of conditions,"
            f" {list(conditions.columns)}, got {task!r} and {features}."
        )
    names, codes = np.unique(conditions[task].to_numpy(), return_inverse=True)
    names = names.tolist()
    if len(names) < 2:
        raise ValueError(f"The column {task!r} must hold at least two tasks, got {names}.")
    side = np.stack([_sides(conditions[name].to_numpy(), name) for name in features])
    for k, name in enumerate(names):
        for feature, own in zip(features, side[:, codes == k], strict=True):
            if not (own < 0).any() or not (own > 0).any():
                raise ValueError(
                    f"Each task must have conditions with low and with high levels of each"
                    f" feature, but the task {name!r} leaves a class of {feature!r} empty."
                )
    return _Design(names, features, relevant_features(names, features, relevant), codes, side)


def _sides(levels: NDArray, name: str) -> NDArray[np.int64]:
    """Return -1 below the middle of the levels, 1 above, 0 in the middle."""
    values, code = np.unique(levels, return_inverse=True)
    if levels.dtype.kind in "biuf":
        deviation = levels.astype(np.float64) - values.astype(np.float64).mean()
        tolerance = 1e-9 * abs(deviation).max()
        return np.where(abs(deviation) <= tolerance, 0, np.sign(deviation)).astype(np.int64)
    if len(values) != 2:
        raise ValueError(
            f"The feature {name!r} must have numeric levels, or two values, got"
            f" {values[:10].tolist()}."
        )
    return 2 * code - 1


def _scores(
    trials: NDArray[np.float64], design: _Design, *, n_splits: int, decide: Decide, scale: str
) -> NDArray[np.float64]:
    """Accuracies (n_sets, n_tasks, n_tasks, 2, 2) of (n_sets, n_conditions, n_trials, n_units)."""
    n_sets, _, n_trials, n_units = trials.shape
    fold = np.arange(n_trials) % n_splits
    of_task = [np.flatnonzero(design.task == k) for k in range(len(design.tasks))]
    order = np.concatenate(of_task)
    high = np.zeros((n_sets, len(of_task), 2, len(order)))
    for k in range(n_splits):
        train = [trials[:, rows][:, :, fold != k].reshape(n_sets, -1, n_units) for rows in of_task]
        test = [trials[:, rows][:, :, fold == k].reshape(n_sets, -1, n_units) for rows in of_task]
        own_scale = [zscored(*pair)[1] for pair in zip(train, test, strict=True)]
        for a, rows in enumerate(of_task):
            known, *others = zscored(train[a], *test)
            tests = np.concatenate(own_scale if scale == "each_task" else others, axis=1)
            labels = np.repeat(design.side[:, rows], np.sum(fold != k), axis=1)
            decided = _decide_both(known, labels, tests, decide)
            counts = decided.reshape(n_sets, 2, len(order), -1).sum(axis=-1)
            high[:, a] += counts[..., np.argsort(order)]
    high /= n_trials
    scores = np.empty((n_sets, len(of_task), len(of_task), 2, 2))
    for b, rows in enumerate(of_task):
        scores[:, :, b] = _accuracy(high[..., rows], design.side[:, rows])
    return scores


def _decide_both(
    train: NDArray, labels: NDArray[np.int64], test: NDArray, decide: Decide
) -> NDArray[np.bool_]:
    """Decisions (n_sets, 2, n_test) of the decoders of both features; trials of 0 are left out."""
    used = labels != 0
    if (used[0] == used[1]).all():
        return decide(train[:, used[0]], labels[:, used[0]] > 0, test)
    both = [
        decide(train[:, rows], own[np.newaxis, rows] > 0, test)
        for own, rows in zip(labels, used, strict=True)
    ]
    return np.concatenate(both, axis=1)


def _accuracy(high: NDArray[np.float64], side: NDArray[np.int64]) -> NDArray[np.float64]:
    """Accuracy (..., 2) as to both features, of shares (..., n_conditions) called high."""
    accuracies = []
    for own in side:
        used = own != 0
        correct = np.where(own > 0, high, 1 - high)[..., np.newaxis, used]
        accuracies.append(balanced_accuracy(correct, own[np.newaxis, used] > 0)[..., 0])
    return np.stack(accuracies, axis=-1)


def _by_role(scores: NDArray, design: _Design) -> NDArray[np.float64]:
    """Mean within and across tasks by the roles of both features, (n_sets, 2, 2, 2)."""
    n_tasks = len(design.tasks)
    order = np.stack([design.relevant, 1 - design.relevant], axis=1)
    a, b, first, second = np.indices((n_tasks, n_tasks, 2, 2))
    roles = scores[:, a, b, order[a, first], order[b, second]]
    a, b = a[..., 0, 0], b[..., 0, 0]
    return np.stack([roles[:, a == b].mean(axis=1), roles[:, a != b].mean(axis=1)], axis=1)
