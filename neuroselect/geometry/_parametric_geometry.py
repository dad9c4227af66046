"""Two task planes in space, fitted to RDMs."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.geometry._parametric_design import (
    check_identifiable,
    coordinates,
    invariants,
    read_design,
)
from neuroselect.geometry._parametric_model import make_pairs
from neuroselect.geometry._parametric_solver import draw_candidates, solve
from neuroselect.rsa._checks import check_finite, constant_rows
from neuroselect.utils._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
)

# Lengths of less than this share of the largest are 0.
_NOTHING = 1e-7


class ParametricGeometry(TransformerMixin, BaseEstimator):
    r"""How two tasks arrange two features: compressed, rotated and set apart [1]_.

    Conditions have levels of two features; x is the one relevant in the second task, y the one
    relevant in the first. The model places them at

    .. math::

        \text{first task: } & \bigl((1 - c_\mathrm{irr}) x,\ (1 - c_\mathrm{rel}) y,\ 0\bigr) \\
        \text{second task: } & R_\varphi \bigl((1 - c_\mathrm{rel}) x,\ (1 - c_\mathrm{irr}) y
        \bigr)\ \text{at height } \kappa

    with compressions c of each feature in each task, a turn
    :math:`R_\varphi (x, y) = (x \cos\varphi + y \sin\varphi, -x \sin\varphi + y \cos\varphi)` of
    the second plane, and a separation :math:`\kappa`. Levels are centred. The Euclidean distances
    of these points and the data are both rescaled, and the sum of their squared differences over
    pairs is minimised for each system, with c in [0, 1], :math:`\varphi` in [-90, 90] degrees
    and :math:`\kappa` in [0, 2].

    **Parameters are not identifiable.** All :math:`1 - c` and :math:`\kappa` times the same factor
    leave the objective as it is: a fitted c or :math:`\kappa` says nothing, and the mean of
    several even less. Only quantities that do not change with the factor are reported.

    Parameters
    ----------
    conditions : DataFrame or mapping of columns
        One row per condition.
    features : sequence of two str
        The columns of the two features, numeric.
    task : str
        The column of the task, with two values. Sorted, they are the first and the second task.
    relevant : mapping or None, default=None
        From each task to its relevant feature, a different one in each. By default the sorted
        tasks take the features in their order.
    rescale : {"minmax", "max"}, default="minmax"
        "minmax" subtracts the smallest distance and divides by the range (in [1]_ for
        recordings), "max" divides by the largest distance (in [1]_ for networks).
    n_starts : int, default=20
        A quarter of the number of descents. Two quarters start from the best of 50 times as many
        random parameters; one from and around the ends of fits with a free scale, which
        have no kinks; one around the best end so far. The lowest ends are polished. All systems
        have the same random parameters, so that the result of a system depends on its RDM only.
    random_state : int, RandomState instance or None, default=None
        Draws the starts.

    Attributes
    ----------
    objective_ : ndarray of shape (n_systems,)
        Sum of squared differences of the rescaled RDMs over pairs, without unit.
    r2_ : ndarray of shape (n_systems,)
        Share of the variance over pairs explained, ``1 - objective_ / (total sum of squares)``.
    rotation_ : ndarray of shape (n_systems,)
        :math:`\varphi` in degrees. 0: planes are parallel. 90 or -90: the axis of one
        task's relevant feature is that of the other task's. NaN if a plane has shrunk
        to a point. Its sign is arbitrary, and set to +, if both have shrunk to lines of the same
        feature.
    relative_compression_ : ndarray of shape (n_systems, n_tasks)
        :math:`(1 - c_\mathrm{irr}) / (1 - c_\mathrm{rel})`: 1 if the features are spread alike, 0
        if only the relevant one is left. NaN where :math:`c_\mathrm{rel} = 1`.
    relevant_ratio_ : ndarray of shape (n_systems,)
        :math:`1 - c_\mathrm{rel}` of the second task over that of the first. NaN
        where that is 0.
    separation_ : ndarray of shape (n_systems,)
        :math:`\kappa / (1 - c_\mathrm{rel})` of the first task: distance of the planes in levels
        of its relevant feature. NaN where :math:`c_\mathrm{rel} = 1`. Divided by
        `relevant_ratio_` it is that of the second task.
    model_rdms_ : ndarray of shape (n_systems, n_pairs)
        The RDMs of the fitted models, rescaled: between 0 and 1.
    start_objectives_ : ndarray of shape (n_systems, 4 * n_starts)
        Objective at the end of each descent, before the polish.
        Where few of them come close to `objective_`, more starts may find a lower one.
    tasks_ : ndarray of shape (2,)
        The tasks in the order of the columns of `relative_compression_`.
    n_features_in_ : int
        Number of pairs.
    feature_names_in_ : ndarray of shape (n_pairs,)
        Names of the pairs seen in `fit`; only if `X` has names that are all strings.

    See Also
    --------
    neuroselect.rsa.model_rdms : Single hypotheses within this family.
    neuroselect.rsa.RDMRegression : Explain RDMs by a sum of hypotheses.

    Notes
    -----
    Squared distances of the model are linear in nine functions of the parameters, so that
    descents of all starts and systems share matrix products. The objective has kinks where the
    farthest or closest pair changes. The polish therefore minimises piece by piece, with
    the order of the nearest pairs as constraint (sequential quadratic programming).

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), "Orthogonal representations
       for robust context-dependent task performance in brains and neural networks",
       Neuron 110, 1258-1270. :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    Networks whose planes lie parallel, the irrelevant feature at half its size:

    >>> import numpy as np
    >>> from neuroselect.datasets import make_context_blobs
    >>> from neuroselect.geometry import ParametricGeometry
    >>> from neuroselect.rsa import condensed_rdms
    >>> conditions = make_context_blobs(return_X_y=False).conditions
    >>> leaf, branch, task = (conditions[name] for name in ["leafiness", "branchiness", "task"])
    >>> patterns = np.column_stack([leaf / (1 + task), branch / (2 - task), 3 * task])
    >>> model = ParametricGeometry(conditions, ["leafiness", "branchiness"], "task", random_state=0)
    >>> model.fit(condensed_rdms(patterns)).objective_.round(6)
    array([0.])
    >>> model.relative_compression_.round(3), abs(model.rotation_).round(3)
    (array([[0.5, 0.5]]), array([0.]))
    >>> model.separation_.round(3)
    array([3.])
    """

    _parameter_constraints: dict = {
        "conditions": [HasMethods(["keys", "__getitem__"])],
        "features": ["array-like"],
        "task": "no_validation",
        "relevant": [HasMethods(["keys", "__getitem__"]), None],
        "rescale": [StrOptions({"minmax", "max"})],
        "n_starts": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        conditions,
        features,
        task,
        *,
        relevant=None,
        rescale="minmax",
        n_starts=20,
        random_state=None,
    ):
        self.conditions = conditions
        self.features = features
        self.task = task
        self.relevant = relevant
        self.rescale = rescale
        self.n_starts = n_starts
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> ParametricGeometry:
        """Fit the model to each RDM.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_pairs)
            Condensed RDMs in any unit, pairs of conditions in SciPy's order.
        y : None
            Ignored.

        Returns
        -------
        self : ParametricGeometry
            Fitted estimator.
        """
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite=False, ensure_min_features=2)
        self.tasks_, levels, codes = read_design(
            self.conditions, self.features, self.task, self.relevant
        )
        n_pairs = len(codes) * (len(codes) - 1) // 2
        if X.shape[1] != n_pairs:
            raise ValueError(
                f"X has {X.shape[1]} pairs of conditions, but the {len(codes)} rows of conditions"
                f" have {n_pairs}. Make the RDMs from the same conditions in the same order."
            )
        # In like ranges, so that starts fit features of any unit.
        self._levels, self._codes, self._ranges = levels, codes, np.ptp(levels, axis=0)
        self._pairs = make_pairs(levels / self._ranges, codes)
        check_identifiable(self._pairs, self.features)
        rng = check_random_state(self.random_state)
        self._candidates = draw_candidates(self.n_starts, rng)
        results = self._solve(X)
        for name, value in results.items():
            setattr(self, f"{name}_", value)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Fit the model to each of other RDMs and return what is identifiable.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_pairs)
            Condensed RDMs.

        Returns
        -------
        invariants : ndarray of shape (n_systems, 5)
            Columns as in `get_feature_names_out`; NaN where a quantity is undefined.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite=False, reset=False)
        return _as_table(self._solve(X))

    def fit_transform(self, X: ArrayLike, y: None = None) -> NDArray[np.float64]:
        """Fit the model to each RDM and return what is identifiable.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_pairs)
            Condensed RDMs.
        y : None
            Ignored.

        Returns
        -------
        invariants : ndarray of shape (n_systems, 5)
            As of `transform`.
        """
        return _as_table({name: getattr(self.fit(X), f"{name}_") for name in _COLUMNS})

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the columns of `transform`.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Only checked against the names seen in `fit`.

        Returns
        -------
        names : ndarray of shape (5,)
            "rotation", "relative_compression_<task>" for both tasks, "relevant_ratio" and
            "separation".
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features, generate_names=False)
        compressions = [f"relative_compression_{task}" for task in self.tasks_]
        return np.array(["rotation", *compressions, "relevant_ratio", "separation"], dtype=object)

    def _solve(self, X):
        rdms = _rescaled(_checked(X, self.rescale), self.rescale)
        targets = self._pairs.mean(rdms)
        theta, loss = solve(
            self._candidates,
            self._pairs,
            targets,
            n_starts=self.n_starts,
            offset=self.rescale == "minmax",
        )
        within = ((rdms - targets[:, self._pairs.group]) ** 2).sum(axis=1, keepdims=True)
        theta[:, :4] /= self._ranges[[0, 1, 0, 1]]
        theta[:, :5][theta[:, :5] < _NOTHING * theta[:, :5].max(axis=1, keepdims=True)] = 0
        models = np.array([pdist(coordinates(row, self._levels, self._codes)) for row in theta])
        models = _rescaled(models, self.rescale)
        objective = ((models - rdms) ** 2).sum(axis=1)
        total = ((rdms - rdms.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        return {
            "objective": objective,
            "r2": 1 - objective / total,
            "model_rdms": models,
            "start_objectives": loss + within,
            **invariants(theta),
        }


_COLUMNS = ("rotation", "relative_compression", "relevant_ratio", "separation")


def _as_table(results):
    return np.column_stack([results[name] for name in _COLUMNS])


def _checked(rdms, rescale):
    check_finite(rdms, "RDMs", ("system", "pair"))
    constant = np.flatnonzero(constant_rows(rdms))
    if len(constant):
        raise ValueError(
            f"The RDMs of {len(constant)} system(s), first system {constant[0]}, are constant"
            " over pairs: there is no geometry to fit. Leave these systems out."
        )
    if rescale == "max" and (rdms.max(axis=1) <= 0).any():
        system = np.flatnonzero(rdms.max(axis=1) <= 0)[0]
        raise ValueError(
            f"rescale='max' divides by the largest dissimilarity, which is"
            f" {rdms[system].max() + 0.0:g}"
            f" in system {system}. Use rescale='minmax' for RDMs without positive values."
        )
    return rdms


def _rescaled(rdms, rescale):
    """Divide by the largest entry, with "minmax" after subtracting the smallest."""
    if rescale == "minmax":
        rdms = rdms - rdms.min(axis=1, keepdims=True)
    return rdms / rdms.max(axis=1, keepdims=True)
