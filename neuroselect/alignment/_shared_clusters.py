"""Groups of units that two systems share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from neuroselect.alignment._systems import check_same_trials, read_system, varies
from neuroselect.alignment._unit_matching import unit_correlations


def shared_clusters(
    a: ArrayLike,
    b: ArrayLike,
    n_clusters: int = 8,
    *,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Cluster the units of two systems together, by their correlations [1]_.

    Spectral clustering of all units of both systems on the absolute correlations over trials. A
    cluster with about as many units of either is a subspace that both have; one with
    units of a single system is its own.

    Parameters
    ----------
    a, b : array-like of shape (n_trials, n_units)
        Activity of the same trials; units may differ in number.
    n_clusters : int, default=8
        Number of clusters.
    random_state : int, RandomState instance or None, default=None
        Starts of the clustering.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``labels_a``, ``labels_b`` (n_units,): cluster of each unit, -1 if it is constant over
        trials. ``table``, a DataFrame with a row for each cluster: ``n_a``, ``n_b``, ``balance``
        (the smaller number by the larger one), ``correlation`` (mean absolute correlation
        between its units of a and those of b; NaN without one of them). ``score``: mean
        absolute correlation between units of a and of b in the same cluster, minus
        that of units in different ones; greater for clusters that systems share.

    Raises
    ------
    ValueError
        If there are fewer units that vary than clusters.

    Notes
    -----
    Null: trials of one system shuffled; clusters are then of one system each, or cut across
    units at random. Test ``lambda a, b: shared_clusters(a, b, 8, random_state=0).score`` with
    `alignment_test`.

    References
    ----------
    .. [1] Li, Yosinski, Clune, Lipson & Hopcroft (2016), "Convergent learning: do different
       neural networks learn the same representations?", ICLR. :doi:`10.48550/arXiv.1511.07543`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import shared_clusters
    >>> rng = np.random.default_rng(0)
    >>> latent = rng.normal(size=(100, 2))
    >>> a, b = (np.repeat(latent, 4, axis=1) + 0.3 * rng.normal(size=(100, 8)) for _ in range(2))
    >>> shared_clusters(a, b, 2, random_state=0).table[["n_a", "n_b"]].to_numpy().tolist()
    [[4, 4], [4, 4]]
    """
    import pandas as pd
    from sklearn.cluster import SpectralClustering

    a, b = read_system(a, "a"), read_system(b, "b")
    check_same_trials(a, b)
    active = [varies(x) for x in (a, b)]
    kept = np.hstack([x[:, units] for x, units in zip((a, b), active, strict=True)])
    if not 1 <= n_clusters <= kept.shape[1]:
        raise ValueError(
            f"n_clusters must be from 1 to the {kept.shape[1]} units that vary over trials, got"
            f" {n_clusters!r}."
        )
    affinity = abs(unit_correlations(kept, kept))
    found = SpectralClustering(
        n_clusters, affinity="precomputed", assign_labels="kmeans", random_state=random_state
    ).fit_predict((affinity + affinity.T) / 2)
    labels = [np.full(len(units), -1) for units in active]
    n_a = int(active[0].sum())
    labels[0][active[0]], labels[1][active[1]] = found[:n_a], found[n_a:]
    across = affinity[:n_a, n_a:]
    member = found == np.arange(n_clusters)[:, None]
    sizes = member[:, :n_a].sum(axis=1), member[:, n_a:].sum(axis=1)
    within = [across[np.ix_(m[:n_a], m[n_a:])] for m in member]
    table = {"n_a": sizes[0], "n_b": sizes[1]}
    table["balance"] = np.minimum(*sizes) / np.maximum(*sizes)
    table["correlation"] = [block.mean() if block.size else np.nan for block in within]
    same = found[:n_a, None] == found[None, n_a:]
    one_sided = same.all() or not same.any()
    score = np.nan if one_sided else float(across[same].mean() - across[~same].mean())
    return Bunch(labels_a=labels[0], labels_b=labels[1], table=pd.DataFrame(table), score=score)
