"""Activity relative to what came before."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.preprocessing._axes import FLOATS, nan_mean
from neuroselect.utils._sklearn import fit_context


class BaselineSubtractor(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Subtract from each trial its own mean over a baseline window.

    Unlike in the other transformers, the second axis of `X` is time, also if there are but two:
    then each row is one trial of one unit, as in recordings in long form.

    Parameters
    ----------
    window : tuple of (start, stop)
        The baseline, half open, ``start <= time < stop``, in ms; or in numbers of bins where
        `time` is None.
    time : array-like of shape (n_times,), default=None
        Time of each bin in ms, increasing: `time` of the recording.

    Attributes
    ----------
    baseline_ : ndarray of shape (n_baseline,)
        Positions of the bins of the baseline.
    n_features_in_ : int
        Number of times.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the times, where X has names of columns.

    Notes
    -----
    NaN is left out of the baseline and stays NaN; a trial without any baseline becomes NaN.
    Nothing is learnt from the trials.

    Examples
    --------
    >>> from neuroselect.preprocessing import BaselineSubtractor
    >>> rates = [[4.0, 6.0, 9.0], [1.0, 1.0, 0.0]]            # 2 trials of a unit, 3 bins
    >>> BaselineSubtractor((-100, 0), time=[-75, -25, 25]).fit_transform(rates)
    array([[-1.,  1.,  4.],
           [ 0.,  0., -1.]])
    """

    _parameter_constraints: dict = {"window": [tuple, list], "time": ["array-like", None]}

    def __init__(self, window, *, time=None):
        self.window = window
        self.time = time

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> BaselineSubtractor:
        """Find the bins of the baseline; the values are only checked.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_times) or (n_trials, n_times, n_units)
            Activity.
        y : None
            Ignored.

        Returns
        -------
        self : BaselineSubtractor
            Fitted transformer.

        Raises
        ------
        ValueError
            If `time` does not belong to X, or no bin lies in the window.
        """
        X = self._read(X, reset=True)
        time = np.arange(X.shape[1]) if self.time is None else np.asarray(self.time)
        if time.shape != (X.shape[1],):
            raise ValueError(
                f"time must have one entry for each of the {X.shape[1]} times on the second axis of"
                f" X, got shape {time.shape}."
            )
        try:
            start, stop = self.window
            inside = (time >= start) & (time < stop)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"window must be two numbers (start, stop), got {self.window!r}."
            ) from error
        if not inside.any():
            raise ValueError(
                f"window must hold at least one of the times {time[0]:g} to {time[-1]:g}, got"
                f" {self.window!r}."
            )
        self.baseline_ = np.flatnonzero(inside)
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Return activity less the baseline.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_times) or (n_trials, n_times, n_units)
            Activity.

        Returns
        -------
        activity : ndarray of the shape of X
        """
        check_is_fitted(self)
        X = self._read(X, reset=False)
        baseline = nan_mean(X[:, self.baseline_], axis=1)
        return X - np.expand_dims(baseline, 1).astype(X.dtype)

    def _read(self, X, *, reset):
        return validate_data(
            self, X, dtype=FLOATS, ensure_all_finite="allow-nan", allow_nd=True, reset=reset
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
