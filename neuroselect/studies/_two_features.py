"""What networks of a study with two features and two tasks are measured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.studies._closest import Closest, closest_scale
from neuroselect.studies._networks import (
    performance,
    relative_importances,
    task_labels,
    unit_counts,
    weight_change,
)
from neuroselect.studies._populations import Population, describe_population
from neuroselect.studies._recorded_units import RecordedUnits, describe_recorded_units
from neuroselect.studies._recordings import Recording

if TYPE_CHECKING:
    import pandas as pd

    from neuroselect.studies._study import Study

METHODS = ("lesion", "taylor")


@dataclass(frozen=True)
class StudyResult:
    """All numbers that a report on a study of two features needs.

    Attributes
    ----------
    study : Study
    trials : Bunch
        What the networks were trained on.
    networks : list of fitted networks
    measures : DataFrame, one row per network
        The grid, performance, weight change, unit counts and participation ratio.
    importance : dict from method to ndarray of shape (n_networks, n_units, n_task_pairs)
        Relative importance by "lesion" and by "taylor".
    task_pairs : list of tuple of str
        Tasks of each pair.
    population : Population
        Geometry of the hidden layers, one system per network.
    recording : Recording or None
    recorded : Population or None
        Geometry of the recording, one system.
    recorded_units : RecordedUnits or None
        Classes of the recorded units, and a decoder of them.
    closest : Closest or None
        How far the networks at each scale are from the recording.
    seconds : dict from stage to float
        Time taken.
    """

    study: Study
    trials: Bunch
    networks: list
    measures: pd.DataFrame
    importance: dict[str, NDArray[np.float64]]
    task_pairs: list[tuple[str, str]]
    population: Population
    recording: Recording | None
    recorded: Population | None
    recorded_units: RecordedUnits | None
    closest: Closest | None
    seconds: dict[str, float]


def measure_two_features(
    study: Study,
    networks: list,
    grid: pd.DataFrame,
    trials: Bunch,
    recording: Recording | None,
    seconds: dict[str, float],
) -> StudyResult:
    """Measure networks, and a recording by the same functions.

    Parameters
    ----------
    study : Study
        With two `features`.
    networks : list of fitted networks
    grid : DataFrame, one row per network
        What the networks differ in.
    trials : Bunch
        One trial per condition.
    recording : Recording or None
    seconds : dict from stage to float
        Time taken so far; kept in the result as it is.

    Returns
    -------
    result : StudyResult
    """
    import pandas as pd

    activity = np.stack([network.activations(trials.data) for network in networks])
    population = describe_population(activity, trials.conditions, study.features, study.task)
    importance = {}
    for method in METHODS:
        importance[method], pairs = relative_importances(networks, trials, method)
    parts = [
        grid,
        performance(networks, trials, study.task),
        weight_change(networks),
        unit_counts(activity, task_labels(trials, study.task)),
        pd.DataFrame({"participation_ratio": population.participation_ratio}),
    ]
    recorded = recorded_units = closest = None
    if recording is not None:
        recorded = describe_population(
            recording.data[np.newaxis], recording.conditions, recording.features, recording.task
        )
        recorded_units = describe_recorded_units(recording)
        design = (trials.conditions, study.features, study.task)
        closest = closest_scale(population.rdms, grid["init_scale"], design, recording)
    return StudyResult(
        study=study,
        trials=trials,
        networks=networks,
        measures=pd.concat(parts, axis=1),
        importance=importance,
        task_pairs=pairs,
        population=population,
        recording=recording,
        recorded=recorded,
        recorded_units=recorded_units,
        closest=closest,
        seconds=seconds,
    )
