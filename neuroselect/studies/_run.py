"""Run a study: train its networks, then measure them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from neuroselect.studies._recordings import Recording
from neuroselect.studies._study import Study, check_takes


def run_study(
    study: Study,
    *,
    trials: Bunch | None = None,
    recording: Recording | None = None,
    n_networks: int | None = None,
    max_iter: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    device: str = "cpu",
    progress: bool = False,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Any:
    """Train a study's networks, and measure them (and the recording, by the same functions).

    Parameters
    ----------
    study : Study
        From `get_study`.
    trials : Bunch or None, default=None
        What to train on; None makes the study's own, ``study.tasks()``, or ``study.tasks(grid)``
        where each network has its own.
    recording : Recording or None, default=None
        From `load_recording`, for studies that compare with one.
    n_networks, max_iter : int or None, default=None
        Networks of each kind (at each scale, in each condition), and passes in training. None is
        the study's own number.
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
    result : StudyResult, or whatever ``study.measure`` makes
        Networks and numbers.

    Raises
    ------
    ValueError
        If the study does not compare its networks with a recording, but one is given.

    Examples
    --------
    >>> from neuroselect.studies import get_study, run_study
    >>> result = run_study(get_study("rich-lazy"), n_networks=1, max_iter=20)
    >>> result.measures.groupby("init_scale")["units_mixed"].mean().shape
    (8,)
    """
    from neuroselect.networks import fit_many

    check_takes(study, "recording", None if recording is None else recording.name)
    networks, grid = study.estimators(
        study.n_networks if n_networks is None else n_networks,
        study.max_iter if max_iter is None else max_iter,
        seed,
        device,
    )
    if trials is None:
        trials = study.tasks(grid) if study.own_trials else study.tasks()
    on_stage(f"Training {len(networks)} networks ({_passes(networks)} passes each)")
    start = time.perf_counter()
    networks = fit_many(
        networks,
        trials.data,
        trials.target,
        indices=_training_rows(trials, len(networks)),
        n_jobs=n_jobs,
        verbose=progress,
    )
    trained = time.perf_counter()
    on_stage("Measuring units and populations")
    result = study.measure(study, networks, grid, trials, recording, {"training": trained - start})
    result.seconds["analysis"] = time.perf_counter() - trained
    return result


def _training_rows(trials, n_networks):
    rows = trials.get("train")
    if rows is None:
        return None
    rows = np.asarray(rows)
    if rows.ndim == 1:
        return [rows] * n_networks
    if len(rows) != n_networks:
        raise ValueError(
            f"trials.train holds the rows of {len(rows)} networks, but the study has {n_networks}."
            " Make the trials from the grid of these networks, or leave trials out."
        )
    return list(rows)


def _passes(networks):
    fewest, most = (f(network.max_iter for network in networks) for f in (min, max))
    return f"{fewest}" if fewest == most else f"{fewest} to {most}"
