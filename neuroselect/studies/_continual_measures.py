"""What networks and people who learned two rules are measured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch

from neuroselect.behavior import (
    choice_rdm_betas,
    choice_slopes,
    compare_groups,
    congruency_effect,
    network_choice_matrices,
)
from neuroselect.continual import accuracy_matrix, forgetting
from neuroselect.selectivity import context_weight_correlation, unit_classes
from neuroselect.studies._continual_fit import fit_people
from neuroselect.studies._networks import task_labels, unit_counts

if TYPE_CHECKING:
    import pandas as pd

    from neuroselect.studies._study import Study

# The feature that is relevant in the first task comes first.
FEATURES = ("leafiness", "branchiness")
CHOICES = (
    "slope_relevant", "slope_irrelevant", "congruency", "beta_factorised", "beta_linear",
)  # fmt: skip


@dataclass(frozen=True)
class ContinualResult:
    """All numbers that a report on the two rules needs.

    Attributes
    ----------
    study : Study
    trials : Bunch
    networks : list of fitted networks
    measures : DataFrame, one row per network
        The grid; `accuracy_A`, `accuracy_B` at the end; `learned_A` and `forgotten_A`, accuracy
        on the first task after its own block and how much of it is lost, NaN where training is
        interleaved; `as_B_A`, see `second_rule_on_first`; the measures of choices, see
        `choice_measures`; numbers of units, `units_...`,
        by the task in which they are active; `context_correlation` of the context weights over
        units.
    choices : dict from condition to ndarray of shape (n_networks, 2, 5, 5)
        Choice matrices, aligned, in the order of the conditions.
    humans : dict from group to ndarray of shape (n_subjects, 2, 5, 5), or None
        Choice matrices of the people, blocked and interleaved; None where they are not at hand.
    missing : str
        Why they are not at hand; empty if they are.
    human_measures : DataFrame or None
        `group`, the measures of choices and `sluggishness`, see `fit_people`, one row per subject.
    group_tests : DataFrame
        Blocked against interleaved, people and each kind of network: `kind` and the columns of
        :func:`~neuroselect.behavior.compare_groups`.
    fits : DataFrame
        Sluggishness of networks fitted to the people, see `fit_people`; empty without them.
    seconds : dict from stage to float
        Time taken.
    """

    study: Study
    trials: Bunch
    networks: list
    measures: pd.DataFrame
    choices: dict[str, NDArray[np.float64]]
    humans: dict[str, NDArray[np.float64]] | None
    missing: str
    human_measures: pd.DataFrame | None
    group_tests: pd.DataFrame
    fits: pd.DataFrame
    seconds: dict[str, float]


def measure_continual(
    study: Study,
    networks: list,
    grid: pd.DataFrame,
    trials: Bunch,
    recording: None,
    seconds: dict[str, float],
) -> ContinualResult:
    """Measure networks, and people by the same functions.

    Parameters
    ----------
    study : Study
    networks : list of fitted networks
    grid : DataFrame, one row per network
        With `condition`, `kind` and `curriculum`.
    trials : Bunch
    recording : None
        There is none.
    seconds : dict from stage to float
        Time taken so far; kept in the result as it is.

    Returns
    -------
    result : ContinualResult
    """
    import pandas as pd

    X = trials.data
    matrices = network_choice_matrices(
        networks, X, trials.conditions, FEATURES, reward=trials.target
    )
    activity = np.stack([network.activations(X) for network in networks])
    task = task_labels(trials)
    weights = context_weight_correlation(networks, unit_classes(activity, task))
    weights = weights[weights["label"] == "all"].set_index("network")["after"]
    parts = [
        grid,
        learning_measures(networks, trials.task_names),
        second_rule_on_first(matrices, trials.task_names),
        choice_measures(matrices),
        unit_counts(activity, task),
        weights.rename("context_correlation").reset_index(drop=True),
    ]
    measures = pd.concat(parts, axis=1)
    humans, missing = fetch_humans()
    fits, best = fit_people(networks, grid, trials, FEATURES, humans)
    people = None if humans is None else grouped_measures(humans).assign(sluggishness=best)
    return ContinualResult(
        study=study,
        trials=trials,
        networks=networks,
        measures=measures,
        choices={
            name: matrices[(grid["condition"] == name).to_numpy()]
            for name in dict.fromkeys(grid["condition"])
        },
        humans=humans,
        missing=missing,
        human_measures=people,
        group_tests=group_tests(measures, people),
        fits=fits,
        seconds=seconds,
    )


def learning_measures(networks: list, task_names: list[str]) -> pd.DataFrame:
    """Accuracy of each network at the end, and what it lost of the first task.

    Returns
    -------
    table : DataFrame, one row per network
        `accuracy_<task>`, and of the first task `learned_...` and `forgotten_...`.
    """
    import pandas as pd

    rows, first = [], task_names[0]
    for network in networks:
        row = dict(zip(task_names, network.history_["task_scores"][-1].tolist(), strict=True))
        row = {f"accuracy_{name}": value for name, value in row.items()}
        row |= {f"learned_{first}": np.nan, f"forgotten_{first}": np.nan}
        if network.curriculum == "blocked":
            found = accuracy_matrix(network)
            row[f"learned_{first}"] = found.matrix[0, 0]
            row[f"forgotten_{first}"] = forgetting(found.matrix, reference="own")[0]
        rows.append(row)
    return pd.DataFrame(rows)


def second_rule_on_first(matrices: NDArray, task_names: list[str]) -> pd.Series:
    """Accuracy by the first rule of the choices that are made in the second task.

    Whoever forgets the first rule altogether and follows the second one instead is left with it.

    Returns
    -------
    accuracy : Series of shape (n_subjects,), named ``as_B_A`` after the tasks
        Share of stimuli with a reward other than 0 that are chosen as the first rule asks.
    """
    import pandas as pd

    n_levels = matrices.shape[-1]
    side = np.sign(np.arange(n_levels) - (n_levels - 1) / 2)[:, None]  # along the first axis
    right = (np.sign(matrices[:, 1] - 0.5) == side)[:, side[:, 0] != 0]
    first, second = task_names
    return pd.Series(right.mean(axis=(1, 2)), name=f"as_{second}_{first}")


def choice_measures(matrices: ArrayLike) -> pd.DataFrame:
    """Measure choice matrices.

    Returns
    -------
    table : DataFrame, one row per subject
        `slope_relevant`, `slope_irrelevant`, `congruency`, `beta_factorised`, `beta_linear`.
    """
    import pandas as pd

    columns = [choice_slopes(matrices), congruency_effect(matrices), choice_rdm_betas(matrices)]
    return pd.DataFrame(np.column_stack(columns), columns=list(CHOICES))


def grouped_measures(groups: dict[str, ArrayLike]) -> pd.DataFrame:
    """Measure the choice matrices of named groups, with a column `group`."""
    import pandas as pd

    tables = [choice_measures(m).assign(group=name) for name, m in groups.items()]
    return pd.concat(tables, ignore_index=True)[["group", *CHOICES]]


def group_tests(measures: pd.DataFrame, people: pd.DataFrame | None) -> pd.DataFrame:
    """Test blocked against interleaved training, in people and in each kind of network."""
    import pandas as pd

    tables = []
    if people is not None:
        blocked, mixed = (people[people["group"] == g] for g in ("blocked", "interleaved"))
        tables.append(_tested("humans", blocked, mixed, [*CHOICES, "sluggishness"]))
    for kind in dict.fromkeys(measures["kind"]):
        own = measures[measures["kind"] == kind]
        sides = [own[own["curriculum"] == c] for c in ("blocked", "interleaved")]
        if min(map(len, sides)) > 1:
            tables.append(_tested(kind, *sides))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["kind"])


def _tested(kind, blocked, mixed, columns=CHOICES):
    columns = list(columns)
    # Networks may all end with the same number, up to rounding: no test can be made of that.
    varied = [c for c in columns if min(np.ptp(blocked[c]), np.ptp(mixed[c])) > 1e-6]
    if not varied:
        return compare_groups(blocked[columns], mixed[columns]).iloc[:0].assign(kind=kind)
    table = compare_groups(blocked[varied], mixed[varied])
    table.insert(0, "kind", kind)
    return table


def fetch_humans() -> tuple[dict[str, NDArray[np.float64]] | None, str]:
    """Return the choice matrices of the people, or None and why they are not at hand."""
    from neuroselect.datasets import fetch_flesch2023_choices

    try:
        choices = fetch_flesch2023_choices()
    except OSError as error:
        return None, " ".join(str(error).split())
    return {name: choices[name] for name in ("blocked", "interleaved")}, ""


def distances(result: ContinualResult) -> pd.DataFrame:
    """How far the mean choices of each kind of network are from those of each group of people.

    Returns
    -------
    table : DataFrame, one row per condition of networks and group of people
        `condition`, `group` and `distance`, the root mean square difference of the mean choice
        matrices over all cells. Empty without people.
    """
    import pandas as pd

    rows = [
        {
            "condition": condition,
            "group": group,
            "distance": float(np.sqrt(np.mean((m.mean(axis=0) - people.mean(axis=0)) ** 2))),
        }
        for group, people in (result.humans or {}).items()
        for condition, m in result.choices.items()
    ]
    return pd.DataFrame(rows, columns=["condition", "group", "distance"])
