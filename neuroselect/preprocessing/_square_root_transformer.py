"""Square roots of rates and counts."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroselect.preprocessing._axes import read_activity
from neuroselect.utils._sklearn import Interval, fit_context


class SquareRootTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Take square roots, after which the noise of spike counts depends little on their mean.

    The square root of a Poisson count with a mean of a few spikes or more has variance 1/4,
    whatever the mean; with an offset of 3/8 this holds down to smaller means [1]_. Negative
    values are refused (``FunctionTransformer(np.sqrt)`` would turn them into NaN).

    Parameters
    ----------
    offset : float, default=0.0
        Added before the root is taken; in the unit of the activity.

    Attributes
    ----------
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the units, where X has them.

    Notes
    -----
    NaN stays NaN. Nothing is learnt from the trials.

    References
    ----------
    .. [1] Anscombe (1948), "The transformation of Poisson, binomial and negative-binomial
       data", Biometrika 35, 246-254. :doi:`10.1093/biomet/35.3-4.246`

    Examples
    --------
    >>> from neuroselect.preprocessing import SquareRootTransformer
    >>> SquareRootTransformer().fit_transform([[4.0, 0.0], [9.0, 1.0]])
    array([[2., 0.],
           [3., 1.]])
    """

    _parameter_constraints: dict = {"offset": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, offset=0.0):
        self.offset = offset

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> SquareRootTransformer:
        """Learn the number of units; the values are only checked.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Activity, not negative.
        y : None
            Ignored.

        Returns
        -------
        self : SquareRootTransformer
            Fitted transformer.
        """
        self._read(X, reset=True)
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Return the square roots.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Activity, not negative.

        Returns
        -------
        roots : ndarray of the shape of X
        """
        check_is_fitted(self)
        X, leading = self._read(X, reset=False)
        return np.sqrt(X + X.dtype.type(self.offset)).reshape(*leading, -1)

    def inverse_transform(self, X: ArrayLike) -> NDArray:
        """Return the squares, less the offset.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Square roots.

        Returns
        -------
        activity : ndarray of the shape of X
        """
        check_is_fitted(self)
        X, leading = self._read(X, reset=False)
        return (X**2 - X.dtype.type(self.offset)).reshape(*leading, -1)

    def _read(self, X, *, reset):
        X, leading = read_activity(self, X, reset=reset)
        if (X < 0).any():
            raise ValueError(
                f"Negative values in data passed to SquareRootTransformer: the lowest is"
                f" {np.nanmin(X):g}. Take square roots of rates or counts before they are centred"
                " or scaled."
            )
        return X, leading

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
