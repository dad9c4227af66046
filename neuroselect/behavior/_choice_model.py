"""Psychophysical model of choices under two rules."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.behavior._angles import angular_bias
from neuroselect.behavior._fit_cells import CellFit, fit_cells
from neuroselect.behavior._psychometric import (
    OBJECTIVES,
    Cells,
    Layout,
    accept_probability,
    binomial_terms,
    layout,
)
from neuroselect.behavior._trials import as_cells, check_choices, check_two_tasks, stack_cells
from neuroselect.utils._sklearn import Interval, StrOptions, check_sample_weight, fit_context

KINDS = StrOptions({"shared", "per_task"})


class ChoiceModel(ClassifierMixin, BaseEstimator):
    r"""Two category boundaries, a slope, an offset and lapses: how one subject chooses.

    With x = (branchiness, leafiness) and one boundary angle for each task, the probability of
    an accept choice is [1]_

    .. math:: \lambda + (1 - 2 \lambda) / (1 + \exp(-s (u - o))), \quad
              u = x \cdot (\cos(\phi - 90°), \sin(\phi - 90°))

    with lapse rate :math:`\lambda` in [0, 0.5], slope s in [0, 20] and offset o in [-1, 1], in
    units of the levels (here -2 to 2). The boundary angle :math:`\phi` of the first task (north,
    leafiness relevant) is in [90, 270] degrees with optimum 180, that of the second (south,
    branchiness relevant) in [0, 180] with optimum 90.

    Parameters
    ----------
    objective : {"binomial", "published"}, default="binomial"
        What is minimised: the negative log likelihood of the choices, or as published the sum
        over cells of ``-log(1 - abs(y - p) + 1e-10)``, with y the share of accept choices.
    boundary : {"per_task", "shared"}, default="per_task"
        One boundary angle for each task, or one for both, in [0, 270] degrees.
    slope, lapse : {"shared", "per_task"}, default="shared"
        One value for both tasks, or one for each.
    n_starts : int, default=20
        Starting points: the optimal observer, and others drawn inside the bounds.
    random_state : int, RandomState instance or None, default=None
        Draws the starting points.

    Attributes
    ----------
    objective_ : float
        The lowest value of the objective.
    boundary_angles_ : ndarray of shape (2,)
        Degrees.
    slope_, lapse_ : float, or ndarray of shape (2,) with "per_task"
        The slope per level; the rate of lapses on either side.
    offset_ : float
        In levels along the direction that a task's boundary is crossed in.
    bias_ : float
        How far the boundaries are turned towards one diagonal, in degrees: positive towards the
        diagonal that they would share, see :func:`~neuroselect.behavior.angular_bias`.
    nll_ : float
        Negative log likelihood of the choices (without binomial coefficients), whatever the
        objective.
    aic_, bic_ : float
        ``2 * objective_`` plus 2, or the logarithm of the number of observations, for each
        parameter. Observations are trials for "binomial", cells for "published", whose
        objective is no likelihood: compare these only with each other.
    n_params_ : int
        Number of parameters.
    n_trials_ : float
        Number of trials: the sum of the weights.
    tasks_ : ndarray of shape (2,)
        Codes of the tasks, sorted: the first is north.
    classes_ : ndarray of shape (2,)
        0 reject, 1 accept.
    start_objectives_ : ndarray of shape (n_starts,)
        The objective reached from each starting point, sorted, before all refinement: how rugged
        it is.
    n_features_in_ : int
        3.
    feature_names_in_ : ndarray of shape (3,)
        Names of the columns, where `X` has them.

    See Also
    --------
    fit_choice_models : Many subjects as one batch.
    bayesian_model_selection : Compare variants across subjects.

    Notes
    -----
    The published objective is rugged: compare objectives, not parameters. Beyond the
    starting points, rounds of further ones are drawn around the best fit, because the lowest
    minimum is often a narrow, steeper one near it. The likelihood is smooth, and almost all starts
    end in its minimum; it may have several where the variant does not suit the subject.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), "Orthogonal representations
       for robust context-dependent task performance in brains and neural networks",
       Neuron 110, 1258-1270. :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.behavior import ChoiceModel
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([rng.integers(-2, 3, (2000, 2)), rng.integers(0, 2, 2000)])
    >>> relevant = np.where(X[:, 2] == 0, X[:, 1], X[:, 0])  # north: leafiness
    >>> y = rng.random(2000) < 1 / (1 + np.exp(-2.0 * relevant))
    >>> model = ChoiceModel(random_state=0).fit(X, y)
    >>> model.boundary_angles_.round(-1), round(model.slope_)
    (array([180.,  90.]), 2)
    """

    _parameter_constraints: dict = {
        "objective": [StrOptions(set(OBJECTIVES))],
        "boundary": [KINDS],
        "slope": [KINDS],
        "lapse": [KINDS],
        "n_starts": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        objective="binomial",
        *,
        boundary="per_task",
        slope="shared",
        lapse="shared",
        n_starts=20,
        random_state=None,
    ):
        self.objective = objective
        self.boundary = boundary
        self.slope = slope
        self.lapse = lapse
        self.n_starts = n_starts
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None):
        """Fit the model to the choices of one subject.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, 3)
            Branchiness, leafiness and task of each trial, or of each cell. The sorted first
            task is north. In a DataFrame tasks may be strings.
        y : array-like of shape (n,)
            Choices, 1 accept or 0 reject; or shares of accept choices from 0 to 1.
        sample_weight : array-like of shape (n,), default=None
            Number of trials that a row stands for; None is one. Shares need it for a likelihood
            of trials.

        Returns
        -------
        self : ChoiceModel
            Fitted estimator.

        Raises
        ------
        ValueError
            If `X` has not 3 columns, tasks are not two, or `y` is outside [0, 1].
        """
        cells = self._read(X, y, sample_weight)
        fit = self._fit_cells(stack_cells([cells]))
        return self._store(cells, fit, 0)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities of a reject and of an accept choice.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, 3)
            Branchiness, leafiness and task.

        Returns
        -------
        probabilities : ndarray of shape (n, 2)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        features, task = self._split(X, reset=False)
        code = np.searchsorted(self.tasks_, task).clip(0, 1)
        unknown = self.tasks_[code] != task
        if unknown.any():
            raise ValueError(
                f"X has the task {task[unknown][0]!r}, which was not seen in fit; known are"
                f" {self.tasks_.tolist()}."
            )
        local = self._local()[code]
        accept, reject, _ = accept_probability(local, features[:, np.newaxis])
        return np.concatenate([reject, accept], axis=1)

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the more probable choice, 0 or 1.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, 3)
            Branchiness, leafiness and task.

        Returns
        -------
        choices : ndarray of shape (n,)
        """
        accept = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[accept.astype(int)]

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the share of choices that `predict` meets; greater is better.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        score : float
            From 0 to 1.
        """
        predicted = self.predict(X)
        y, weight = check_choices(y, sample_weight, len(predicted))
        return float(np.average(np.where(predicted == 1, y, 1 - y), weights=weight))

    def log_likelihood(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the mean log likelihood of a trial's choice; greater is better.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        log_likelihood : float
            In nats per trial; log(0.5) is guessing.
        """
        reject, accept = self.predict_proba(X).T
        y, weight = check_choices(y, sample_weight, len(accept))
        value, _, _ = binomial_terms(accept, reject, weight * y, weight, 0)
        return float(-value.sum() / weight.sum())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True  # its choices know two features and two tasks
        return tags

    def _layout(self) -> Layout:
        return layout(self.boundary, self.slope, self.lapse)

    def _split(self, X, reset):
        """Return the two features and the codes of the tasks."""
        task = None
        if hasattr(X, "iloc") and X.shape[1:] == (3,) and X.dtypes.iloc[-1].kind not in "iufb":
            task = X.iloc[:, -1].to_numpy(dtype=object)
            X = X.assign(**{X.columns[-1]: 0.0})
        X = validate_data(self, X, dtype=np.float64, reset=reset, ensure_min_samples=1 + reset)
        if X.shape[1] != 3:
            raise ValueError(
                "X must have 3 columns, branchiness, leafiness and task, got n_features ="
                f" {X.shape[1]}."
            )
        return X[:, :2], X[:, 2] if task is None else task

    def _read(self, X, y, sample_weight) -> Cells:
        """Validate trials, and sum them up: cells of shape (2, n_cells)."""
        if y is None:
            raise ValueError("ChoiceModel requires y to be passed, but the target y is None.")
        features, task = self._split(X, reset=True)
        if sample_weight is not None:
            sample_weight = check_sample_weight(
                sample_weight, features, dtype=np.float64, ensure_non_negative=True
            )
        y, weight = check_choices(y, sample_weight, len(features))
        self.tasks_, code = check_two_tasks(task, weight)
        return as_cells(features, code, y, weight)

    def _fit_cells(self, cells: Cells) -> CellFit:
        rng = check_random_state(self.random_state)
        return fit_cells(cells, self._layout(), self.objective, self.n_starts, rng)

    def _store(self, cells: Cells, fit: CellFit, k: int) -> ChoiceModel:
        """Learn the fit of subject `k` to `cells`, of shape (2, n_cells)."""
        variant = self._layout()
        self.classes_ = np.arange(2)
        self.objective_ = float(fit.value[k])
        local = fit.parameters[k][variant.local]
        self.boundary_angles_ = np.degrees(local[:, 0])
        self.slope_ = local[:, 1] if self.slope == "per_task" else float(local[0, 1])
        self.offset_ = float(local[0, 2])
        self.lapse_ = local[:, 3] if self.lapse == "per_task" else float(local[0, 3])
        self.bias_ = float(angular_bias(self.boundary_angles_))
        accept, reject, _ = accept_probability(local, cells.features)
        self.nll_ = float(binomial_terms(accept, reject, cells.accepted, cells.counts, 0)[0].sum())
        self.n_params_ = len(variant.names)
        self.n_trials_ = float(cells.counts.sum())
        n = self.n_trials_ if self.objective == "binomial" else (cells.counts > 0).sum()
        self.aic_ = 2 * self.objective_ + 2 * self.n_params_
        self.bic_ = float(2 * self.objective_ + self.n_params_ * np.log(n))
        self.start_objectives_ = fit.of_starts[k].copy()
        return self

    def _local(self) -> NDArray[np.float64]:
        """Boundary (radians), slope, offset and lapse of each task: (2, 4)."""
        columns = (np.radians(self.boundary_angles_), self.slope_, self.offset_, self.lapse_)
        return np.stack([np.broadcast_to(column, 2) for column in columns], axis=1)
