"""What a sweep will do, checked as far as is possible without training."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from neuroselect.curricula import get_curriculum
from neuroselect.studies._sweep_config import SweepConfig, naming_file, read_sweep_config
from neuroselect.studies._sweep_folder import IDENTITY, check_extras, installed_versions
from neuroselect.studies._sweep_grid import expand_grid, make_estimators, sweep_seeds
from neuroselect.studies._sweep_tables import analyse
from neuroselect.studies._sweep_trials import SweepTrials, load_trials, split_trials

if TYPE_CHECKING:
    import pandas as pd

OUTPUT = {"format": "csv", "weights": "npz"}


@dataclass(frozen=True)
class SweepPlan:
    """All that a sweep will do, checked as far as is possible without training.

    Attributes
    ----------
    config : SweepConfig
    estimators : list of unfitted networks
    grid : DataFrame
        One row per network: swept parameters and seed.
    n_settings, n_seeds : int
    trials, test : SweepTrials
        For training, and held out; the latter may be None.
    analyses : dict
        Options of each analysis asked for.
    output : dict
        Formats.
    versions : dict
        Of all that the results depend on.
    """

    config: SweepConfig
    estimators: list
    grid: pd.DataFrame
    n_settings: int
    n_seeds: int
    trials: SweepTrials
    test: SweepTrials | None
    analyses: dict[str, dict]
    output: dict[str, Any]
    versions: dict[str, str]
    data_sha256: str

    @property
    def files(self) -> list[str]:
        """Names of the files that will be written."""
        tables = [f"{name}.{self.output['format']}" for name in ("networks", *self.analyses)]
        weights = self.output["weights"]
        return [*tables, *([f"weights.{weights}"] if weights else [])]


def plan_sweep(config: str | os.PathLike | Mapping | SweepConfig) -> SweepPlan:
    """Read a configuration, make its trials and its networks, and check all of it.

    Raises
    ------
    ValueError
        If anything in the configuration is wrong; the message names the file and the key.
    FileNotFoundError
        If the configuration or its data are not there.
    ImportError
        If a format of the output needs a package that is not installed.
    """
    if not isinstance(config, SweepConfig):
        config = read_sweep_config(config)
    settings = config.settings
    with naming_file(config.path):
        output = OUTPUT | settings.get("output", {})
        check_extras(output)
        points, seeds = expand_grid(settings), sweep_seeds(settings)
        estimators, grid = make_estimators(settings)
        everything = load_trials(settings, data_folder(config))
        trials, test = split_trials(everything, settings)
        asked = settings.get("analyses", {})
        analyses = {k: {} if v is True else v for k, v in asked.items() if v is not False}
        _check_settings(points, estimators[:: len(seeds)], trials)
        _rehearse(estimators[:: len(seeds)], trials, analyses)
    return SweepPlan(
        config, estimators, grid, len(points), len(seeds), trials, test, analyses, output,
        installed_versions(output), everything.sha256(),
    )  # fmt: skip


def _check_settings(points, estimators, trials: SweepTrials) -> None:
    """Raise for settings that training would refuse, each with its place in the grid."""
    for k, (point, estimator) in enumerate(zip(points, estimators, strict=True)):
        try:
            network = clone(estimator)
            encoded = network._read_trials(trials.X, trials.y)
            network._make_job(encoded)
            curriculum = get_curriculum(network.curriculum)
            rng = np.random.default_rng(0)
            passes = curriculum(encoded.codes, batch_size=None, max_iter=network.max_iter, rng=rng)
            next(iter(passes))
        except (TypeError, ValueError) as error:
            raise ValueError(f"setting {k} ({point}): {error}") from error


def _rehearse(estimators, trials: SweepTrials, analyses) -> None:
    """Analyse one network of each architecture after a single pass: options fail here."""
    shapes = {repr(network.hidden_layer_sizes): network for network in estimators}
    for estimator in shapes.values() if analyses else ():
        network = clone(estimator).set_params(
            max_iter=1, curriculum="interleaved", consolidation=None, record_every=1
        )
        try:
            network.fit(trials.X, trials.y)
        except ValueError:  # diverges; the sweep will tell
            continue
        for name, options in analyses.items():
            analyse(name, options, {0: network}, trials)


def identity(plan: SweepPlan) -> dict[str, Any]:
    """What the networks depend on, and nothing else."""
    settings = plan.config.settings
    return {k: settings[k] for k in IDENTITY if k in settings} | {"data": plan.data_sha256}


def recorded(plan: SweepPlan) -> dict[str, Any]:
    """What the written configuration says of the run that it comes from."""
    section = {"versions": plan.versions, "data_sha256": plan.data_sha256}
    if "data" in plan.config.settings["task"]:
        section["data_folder"] = str(data_folder(plan.config).resolve())
    return section


def data_folder(config: SweepConfig) -> Path:
    """Folder that paths in the configuration are relative to."""
    recorded = config.settings.get("recorded", {})
    if "data_folder" in recorded:
        return Path(recorded["data_folder"])
    return Path() if config.path is None else config.path.parent
