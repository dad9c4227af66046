"""Targeted dimensionality reduction: axes of a population that carry a task variable."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroselect.geometry._regression_axes import fit_axes
from neuroselect.geometry._rows import read_rows, transformed
from neuroselect.preprocessing._axes import read_activity
from neuroselect.preprocessing._groups import check_columns, group_numbers
from neuroselect.utils._sklearn import Interval, StrOptions, check_feature_names_in, fit_context

if TYPE_CHECKING:
    import pandas as pd


class _MethodAndParameter:
    """A method whose name is that of a parameter of the constructor, too.

    Reading the attribute gives the method; setting it, as the constructor and `set_params` do,
    stores the parameter in ``vars(estimator)``.
    """

    def __init__(self, name, function):
        self.name, self.function = name, function

    def __get__(self, instance, owner=None):
        return self.function if instance is None else self.function.__get__(instance, owner)

    def __set__(self, instance, value):
        vars(instance)[self.name] = value


class TargetedDimensionalityReduction(TransformerMixin, BaseEstimator):
    r"""Axis of a population that carries a task variable (Mante et al. 2013 [1]_).

    Single-trial activity is transformed and z-scored for each unit, over its trials and times. In
    each time bin, the activity of each unit is regressed on the variable; the slopes of all units
    are the regression vector of the bin. Regression vectors are projected on the first principal
    components of the condition means (z-scored for each unit, over times and conditions), which
    leaves out what is noise. The axis is their mean over time bins.

    Units need not have been recorded together.

    Parameters
    ----------
    variables : str or list of str
        Column of the trials: numbers, or two values, of which the sorted first counts as 0 and
        the second as 1. The axes of several variables come from one regression on all of them.
    conditions : list of str, default=None
        Columns whose combinations are the conditions. None: those of `variables`.
    n_components : int, default=1
        Number of principal components of the condition means to keep.
    transform : {"sqrt"} or None, default="sqrt"
        What is done to the activity of single trials first. The square root brings the variance
        of counts and rates to about the same for all rates. As an attribute, `transform` is the
        method; the parameter is in `get_params`.

    Attributes
    ----------
    axis_ : ndarray of shape (n_units,) or (n_variables, n_units)
        The axis, not of unit length: its entries are slopes in standard deviations of a unit per
        unit of the variable. The second shape where `variables` is a list.
    regression_vectors_ : ndarray of shape (n_times, n_units) or (n_variables, n_times, n_units)
        Slopes of each time bin before projection.
    axes_by_time_ : ndarray of the shape of `regression_vectors_`
        After projection; the axis is their mean.
    components_ : ndarray of shape (n_components, n_units)
        Principal axes of the condition means.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        Their shares of the variance of the z-scored condition means.
    conditions_ : DataFrame of shape (n_conditions, n_columns)
        The conditions, sorted.
    projections_ : ndarray of shape (n_conditions, n_times) or (n_variables, n_conditions, n_times)
        Condition means of z-scored activity along the axis of unit length. For both forms.
    mean_, scale_ : ndarray of shape (n_units,)
        Moments of the transformed activity of each unit.
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of shape (n_units,)
        Names of the columns, where X has them.

    See Also
    --------
    subspace_angle : The angle between two axes.
    axis_angle_test : The angle between the axes of two tasks, with a null distribution.
    DemixedPCA : Components for all variables, by reconstruction.

    Notes
    -----
    With ``n_components=1`` the axis is the first principal axis with a sign, whatever that axis
    is: it may be the course of time, if conditions differ less than times; and the axes of
    several variables are one and the same, unless there are as many components. Since condition
    means are z-scored for each unit, all units with a signal above their noise count about alike
    in it, however strong the signal.

    References
    ----------
    .. [1] Mante, Sussillo, Shenoy & Newsome (2013), "Context-dependent computation by recurrent
       dynamics in prefrontal cortex", Nature 503, 78-84. :doi:`10.1038/nature12742`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.geometry import TargetedDimensionalityReduction
    >>> rng = np.random.default_rng(0)
    >>> direction = np.tile([0, 1], 100)
    >>> rates = 5.0 + np.outer(direction, [3.0, -2.0, 0.0])    # 200 trials of 3 units
    >>> counts = rng.poisson(rates)
    >>> reduction = TargetedDimensionalityReduction("direction")
    >>> reduction.fit(counts, {"direction": direction}).axis_.shape
    (3,)
    >>> np.sign(reduction.axis_[:2])
    array([ 1., -1.])
    >>> reduction.transform(counts).shape
    (200, 1)
    """

    _parameter_constraints: dict = {
        "variables": [str, list, tuple],
        "conditions": [str, list, tuple, None],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "transform": [StrOptions({"sqrt"}), None],
    }

    def __init__(self, variables, *, conditions=None, n_components=1, transform="sqrt"):
        self.variables = variables
        self.conditions = conditions
        self.n_components = n_components
        self.transform = transform

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.two_d_labels = True
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = vars(self)["transform"] == "sqrt"
        return tags

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Of no effect: no parameter is an estimator.

        Returns
        -------
        params : dict
            From names to values; "transform" is the parameter, the attribute is the method.
        """
        return {**super().get_params(deep), "transform": vars(self)["transform"]}

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: ArrayLike | Mapping[str, Any], y: Any = None
    ) -> TargetedDimensionalityReduction:
        """Find the axis.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_times, n_units) or (n_trials, n_units), or dict
            Activity of single trials. Of units that were not recorded together in long form, one
            row per unit and trial: (n_rows, n_times) or (n_rows,). Or a recording in one of both
            forms of :func:`~neuroselect.recordings.make_container`.
        y : DataFrame or dict of columns, or array-like of shape (n_trials,)
            Trials: a row for each row of X. In long form the column "unit" holds the position
            of the row's unit, from 0. An array holds the values of a single variable. None where X
            is a recording.

        Returns
        -------
        self : TargetedDimensionalityReduction
            Fitted estimator.

        Raises
        ------
        ValueError
            If activity is not finite, or negative with ``transform="sqrt"``, if a variable is
            not there, constant or depends on the others, or a unit has no trial of a condition.
        """
        names = self._variables()
        rows = read_rows(self, X, y, names)
        check_columns(names, rows.trials, "variables")
        values = transformed(rows.values, vars(self)["transform"])
        columns = self.conditions if self.conditions is not None else names
        columns = check_columns(columns, rows.trials, "conditions")
        condition, self.conditions_ = group_numbers(rows.trials, columns)
        design = np.column_stack([variable_values(rows.trials, name) for name in names])
        result = fit_axes(values, rows.unit, rows.n_units, design, condition, self.n_components)
        axes = result.denoised.mean(axis=1)
        self.mean_, self.scale_ = result.mean, result.scale
        self.components_, self.explained_variance_ratio_ = result.components, result.explained
        projections = _along(axes, result.condition_means)
        single = isinstance(self.variables, str)
        for name, of_variables in (
            ("axis_", axes),
            ("regression_vectors_", result.coef),
            ("axes_by_time_", result.denoised),
            ("projections_", projections),
        ):
            setattr(self, name, of_variables[0] if single else of_variables)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return activity along the axis of unit length.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Activity of all units at once: trials, pseudo-trials or condition means. It is
            transformed and z-scored by the moments of `fit`.

        Returns
        -------
        projections : ndarray of shape (n_trials, n_variables) or (n_trials, n_times, n_variables)
            In standard deviations.

        Raises
        ------
        ValueError
            If X is not finite, has another number of units, or is negative with
            ``transform="sqrt"``.
        """
        check_is_fitted(self)
        values, leading = read_activity(self, X, reset=False, allow_nan=False)
        z = (transformed(values, vars(self)["transform"]) - self.mean_) / self.scale_
        return _along(np.atleast_2d(self.axis_), z).T.reshape(*leading, -1)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the variables.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of X, checked only.

        Returns
        -------
        names : ndarray of shape (n_variables,), str
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features)
        return np.array(self._variables(), dtype=object)

    def _variables(self) -> list[str]:
        names = [self.variables] if isinstance(self.variables, str) else list(self.variables)
        if not names or not all(isinstance(n, str) for n in names) or len({*names}) < len(names):
            raise ValueError(f"variables must name different columns of trials, got {names}.")
        return names


TargetedDimensionalityReduction.transform = _MethodAndParameter(
    "transform", TargetedDimensionalityReduction.transform
)


def variable_values(trials: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return numbers; of other values there must be two."""
    values = trials[name].to_numpy()
    if values.dtype.kind in "biuf" or all(isinstance(value, Real) for value in values):
        return values.astype(np.float64)
    levels, code = np.unique(values.astype(str), return_inverse=True)
    if len(levels) != 2:
        raise ValueError(
            f"The variable {name!r} must hold numbers, or two values, got {len(levels)}:"
            f" {levels[:10].tolist()}."
        )
    return code.astype(np.float64)


def _along(axes: NDArray, activity: NDArray) -> NDArray[np.float64]:
    """Activity (..., n_units) along each axis of unit length, (n_axes, ...)."""
    norm = np.linalg.norm(axes, axis=1, keepdims=True)
    unit = axes / np.where(norm > 0, norm, 1.0)
    return np.moveaxis(activity @ unit.T, -1, 0)
