"""RDMs between geometry and topology."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import csgraph_from_dense, shortest_path
from scipy.spatial.distance import squareform
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.rsa._checks import check_finite
from neuroselect.rsa._pairs import n_conditions_of
from neuroselect.rsa._ranks import average_ranks
from neuroselect.utils._sklearn import Interval, fit_context


class GeoTopologicalTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Ignore how small the small distances are, and how large the large ones [1]_.

    The distances of each RDM become ranks between 0 and 1, r, and these

    .. math:: \min\left(1, \max\left(0, \frac{r - q_l}{q_u - q_l}\right)\right)

    with :math:`q_l` and :math:`q_u` the `lower` and the `upper` quantile of the ranks of
    that RDM. Below the lower one all pairs count as the same (a distance of 0), above the
    upper one as equally far (1). ``lower=0, upper=1`` gives the ranks, with all of the geometry
    that ranks have; ``lower == upper`` an adjacency, which is topology alone: 1 where a
    distance is above the quantile, 0 elsewhere.

    Parameters
    ----------
    lower, upper : float, default=0.2 and 0.8
        Quantiles from 0 to 1, `lower` not above `upper`.
    n_neighbors : int or None, default=None
        With a number, distances are replaced by geodesic ones first: lengths of
        the shortest paths along edges between each condition and its nearest neighbours, as
        many as this (more if they tie), in the unit of the RDMs. These are ranked then.
    edge_quantile : float or None, default=None
        The same with edges between pairs up to this quantile of distances, above 0 and at most 1.
        Only one of the two can be given.

    Attributes
    ----------
    n_features_in_ : int
        Number of pairs.
    feature_names_in_ : ndarray of shape (n_pairs,)
        Names of the pairs seen in `fit`; only if `X` has names that are all strings.

    See Also
    --------
    RDMTransformer : Makes the RDMs.
    RDMRegression : Explains them.

    Notes
    -----
    Equal distances share the mean of their ranks. Conditions that no path joins are tied as
    the farthest. No value depends on other systems than its own, and `X` is left as it is.
    (The function of this name in rsatoolbox 0.3.2 takes quantiles over all RDMs together,
    undoes the ramp below an upper quantile of 1, and changes its input.)

    References
    ----------
    .. [1] Lin & Kriegeskorte (2024), "The topology and geometry of neural representations",
       PNAS 121, e2317881121. :doi:`10.1073/pnas.2317881121`

    Examples
    --------
    >>> from neuroselect.rsa import GeoTopologicalTransformer
    >>> rdms = [[1.0, 9.0, 4.0, 3.0, 2.0, 5.0]]
    >>> GeoTopologicalTransformer(lower=0, upper=1).fit_transform(rdms)
    array([[0. , 1. , 0.6, 0.4, 0.2, 0.8]])
    >>> GeoTopologicalTransformer(lower=0.2, upper=0.6).fit_transform(rdms).round(6)
    array([[0. , 1. , 1. , 0.5, 0. , 1. ]])
    >>> GeoTopologicalTransformer(lower=0.5, upper=0.5).fit_transform(rdms)
    array([[0., 1., 1., 0., 0., 1.]])
    """

    _parameter_constraints: dict = {
        "lower": [Interval(Real, 0, 1, closed="both")],
        "upper": [Interval(Real, 0, 1, closed="both")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "edge_quantile": [Interval(Real, 0, 1, closed="right"), None],
    }

    def __init__(self, lower=0.2, upper=0.8, *, n_neighbors=None, edge_quantile=None):
        self.lower = lower
        self.upper = upper
        self.n_neighbors = n_neighbors
        self.edge_quantile = edge_quantile

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> "GeoTopologicalTransformer":
        """Check the RDMs; nothing is learned from their values.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_pairs)
            Condensed RDMs.
        y : None
            Ignored.

        Returns
        -------
        self : GeoTopologicalTransformer
            Fitted transformer.
        """
        if self.lower > self.upper:
            raise ValueError(
                f"lower must not be above upper, got lower={self.lower} and upper={self.upper}."
            )
        if self.n_neighbors is not None and self.edge_quantile is not None:
            raise ValueError(
                "n_neighbors and edge_quantile are two ways to choose edges, got"
                f" n_neighbors={self.n_neighbors} and edge_quantile={self.edge_quantile}. Leave one"
                " of them None."
            )
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite=False, ensure_min_features=2)
        self._check_rdms(X)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Transform each RDM by itself.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_pairs)
            Condensed RDMs.

        Returns
        -------
        rdms : ndarray of shape (n_systems, n_pairs)
            Condensed RDMs between 0 and 1.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite=False, reset=False)
        self._check_rdms(X)
        if self._geodesic():
            X = np.array([geodesic_rdm(rdm, self.n_neighbors, self.edge_quantile) for rdm in X])
        return ramp(scaled_ranks(X), self.lower, self.upper)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_features_in_")

    def _geodesic(self):
        return self.n_neighbors is not None or self.edge_quantile is not None

    def _check_rdms(self, rdms):
        check_finite(rdms, "RDMs", ("system", "pair"))
        if not self._geodesic():
            return
        n_conditions_of(rdms.shape[1], "X")
        if (rdms < 0).any():
            system = np.flatnonzero((rdms < 0).any(axis=1))[0]
            raise ValueError(
                f"Paths need distances of at least 0, but the RDM of system {system} has"
                f" {rdms[system].min():g}. Leave n_neighbors and edge_quantile None for signed"
                " dissimilarities."
            )


def scaled_ranks(rdms: NDArray) -> NDArray[np.float64]:
    """Ranks of each row, ties at their mean, from 0 to 1."""
    return (average_ranks(rdms) - 1) / (rdms.shape[1] - 1)


def ramp(ranks: NDArray, lower: float, upper: float) -> NDArray[np.float64]:
    """0 up to the lower quantile of each row, 1 above the upper one, linear between."""
    low, high = np.quantile(ranks, [lower, upper], axis=1)[..., np.newaxis]
    width = np.where(high > low, high - low, 1.0)
    return np.where(high > low, np.clip((ranks - low) / width, 0, 1), ranks > low)


def geodesic_rdm(
    rdm: NDArray, n_neighbors: int | None, edge_quantile: float | None
) -> NDArray[np.float64]:
    """Lengths of the shortest paths of one condensed RDM; infinite where there is none."""
    square = squareform(rdm)
    if n_neighbors is None:
        keep = square <= np.quantile(rdm, edge_quantile)
    else:
        others = square + np.diag(np.full(len(square), np.inf))
        nth = min(n_neighbors, len(square) - 1) - 1
        near = others <= np.partition(others, nth, axis=1)[:, [nth]]
        keep = near | near.T
    # A length of 0 is an edge as well; only an infinite one is none.
    graph = csgraph_from_dense(np.where(keep, square, np.inf), null_value=np.inf)
    paths = shortest_path(graph, method="D", directed=False)
    return squareform(np.maximum(paths, paths.T), checks=False)
