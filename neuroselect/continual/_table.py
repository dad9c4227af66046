"""All measures of continual learning side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.continual._accuracy_matrix import accuracy_matrix
from neuroselect.continual._measures import forgetting, intransigence, transfer_before
from neuroselect.continual._phases import after, last_phases, read_order

if TYPE_CHECKING:
    import pandas as pd


def continual_measures(
    estimator: object | Sequence[object],
    *,
    reference: ArrayLike | None = None,
    score: str | None = None,
    ends: ArrayLike | None = None,
    order: Sequence[object] | None = None,
) -> pd.DataFrame:
    """Tabulate what networks learned, forgot and carried over, task by task.

    Parameters
    ----------
    estimator, score, ends, order
        As of `accuracy_matrix`.
    reference : array-like of shape (n_tasks,) or (n_networks, n_tasks), default=None
        Scores of reference networks, for `intransigence`.

    Returns
    -------
    table : DataFrame
        One row for each network and task: ``network``, ``task``, ``phase`` (the last that
        trained it, counted from 1; 0 for none), ``initial`` (score before training), ``learned``
        (after that phase), ``final``, ``forgetting`` (from the best score before the last
        phase), ``backward_transfer`` (final minus learned), ``forward_transfer`` (right before
        the first phase that trained it, minus initial), and with a reference ``intransigence``.
        Measures that a task does not have are NaN; the published ones of a network are
        means over its tasks.

    Raises
    ------
    ValueError
        As of `accuracy_matrix`; if phases are given without their tasks.

    Examples
    --------
    >>> from neuroselect import MultiTaskMLPClassifier, fit_many
    >>> from neuroselect.continual import continual_measures
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> nets = fit_many([
    ...     MultiTaskMLPClassifier((20,), learning_rate_init=0.02, curriculum="blocked",
    ...                            record="task_scores", random_state=k) for k in range(3)
    ... ], X, y > 0)
    >>> table = continual_measures(nets)
    >>> bool(table.loc[table["task"] == 0, "forgetting"].mean() > 0.1)       # task A suffers
    True
    """
    import pandas as pd

    found = accuracy_matrix(estimator, score=score, ends=ends, order=order)
    matrix, initial = (np.asarray(found[key]) for key in ("matrix", "initial"))
    if matrix.ndim == 2:
        matrix, initial = matrix[None], initial[None]
    if found.order is None:
        raise ValueError("order must name the task that each phase of ends trains.")
    columns = read_order(found.order, *matrix.shape[-2:])
    last = last_phases(columns, matrix.shape[-1])
    parts = {
        "initial": initial,
        "learned": after(matrix, last),
        "final": matrix[:, -1],
        "forgetting": forgetting(matrix, order=columns),
        "backward_transfer": -forgetting(matrix, order=columns, reference="own"),
        "forward_transfer": transfer_before(matrix, initial, columns),
    }
    if reference is not None:
        parts["intransigence"] = intransigence(matrix, reference, order=columns)
    n_networks, n_tasks = initial.shape
    table = {
        "network": np.repeat(np.arange(n_networks), n_tasks),
        "task": np.tile(found.tasks, n_networks),
        "phase": np.tile(last + 1, n_networks),
    }
    return pd.DataFrame(table | {name: values.ravel() for name, values in parts.items()})
