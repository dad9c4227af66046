"""z-scores of units, also run by run."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from neuroselect.preprocessing._axes import FLOATS, has_time, nan_mean, read_activity
from neuroselect.utils._sklearn import (
    StrOptions,
    check_feature_names,
    check_feature_names_in,
    check_n_features,
    fit_context,
)


class UnitScaler(TransformerMixin, BaseEstimator):
    """z-score each unit by the training trials, over all of them or within groups.

    Does what :class:`~sklearn.preprocessing.StandardScaler` does, also for activity with an axis
    of time (one mean and one standard deviation per unit, over trials and times), and for
    groups: runs, sessions or tasks, each with its own mean and standard deviation.

    Parameters
    ----------
    group_column : int or str, default=None
        Position or name of the column of X that holds the group of each trial; it is left out
        of the result. For X of two axes. None: all trials are one group.
    unseen : {"error", "own"}, default="error"
        What happens to trials of a group that was not there in `fit`: an error, or they are
        scaled by their own mean and standard deviation. The latter is what z-scoring a recording
        run by run means for runs held out; it uses no labels, but a row of the result then
        depends on the other rows of its group that `transform` is given: give it whole runs.
    with_mean : bool, default=True
        Subtract the mean.
    with_std : bool, default=True
        Divide by the standard deviation.

    Attributes
    ----------
    groups_ : ndarray of shape (n_groups,) or None
        Groups of the training trials, sorted; None without `group_column`.
    mean_, scale_ : ndarray of shape (n_units,) or (n_groups, n_units)
        Mean and standard deviation (with divisor n) of each unit, NaN for a unit without
        values. The scale of a constant unit is 1: it becomes 0.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has them.

    Notes
    -----
    NaN is left out of means and standard deviations, and stays NaN. A unit without values in
    the training trials (of the group) becomes NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.preprocessing import UnitScaler
    >>> run = [0, 0, 1, 1]
    >>> X = np.column_stack([[1.0, 3.0, 101.0, 103.0], run])
    >>> UnitScaler(group_column=-1).fit_transform(X)
    array([[-1.],
           [ 1.],
           [-1.],
           [ 1.]])
    """

    _parameter_constraints: dict = {
        "group_column": [Integral, str, None],
        "unseen": [StrOptions({"error", "own"})],
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
    }

    def __init__(self, *, group_column=None, unseen="error", with_mean=True, with_std=True):
        self.group_column = group_column
        self.unseen = unseen
        self.with_mean = with_mean
        self.with_std = with_std

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> UnitScaler:
        """Learn mean and standard deviation of each unit.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_columns) or (n_trials, n_times, n_units)
            Activity, with the column of groups where there is one.
        y : None
            Ignored.

        Returns
        -------
        self : UnitScaler
            Fitted transformer.

        Raises
        ------
        ValueError
            If the column of groups is not there, is the only one, or has missing values.
        """
        X, _, groups = self._read(X, reset=True)
        if groups is None:
            self.groups_ = None
            self.mean_, self.scale_ = _moments(X)
            return self
        self.groups_, index = np.unique(groups, return_inverse=True)
        moments = [_moments(X[index == k]) for k in range(len(self.groups_))]
        self.mean_, self.scale_ = (np.stack(each) for each in zip(*moments, strict=True))
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Return the z-scores.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_columns) or (n_trials, n_times, n_units)
            Activity, with the column of groups where there is one.

        Returns
        -------
        z : ndarray of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            In standard deviations; in the unit of the activity for ``with_std=False``.

        Raises
        ------
        ValueError
            If a group is not known, or ``unseen="own"`` and it has only one trial.
        """
        check_is_fitted(self)
        X, leading, groups = self._read(X, reset=False)
        if groups is None:
            return self._scaled(X, self.mean_, self.scale_).reshape(*leading, -1)
        z = np.empty_like(X)
        for group in np.unique(groups).tolist():
            rows = groups == group
            z[rows] = self._scaled(X[rows], *self._moments_of(group, X[rows]))
        return z

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the units.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of X, where it had none.

        Returns
        -------
        names : ndarray of shape (n_units,), str
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        return names if self.groups_ is None else np.delete(names, self._position(names))

    def _moments_of(self, group, X):
        known = np.flatnonzero(self.groups_ == group)
        if len(known):
            return self.mean_[known[0]], self.scale_[known[0]]
        if self.unseen == "error":
            raise ValueError(
                f"The column group_column={self.group_column!r} holds {group!r}, which is none of"
                f" the groups {self.groups_.tolist()} seen in fit. For trials of new groups to be"
                " scaled by themselves, set unseen='own'."
            )
        if len(X) < 2:
            raise ValueError(
                f"unseen='own' needs at least 2 trials of a new group, got 1 of {group!r}: alone it"
                " would become 0. Give transform all trials of the group at once."
            )
        return _moments(X)

    def _scaled(self, X, mean, scale):
        mean = mean if self.with_mean else np.zeros_like(mean)
        scale = scale if self.with_std else np.ones_like(scale)
        return ((X - mean) / scale).astype(X.dtype)

    def _read(self, X, *, reset):
        """Return activity with units last, its leading axes, and the groups of its rows."""
        if self.group_column is None:
            return *read_activity(self, X, reset=reset), None
        if has_time(X):
            raise ValueError(
                "group_column is for X of shape (n_trials, n_units + 1), got three axes:"
                f" {np.shape(X)}. Use flatten_time first, and add the column then."
            )
        check_feature_names(self, X, reset=reset)
        if not hasattr(X, "iloc"):
            X = check_array(X, dtype=None, ensure_all_finite=False)
        check_n_features(self, X, reset=reset)
        position = self._position(getattr(self, "feature_names_in_", range(X.shape[1])))
        if hasattr(X, "iloc"):
            groups, X = X.iloc[:, position].to_numpy(), X.drop(columns=X.columns[position])
        else:
            groups, X = X[:, position], np.delete(X, position, axis=1)
        X = check_array(
            X, dtype=FLOATS, ensure_all_finite="allow-nan", input_name="X", estimator=self
        )
        return X, X.shape[:1], self._check_groups(groups)

    def _check_groups(self, groups):
        # By their text, since pandas.NA is neither equal nor unequal to itself.
        missing = sum(code is None or str(code == code) != "True" for code in groups.tolist())
        if missing:
            raise ValueError(
                f"The column group_column={self.group_column!r} has {missing} missing values; every"
                " trial needs a group."
            )
        return groups.astype(str) if groups.dtype.kind == "O" else groups

    def _position(self, columns):
        names = list(columns)
        if len(names) < 2:
            raise ValueError(
                "X must have at least one column beside group_column, got 1 feature(s)."
            )
        if isinstance(self.group_column, str):
            if self.group_column not in names:
                raise ValueError(
                    f"group_column={self.group_column!r} must name a column of a DataFrame X, got"
                    f" the columns {names}."
                )
            return names.index(self.group_column)
        if not -len(names) <= self.group_column < len(names):
            raise ValueError(
                f"group_column={self.group_column} must be the position of one of the {len(names)}"
                " columns of X, or the name of one."
            )
        return self.group_column % len(names)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _moments(X):
    """Mean and standard deviation of each unit; 1 for one that is constant but for rounding."""
    X = X.astype(np.float64)
    mean = nan_mean(X)
    scale = np.sqrt(nan_mean((X - mean) ** 2))
    rounding = 8 * np.finfo(np.float64).eps * np.fmax.reduce(abs(X))
    return mean, np.where(scale <= rounding, 1.0, scale)
