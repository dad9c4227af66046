"""Groups of units that serve the same tasks."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.utils._sklearn import HasMethods, Interval, fit_context

if TYPE_CHECKING:
    import pandas as pd

MOST_CLUSTERS = 10
DECIMALS = 8


class TaskClusters(ClusterMixin, BaseEstimator):
    """Clusters of units by their variances over tasks [1]_.

    The variances of each unit are divided by its largest one, so that clusters tell which tasks
    units vary in, not how much. Units that do not vary belong to no cluster.

    Parameters
    ----------
    clusterer : object, default=None
        A clusterer of scikit-learn's interface; None is :class:`~sklearn.cluster.KMeans` with
        ten starts.
    n_clusters : int, iterable of int or None, default=None
        Number of clusters, or candidates of which the one with the largest mean silhouette is
        taken (the first of equals); None is 2 to 10. Candidates above the number of different
        profiles, or of units less one, are left out. Clusterers without the parameter
        `n_clusters` take None.
    min_variance : float, default=0.0
        Units whose variances over tasks sum to this or less are left out.
    random_state : int, RandomState instance or None, default=None
        Given to a clusterer that has the parameter and leaves it at None.

    Attributes
    ----------
    labels_ : ndarray of shape (n_units,)
        Cluster of each unit, -1 for those left out (and for what the clusterer calls noise).
        Clusters are sorted by the task in which they vary most.
    n_clusters_ : int
        Number of clusters.
    profiles_ : ndarray of shape (n_clusters_, n_tasks)
        Mean normalised variances of each cluster.
    unit_profiles_ : ndarray of shape (n_units, n_tasks)
        Normalised variances of each unit; NaN for those left out.
    candidates_ : ndarray of shape (n_candidates,)
        Numbers of clusters that were compared.
    silhouette_scores_ : ndarray of shape (n_candidates,)
        Their mean silhouettes over units, from -1 to 1.
    clusterer_ : object
        The fitted clusterer, with the labels in its own order.
    n_features_in_ : int
        Number of tasks.
    feature_names_in_ : ndarray of shape (n_tasks,)
        Names of the columns, where X has them.

    See Also
    --------
    task_variance : What the clusters are made of.
    cluster_lesion_scores : What each cluster is worth to each task.
    neuroselect.displays.TaskProfileDisplay : Draws units and clusters.

    Notes
    -----
    A number of clusters by silhouette is always found, also where units form a continuum: look
    at the silhouettes, and at those of shuffled profiles. That a cluster matters for its tasks
    is for `cluster_lesion_scores` to show.

    References
    ----------
    .. [1] Yang, Joglekar, Song, Newsome & Wang (2019), "Task representations in neural networks
       trained to perform many cognitive tasks", Nature Neuroscience 22, 297-306.
       :doi:`10.1038/s41593-018-0310-2`

    Examples
    --------
    >>> from neuroselect.selectivity import TaskClusters
    >>> variance = [[4.0, 0.1], [9.0, 0.0], [0.0, 2.0], [0.1, 3.0], [0.0, 0.0]]
    >>> clusters = TaskClusters(random_state=0).fit(variance)
    >>> clusters.labels_, clusters.n_clusters_
    (array([ 0,  0,  1,  1, -1]), 2)
    """

    _parameter_constraints: dict = {
        "clusterer": [HasMethods("fit"), None],
        "n_clusters": [Interval(Integral, 1, None, closed="left"), "array-like", range, None],
        "min_variance": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, clusterer=None, *, n_clusters=None, min_variance=0.0, random_state=None):
        self.clusterer = clusterer
        self.n_clusters = n_clusters
        self.min_variance = min_variance
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: None = None) -> TaskClusters:
        """Cluster the units.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_units, n_tasks)
            Variances, as :func:`~neuroselect.selectivity.task_variance` returns them; of several
            networks one below the other.
        y : None
            Ignored.

        Returns
        -------
        self : TaskClusters
            Fitted clusterer.

        Raises
        ------
        ValueError
            If variances are negative or not finite, no unit varies, or no number of
            clusters is possible.
        """
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2, ensure_non_negative=True)
        varies = (X.sum(axis=1) > self.min_variance) & (X.max(axis=1) > 0)
        if not varies.any():
            raise ValueError(
                f"No unit has variances that sum to more than min_variance={self.min_variance}."
            )
        profiles = X[varies] / X[varies].max(axis=1, keepdims=True)
        labels = self._choose(profiles)
        found = np.unique(labels[labels >= 0])
        means = np.array([profiles[labels == label].mean(axis=0) for label in found])
        means = means.reshape(len(found), X.shape[1])
        order = np.lexsort((-means.max(axis=1), means.argmax(axis=1)))
        self.n_clusters_ = len(found)
        self.profiles_ = means[order]
        new = np.full(labels.max() + 2, -1)  # the last one stands for noise
        new[found[order]] = np.arange(len(found))
        self.unit_profiles_ = np.full(X.shape, np.nan)
        self.unit_profiles_[varies] = profiles
        self.labels_ = np.full(len(X), -1)
        self.labels_[varies] = new[labels]
        return self

    def _choose(self, profiles: NDArray) -> NDArray[np.int64]:
        """Return the labels of the best number of clusters."""
        base = KMeans(n_init=10) if self.clusterer is None else self.clusterer
        parameters = base.get_params(deep=False)
        options = {}
        if "random_state" in parameters and parameters["random_state"] is None:
            options["random_state"] = check_random_state(self.random_state).randint(2**31 - 1)
        if "n_clusters" in parameters:
            candidates = self._candidates(profiles)
            fitted = [
                clone(base).set_params(n_clusters=int(k), **options).fit(profiles)
                for k in candidates
            ]
        else:
            if self.n_clusters is not None:
                raise ValueError(
                    f"n_clusters must be None for {type(base).__name__}, which has no such"
                    f" parameter, got {self.n_clusters!r}."
                )
            fitted = [clone(base).set_params(**options).fit(profiles)]
            candidates = [len(set(fitted[0].labels_.tolist()) - {-1})]
        scores = [_silhouette(profiles, model.labels_) for model in fitted]
        self.candidates_ = np.array(candidates)
        self.silhouette_scores_ = np.array(scores)
        known = np.where(np.isnan(scores), -np.inf, scores)
        self.clusterer_ = fitted[int(np.argmax(known))]
        return np.asarray(self.clusterer_.labels_)

    def _candidates(self, profiles: NDArray) -> list[int]:
        # Profiles that differ by rounding are one to a clusterer.
        n_different = len(np.unique(profiles.round(DECIMALS), axis=0))
        if isinstance(self.n_clusters, Integral):
            wanted, most = [self.n_clusters], n_different
        else:
            wanted = self.n_clusters
            wanted = range(2, MOST_CLUSTERS + 1) if wanted is None else list(wanted)
            most = min(n_different, len(profiles) - 1)
        if not isinstance(wanted, Iterable) or any(
            not isinstance(k, Integral) or k < 1 for k in wanted
        ):
            raise ValueError(f"n_clusters must be whole numbers of 1 or more, got {wanted!r}.")
        possible = [int(k) for k in wanted if k <= most]
        if not possible and self.n_clusters is None:
            return [1]
        if not possible:
            raise ValueError(
                f"n_clusters must be at most {most}, since {len(profiles)} units vary and have"
                f" {n_different} different profiles, got {self.n_clusters!r}."
            )
        return possible

    def to_frame(self) -> pd.DataFrame:
        """Return the mean profile of each cluster.

        Returns
        -------
        table : DataFrame
            One row per cluster with the columns cluster, n_units and, for each task A,
            variance_A (its name, or its position).
        """
        import pandas as pd

        check_is_fitted(self)
        counts = np.bincount(self.labels_[self.labels_ >= 0], minlength=self.n_clusters_)
        table = {"cluster": np.arange(self.n_clusters_), "n_units": counts}
        names = getattr(self, "feature_names_in_", range(self.n_features_in_))
        for k, name in enumerate(names):
            table[f"variance_{name}"] = self.profiles_[:, k]
        return pd.DataFrame(table)


def _silhouette(profiles: NDArray, labels: NDArray) -> float:
    """Return the mean silhouette over units of clusters, NaN where it does not exist."""
    members = labels >= 0
    n_clusters = len(np.unique(labels[members]))
    if not 2 <= n_clusters < members.sum():
        return float("nan")
    return float(silhouette_score(profiles[members], labels[members]))
