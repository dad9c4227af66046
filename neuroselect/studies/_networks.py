"""What trained networks do: accuracy, convergence, weight change, unit classes, lesions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch

from neuroselect.regime import relative_distance, relative_norm_change
from neuroselect.selectivity import LesionSelectivity, unit_classes

if TYPE_CHECKING:
    import pandas as pd

CONVERGED = 0.05
LAYERS = ("stimulus", "context", "output")


def sign_accuracy(y: ArrayLike, predicted: ArrayLike) -> float:
    """Share of trials whose output has the sign of the target; targets of 0 have none.

    Parameters
    ----------
    y, predicted : array-like of shape (n_trials,)
        Targets and outputs.

    Returns
    -------
    accuracy : float
        NaN if all targets are 0. An output of exactly 0 is wrong.

    Examples
    --------
    >>> sign_accuracy([-2, -1, 0, 1], [-0.1, 0.3, 5.0, 2.0])
    0.6666666666666666
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    signed = y != 0
    if not signed.any():
        return float("nan")
    return float(np.mean(np.sign(predicted[signed]) == np.sign(y[signed])))


def convergence_pass(loss_curve: ArrayLike, share: float = CONVERGED) -> float:
    """First pass at which the loss is below a share of the first pass's loss, counted from 1.

    Parameters
    ----------
    loss_curve : array-like of shape (n_passes,)
        Loss of every pass.
    share : float, default=0.05
        Share of the first loss.

    Returns
    -------
    number : float
        NaN if that was never so. The loss may rise above the share again afterwards.

    Examples
    --------
    >>> convergence_pass([10.0, 3.0, 0.4, 0.6])
    3.0
    """
    loss_curve = np.asarray(loss_curve)
    below = np.flatnonzero(loss_curve < share * loss_curve[0])
    return float(below[0] + 1) if len(below) else float("nan")


def task_labels(trials: Bunch, task: str = "task") -> NDArray:
    """Return the name of each trial's task, (n_trials,)."""
    return np.asarray(trials.task_names)[trials.conditions[task].to_numpy()]


def performance(networks: Sequence, trials: Bunch, task: str = "task") -> pd.DataFrame:
    """Measure accuracy, score, loss and convergence of every network.

    Parameters
    ----------
    networks : sequence of fitted networks
    trials : Bunch
        ``data``, ``target``, ``conditions`` and ``task_names``.
    task : str, default="task"
        The column of the conditions that holds the task.

    Returns
    -------
    table : DataFrame, one row per network
        `accuracy_<task>` (`sign_accuracy`), `r2_<task>`, `first_loss`, `last_loss` and
        `convergence_pass` (NaN if not reached).
    """
    import pandas as pd

    X, y, label = trials.data, trials.target, task_labels(trials, task)
    rows = []
    for network in networks:
        predicted, curve = network.predict(X), network.loss_curve_
        row = {
            f"accuracy_{name}": sign_accuracy(y[label == name], predicted[label == name])
            for name in trials.task_names
        }
        scores = zip(trials.task_names, network.score_by_task(X, y), strict=True)
        row |= {f"r2_{name}": score for name, score in scores}
        row |= {"first_loss": curve[0], "last_loss": curve[-1]}
        row["convergence_pass"] = convergence_pass(curve)
        rows.append(row)
    return pd.DataFrame(rows)


def weight_change(networks: Sequence) -> pd.DataFrame:
    """Measure how far training moved the stimulus, context and output weights.

    Parameters
    ----------
    networks : sequence of fitted networks

    Returns
    -------
    table : DataFrame, one row per network
        `norm_change_<layer>` and `distance_<layer>`, see
        :func:`~neuroselect.regime.relative_norm_change` and
        :func:`~neuroselect.regime.relative_distance`.
    """
    import pandas as pd

    pairs = {
        "stimulus": [(n.initial_coefs_[0], n.coefs_[0]) for n in networks],
        "context": [(n.initial_context_coefs_, n.context_coefs_) for n in networks],
        "output": [(n.initial_coefs_[-1], n.coefs_[-1]) for n in networks],
    }
    columns = {}
    for layer in LAYERS:
        initial, final = (np.stack(weights) for weights in zip(*pairs[layer], strict=True))
        columns[f"norm_change_{layer}"] = relative_norm_change(initial, final)
        columns[f"distance_{layer}"] = relative_distance(initial, final)
    return pd.DataFrame(columns)


def unit_counts(activity: ArrayLike, labels: ArrayLike) -> pd.DataFrame:
    """Count the hidden units of each class, see :func:`~neuroselect.selectivity.unit_classes`.

    Parameters
    ----------
    activity : array-like of shape (n_networks, n_trials, n_units)
    labels : array-like of shape (n_trials,)
        Name of each trial's task.

    Returns
    -------
    table : DataFrame, one row per network
        `units_silent`, `units_<task>`, `units_mixed` and `units_specific`, the sum over tasks.
    """
    import pandas as pd

    names = [str(name) for name in np.unique(labels)]
    classes = unit_classes(activity, labels)
    counts = {f"units_{c}": (classes == c).sum(axis=1) for c in ["silent", *names, "mixed"]}
    table = pd.DataFrame(counts)
    table["units_specific"] = table[[f"units_{name}" for name in names]].sum(axis=1)
    return table


def relative_importances(
    networks: Sequence, trials: Bunch, method: str
) -> tuple[NDArray[np.float64], list[tuple[str, str]]]:
    """Measure the relative importance of every hidden unit of every network.

    Parameters
    ----------
    networks : sequence of fitted networks with equally many hidden units
    trials : Bunch
        ``data``, ``target`` and ``task_names``.
    method : {"lesion", "taylor"}
        See :class:`~neuroselect.selectivity.LesionSelectivity`.

    Returns
    -------
    importance : ndarray of shape (n_networks, n_units, n_task_pairs)
        In [-1, 1]; NaN for units important to neither task of the pair.
    pairs : list of tuple of str
        Names of the tasks of each pair: 1 is important to the first only.
    """
    fitted = [
        LesionSelectivity(network, method=method, prefit=True).fit(trials.data, trials.target)
        for network in networks
    ]
    names = dict(zip(fitted[0].tasks_.tolist(), trials.task_names, strict=True))
    pairs = [(names[a], names[b]) for a, b in fitted[0].task_pairs_]
    return np.stack([selectivity.relative_importance_ for selectivity in fitted]), pairs
