"""RDMs as the features of systems."""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.rsa._checks import check_finite
from neuroselect.rsa._rdm import METRICS, condensed_rdms
from neuroselect.utils._sklearn import (
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
)


class RDMTransformer(TransformerMixin, BaseEstimator):
    """Describe each system by its representational dissimilarity matrix [1]_.

    A row is a *system*: whatever owns one RDM, be it a network, a layer, a subject or a
    region. Trials and conditions are never rows, so that every row of the output depends
    on its own row of the input only.

    Parameters
    ----------
    metric : {"euclidean", "sqeuclidean", "correlation", "cosine"}, default="euclidean"
        Dissimilarity of two patterns, see :func:`condensed_rdms`. Not scaled by the
        number of channels.
    n_conditions : int or None, default=None
        Number of conditions of flattened patterns. With None, patterns of three axes give
        it themselves, and every column of a two-dimensional `X` is one condition measured
        on a single channel.

    Attributes
    ----------
    n_conditions_ : int
        Number of conditions.
    n_channels_ : int
        Number of channels.
    n_features_in_ : int
        ``n_conditions_ * n_channels_``, also for patterns of three axes.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`; only if `X` has names that are all strings.

    See Also
    --------
    condensed_rdms : The function underneath.
    RDMRegression : Explain the RDMs by model RDMs.

    References
    ----------
    .. [1] Kriegeskorte, Mur & Bandettini (2008), "Representational similarity analysis",
       Frontiers in Systems Neuroscience 2. :doi:`10.3389/neuro.06.004.2008`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.rsa import RDMTransformer
    >>> patterns = np.array([[[0.0, 0.0], [3.0, 4.0], [0.0, 8.0]],
    ...                      [[0.0, 0.0], [0.0, 1.0], [0.0, 3.0]]])
    >>> RDMTransformer().fit_transform(patterns)      # 2 systems, 3 conditions, 2 channels
    array([[5., 8., 5.],
           [1., 3., 2.]])
    >>> RDMTransformer(n_conditions=3).fit_transform(patterns.reshape(2, 6))
    array([[5., 8., 5.],
           [1., 3., 2.]])
    """

    _parameter_constraints: dict = {
        "metric": [StrOptions(set(METRICS))],
        "n_conditions": [Interval(Integral, 2, None, closed="left"), None],
    }

    def __init__(self, metric="euclidean", *, n_conditions=None):
        self.metric = metric
        self.n_conditions = n_conditions

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> "RDMTransformer":
        """Learn the numbers of conditions and channels; the values are only checked.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_conditions, n_channels) or \
                (n_systems, n_conditions * n_channels)
            Patterns. In the flattened form the columns run condition by condition,
            channels within.
        y : None
            Ignored.

        Returns
        -------
        self : RDMTransformer
            Fitted transformer.
        """
        X, n_conditions = _flatten(X)
        X = validate_data(self, X, ensure_min_features=2, ensure_all_finite=False)
        self._set_layout(n_conditions, X.shape[1])
        check_finite(self._unflatten(X), "patterns", ("system", "condition", "channel"))
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute the condensed RDM of every system.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_conditions, n_channels) or \
                (n_systems, n_conditions * n_channels)
            Patterns, with the conditions and channels seen in `fit`.

        Returns
        -------
        rdms : ndarray of shape (n_systems, n_pairs)
            Condensed RDMs in the order of :func:`scipy.spatial.distance.pdist`.
        """
        check_is_fitted(self)
        X, n_conditions = _flatten(X)
        X = validate_data(self, X, ensure_all_finite=False, reset=False)
        if n_conditions not in (None, self.n_conditions_):
            raise ValueError(
                f"X has {n_conditions} conditions, but RDMTransformer was fitted with"
                f" {self.n_conditions_} conditions of {self.n_channels_} channels."
            )
        return condensed_rdms(self._unflatten(X), self.metric)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Name the pairs of conditions: "rdm_0_1", "rdm_0_2", ...

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Only checked against the names seen in `fit`.

        Returns
        -------
        names : ndarray of shape (n_pairs,)
            One name per pair, by the positions of its conditions.
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features, generate_names=False)
        pairs = zip(*np.triu_indices(self.n_conditions_, k=1), strict=True)
        return np.array([f"rdm_{i}_{j}" for i, j in pairs], dtype=object)

    def _set_layout(self, n_conditions: int | None, n_features: int) -> None:
        if n_conditions is not None and self.n_conditions not in (None, n_conditions):
            raise ValueError(
                f"n_conditions={self.n_conditions}, but X holds {n_conditions} conditions on its"
                " second axis. Leave n_conditions=None for patterns of three axes."
            )
        n_conditions = n_conditions or self.n_conditions or n_features
        if n_conditions < 2 or n_features % n_conditions:
            raise ValueError(
                f"The {n_features} features of X cannot be split into n_conditions={n_conditions}"
                " conditions (at least 2) of equally many channels."
            )
        n_channels = n_features // n_conditions
        if n_channels == 1 and self.metric in ("correlation", "cosine"):
            raise ValueError(
                f"metric={self.metric!r} is undefined on one channel: it compares the profile of"
                " two patterns over several channels. X was taken for"
                f" {n_conditions} conditions of 1 channel; give patterns of shape (n_systems,"
                " n_conditions, n_channels), set n_conditions, or use metric='euclidean'."
            )
        self.n_conditions_, self.n_channels_ = n_conditions, n_channels

    def _unflatten(self, X: NDArray) -> NDArray:
        return X.reshape(-1, self.n_conditions_, self.n_channels_)


def _flatten(X):
    """Rows of systems, and the number of conditions where X has an axis for them.

    Anything but three axes goes on untouched, to be judged by `validate_data`.
    """
    n_axes = X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim
    if n_axes > 3:
        raise ValueError(
            "X must have shape (n_systems, n_conditions, n_channels) or (n_systems,"
            f" n_conditions * n_channels), got {n_axes} axes: {np.shape(X)}."
        )
    if n_axes < 3:
        return X, None
    X = np.asarray(X)
    n_systems, n_conditions, n_channels = X.shape
    return X.reshape(n_systems, n_conditions * n_channels), n_conditions
