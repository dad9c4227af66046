"""Soft normalisation by the range of a unit's activity."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroselect.preprocessing._axes import check_conditions, condition_means, read_activity
from neuroselect.utils._sklearn import Interval, StrOptions, fit_context


class SoftNormalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Divide each unit by its range plus a constant [1]_.

    .. math:: x_i / (\max x_i - \min x_i + c)

    Strong units come to a range of about 1, weak ones stay below it, so that neither the few
    units with high rates nor the noise of nearly silent ones decides.

    Parameters
    ----------
    constant : float, default=5.0
        c, in the unit of the activity: 5 spikes per second in [1]_.
    range_over : {"trials", "conditions"}, default="trials"
        Range over all rows given to `fit`, as they are; or over the means of conditions (and
        times), as in [1]_: `y` then holds the condition of each trial. The range over single
        trials grows with their number.

    Attributes
    ----------
    range_ : ndarray of shape (n_units,)
        Range of each unit in the training trials, NaN for one without any value.
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the units, where X has them.

    Notes
    -----
    NaN is left out of the range, and stays NaN. With ``constant=0`` a unit without range stays
    as it is.

    References
    ----------
    .. [1] Churchland, Cunningham, Kaufman, Foster, Nuyujukian, Ryu & Shenoy (2012), "Neural
       population dynamics during reaching", Nature 487, 51-56. :doi:`10.1038/nature11129`

    Examples
    --------
    >>> from neuroselect.preprocessing import SoftNormalizer
    >>> SoftNormalizer().fit_transform([[0.0, 1.0], [45.0, 1.0]])
    array([[0. , 0.2],
           [0.9, 0.2]])
    """

    _parameter_constraints: dict = {
        "constant": [Interval(Real, 0, None, closed="left")],
        "range_over": [StrOptions({"trials", "conditions"})],
    }

    def __init__(self, constant=5.0, *, range_over="trials"):
        self.constant = constant
        self.range_over = range_over

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> SoftNormalizer:
        """Learn the range of each unit.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Activity.
        y : array-like of shape (n_trials,), default=None
            Condition of each trial; ignored unless ``range_over="conditions"``.

        Returns
        -------
        self : SoftNormalizer
            Fitted transformer.

        Raises
        ------
        ValueError
            If conditions are needed and missing, or continuous.
        """
        X, leading = read_activity(self, X, reset=True)
        if self.range_over == "conditions":
            condition = check_conditions(self, y, leading[0])
            means = condition_means(X.reshape(*leading, -1), condition)
            X = means.reshape(-1, X.shape[1])
        # fmax and fmin leave NaN out, and unlike nanmax do not warn where nothing is left.
        self.range_ = (np.fmax.reduce(X) - np.fmin.reduce(X)).astype(np.float64)
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Return the normalised activity.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Activity.

        Returns
        -------
        activity : ndarray of the shape of X
            Without unit.
        """
        check_is_fitted(self)
        X, leading = read_activity(self, X, reset=False)
        return (X / self._scale(X.dtype)).reshape(*leading, -1)

    def inverse_transform(self, X: ArrayLike) -> NDArray:
        """Return activity in its unit again.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Normalised activity.

        Returns
        -------
        activity : ndarray of the shape of X
        """
        check_is_fitted(self)
        X, leading = read_activity(self, X, reset=False)
        return (X * self._scale(X.dtype)).reshape(*leading, -1)

    def _scale(self, dtype):
        scale = self.range_ + self.constant
        return np.where(scale == 0, 1, scale).astype(dtype)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = self.range_over == "conditions"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
