"""Rotate one system onto another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MultiOutputMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.alignment._procrustes import rotation
from neuroselect.alignment._systems import center
from neuroselect.utils._sklearn import fit_context


class ProcrustesAlignment(
    ClassNamePrefixFeaturesOutMixin,
    MultiOutputMixin,
    RegressorMixin,
    TransformerMixin,
    BaseEstimator,
):
    r"""Rotate the activity of one system onto that of another [1]_.

    .. math:: \min_{Q, s} \|Y - s X Q\|, \quad Q^\top Q = I \text{ or } Q Q^\top = I

    of centred activity: rotations and reflections, between populations of different size onto
    or out of a subspace.

    Parameters
    ----------
    scale : bool, default=True
        Learn one factor for all units, too; else it is 1.

    Attributes
    ----------
    rotation_ : ndarray of shape (n_units_x, n_units_y)
        With orthonormal columns or rows, whichever are fewer.
    scale_ : float
        The factor; 1 unless `scale`.
    x_mean_, y_mean_ : ndarray of shape (n_units_x,), (n_units_y,)
        Means over the training trials.
    n_features_in_ : int
        Number of units of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the units of X, where it has them.

    See Also
    --------
    procrustes_similarity : A symmetric similarity on all trials.
    sklearn.cross_decomposition.CCA : Maps of both systems.

    Notes
    -----
    `score` is greater for better alignments, as scikit-learn's searches assume. Score on trials
    that the rotation was not learned on: with as many units as trials, it brings any two systems
    together.

    References
    ----------
    .. [1] Schönemann (1966), "A generalized solution of the orthogonal Procrustes problem",
       Psychometrika 31, 1-10. :doi:`10.1007/BF02289451`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import ProcrustesAlignment
    >>> X = np.random.default_rng(0).normal(size=(40, 3))
    >>> Y = 2 * X[:, [2, 0, 1]] + 1
    >>> alignment = ProcrustesAlignment().fit(X[:20], Y[:20])
    >>> round(alignment.score(X[20:], Y[20:]), 6), round(alignment.scale_, 6)
    (1.0, 2.0)
    """

    _parameter_constraints: dict = {"scale": ["boolean"]}

    def __init__(self, *, scale=True):
        self.scale = scale

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> ProcrustesAlignment:
        """Learn the rotation, and the factor.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units_x)
            Activity to be rotated.
        y : array-like of shape (n_trials, n_units_y) or (n_trials,)
            Activity of the other system in the same trials.

        Returns
        -------
        self : ProcrustesAlignment

        Raises
        ------
        ValueError
            If X is constant over trials.
        """
        X, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2
        )
        self._one_dimensional = y.ndim == 1
        y = y.reshape(len(y), -1).astype(np.float64)
        self.x_mean_, self.y_mean_ = X.mean(axis=0), y.mean(axis=0)
        x = center(X)
        power = np.sum(x**2)
        if not power > 0:
            raise ValueError("X is constant over trials: there is nothing to rotate.")
        self.rotation_, reached = rotation(x, center(y))
        # Where X has more units than y, activity outside the rotated subspace is lost.
        kept = np.sum((x @ self.rotation_) ** 2)
        self.scale_ = float(reached / kept) if self.scale and kept > 0 else 1.0
        self._n_features_out = y.shape[1]
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Rotate activity into the other system's units.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units_x)
            Activity.

        Returns
        -------
        aligned : ndarray of shape (n_trials, n_units_y)
            With the scale and the means of the other system.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.scale_ * ((X - self.x_mean_) @ self.rotation_) + self.y_mean_

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict the other system's activity: as `transform`, in the shape of its y.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units_x)
            Activity.

        Returns
        -------
        y : ndarray of shape (n_trials, n_units_y) or (n_trials,)
        """
        aligned = self.transform(X)
        return aligned[:, 0] if self._one_dimensional else aligned

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the share of the other system's variance that is predicted.

        Units count by their variance, so that silent ones do not matter.

        Parameters
        ----------
        X, y : array-like
            As in `fit`, of other trials.
        sample_weight : array-like of shape (n_trials,), default=None
            Weights of the trials.

        Returns
        -------
        r2 : float
            1 at best; below 0 where the mean of y would do better.
        """
        from sklearn.metrics import r2_score

        predicted = self.predict(X)
        return r2_score(y, predicted, sample_weight=sample_weight, multioutput="variance_weighted")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # one factor and no weights: targets are no rotations
        return tags
