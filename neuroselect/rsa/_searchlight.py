"""A transformer of patterns, or a decoder, around every channel."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.rsa._neighborhoods import read_neighborhoods
from neuroselect.utils._sklearn import HasMethods, Interval, check_feature_names_in, fit_context


class Searchlight(MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    """Apply a transformer of patterns to the channels around every centre [1]_.

    Parameters
    ----------
    estimator : transformer
        What describes a system by its patterns, such as `RDMTransformer` with any of its
        arguments, or a pipeline of it and `RDMRegression`. A row of its output must depend on
        its own row of the input only, as it does for those: neighbourhoods of one size are its
        systems, many at once.
    neighborhoods : array-like or sparse array of shape (n_centers, n_channels), default=None
        Channels of each neighbourhood: what `volume_neighborhoods` or `adjacency_neighborhoods`
        returns, a boolean array, sparse or not, or a list with the channel numbers of each. None:
        one neighbourhood of all channels.
    min_channels : int, default=1
        Neighbourhoods of fewer channels are left out: their output is NaN.
    n_jobs : int, default=None
        Number of processes that share the neighbourhoods, see :class:`joblib.Parallel`.
    chunk_bytes : int, default=1 MiB
        Size of the patterns that are cut out at once; the default fits a processor's cache. One
        neighbourhood is the least.

    Attributes
    ----------
    estimator_ : transformer
        Fitted to the patterns of the first neighbourhood that is large enough.
    n_centers_, n_channels_, n_outputs_ : int
        Neighbourhoods, channels, and columns of the output of each.
    left_out_ : ndarray of shape (n_centers_,), bool
        Neighbourhoods with fewer than `min_channels` channels.
    n_features_in_ : int
        Number of values of one system.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X is two-dimensional and has them.

    See Also
    --------
    searchlight_scores : Cross-validated scores of a decoder around every centre.

    Notes
    -----
    Memory beyond the output is about `chunk_bytes` for each process. The output holds all RDMs if
    the estimator makes RDMs; let a pipeline go on to betas where they are too many.

    The precision of all channels is not that of a neighbourhood. Name an estimator, as in
    ``RDMTransformer("crossnobis", noise="ledoit_wolf")``, or whiten single trials first, by
    :class:`~neuroselect.preprocessing.NoiseNormalizer`.

    References
    ----------
    .. [1] Kriegeskorte, Goebel & Bandettini (2006), "Information-based functional brain mapping",
       PNAS 103, 3863-3868. :doi:`10.1073/pnas.0600244103`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.rsa import RDMTransformer, Searchlight, volume_neighborhoods
    >>> mask = np.ones((5, 5, 5), dtype=bool)
    >>> patterns = np.random.default_rng(0).normal(size=(2, 8, 125))     # 2 subjects, 8 conditions
    >>> light = Searchlight(RDMTransformer("correlation"), volume_neighborhoods(mask, 2))
    >>> light.fit(patterns).maps(patterns).shape                        # RDMs of 8 conditions
    (2, 125, 28)
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "transform"])],
        "neighborhoods": ["array-like", "sparse matrix", None],
        "min_channels": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "chunk_bytes": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self, estimator, neighborhoods=None, *, min_channels=1, n_jobs=None, chunk_bytes=2**20
    ):
        self.estimator = estimator
        self.neighborhoods = neighborhoods
        self.min_channels = min_channels
        self.n_jobs = n_jobs
        self.chunk_bytes = chunk_bytes

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: None = None) -> Searchlight:
        """Learn the layout; the estimator is fitted to the first neighbourhood.

        Parameters
        ----------
        X : array-like of shape (n_systems, ..., n_channels) or (n_systems, n_features)
            Patterns as the estimator takes them, channels on the last axis. Flattened ones run
            condition by condition, channels within, and are handed on flattened.
        y : None
            Ignored.

        Returns
        -------
        self : Searchlight

        Raises
        ------
        ValueError
            If neighbourhoods do not fit the channels of X, or none is large enough.
        """
        shape = _shape(X)
        flat = self._validated(X, reset=True)
        self.n_channels_ = self._count_channels(shape, flat.shape[1])
        self._lists = self._read()
        self.n_centers_ = len(self._lists)
        sizes = np.array([len(channels) for channels in self._lists])
        self.left_out_ = sizes < self.min_channels
        if self.left_out_.all():
            raise ValueError(
                f"min_channels={self.min_channels} leaves no neighbourhood: the largest has"
                f" {sizes.max()} channels."
            )
        first = self._lists[np.argmin(self.left_out_)]
        self._shape = shape[1:-1] if len(shape) > 2 else None
        self.estimator_ = clone(self.estimator).fit(self._cut(flat, [first]))
        self.n_outputs_ = self.estimator_.transform(self._cut(flat[:1], [first])).shape[1]
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Describe every system around every centre.

        Parameters
        ----------
        X : array-like of shape (n_systems, ..., n_channels) or (n_systems, n_features)
            Patterns, laid out as in `fit`.

        Returns
        -------
        output : ndarray of shape (n_systems, n_centers * n_outputs)
            Centre by centre; `maps` has an axis for them.
        """
        maps = self.maps(X)
        return maps.reshape(len(maps), -1)

    def maps(self, X: ArrayLike) -> NDArray[np.float64]:
        """Describe every system around every centre, with an axis of centres.

        Parameters
        ----------
        X : array-like of shape (n_systems, ..., n_channels) or (n_systems, n_features)
            Patterns, laid out as in `fit`.

        Returns
        -------
        maps : ndarray of shape (n_systems, n_centers, n_outputs)
            NaN for neighbourhoods with too few channels.
        """
        check_is_fitted(self)
        shape = _shape(X)
        if len(shape) > 2 and shape[1:-1] != (self._shape or shape[1:-1]):
            raise ValueError(
                f"X must have the axes (n_systems, {', '.join(map(str, self._shape))},"
                f" n_channels) that it had in fit, got shape {shape}."
            )
        flat = self._validated(X, reset=False)
        maps = np.full((len(flat), self.n_centers_, self.n_outputs_), np.nan)
        chunks = list(self._chunks(flat))
        run = delayed(_transformed)
        outputs = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            run(self.estimator, self._cut(flat, [self._lists[k] for k in chunk]))
            for chunk in chunks
        )
        for chunk, output in zip(chunks, outputs, strict=True):
            maps[:, chunk] = output.reshape(len(flat), len(chunk), -1)
        return maps

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Name the outputs: "center0_" and the estimator's name, and so on.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Only checked against the names seen in `fit`.

        Returns
        -------
        names : ndarray of shape (n_centers * n_outputs,)
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features, generate_names=False)
        inner = self.estimator_.get_feature_names_out()
        names = [f"center{k}_{name}" for k in range(self.n_centers_) for name in inner]
        return np.array(names, dtype=object)

    def _validated(self, X, *, reset):
        if len(_shape(X)) > 2:
            X = np.asarray(X).reshape(len(X), -1)
        return validate_data(self, X, dtype=np.float64, ensure_all_finite=False, reset=reset)

    def _count_channels(self, shape, n_features):
        if len(shape) > 2:
            return shape[-1]
        matrix = self.neighborhoods
        n_channels = matrix.shape[1] if hasattr(matrix, "shape") else None
        if self.neighborhoods is None or n_channels is None:
            return n_features
        if n_features % n_channels:
            raise ValueError(
                f"X has {n_features} columns, not a multiple of the {n_channels} channels of"
                " neighborhoods. Flattened patterns run condition by condition, channels within."
            )
        return n_channels

    def _read(self):
        if self.neighborhoods is None:
            return [np.arange(self.n_channels_)]
        return read_neighborhoods(self.neighborhoods, self.n_channels_)

    def _cut(self, flat, lists):
        """Patterns (n_systems * n_neighborhoods, ...) of neighbourhoods of one size."""
        patterns = flat.reshape(len(flat), -1, self.n_channels_)
        cut = patterns[:, :, np.stack(lists)].swapaxes(1, 2)  # system, centre, row, channel
        cut = cut.reshape(len(flat) * len(lists), -1, len(lists[0]))
        if self._shape is None:
            return cut.reshape(len(cut), -1)
        return cut.reshape(len(cut), *self._shape, -1)

    def _chunks(self, flat):
        """Centres whose neighbourhoods have one size, so many as the memory allows."""
        sizes = np.array([len(channels) for channels in self._lists])
        per_channel = 8 * flat.shape[0] * flat.shape[1] // self.n_channels_
        for size in np.unique(sizes[~self.left_out_]):
            centers = np.flatnonzero(sizes == size)
            width = max(1, self.chunk_bytes // (per_channel * size))
            for start in range(0, len(centers), width):
                yield centers[start : start + width]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = get_tags(self.estimator).input_tags.allow_nan
        return tags


def _shape(X):
    return tuple(X.shape) if hasattr(X, "shape") else np.asarray(X).shape


def _transformed(estimator, patterns):
    return clone(estimator).fit(patterns).transform(patterns)


def searchlight_scores(
    estimator,
    X: ArrayLike,
    y: ArrayLike,
    neighborhoods,
    *,
    groups: ArrayLike | None = None,
    cv=None,
    scoring=None,
    min_channels: int = 1,
    n_jobs: int | None = None,
) -> NDArray[np.float64]:
    """Cross-validated scores of a decoder around every centre.

    Parameters
    ----------
    estimator : estimator
        Classifier or regressor of single trials, or a pipeline that ends in one.
    X : array-like of shape (n_trials, n_channels)
        Single trials.
    y : array-like of shape (n_trials,)
        What is decoded.
    neighborhoods, min_channels, n_jobs
        As of `Searchlight`.
    groups : array-like of shape (n_trials,), default=None
        Such as runs, for `cv`.
    cv, scoring
        As of :func:`sklearn.model_selection.cross_val_score`.

    Returns
    -------
    scores : ndarray of shape (n_centers, n_folds)
        NaN for neighbourhoods with too few channels.

    Raises
    ------
    ValueError
        If neighbourhoods do not fit the channels of X.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from neuroselect.rsa import searchlight_scores
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 20)
    >>> X = rng.normal(size=(40, 3)) + 4 * y[:, None] * [1, 0, 0]
    >>> scores = searchlight_scores(LinearDiscriminantAnalysis(), X, y, [[0], [1], [2]], cv=4)
    >>> scores.shape, int(scores.mean(axis=1).argmax())
    ((3, 4), 0)
    """
    from sklearn.model_selection import cross_val_score
    from sklearn.utils import check_array

    X = check_array(X, dtype=None, input_name="X")
    lists = read_neighborhoods(neighborhoods, X.shape[1])
    kept = [k for k, channels in enumerate(lists) if len(channels) >= min_channels]
    run = delayed(cross_val_score)
    found = Parallel(n_jobs=n_jobs)(
        run(clone(estimator), X[:, lists[k]], y, groups=groups, cv=cv, scoring=scoring)
        for k in kept
    )
    if not found:
        raise ValueError(f"min_channels={min_channels} leaves no neighbourhood.")
    scores = np.full((len(lists), len(found[0])), np.nan)
    scores[kept] = found
    return scores
