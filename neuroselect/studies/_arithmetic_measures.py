"""What networks of the arithmetic tasks are measured by: whom their units serve, by whose word."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.selectivity import LesionSelectivity, relative_importance, task_group_lesion
from neuroselect.selectivity._compare import FORMS
from neuroselect.studies._conclusions import conclude

if TYPE_CHECKING:
    import pandas as pd

    from neuroselect.studies._study import Study

LEARNED = 0.05  # mean absolute error in either task
EXACT, TAYLOR, SIGNED, FREE = ESTIMATORS = (
    "exact lesion", "Taylor", "signed increase", "exact, no residual",
)  # fmt: skip
OPTIONS = {
    EXACT: {"method": "lesion", "effect": "squared"},
    TAYLOR: {"method": "taylor", "effect": "squared"},
    SIGNED: {"method": "lesion", "effect": "increase"},
    # With the network's own output for the target, there is no residual: what is left is what
    # the unit does to the output.
    FREE: {"method": "lesion", "effect": "squared"},
}
GROUPED_BY = (EXACT, TAYLOR)  # whose relative importance makes the lesioned groups
GROUPS = ("first", "second", "mixed")


@dataclass(frozen=True)
class ArithmeticResult:
    """All numbers that a report on the arithmetic tasks needs, measured on the test trials.

    Everything but `measures` is of the networks that learned.

    Attributes
    ----------
    study : Study
    trials : Bunch
        Trials of all networks, see ``study.tasks``.
    networks : list of fitted networks
    measures : DataFrame, one row per network
        The grid; `error_first` and `error_second`, mean absolute errors; `dead`, whether the
        output is 0 in every trial; `learned`.
    units : dict from (condition, layer, estimator, form) to ndarray of shape (n_networks, n_units)
        Relative importance. Layers count from 1; forms are those of
        :func:`~neuroselect.selectivity.compare_importance`: "raw", "pruned" and "layer".
    layers : DataFrame, one row per network, layer, estimator and form
        `nan_share` of units important to neither task, `mean_absolute` and `mean_relative`, means
        of relative importance over the others.
    lesions : DataFrame, one row per network, estimator, `nan` and group
        Lesion test of the last hidden layer: `n_units` of the group, `increase_first` and
        `increase_second`, relative increases of the mean absolute errors.
    conclusions : DataFrame
        See `conclude`.
    seconds : dict from stage to float
        Time taken.
    """

    study: Study
    trials: Bunch
    networks: list
    measures: pd.DataFrame
    units: dict[tuple[str, int, str, str], NDArray[np.float64]]
    layers: pd.DataFrame
    lesions: pd.DataFrame
    conclusions: pd.DataFrame
    seconds: dict[str, float]


def measure_arithmetic(
    study: Study,
    networks: list,
    grid: pd.DataFrame,
    trials: Bunch,
    recording: None,
    seconds: dict[str, float],
) -> ArithmeticResult:
    """Measure networks on their own test trials.

    Parameters
    ----------
    study : Study
    networks : list of fitted networks
    grid : DataFrame, one row per network
        With `condition` and `network`.
    trials : Bunch
        With `test`, rows of each network.
    recording : None
        There is none.
    seconds : dict from stage to float
        Time taken so far; kept in the result as it is.

    Returns
    -------
    result : ArithmeticResult
    """
    import pandas as pd

    # In float32, rounding shows in the squares of small changes of the loss.
    tests = [(trials.data[rows].astype(np.float64), trials.target[rows]) for rows in trials.test]
    errors = [mean_errors(network, *test) for network, test in zip(networks, tests, strict=True)]
    measures = pd.concat([grid, pd.DataFrame(errors)], axis=1)
    measures["learned"] = (measures[["error_first", "error_second"]] < LEARNED).all(axis=1)
    units, layers, lesions = {}, [], []
    for k in np.flatnonzero(measures["learned"]):
        own = {name: grid[name].iloc[k] for name in ("condition", "network")}
        importance, last = importances(networks[k], *tests[k])
        for (layer, estimator, form), values in importance.items():
            units.setdefault((own["condition"], layer, estimator, form), []).append(values)
            row = own | {"layer": layer, "estimator": estimator, "form": form}
            layers.append(row | summary(values))
        lesions += [own | row for row in lesion_test(last, *tests[k])]
    keys = ["condition", "network", "layer", "estimator", "form"]
    layers = pd.DataFrame(layers, columns=[*keys, "nan_share", "mean_absolute", "mean_relative"])
    columns = [*keys[:2], "estimator", "nan", "group", "n_units"]
    return ArithmeticResult(
        study=study,
        trials=trials,
        networks=networks,
        measures=measures,
        units={key: np.stack(values) for key, values in units.items()},
        layers=layers,
        lesions=pd.DataFrame(lesions, columns=[*columns, "increase_first", "increase_second"]),
        conclusions=conclude(layers),
        seconds=seconds,
    )


def mean_errors(network, X: NDArray, y: NDArray) -> dict[str, float]:
    """Mean absolute error in each task, and whether the output is 0 in every trial."""
    output = network.predict(X)
    first, second = (np.abs(output - y)[X[:, -1] == task].mean() for task in (0, 1))
    return {
        "error_first": float(first),
        "error_second": float(second),
        "dead": not output.any(),
    }


def importances(network, X: NDArray, y: NDArray) -> tuple[dict, dict[str, LesionSelectivity]]:
    """Relative importance of the units of every hidden layer, by every estimator.

    Returns
    -------
    relative : dict from (layer, estimator, form) to ndarray of shape (n_units,)
        Layers count from 1.
    last : dict from estimator to LesionSelectivity
        Those of the last hidden layer.
    """
    relative, last = {}, {}
    own_output = network.predict(X)
    for layer, (name, options) in product(range(network.n_layers_ - 2), OPTIONS.items()):
        target = own_output if name == FREE else y
        fitted = LesionSelectivity(network, layer=layer, prefit=True, **options).fit(X, target)
        for form, pruning in FORMS.items():
            values = relative_importance(fitted.importances_, **pruning)
            relative[layer + 1, name, form] = values[:, 0]
        last[name] = fitted
    return relative, last


def summary(relative: NDArray) -> dict[str, float]:
    """Share of NaN in a layer's relative importance, and means over the other units."""
    known = relative[~np.isnan(relative)]
    some = len(known) > 0
    return {
        "nan_share": 1 - len(known) / len(relative),
        "mean_absolute": float(np.abs(known).mean()) if some else np.nan,
        "mean_relative": float(known.mean()) if some else np.nan,
    }


def lesion_test(last: dict[str, LesionSelectivity], X: NDArray, y: NDArray) -> list[dict]:
    """Lesion the units of each task and the mixed ones, with and without those of neither."""
    rows = []
    for estimator, nan in product(GROUPED_BY, ("keep", "remove")):
        result = task_group_lesion(last[estimator], X, y, nan=nan)
        rows += [
            {
                "estimator": estimator,
                "nan": nan,
                "group": group,
                "n_units": int(n_units),
                "increase_first": float(increase[0]),
                "increase_second": float(increase[1]),
            }
            for group, n_units, increase in zip(GROUPS, result.n_units, result.scores, strict=True)
        ]
    return rows
