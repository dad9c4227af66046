"""Do the task cues of two tasks drive the same units?"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd


def context_weight_correlation(networks: Any, labels: ArrayLike) -> pd.DataFrame:
    """Correlate the weights from two tasks' cues over the units of each class [1]_.

    Parameters
    ----------
    networks : network or list of networks
        Fitted, as :func:`~neuroselect.networks.fit_many` returns them; of the same tasks.
    labels : array-like of shape (n_units,) or (n_networks, n_units)
        Class of each unit of the hidden layer that the cue enters, as
        :func:`~neuroselect.selectivity.unit_classes` gives it.

    Returns
    -------
    table : DataFrame
        One row per network, pair of tasks and class: network, task_1, task_2, label, n_units,
        before and after (training). "all" is the class of all units. NaN for fewer than
        three units, or weights that do not vary.

    Raises
    ------
    ValueError
        If there is no network, one has fewer than two tasks, or the shape of labels does not fit.

    See Also
    --------
    unit_classes : Classes of units by activity.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Neuron 110, 1258-1270,
       :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP, unit_classes
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((20,), max_iter=200, random_state=0).fit(X, y)
    >>> classes = unit_classes(net.activations(X), X[:, -1])
    >>> list(context_weight_correlation(net, classes))
    ['network', 'task_1', 'task_2', 'label', 'n_units', 'before', 'after']
    """
    import pandas as pd

    networks = list(networks) if isinstance(networks, (list, tuple)) else [networks]
    if not networks:
        raise ValueError("networks must be a fitted network or a list of them, got none.")
    n_units = networks[0].context_coefs_.shape[1]
    labels = np.asarray(labels).astype(str)
    if labels.ndim == 1 and len(networks) == 1:
        labels = labels[np.newaxis]
    if labels.shape != (len(networks), n_units):
        raise ValueError(
            f"labels must hold the class of each unit, of shape ({len(networks)}, {n_units}) for"
            f" (n_networks, n_units), got shape {labels.shape}. The units are those of the layer"
            " that the cue enters."
        )
    rows = []
    for k, (network, classes) in enumerate(zip(networks, labels, strict=True)):
        if len(network.tasks_) < 2:
            raise ValueError("networks must have two tasks or more, got one in a network.")
        for a, b in combinations(range(len(network.tasks_)), 2):
            for label in ["all", *np.unique(classes).tolist()]:
                members = np.ones(n_units, dtype=bool) if label == "all" else classes == label
                before = _correlation(network.initial_context_coefs_[[a, b]][:, members])
                after = _correlation(network.context_coefs_[[a, b]][:, members])
                tasks = network.tasks_[a], network.tasks_[b]
                rows.append((k, *tasks, label, int(members.sum()), before, after))
    columns = ["network", "task_1", "task_2", "label", "n_units", "before", "after"]
    return pd.DataFrame(rows, columns=columns)


def _correlation(weights: NDArray) -> float:
    weights = weights.astype(np.float64)
    if weights.shape[1] < 3 or not np.ptp(weights, axis=1).all():
        return float("nan")
    return float(np.corrcoef(weights)[0, 1])
