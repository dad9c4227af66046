"""What networks of the digit tasks are measured by: what they keep, and whom their units serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch

from neuroselect.selectivity import LesionSelectivity
from neuroselect.studies._networks import task_labels, unit_counts

if TYPE_CHECKING:
    import pandas as pd

    from neuroselect.studies._study import Study

METHODS = ("lesion", "taylor")


@dataclass(frozen=True)
class DigitsResult:
    """All numbers that a report on the digit tasks needs, measured on the test trials.

    Attributes
    ----------
    study : Study
    trials : Bunch
        All trials, with `train` and `test`.
    networks : list of fitted networks
        At the end of training.
    measures : DataFrame, one row per network
        `condition`, `network`, `random_state` and `passes`; `accuracy_<task>` after all of
        training; where tasks were learned one after the other, `learned_<task>`, the accuracy
        after the task's own phase, and `forgotten_<task>`, the loss of it since; `swayed_<task>`,
        see `swayed_by_cue`; units by the exact lesion (`units_silent`, `units_<task>`,
        `units_mixed`, and `units_specific`, the sum over tasks) and by their activity
        (`active_...`); where there are convolutions, channels of the last one by the exact lesion
        (`channels_...`).
    phases : DataFrame, one row per network and phase
        `condition`, `network`, `phase`, `passes` and `accuracy_<task>`.
    importance : dict from method to ndarray of shape (n_networks, n_units, n_task_pairs)
        Relative importance of the last hidden layer by "lesion" and by "taylor".
    task_pairs : list of tuple of str
        Tasks of each pair.
    seconds : dict from stage to float
        Time taken.
    """

    study: Study
    trials: Bunch
    networks: list
    measures: pd.DataFrame
    phases: pd.DataFrame
    importance: dict[str, NDArray[np.float64]]
    task_pairs: list[tuple[str, str]]
    seconds: dict[str, float]


def measure_digits(
    study: Study,
    networks: list,
    grid: pd.DataFrame,
    trials: Bunch,
    recording: None,
    seconds: dict[str, float],
) -> DigitsResult:
    """Measure networks that end after each phase of training on the test trials.

    Parameters
    ----------
    study : Study
    networks : list of fitted networks
    grid : DataFrame, one row per network
        `condition`, `network`, `phase`, `passes` and `random_state`.
    trials : Bunch
        With `test`, the trials to measure on.
    recording : None
        There is none.
    seconds : dict from stage to float
        Time taken so far; kept in the result as it is.

    Returns
    -------
    result : DigitsResult
    """
    import pandas as pd

    names = list(trials.task_names)
    # In float32, rounding shows in the squares of small changes of the loss.
    X, y = trials.data[trials.test].astype(np.float64), trials.target[trials.test]
    label = task_labels(trials)[trials.test]
    scores = np.stack([network.score_by_task(X, y) for network in networks])
    accuracies = pd.DataFrame(scores, columns=[f"accuracy_{name}" for name in names])
    phases = pd.concat([grid.drop(columns="random_state"), accuracies], axis=1)

    last = np.flatnonzero(grid["phase"] == grid["phase"].max())
    final = [networks[k] for k in last]
    lesions = {
        method: [LesionSelectivity(n, method=method, prefit=True).fit(X, y) for n in final]
        for method in METHODS
    }
    parts = [
        grid.iloc[last].drop(columns="phase").reset_index(drop=True),
        accuracies.iloc[last].reset_index(drop=True),
        forgetting(phases, names),
        pd.DataFrame([swayed_by_cue(n, X, names) for n in final]),
        count_labels([fitted.unit_labels_ for fitted in lesions["lesion"]], names, "units"),
        unit_counts(np.stack([n.activations(X) for n in final]), label).rename(
            columns=lambda name: name.replace("units", "active", 1)
        ),
    ]
    if hasattr(final[0], "conv_coefs_"):
        layer = len(final[0].conv_coefs_) - 1
        fitted = [LesionSelectivity(n, layer=layer, prefit=True).fit(X, y) for n in final]
        parts.append(count_labels([f.unit_labels_ for f in fitted], names, "channels"))
    pairs = [(names[int(a)], names[int(b)]) for a, b in lesions["lesion"][0].task_pairs_]
    return DigitsResult(
        study=study,
        trials=trials,
        networks=final,
        measures=pd.concat(parts, axis=1),
        phases=phases,
        importance={
            method: np.stack([f.relative_importance_ for f in fitted])
            for method, fitted in lesions.items()
        },
        task_pairs=pairs,
        seconds=seconds,
    )


def forgetting(phases: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Compare the accuracy on each task at the end with that after the task's own phase.

    Parameters
    ----------
    phases : DataFrame, one row per network and phase
        `condition`, `network`, `phase` and `accuracy_<task>`; phase k is that of task k,
        counted from 1, unless the condition is "interleaved".
    names : sequence of str
        The tasks.

    Returns
    -------
    table : DataFrame, one row per network, in the order of their first rows
        `learned_<task>`, the accuracy after the task's own phase, and `forgotten_<task>`, how
        much lower it is after the last; NaN for interleaved training, which has no such
        phases.
    """
    import pandas as pd

    rows = []
    for (condition, _), table in phases.groupby(["condition", "network"], sort=False):
        accuracy = table.sort_values("phase")[[f"accuracy_{name}" for name in names]].to_numpy()
        learned = np.diag(accuracy) if condition != "interleaved" else np.full(len(names), np.nan)
        rows.append(
            {f"learned_{name}": value for name, value in zip(names, learned, strict=True)}
            | {
                f"forgotten_{name}": value
                for name, value in zip(names, learned - accuracy[-1], strict=True)
            }
        )
    return pd.DataFrame(rows)


def swayed_by_cue(network, X: ArrayLike, names: Sequence[str]) -> dict[str, float]:
    """Measure how often the cue makes a difference to the answer.

    Parameters
    ----------
    network : fitted network
    X : array-like of shape (n_trials, n_pixels + 1)
        Trials, the code of the task in the last column.
    names : sequence of str
        The tasks, in the order of their codes.

    Returns
    -------
    share : dict
        `swayed_<task>`: the share of the task's trials whose answer changes when the cue is
        replaced by that of the last task.
    """
    cued = np.array(X)
    task, cued[:, -1] = cued[:, -1].copy(), len(names) - 1
    changed = network.predict(X) != network.predict(cued)
    return {f"swayed_{name}": float(changed[task == k].mean()) for k, name in enumerate(names)}


def count_labels(labels: Sequence[NDArray], names: Sequence[str], prefix: str) -> pd.DataFrame:
    """Count the units of each class.

    Parameters
    ----------
    labels : sequence of ndarray of shape (n_units,), one per network
        "silent", "mixed", or the code of a task as text.
    names : sequence of str
        The tasks, in the order of their codes.
    prefix : str
        What the columns begin with.

    Returns
    -------
    table : DataFrame, one row per network
        `<prefix>_silent`, `<prefix>_<task>`, `<prefix>_mixed` and `<prefix>_specific`, the sum
        over tasks.
    """
    import pandas as pd

    rows = []
    for own in labels:
        known = own[~np.isin(own, ["silent", "mixed"])]
        counts = np.bincount(known.astype(float).astype(int), minlength=len(names)).tolist()
        row = {f"{prefix}_silent": int((own == "silent").sum())}
        row |= {f"{prefix}_{name}": count for name, count in zip(names, counts, strict=True)}
        row |= {f"{prefix}_mixed": int((own == "mixed").sum())}
        rows.append(row | {f"{prefix}_specific": len(known)})
    return pd.DataFrame(rows)
