"""Which task does each unit serve? Lesion it, and see."""

from __future__ import annotations

import warnings
from copy import deepcopy
from itertools import combinations
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer_names
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.selectivity._clamps import LESION_VALUES, clamp_values
from neuroselect.selectivity._importance import (
    EFFECTS,
    NORMALIZERS,
    relative_importance,
    task_sums,
    unit_labels,
)
from neuroselect.selectivity._lesions import (
    FLOATS,
    ColumnLesions,
    NetworkLesions,
    check_lesionable,
    is_network,
    numeric_columns,
    unit_activity,
)
from neuroselect.selectivity._permutation import permutation_p_values
from neuroselect.selectivity._scores import score_drops
from neuroselect.selectivity._task_index import many_task_index
from neuroselect.selectivity._tasks import column_position, read_condition, read_task
from neuroselect.utils._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names,
    check_feature_names_in,
    check_n_features,
    fit_context,
)

if TYPE_CHECKING:
    import pandas as pd


class LesionSelectivity(MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    r"""Importance of single units for tasks, by lesions.

    A lesion clamps the output of one unit at test time, weights untouched. With
    :math:`\ell(z)` the loss of trial z and :math:`\ell_i(z)` the one with unit i lesioned, the
    importance of unit i for task A is the mean of :math:`(\ell(z) - \ell_i(z))^2` over the
    trials of A, and its relative importance for A against B

    .. math:: RI_i(A, B) = \frac{I_i(A) - I_i(B)}{I_i(A) + I_i(B)}

    after importances under a tenth of their task's mean are set to 0 [1]_.

    Parameters
    ----------
    estimator : object
        A network (`MultiTaskMLP`, `MultiTaskMLPClassifier`, `MultiTaskCNNClassifier`), whose
        hidden units are lesioned; or any regressor or classifier of scikit-learn's interface,
        whose input columns are: the recorded units of a decoder.
    layer : int or "input", default=-1
        Hidden layer of a network: 0 is the first, -1 the last; a unit of a convolutional layer
        is a channel, with all of its map. "input" lesions the network's stimulus columns. Other
        estimators have only "input", whatever the default says.
    method : {"lesion", "taylor"}, default="lesion"
        "lesion" is exact. "taylor" is its first-order estimate (networks' hidden layers
        only): with h the activity, v the value it is clamped to, a lesion changes the loss by
        :math:`(v - h_i)\, \partial\ell / \partial h_i`. The estimate has the task's
        squared residual as a factor: relative importance then depends on which task is fitted
        better, unless ``normalize="layer"``.
    effect : {"squared", "increase"}, a scorer's name or callable, default="squared"
        Mean of the squared change of loss, or of the signed change, lesioned minus
        intact: negative for a unit that the task is better off without, which
        counts as 0 in the relative importance. Or a scorer, such as "accuracy" or "r2"
        (:func:`sklearn.metrics.get_scorer_names`) or ``scorer(estimator, X, y)``: the score of
        the task's trials intact minus lesioned, signed, too.
    lesion_value : {"zero", "mean", "task_mean", "resample"}, default="zero"
        What a unit is clamped to: 0, its mean over the trials given to `fit`, its
        mean over those of the trial's task, or in each trial its activity in another trial, drawn
        at random from all tasks; a channel, to means over positions, too.
    normalize : {"layer"}, default=None
        "layer": divide each task's importances by their sum over units before tasks are
        compared (``importances_`` stays as it is).
    threshold : float, default=0.1
        Importances below this share of their task's mean over units count as 0.
    cutoff : float, default=0.9
        A unit belongs to a task if its relative importance for this task against every
        other one is greater than this.
    select : {"all", "selective", "mixed"} or a task, default="all"
        Units that `transform` keeps: all, those that belong to one task, those
        important to several, or those of the task named.
    prefit : bool, default=False
        Take ``estimator`` as it is, already fitted, instead of fitting a clone.
    n_draws : int, default=10
        With ``lesion_value="resample"``, how often trials are drawn; effects are averaged.
    n_permutations : int, default=0
        Permutations of the test that a unit's importance differs between tasks; 0 for no test.
        It needs effects of single trials: "squared" or "increase".
    random_state : int, RandomState instance or None, default=None
        Of what is drawn and permuted.

    Attributes
    ----------
    estimator_ : object
        The fitted estimator: a clone of ``estimator``, or a copy if ``prefit``.
    importances_ : ndarray of shape (n_units, n_tasks)
        In units of the loss, squared for the squared effect.
    tasks_ : ndarray of shape (n_tasks,)
        Tasks of the trials given to `fit`, sorted.
    task_pairs_ : list of tuple
        Pairs of tasks, in the order of the columns of ``relative_importance_``.
    relative_importance_ : ndarray of shape (n_units, n_task_pairs)
        In [-1, 1]; 1 is a unit of the pair's first task, NaN one important to neither. No
        columns if there is one task.
    task_index_ : ndarray of shape (n_units,)
        0 for a unit that serves one task, 1 for one that serves all alike, NaN for one that
        serves none (`many_task_index`), or if there is one task.
    p_values_ : ndarray of shape (n_units, n_task_pairs)
        Two-sided, ``(1 + count) / (1 + n_permutations)``; with ``n_permutations > 0`` only.
    q_values_ : ndarray of shape (n_units, n_task_pairs)
        ``p_values_`` adjusted for the false discovery rate over units and pairs [2]_.
    unit_labels_ : ndarray of shape (n_units,), str
        "silent", the name of a task, or "mixed".
    unit_names_ : ndarray of shape (n_units,)
        "unit0", "unit1", ... or the names of the lesioned columns.
    layer_ : int or "input"
        Lesioned layer, counted from 0.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has them.

    See Also
    --------
    unit_importance : The same from losses of your own.
    relative_importance : Compares tasks, unit by unit.
    many_task_index : Compares any number of tasks.
    compare_importance : All of these variants, side by side.
    bootstrap_importance : Intervals.
    unit_classes : Classes of units by activity.

    Notes
    -----
    The loss of a trial is half the squared error, summed over outputs, or minus the log
    probability of its class; the latter clipped at machine epsilon for estimators that are
    not networks, as :func:`sklearn.metrics.log_loss` does. Networks compute in the
    dtype of X, as they always do; importances are averaged in float64.

    The permutation test lesions each unit once. Under its null hypothesis, the effects of a
    unit's lesion on single trials are exchangeable between the trials of the two tasks of a pair
    (within ``condition``, if given); trials of other tasks take no part. Labels of tasks
    are permuted, the same for all units, and the difference of mean effects is divided by its
    standard error (Welch's t), so that unequal variances matter little when there are many
    trials. With ``normalize="layer"``, effects are divided by their task's sum over units
    first, and so are the means of each permutation: a factor common to all units of a task is no
    difference, approximately. Pruning plays no part. Trials must be independent of each other;
    for a decoder that could learn its trials by heart, give held-out ones with
    ``prefit=True``.

    A DataFrame reaches the inner estimator as a DataFrame. With metadata routing, `fit` takes
    ``task`` (``set_fit_request(task=True)``) and passes nothing on to the inner estimator.

    References
    ----------
    .. [1] George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky
    .. [2] Benjamini & Hochberg (1995), "Controlling the false discovery rate", Journal of the
       Royal Statistical Society B 57, 289-300. :doi:`10.1111/j.2517-6161.1995.tb02031.x`

    Examples
    --------
    >>> from neuroselect import LesionSelectivity, MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((8,), learning_rate_init=0.02, max_iter=2000, random_state=0)
    >>> lesions = LesionSelectivity(net).fit(X, y)
    >>> lesions.importances_.shape, lesions.task_pairs_
    ((8, 2), [(0, 1)])
    >>> list(lesions.to_frame())[2:]
    ['label', 'importance_0', 'importance_1', 'relative_importance_0_1']

    Recorded units of a decoder:

    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> rates = np.random.default_rng(0).normal(size=(40, 3))
    >>> task = np.repeat(["colour", "motion"], 20)
    >>> choice = np.where(task == "colour", rates[:, 0], rates[:, 1])
    >>> decoder = LinearRegression().fit(rates, choice)
    >>> LesionSelectivity(decoder, prefit=True).fit(rates, choice, task=task).unit_labels_
    array(['mixed', 'mixed', 'silent'], dtype='<U6')
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit")],
        "layer": [Integral, StrOptions({"input"})],
        "method": [StrOptions({"lesion", "taylor"})],
        "effect": [StrOptions({*EFFECTS, *get_scorer_names()}), callable],
        "lesion_value": [StrOptions(set(LESION_VALUES))],
        "normalize": [StrOptions(set(NORMALIZERS)), None],
        "threshold": [Interval(Real, 0, None, closed="left")],
        "cutoff": [Interval(Real, 0, 1, closed="left")],
        "select": [str, Real],
        "prefit": ["boolean"],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "n_permutations": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator,
        *,
        layer=-1,
        method="lesion",
        effect="squared",
        lesion_value="zero",
        normalize=None,
        threshold=0.1,
        cutoff=0.9,
        select="all",
        prefit=False,
        n_draws=10,
        n_permutations=0,
        random_state=None,
    ):
        self.estimator = estimator
        self.layer = layer
        self.method = method
        self.effect = effect
        self.lesion_value = lesion_value
        self.normalize = normalize
        self.threshold = threshold
        self.cutoff = cutoff
        self.select = select
        self.prefit = prefit
        self.n_draws = n_draws
        self.n_permutations = n_permutations
        self.random_state = random_state

    # The inner estimator validates its own parameters, when it is fitted.
    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        task: ArrayLike | int | str | None = None,
        condition: ArrayLike | None = None,
    ) -> LesionSelectivity:
        """Fit the estimator (unless it is), lesion each unit, compare tasks.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_trials, n_columns)
            Trials, with a task column for networks that have one; activity of the recorded
            units otherwise.
        y : array-like of shape (n_trials,) or (n_trials, n_outputs)
            Target of each trial.
        task : array-like of shape (n_trials,), int or str, default=None
            Task of each trial, or position or name of the column of X that holds it; the
            estimator sees that column, but it is not lesioned. None: a network's task column;
            for other estimators one task, called 0, and no relative importance.
        condition : array-like of shape (n_trials,), default=None
            Condition of each trial, such as its stimulus, for the permutation test: tasks are
            exchanged within conditions only, which is right where conditions differ in their
            effects and tasks in how often they show each. None: among all trials.

        Returns
        -------
        self : LesionSelectivity
            Fitted transformer.

        Raises
        ------
        ValueError
            If layer, targets, tasks or selection do not fit, or tasks are named and all trials
            belong to the same one.
        TypeError
            If the estimator lacks the methods that give the loss of a trial.
        """
        scored = self._check_variant()
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        X = self._read_X(X, reset=True)
        self.estimator_ = self._fitted_estimator(X, y)
        lesions, codes = self._lesions(X, y, task)
        self.layer_ = lesions.layer
        self.tasks_, index = np.unique(codes, return_inverse=True)
        if len(self.tasks_) == 1 and self._names_tasks(task):
            raise ValueError(
                f"All trials given to fit belong to one task, {self.tasks_.tolist()[0]!r}, but"
                " relative importance compares tasks. Give fit trials of several tasks; for the"
                " importances of one task alone, name none (task=None, and task_column=None for"
                " a network), or use unit_importance."
            )
        for name in ("p_values_", "q_values_"):  # of an earlier fit with permutations
            vars(self).pop(name, None)
        random_state = check_random_state(self.random_state)
        if scored:
            values = self._clamps(lesions, index, random_state)
            self.importances_ = score_drops(lesions, values, y, index, self.effect)
            return self._compare_tasks()
        self.importances_, effects = self._average_effects(
            lesions, index, random_state, keep=self.n_permutations > 0
        )
        self._compare_tasks()
        if self.n_permutations:
            self._test_tasks(effects, index, condition, random_state)
        return self

    def _check_variant(self):
        """Raise for parameters that do not go together; return whether a scorer is asked."""
        scored = callable(self.effect) or self.effect not in EFFECTS
        check_lesionable(self.estimator, self.layer, self.method, scored=scored)
        if scored and self.method == "taylor":
            raise ValueError(
                f"method='taylor' estimates losses, not scores, got effect={self.effect!r}. Use"
                " method='lesion', or the effect 'squared' or 'increase'."
            )
        if scored and self.n_permutations:
            raise ValueError(
                "n_permutations > 0 needs effects on single trials, which scorers do not give,"
                f" got effect={self.effect!r}. Use 'squared' or 'increase', or n_permutations=0."
            )
        return scored

    def _clamps(self, lesions, task, random_state):
        return clamp_values(
            lesions, task, self.lesion_value, n_draws=self.n_draws, random_state=random_state
        )

    def _average_effects(self, lesions, task, random_state, *, keep):
        """Return importances and, to keep, the effects on single trials, (n_units, n_trials)."""
        values = self._clamps(lesions, task, random_state)
        counts = np.bincount(task)
        importances = np.zeros((lesions.n_units, len(counts)))
        kept = np.zeros((lesions.n_units, len(task))) if keep else None
        for value in values:
            for units, trials, change in lesions.changes(value):
                effects = EFFECTS[self.effect](change) / len(values)
                importances[units] += task_sums(effects, task[trials], len(counts)) / counts
                if keep:
                    kept[units, trials] += effects
        return importances, kept

    def _test_tasks(self, effects, task, condition, random_state):
        if not self.task_pairs_:
            raise ValueError(
                "n_permutations > 0 compares tasks, but all trials belong to one. Give fit the"
                " trials of several tasks, through the network's task column or task=..."
            )
        self.p_values_ = permutation_p_values(
            effects,
            task,
            read_condition(condition, len(task)),
            n_permutations=self.n_permutations,
            normalize=self.normalize,
            random_state=random_state,
        )
        self.q_values_ = false_discovery_control(self.p_values_.ravel()).reshape(
            self.p_values_.shape
        )

    def _names_tasks(self, task):
        """Whether the user said which task each trial belongs to."""
        return task is not None or getattr(self.estimator_, "task_column", None) is not None

    def _compare_tasks(self):
        pruning = {"threshold": self.threshold, "normalize": self.normalize}
        self.task_pairs_ = list(combinations(self.tasks_.tolist(), 2))
        self.relative_importance_ = (
            relative_importance(self.importances_, **pruning)
            if self.task_pairs_
            else np.empty((len(self.importances_), 0))
        )
        self.task_index_ = (
            many_task_index(self.importances_, **pruning)
            if self.task_pairs_
            else np.full(len(self.importances_), np.nan)
        )
        self.unit_labels_ = unit_labels(
            self.importances_, tasks=self.tasks_, cutoff=self.cutoff, **pruning
        )
        self.get_support()  # raises for a `select` that is not there
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Return the activity of the selected units.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_trials, n_columns)
            As in `fit`.

        Returns
        -------
        activity : ndarray of shape (n_trials, n_selected)
            Of the network's layer, or the columns of X; of a channel the mean over its map.
        """
        check_is_fitted(self)
        selected = self.get_support(indices=True)
        if not len(selected):
            warnings.warn(f"select={self.select!r} keeps no units.", UserWarning, stacklevel=2)
        X = self._read_X(X, reset=False)
        if self.layer_ == "input":
            return numeric_columns(X, self._positions[selected])
        return unit_activity(self.estimator_, X, self.layer_)[:, selected]

    def get_support(self, indices: bool = False) -> NDArray:
        """Return which units are selected.

        Parameters
        ----------
        indices : bool, default=False
            Return the selected units' indices instead of a mask.

        Returns
        -------
        support : ndarray of shape (n_units,), or (n_selected,) with ``indices=True``
        """
        check_is_fitted(self)
        support = self._support()
        return np.flatnonzero(support) if indices else support

    def _support(self):
        tasks = self.tasks_.astype(str)
        if self.select == "all":
            return np.ones(len(self.unit_labels_), dtype=bool)
        if self.select in ("selective", "mixed"):
            if len(tasks) < 2:
                raise ValueError(
                    f"select={self.select!r} compares tasks, but all trials belong to one,"
                    f" {tasks[0]!r}. Give fit the trials of several tasks, through the network's"
                    " task column or task=..., or use select='all'."
                )
            if self.select == "mixed":
                return self.unit_labels_ == "mixed"
            return np.isin(self.unit_labels_, tasks)
        if str(self.select) not in tasks:
            known = ["all", "selective", "mixed", *self.tasks_.tolist()]
            raise ValueError(f"select must be one of {known}, got {self.select!r}.")
        return self.unit_labels_ == str(self.select)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the selected units.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Only checked against the names seen in `fit`.

        Returns
        -------
        names : ndarray of shape (n_selected,), str
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features)
        return self.unit_names_[self.get_support()]

    def to_frame(self) -> pd.DataFrame:
        """Return all results as a table.

        Returns
        -------
        table : DataFrame
            One row for each unit with the columns unit, layer, label, importance_A for each
            task A, relative_importance_A_B for each pair of tasks; with permutations, p_A_B and
            q_A_B, too.
        """
        import pandas as pd

        check_is_fitted(self)
        table = {"unit": self.unit_names_, "layer": self.layer_, "label": self.unit_labels_}
        for k, task in enumerate(self.tasks_):
            table[f"importance_{task}"] = self.importances_[:, k]
        for k, (a, b) in enumerate(self.task_pairs_):
            table[f"relative_importance_{a}_{b}"] = self.relative_importance_[:, k]
            if hasattr(self, "p_values_"):
                table[f"p_{a}_{b}"] = self.p_values_[:, k]
                table[f"q_{a}_{b}"] = self.q_values_[:, k]
        return pd.DataFrame(table)

    def _read_X(self, X, *, reset):
        """Validate X; a DataFrame, and a network's codes of tasks, stay as they are."""
        if hasattr(X, "iloc"):
            check_feature_names(self, X, reset=reset)
            check_n_features(self, X, reset=reset)
            return X
        dtype = None if is_network(self.estimator) else FLOATS
        return validate_data(self, X, dtype=dtype, reset=reset)

    def _fitted_estimator(self, X, y):
        if not self.prefit:
            return clone(self.estimator).fit(X, y)
        try:
            check_is_fitted(self.estimator)
        except NotFittedError as error:
            raise NotFittedError(
                f"prefit=True needs a fitted estimator, and this {type(self.estimator).__name__}"
                " is not. Call its fit first, or leave prefit=False."
            ) from error
        return deepcopy(self.estimator)

    def _lesions(self, X, y, task):
        """Return the lesions to make, and the task of each trial."""
        estimator, kept = self.estimator_, []
        codes, column = read_task(X, task)
        if is_network(estimator):
            if task is None:
                codes = estimator.tasks_[estimator._encode(X)[1]]
            if self.layer != "input":
                lesions = NetworkLesions(estimator, X, y, layer=self.layer, method=self.method)
                self.unit_names_ = _numbered("unit", lesions.n_units)
                return lesions, codes
            if estimator.task_column is not None:
                kept.append(column_position(X, estimator.task_column))
        kept += [] if column is None else [column]
        self._positions = np.setdiff1d(np.arange(X.shape[1]), kept)
        if not len(self._positions):
            raise ValueError("X must have at least one column beside the task, to be lesioned.")
        names = getattr(self, "feature_names_in_", _numbered("x", X.shape[1]))
        self.unit_names_ = names[self._positions]
        return ColumnLesions(estimator, X, y, self._positions), codes

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _numbered(prefix, n_units):
    return np.array([f"{prefix}{k}" for k in range(n_units)], dtype=object)
