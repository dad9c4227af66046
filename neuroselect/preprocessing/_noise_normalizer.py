"""Multivariate noise normalisation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroselect.preprocessing._axes import (
    check_conditions,
    condition_means,
    read_activity,
    unit_names,
)
from neuroselect.preprocessing._noise_covariance import ESTIMATORS, noise_covariance
from neuroselect.utils._sklearn import StrOptions, fit_context


class NoiseNormalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Whiten activity by the noise covariance of the units [1]_.

    With :math:`\Sigma` the covariance of the residuals, trials less the mean of their
    condition, activity is multiplied by the symmetric root :math:`\Sigma^{-1/2}`. Up to the
    shrinkage, the residuals of the training trials then have the identity as covariance, and
    Euclidean distances between patterns are Mahalanobis distances.

    Parameters
    ----------
    covariance : {"ledoit_wolf", "shrunk_diagonal", "diagonal", "full"}, default="ledoit_wolf"
        "ledoit_wolf" shrinks towards the mean variance times the identity [2]_;
        "shrunk_diagonal" shrinks the correlations towards 0 and keeps each unit's variance
        [3]_; "diagonal" divides each unit by the standard deviation of its noise (univariate
        noise normalisation); "full" does not shrink, and needs more trials than units.

    Attributes
    ----------
    covariance_ : ndarray of shape (n_units, n_units)
        Shrunk covariance of the residuals.
    precision_ : ndarray of shape (n_units, n_units)
        Its inverse.
    whitening_ : ndarray of shape (n_units, n_units)
        The symmetric root of the precision.
    shrinkage_ : float
        How far the covariance was shrunk, between 0 and 1.
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the units, where X has them.

    Notes
    -----
    The residuals have ``n_trials - n_conditions`` degrees of freedom, by which the sum of their
    products is divided; with an axis of time, residuals are those of each time, and all times
    count as samples. Means are not subtracted in `transform`. NaN is refused.

    References
    ----------
    .. [1] Walther, Nili, Ejaz, Alink, Kriegeskorte & Diedrichsen (2016), "Reliability of
       dissimilarity measures for multi-voxel pattern analysis", NeuroImage 137, 188-200.
       :doi:`10.1016/j.neuroimage.2015.12.012`
    .. [2] Ledoit & Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
       matrices", Journal of Multivariate Analysis 88, 365-411.
       :doi:`10.1016/S0047-259X(03)00096-4`
    .. [3] Schäfer & Strimmer (2005), "A shrinkage approach to large-scale covariance matrix
       estimation and implications for functional genomics", Statistical Applications in
       Genetics and Molecular Biology 4. :doi:`10.2202/1544-6115.1175`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.preprocessing import NoiseNormalizer
    >>> activity = np.array([[1.0, 10.0], [3.0, 10.0], [5.0, 30.0], [5.0, 50.0]])
    >>> normalizer = NoiseNormalizer("diagonal").fit(activity, [0, 0, 1, 1])
    >>> normalizer.covariance_                       # 2 degrees of freedom
    array([[  1.,   0.],
           [  0., 100.]])
    >>> normalizer.transform(activity)[0]
    array([1., 1.])
    """

    _parameter_constraints: dict = {"covariance": [StrOptions(set(ESTIMATORS))]}

    def __init__(self, covariance="ledoit_wolf"):
        self.covariance = covariance

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> NoiseNormalizer:
        """Learn the covariance of the noise.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Activity.
        y : array-like of shape (n_trials,)
            Condition of each trial.

        Returns
        -------
        self : NoiseNormalizer
            Fitted transformer.

        Raises
        ------
        ValueError
            If no condition has two trials, a unit has no noise, or there are too few trials for
            the unshrunk covariance.
        """
        X, leading = read_activity(self, X, reset=True, allow_nan=False)
        condition = check_conditions(self, y, leading[0])
        n_means = condition.max() + 1
        dof = (leading[0] - n_means) * (len(X) // leading[0])
        if not dof:
            raise ValueError(
                f"NoiseNormalizer needs a condition with at least 2 trials: X has {leading[0]}"
                f" sample(s) in {n_means} condition(s), whose means leave no noise."
            )
        X = X.astype(np.float64).reshape(*leading, -1)
        residuals = (X - condition_means(X, condition)[condition]).reshape(-1, X.shape[-1])
        self._check_noise(X, residuals)
        self.covariance_, self.shrinkage_ = noise_covariance(residuals, dof, self.covariance)
        self.whitening_ = self._symmetric_root(dof)
        self.precision_ = self.whitening_ @ self.whitening_
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Return the whitened activity.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Activity.

        Returns
        -------
        activity : ndarray of the shape of X
            In standard deviations of the noise.
        """
        check_is_fitted(self)
        X, leading = read_activity(self, X, reset=False, allow_nan=False)
        return (X @ self.whitening_).astype(X.dtype, copy=False).reshape(*leading, -1)

    def _check_noise(self, X: NDArray, residuals: NDArray) -> None:
        """Refuse units whose residuals are but rounding."""
        largest = abs(X).reshape(residuals.shape).max(axis=0)
        rounding = 8 * np.finfo(np.float64).eps * largest
        silent = np.flatnonzero(abs(residuals).max(axis=0) <= rounding)
        if len(silent):
            raise ValueError(
                f"{len(silent)} of {len(largest)} units do not vary within conditions, which leaves"
                f" no noise to normalise by: {unit_names(silent, self)}. Leave them out"
                " (UnitSelector drops constant units)."
            )

    def _symmetric_root(self, dof: int) -> NDArray[np.float64]:
        eigenvalues, vectors = np.linalg.eigh(self.covariance_)
        if eigenvalues[0] <= len(eigenvalues) * np.finfo(np.float64).eps * eigenvalues[-1]:
            raise ValueError(
                f"The noise covariance of {len(eigenvalues)} units is singular: it was estimated"
                f" with {dof} degrees of freedom (n_samples less conditions). Give more trials,"
                " or take covariance='ledoit_wolf' or 'shrunk_diagonal'."
            )
        return (vectors / np.sqrt(eigenvalues)) @ vectors.T

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
