"""How sluggish is the task signal of people? Networks fitted to their choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import Bunch

from neuroselect.behavior import fit_network_parameter

if TYPE_CHECKING:
    import pandas as pd

FITTED = "Oja, interleaved"  # the condition whose networks are fitted
GRID = (0.02, 0.05, 0.1, 0.2, 0.4, 1.0)
LAPSE = 0.1  # likelier for both groups than smaller ones
N_TRIALS = 4  # of people, in each cell
MOST_NETWORKS = 10
N_BOOTSTRAP = 500


def fit_people(
    networks: list,
    grid: pd.DataFrame,
    trials: Bunch,
    features: tuple[str, str],
    humans: dict[str, ArrayLike] | None,
) -> tuple[pd.DataFrame, list[float]]:
    """Fit the sluggishness of networks with Oja's rule to the choices of people.

    Networks learn interleaved, for both groups: in blocks, the task changes but once, and a signal
    that lags behind is nearly the same as one that does not.

    Parameters
    ----------
    networks : list of networks
    grid : DataFrame, one row per network
        With `condition`, `network` and `random_state`.
    trials : Bunch
    features : tuple of str
        The feature that is relevant in the first task comes first.
    humans : dict from group to array of shape (n_subjects, 2, 5, 5), or None

    Returns
    -------
    table : DataFrame, one row per group and value
        `group`, `sluggishness`, `log_likelihood` (mean over subjects), `subjects` (whose choices
        are likeliest at this value), and the group's `best`, `low` and `high`, its 95% bootstrap
        interval. Empty without people.
    best : list of float
        Value of each subject, group after group.
    """
    import pandas as pd

    columns = ["group", "sluggishness", "log_likelihood", "subjects", "best", "low", "high"]
    tables = [pd.DataFrame(columns=columns)] if not humans else []
    best: list[float] = []
    own = np.flatnonzero(grid["condition"] == FITTED)
    for group, choices in (humans or {}).items():
        found = fit_network_parameter(
            clone(networks[own[0]]).set_params(record=None, record_every=1),
            "sluggishness", GRID, trials.data, trials.target, trials.conditions, choices,
            features=features, counts=N_TRIALS, lapse=LAPSE,
            n_networks=min(len(own), MOST_NETWORKS), n_bootstrap=N_BOOTSTRAP,
            random_state=int(grid["random_state"].iloc[own[0]]),
        )  # fmt: skip
        low, high = found.group_interval
        best += found.best.tolist()
        tables.append(
            pd.DataFrame(
                {
                    "group": group,
                    "sluggishness": found.grid,
                    "log_likelihood": found.objective.mean(axis=0),
                    "subjects": (found.best[:, None] == found.grid).sum(axis=0),
                    "best": found.group_best,
                    "low": low,
                    "high": high,
                }
            )
        )
    return pd.concat(tables, ignore_index=True), best
