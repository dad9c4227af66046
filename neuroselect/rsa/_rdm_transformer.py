"""RDMs as the features of systems."""

import math
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.rsa._checks import check_finite
from neuroselect.rsa._metrics import METRICS
from neuroselect.rsa._noise import read_noise
from neuroselect.rsa._rdm import condensed_rdms
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
    metric : {"euclidean", "sqeuclidean", "correlation", "cosine", "mahalanobis", "crossnobis", \
            "poisson", "poisson_cv"}, default="euclidean"
        Dissimilarity of two patterns, see :func:`condensed_rdms`. "crossnobis" and "poisson_cv"
        are cross-validated over runs, signed, and divided by the number of channels; "poisson"
        is divided by it, too, the others are not scaled.
    n_conditions : int or None, default=None
        Number of conditions of flattened patterns. With None, patterns of three axes (four with
        runs) give it themselves, and every column of a two-dimensional `X` is one condition
        measured on a single channel.
    n_runs : int or None, default=None
        Number of runs of flattened patterns, for the cross-validated metrics only. With None,
        patterns of four axes give it themselves.
    noise : array-like, str or None, default=None
        Precision of the noise for "mahalanobis" and "crossnobis", or for "crossnobis" the name of
        an estimator that takes each system's own patterns, see :func:`condensed_rdms`.
    prior_lambda, prior_weight : float, default=1.0 and 0.1
        Prior of the rates, for "poisson" and "poisson_cv".
    missing : {"raise", "nan"}, default="raise"
        What to do about NaN: an error, or pairs that are NaN, see :func:`condensed_rdms`.
    device : {"cpu", "cuda", "mps", "auto"}, default="cpu"
        Where the products of matrices are computed.

    Attributes
    ----------
    n_conditions_ : int
        Number of conditions.
    n_channels_ : int
        Number of channels.
    n_runs_ : int or None
        Number of runs; None where the metric takes none.
    n_features_in_ : int
        ``n_conditions_ * n_channels_``, times the runs, also for patterns of more axes.
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

    One system of two runs, in which the second condition differs by noise of opposite sign:

    >>> runs = np.array([[[[0.0, 0.0], [1.0, 0.0], [4.0, 2.0]],
    ...                   [[0.0, 0.0], [-1.0, 0.0], [4.0, 2.0]]]])
    >>> RDMTransformer("crossnobis").fit_transform(runs)
    array([[-0.5,  10. ,   9.5]])
    """

    _parameter_constraints: dict = {
        "metric": [StrOptions(set(METRICS))],
        "n_conditions": [Interval(Integral, 2, None, closed="left"), None],
        "n_runs": [Interval(Integral, 2, None, closed="left"), None],
        "noise": ["array-like", str, None],
        "prior_lambda": [Interval(Real, 0, None, closed="left")],
        "prior_weight": [Interval(Real, 0, None, closed="left")],
        "missing": [StrOptions({"raise", "nan"})],
        "device": [StrOptions({"cpu", "cuda", "mps", "auto"})],
    }

    def __init__(
        self,
        metric="euclidean",
        *,
        n_conditions=None,
        n_runs=None,
        noise=None,
        prior_lambda=1.0,
        prior_weight=0.1,
        missing="raise",
        device="cpu",
    ):
        self.metric = metric
        self.n_conditions = n_conditions
        self.n_runs = n_runs
        self.noise = noise
        self.prior_lambda = prior_lambda
        self.prior_weight = prior_weight
        self.missing = missing
        self.device = device

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> "RDMTransformer":
        """Learn the numbers of conditions and channels; the values are only checked.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_conditions, n_channels), (n_systems, n_runs, \
                n_conditions, n_channels) or (n_systems, n_features)
            Patterns; those with runs for the cross-validated metrics, which need them. In the
            flattened form the columns go run by run, within a run condition by condition, and
            within a condition channel by channel.
        y : None
            Ignored.

        Returns
        -------
        self : RDMTransformer
            Fitted transformer.
        """
        X, layout = self._flatten(X)
        X = validate_data(self, X, ensure_min_features=2, ensure_all_finite=False)
        self._set_layout(*layout, X.shape[1])
        patterns = self._unflatten(X)
        read_noise(self.noise, patterns.shape, self.metric)
        if self.missing == "raise":
            runs = () if self.n_runs_ is None else ("run",)
            check_finite(patterns, "patterns", ("system", *runs, "condition", "channel"))
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute the condensed RDM of every system.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_conditions, n_channels), (n_systems, n_runs, \
                n_conditions, n_channels) or (n_systems, n_features)
            Patterns, with the runs, conditions and channels seen in `fit`.

        Returns
        -------
        rdms : ndarray of shape (n_systems, n_pairs)
            Condensed RDMs in the order of :func:`scipy.spatial.distance.pdist`.
        """
        check_is_fitted(self)
        X, (n_runs, n_conditions) = self._flatten(X)
        X = validate_data(self, X, ensure_all_finite=False, reset=False)
        for what, given, fitted in (
            ("conditions", n_conditions, self.n_conditions_),
            ("runs", n_runs, self.n_runs_),
        ):
            if given not in (None, fitted):
                raise ValueError(
                    f"X has {given} {what}, but RDMTransformer was fitted with"
                    f" {fitted} {what} of {self.n_channels_} channels."
                )
        return condensed_rdms(
            self._unflatten(X),
            self.metric,
            noise=self.noise,
            prior_lambda=self.prior_lambda,
            prior_weight=self.prior_weight,
            missing=self.missing,
            device=self.device,
        )

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

    def _flatten(self, X) -> tuple[ArrayLike, tuple[int | None, int | None]]:
        """Rows of systems, and the numbers of runs and conditions where X has axes for them.

        Anything with fewer axes goes on untouched, to be judged by `validate_data`.
        """
        n_axes = X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim
        full = 4 if METRICS[self.metric].takes_runs else 3
        runs = "n_runs, " if full == 4 else ""
        if n_axes > full or (n_axes == 3 and full == 4):
            raise ValueError(
                f"X must have shape (n_systems, {runs}n_conditions, n_channels) for"
                f" metric={self.metric!r}, or be flattened to (n_systems, n_features), got"
                f" {n_axes} axes: {np.shape(X)}. A single system is X[np.newaxis]."
            )
        if n_axes < 3:
            return X, (None, None)
        X = np.asarray(X)
        return X.reshape(len(X), math.prod(X.shape[1:])), (
            X.shape[1] if full == 4 else None,
            X.shape[-2],
        )

    def _set_layout(self, n_runs: int | None, n_conditions: int | None, n_features: int) -> None:
        n_runs = self._runs(n_runs)
        if n_conditions is not None and self.n_conditions not in (None, n_conditions):
            raise ValueError(
                f"n_conditions={self.n_conditions}, but X holds {n_conditions} conditions on its"
                f" {'third' if n_runs else 'second'} axis. Leave n_conditions=None for patterns"
                " that are not flattened."
            )
        n_conditions = n_conditions or self.n_conditions or n_features // (n_runs or 1)
        n_patterns = n_conditions * (n_runs or 1)
        if n_conditions < 2 or n_features % n_patterns:
            runs = f" of n_runs={n_runs} runs" if n_runs else ""
            raise ValueError(
                f"The {n_features} features of X cannot be split into n_conditions={n_conditions}"
                f" conditions (at least 2){runs} of equally many channels."
            )
        n_channels = n_features // n_patterns
        if n_channels == 1 and METRICS[self.metric].undefined:
            raise ValueError(
                f"metric={self.metric!r} is undefined on one channel: it compares the profile of"
                " two patterns over several channels. X was taken for"
                f" {n_conditions} conditions of 1 channel; give patterns of shape (n_systems,"
                " n_conditions, n_channels), set n_conditions, or use metric='euclidean'."
            )
        self.n_conditions_, self.n_channels_, self.n_runs_ = n_conditions, n_channels, n_runs

    def _runs(self, n_runs: int | None) -> int | None:
        """Return the number of runs, None for a metric without."""
        if not METRICS[self.metric].takes_runs:
            if self.n_runs is not None:
                raise ValueError(
                    f"n_runs={self.n_runs}, but metric={self.metric!r} takes no runs. Average the"
                    " patterns over runs, or use metric='crossnobis' or 'poisson_cv'."
                )
            return None
        if n_runs is not None and self.n_runs not in (None, n_runs):
            raise ValueError(f"n_runs={self.n_runs}, but X holds {n_runs} runs on its second axis.")
        n_runs = n_runs or self.n_runs
        if n_runs is None or n_runs < 2:
            raise ValueError(
                f"metric={self.metric!r} is cross-validated and needs patterns of at least 2 runs,"
                f" got {n_runs}. Give patterns of shape (n_systems, n_runs, n_conditions,"
                " n_channels), or n_runs for flattened ones."
            )
        return n_runs

    def _unflatten(self, X: NDArray) -> NDArray:
        runs = () if self.n_runs_ is None else (self.n_runs_,)
        return X.reshape(-1, *runs, self.n_conditions_, self.n_channels_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "nan"
        return tags
