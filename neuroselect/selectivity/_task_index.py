"""How many tasks does a unit serve?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr

from neuroselect.selectivity._importance import kept_importances


def many_task_index(
    importances: ArrayLike, *, threshold: float = 0.1, normalize: str | None = None
) -> NDArray[np.float64]:
    r"""How evenly a unit's importance is spread over any number of tasks.

    With :math:`p_{ik} = I_i(k) / \sum_j I_i(j)` the share of task k in the importance of unit i,
    after pruning, the entropy of the shares relative to its maximum,

    .. math:: -\frac{1}{\log K} \sum_{k=1}^{K} p_{ik} \log p_{ik}

    0: the unit serves one task, 1: it serves all K alike. The entropy is that of [1]_.

    Parameters
    ----------
    importances : array-like of shape (n_units, n_tasks) or (n_systems, n_units, n_tasks)
        Of all units of one layer, or of several networks; negative ones count as 0.
    threshold, normalize
        As in `relative_importance`. A task whose importances are all larger, because its loss
        is, looks like the one that every unit serves; ``normalize="layer"`` removes this.

    Returns
    -------
    index : ndarray of shape (n_units,) or (n_systems, n_units)
        In [0, 1]; NaN where a unit is important to no task.

    Raises
    ------
    ValueError
        If there is but one task, or importances are not finite.

    See Also
    --------
    relative_importance : Compares tasks two by two.

    References
    ----------
    .. [1] Shannon (1948), "A mathematical theory of communication", Bell System Technical
       Journal 27, 379-423. :doi:`10.1002/j.1538-7305.1948.tb01338.x`

    Examples
    --------
    >>> many_task_index([[4.0, 0.0, 0.0], [3.0, 3.0, 3.0], [0.0, 0.0, 0.0]])
    array([ 0.,  1., nan])
    """
    kept = kept_importances(importances, threshold, normalize)
    n_tasks = kept.shape[-1]
    if n_tasks < 2:
        raise ValueError(
            "The index compares tasks, but importances has one column, for one task. Give the"
            " trials of at least two tasks."
        )
    largest = kept.max(axis=-1, keepdims=True)
    scaled = np.divide(kept, largest, out=np.full_like(kept, np.nan), where=largest > 0)
    entropy = entr(scaled / scaled.sum(axis=-1, keepdims=True)).sum(axis=-1) / np.log(n_tasks)
    return entropy.clip(max=1.0)
