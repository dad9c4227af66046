"""Run a study: train its networks, then measure networks and recording alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.studies._networks import (
    performance,
    relative_importances,
    task_labels,
    unit_counts,
    weight_change,
)
from neuroselect.studies._populations import Population, describe_population
from neuroselect.studies._recordings import Recording
from neuroselect.studies._study import Study

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("lesion", "taylor")


@dataclass(frozen=True)
class StudyResult:
    """All numbers that a report on a study needs.

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
    seconds: dict[str, float]


def run_study(
    study: Study,
    *,
    recording: Recording | None = None,
    n_networks: int | None = None,
    max_iter: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    device: str = "cpu",
    progress: bool = False,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> StudyResult:
    """Train a study's networks, and measure them and the recording with the same functions.

    Parameters
    ----------
    study : Study
        From `get_study`.
    recording : Recording or None, default=None
        From `load_recording`.
    n_networks, max_iter : int or None, default=None
        Networks at each scale, and passes in training. None is the study's own number.
    seed : int, default=0
        Seed from which the networks' seeds are drawn.
    n_jobs : int or None, default=None
        Processes, see :func:`~neuroselect.networks.fit_many`.
    device : {"cpu", "cuda", "mps", "auto"}, default="cpu"
        Where to train.
    progress : bool, default=False
        Show a progress bar on stderr while training.
    on_stage : callable, default does nothing
        Called with a line of text as each stage begins.

    Returns
    -------
    result : StudyResult
        Networks and numbers.

    Examples
    --------
    >>> from neuroselect.studies import get_study, run_study
    >>> result = run_study(get_study("rich-lazy"), n_networks=1, max_iter=20)
    >>> result.measures.groupby("init_scale")["units_mixed"].mean().shape
    (8,)
    """
    from neuroselect.networks import fit_many

    trials = study.tasks()
    networks, grid = study.estimators(
        study.n_networks if n_networks is None else n_networks,
        study.max_iter if max_iter is None else max_iter,
        seed,
        device,
    )
    on_stage(f"Training {len(networks)} networks ({networks[0].max_iter} passes each)")
    start = time.perf_counter()
    networks = fit_many(networks, trials.data, trials.target, n_jobs=n_jobs, verbose=progress)
    trained = time.perf_counter()
    on_stage("Measuring units and populations")
    measured = _measure(study, networks, grid, trials, recording)
    seconds = {"training": trained - start, "analysis": time.perf_counter() - trained}
    return StudyResult(study, trials, networks, **measured, recording=recording, seconds=seconds)


def _measure(study, networks, grid, trials, recording):
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
    recorded = None
    if recording is not None:
        recorded = describe_population(
            recording.data[np.newaxis], recording.conditions, recording.features, recording.task
        )
    return {
        "measures": pd.concat(parts, axis=1),
        "importance": importance,
        "task_pairs": pairs,
        "population": population,
        "recorded": recorded,
    }
