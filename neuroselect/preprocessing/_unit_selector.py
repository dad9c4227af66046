"""Units worth keeping."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted

from neuroselect.preprocessing._axes import nan_mean, read_activity
from neuroselect.utils._sklearn import Interval, fit_context


class UnitSelector(SelectorMixin, BaseEstimator):
    """Keep units that fire, vary and were recorded, by the training trials.

    Parameters
    ----------
    min_rate : float, default=None
        Lowest mean activity of a unit that is kept, in the unit of the activity. None: any.
    min_variance : float, default=0.0
        Units with a variance greater than this are kept; 0 drops those that are constant.
        None: any.
    max_missing : float, default=None
        Largest share of missing values (NaN) of a unit that is kept. None: any below 1.

    Attributes
    ----------
    means_, variances_, missing_ : ndarray of shape (n_units,)
        Mean and variance over trials and times, NaN for a unit without values; and the share
        of missing values.
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the units, where X has them.

    See Also
    --------
    sklearn.feature_selection.VarianceThreshold : The variance alone.

    Notes
    -----
    NaN is left out of mean and variance. A unit without any value is never kept.

    Examples
    --------
    >>> from neuroselect.preprocessing import UnitSelector
    >>> rates = [[0.0, 8.0, 0.5], [0.0, 4.0, 0.0]]               # 2 trials, 3 units
    >>> UnitSelector(min_rate=1.0).fit(rates).get_support()
    array([False,  True, False])
    """

    _parameter_constraints: dict = {
        "min_rate": [Real, None],
        "min_variance": [Interval(Real, 0, None, closed="left"), None],
        "max_missing": [Interval(Real, 0, 1, closed="both"), None],
    }

    def __init__(self, *, min_rate=None, min_variance=0.0, max_missing=None):
        self.min_rate = min_rate
        self.min_variance = min_variance
        self.max_missing = max_missing

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> UnitSelector:
        """Learn which units to keep.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Activity.
        y : None
            Ignored.

        Returns
        -------
        self : UnitSelector
            Fitted transformer.

        Raises
        ------
        ValueError
            If no unit is left.
        """
        X, _ = read_activity(self, X, reset=True)
        self.missing_ = np.isnan(X).mean(axis=0)
        self.means_ = nan_mean(X)
        constant = np.fmax.reduce(X) == np.fmin.reduce(X)
        # The mean of a constant may be off by rounding, which would look like variance.
        self.variances_ = np.where(constant, 0.0, nan_mean((X - self.means_) ** 2))
        if not self._get_support_mask().any():
            raise ValueError(
                f"None of the {X.shape[1]} units passes min_rate={self.min_rate},"
                f" min_variance={self.min_variance}, max_missing={self.max_missing} over"
                f" {X.shape[0]} sample(s)."
            )
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Return the activity of the units kept.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Activity.

        Returns
        -------
        activity : ndarray of shape (n_trials, n_kept) or (n_trials, n_times, n_kept)
        """
        check_is_fitted(self)
        X, leading = read_activity(self, X, reset=False)
        return X[:, self._get_support_mask()].reshape(*leading, -1)

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self)
        kept = self.missing_ < 1
        if self.max_missing is not None:
            kept &= self.missing_ <= self.max_missing
        if self.min_rate is not None:
            kept &= self.means_ >= self.min_rate
        if self.min_variance is not None:
            kept &= self.variances_ > self.min_variance
        return kept

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
