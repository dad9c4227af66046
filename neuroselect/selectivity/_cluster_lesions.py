"""What each cluster of units is worth to each task, beside random units."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch, check_random_state

from neuroselect.selectivity._group_lesions import group_lesion_scores
from neuroselect.selectivity._task_clusters import TaskClusters
from neuroselect.selectivity._unit_sets import lesionable_units, read_X


def cluster_lesion_scores(
    estimator,
    X: ArrayLike,
    y: ArrayLike,
    labels: ArrayLike | TaskClusters,
    *,
    layer: int | str = -1,
    n_controls: int = 20,
    lesion_value: str = "zero",
    scoring: str | Callable | None = None,
    task: ArrayLike | int | str | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Score of each task after the lesion of each cluster, and of as many random units [1]_.

    Parameters
    ----------
    estimator : object
        Fitted network or other estimator, or a list or tuple of them, as in
        `group_lesion_scores`.
    X, y
        Trials and targets, as in `group_lesion_scores`.
    labels : array-like of shape (n_units,) or (n_networks, n_units), int, or TaskClusters
        Cluster of each unit of the layer; -1 for none. Of a fitted `TaskClusters` its
        ``labels_``; of several networks, clustered one below the other, also all in one row.
    layer, lesion_value, scoring, task
        As in `group_lesion_scores`.
    n_controls : int, default=20
        Number of random sets beside each cluster, of as many units, drawn without replacement
        from all units that are in some cluster: units that do not vary would be a weak control.
        0 for none.
    random_state : int, RandomState instance or None, default=None
        Draws the random sets.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``scores`` (n_clusters, n_tasks), ``control_scores`` (n_clusters, n_controls, n_tasks),
        ``intact_scores`` (n_tasks,), ``tasks``, ``clusters`` (n_clusters,) and ``n_units``
        (n_clusters,), how many each has. All but ``tasks`` and ``clusters`` have a first axis of
        networks for a list; a network without a unit in a cluster has its intact scores there.

    Raises
    ------
    ValueError
        If labels do not fit the units, no unit is in a cluster, or as in `group_lesion_scores`.

    See Also
    --------
    TaskClusters : Finds the clusters.
    group_lesion_scores : Sets of your own.

    References
    ----------
    .. [1] Yang, Joglekar, Song, Newsome & Wang (2019), "Task representations in neural networks
       trained to perform many cognitive tasks", Nature Neuroscience 22, 297-306.
       :doi:`10.1038/s41593-018-0310-2`

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> from neuroselect.selectivity import TaskClusters, cluster_lesion_scores, task_variance
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((20,), learning_rate_init=0.02, max_iter=2000, random_state=0).fit(X, y)
    >>> variance = task_variance(net.activations(X), X[:, -1])
    >>> clusters = TaskClusters(n_clusters=3, random_state=0).fit(variance)
    >>> result = cluster_lesion_scores(net, X, y, clusters, random_state=0)
    >>> result.scores.shape, result.control_scores.shape
    ((3, 2), (3, 20, 2))
    """
    if isinstance(n_controls, bool) or not isinstance(n_controls, Integral) or n_controls < 0:
        raise ValueError(f"n_controls must be an integer >= 0, got {n_controls!r}.")
    random_state = check_random_state(random_state)
    alone = not isinstance(estimator, (list, tuple))
    X = read_X(X)
    if not alone and not estimator:
        raise ValueError("estimator is an empty list; pass at least one fitted network.")
    first = estimator if alone else estimator[0]
    n_units = lesionable_units([first], X, layer=layer, task=task)[0].n_units
    labels = _read_labels(labels, None if alone else len(estimator), n_units)
    clusters = np.unique(labels[labels >= 0])
    member = labels[:, np.newaxis] == clusters[:, np.newaxis]
    controls = [_controls(each, own, n_controls, random_state) for each, own in zip(
        member, labels >= 0, strict=True
    )]  # fmt: skip
    sets = np.concatenate([member, np.stack(controls).reshape(len(labels), -1, n_units)], axis=1)
    result = group_lesion_scores(
        estimator, X, y, sets[0] if alone else sets,
        layer=layer, lesion_value=lesion_value, scoring=scoring, task=task,
    )  # fmt: skip
    n_clusters, shape = len(clusters), result.scores.shape
    sizes = member.sum(axis=-1)
    return Bunch(
        scores=result.scores[..., :n_clusters, :],
        control_scores=result.scores[..., n_clusters:, :].reshape(
            *shape[:-2], n_clusters, n_controls, shape[-1]
        ),
        intact_scores=result.intact_scores,
        tasks=result.tasks,
        clusters=clusters,
        n_units=sizes[0] if alone else sizes,
    )


def _read_labels(labels, n_networks, n_units) -> NDArray[np.int64]:
    """Return labels (n_networks, n_units); ``n_networks`` is None for one that came alone."""
    labels = np.asarray(labels.labels_ if hasattr(labels, "labels_") else labels)
    if labels.dtype.kind not in "iu" or not (labels >= 0).any():
        raise ValueError(
            "labels must be integers, the cluster of each unit, with -1 for none and at least one"
            f" unit in a cluster, got dtype {labels.dtype} and shape {labels.shape}."
        )
    shapes = (
        [(n_units,)] if n_networks is None else [(n_networks, n_units), (n_networks * n_units,)]
    )
    if labels.shape not in shapes:
        raise ValueError(
            f"labels must have shape {' or '.join(map(str, shapes))}, the cluster of each unit of"
            f" the layer{'' if n_networks is None else ' of each network'}, got {labels.shape}."
        )
    return labels.reshape(-1, n_units)


def _controls(member, eligible, n_controls, random_state) -> NDArray[np.bool_]:
    """Return random sets (n_clusters, n_controls, n_units), as large as each cluster."""
    shape = (len(member), n_controls, len(eligible))
    keys = np.where(eligible, random_state.random_sample(shape), 2.0)
    place = keys.argsort(axis=-1).argsort(axis=-1)
    return place < member.sum(axis=-1)[:, np.newaxis, np.newaxis]
