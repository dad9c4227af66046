"""Run a sweep that is described in a file: plan, train, measure, write."""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch

from neuroselect.curricula import get_curriculum
from neuroselect.studies._sweep_config import (
    SweepConfig,
    naming_file,
    read_sweep_config,
    recorded_text,
)
from neuroselect.studies._sweep_folder import (
    CHECKPOINT,
    CONFIG,
    IDENTITY,
    SweepFolder,
    check_extras,
    installed_versions,
    read_manifest,
    version_differences,
)
from neuroselect.studies._sweep_grid import expand_grid, make_estimators, sweep_seeds
from neuroselect.studies._sweep_tables import analyse, network_table, read_table, table_bytes
from neuroselect.studies._sweep_trials import SweepTrials, load_trials, split_trials
from neuroselect.studies._sweep_weights import read_weights, weights_bytes
from neuroselect.utils._progress import progress_bar

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
        everything = load_trials(settings, _data_folder(config))
        trials, test = split_trials(everything, settings)
        asked = settings.get("analyses", {})
        analyses = {k: {} if v is True else v for k, v in asked.items() if v is not False}
        _check_settings(points, estimators[:: len(seeds)], trials)
        _rehearse(estimators[:: len(seeds)], trials, analyses)
    return SweepPlan(
        config, estimators, grid, len(points), len(seeds), trials, test, analyses, output,
        installed_versions(output), everything.sha256(),
    )  # fmt: skip


def run_sweep(
    config: str | os.PathLike | Mapping | SweepConfig | SweepPlan,
    output: str | os.PathLike | None = None,
    *,
    n_jobs: int | None = None,
    verbose: int | bool = 0,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Bunch:
    """Train and measure the networks that a configuration describes.

    Parameters
    ----------
    config : str, path-like or mapping
        A TOML file, or the same as a mapping of sections; see `sweep_schema`. What
        `read_sweep_config` returns is taken, too.
    output : str, path-like or None, default=None
        Folder to write to. Whatever ends a run, the same call goes on where it ended, and ends
        with the same files. None writes nothing.
    n_jobs : int or None, default=None
        Processes that train networks, see :func:`~neuroselect.networks.fit_many`. Results do
        not depend on it.
    verbose : bool or int, default=0
        Show progress bars.
    on_stage : callable, default does nothing
        Called with a line of text as each stage begins.

    Returns
    -------
    sweep : :class:`~sklearn.utils.Bunch`
        ``networks`` (DataFrame, one row per network), ``tables`` (dict from the analyses to
        DataFrames, with the number of the network in the column `network`), ``estimators``
        (list of fitted networks, None for those that diverged) and ``folder``.

    Raises
    ------
    ValueError
        If anything in the configuration is wrong, or the folder holds another sweep.
    OSError
        If a file cannot be read or written; finished networks are kept.
    ImportError
        If a format of the output needs a package that is not installed.

    Warns
    -----
    UserWarning
        If networks diverged, or if the configuration was written by another run, with
        other versions or other data.

    See Also
    --------
    load_sweep : Read the results.
    neuroselect.networks.fit_many : Train networks that were made in Python.

    Examples
    --------
    >>> from neuroselect.studies import run_sweep
    >>> sweep = run_sweep({
    ...     "task": {"name": "context_blobs"},
    ...     "estimator": {"name": "MultiTaskMLP", "hidden_layer_sizes": [10], "max_iter": 20},
    ...     "grid": {"init_scale": [0.1, 1.0]},
    ...     "seeds": {"n": 3},
    ...     "analyses": {"units": True},
    ... })
    >>> sweep.networks.shape, sweep.tables["units"].shape
    ((6, 8), (60, 8))
    """
    plan = config if isinstance(config, SweepPlan) else plan_sweep(config)
    _compare_recorded(plan)
    started = datetime.now(timezone.utc)
    folder = None
    if output is not None:
        folder = SweepFolder(Path(output), _identity(plan), plan.versions)
        folder.begin(_manifest(plan), recorded_text(plan.config, _recorded(plan)))
    fitted = _fitted(plan, folder, n_jobs=n_jobs, verbose=verbose, on_stage=on_stage)
    on_stage(f"Measuring {len(plan.estimators)} networks")
    networks, tables = _measure(plan, fitted, verbose)
    n_diverged = int(networks["diverged"].sum())
    if n_diverged:
        warnings.warn(
            f"{n_diverged} of {len(networks)} networks diverged: their scores are empty, and they"
            " are left out of the analyses. Lower the step or the scale of the initial weights.",
            stacklevel=2,
        )
    if folder is not None:
        seconds = (datetime.now(timezone.utc) - started).total_seconds()
        run = {"started": started.isoformat(), "seconds": round(seconds, 3), "n_jobs": n_jobs}
        manifest = {**_manifest(plan), "n_diverged": n_diverged, "run": run}
        folder.finish(manifest, _files(plan, networks, tables, fitted))
    return Bunch(
        networks=networks,
        tables=tables,
        estimators=[fitted.get(k) for k in range(len(networks))],
        folder=None if folder is None else folder.path,
    )


def load_sweep(folder: str | os.PathLike, *, estimators: bool = True) -> Bunch:
    """Read the results of a sweep.

    Parameters
    ----------
    folder : str or path-like
        Output folder of a sweep that is finished.
    estimators : bool, default=True
        Read the networks, too.

    Returns
    -------
    sweep : :class:`~sklearn.utils.Bunch`
        As of `run_sweep`; and ``manifest`` (what sweep.json holds), ``config`` (as of
        `read_sweep_config`). ``estimators`` is None if the sweep kept no weights.

    Raises
    ------
    FileNotFoundError
        If the folder is not that of a sweep.
    ValueError
        If the sweep is not finished.

    See Also
    --------
    run_sweep : Train and measure the networks.

    Examples
    --------
    >>> from neuroselect.studies import load_sweep
    >>> sweep = load_sweep("rich_lazy")  # doctest: +SKIP
    >>> sweep.networks.groupby("init_scale")["score"].mean()  # doctest: +SKIP
    """
    path = Path(folder)
    manifest = read_manifest(path)
    if not manifest["finished"]:
        raise ValueError(
            f"The sweep in {str(path)!r} is not finished. Run it again with the same configuration"
            " and folder: it goes on where it ended."
        )
    config = read_sweep_config(path / CONFIG)
    names = {Path(name).stem: name for name in manifest["files"]}
    weights = names.pop("weights", None)
    tables = {stem: read_table(path / name) for stem, name in names.items()}
    fitted = None
    if estimators and weights is not None:
        fitted = read_weights(path / weights, make_estimators(config.settings)[0])
    return Bunch(
        networks=tables.pop("networks"), tables=tables, estimators=fitted, folder=path,
        manifest=manifest, config=config,
    )  # fmt: skip


# -- checks before training ------------------------------------------------------------


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
            max_iter=1, curriculum="interleaved", consolidation=None
        )
        try:
            network.fit(trials.X, trials.y)
        except ValueError:  # diverges; the sweep will tell
            continue
        for name, options in analyses.items():
            analyse(name, options, {0: network}, trials)


def _compare_recorded(plan: SweepPlan) -> None:
    """Warn if the configuration comes from a run with other versions or data."""
    recorded = plan.config.settings.get("recorded", {})
    differences = version_differences(recorded.get("versions", {}), plan.versions)
    if differences:
        warnings.warn(
            f"The results recorded in the configuration were made with {', '.join(differences)}:"
            " numbers may differ.",
            stacklevel=3,
        )
    if recorded.get("data_sha256", plan.data_sha256) != plan.data_sha256:
        warnings.warn(
            "The trials are not those that the results recorded in the configuration were made"
            " with: numbers will differ.",
            stacklevel=3,
        )


# -- training, measuring, writing ------------------------------------------------------


def _fitted(plan, folder, *, n_jobs, verbose, on_stage) -> dict[int, Any]:
    """Fitted networks by their number; those that diverged are missing."""
    weights = f"weights.{plan.output['weights']}"
    kept = None if folder is None else folder.kept(weights)
    if kept is not None:
        on_stage(f"Reading {len(plan.estimators)} networks, trained before")
        networks = read_weights(kept, [clone(estimator) for estimator in plan.estimators])
        return {k: network for k, network in enumerate(networks) if network is not None}
    on_stage(f"Training {len(plan.estimators)} networks")
    checkpoint = None if folder is None else folder.path / CHECKPOINT
    return _train(plan, checkpoint, n_jobs, verbose)


def _train(plan: SweepPlan, checkpoint, n_jobs, verbose) -> dict[int, Any]:
    """Train as `fit_many` does, but keep those networks that did not diverge."""
    from neuroselect.networks._fit_many import _make_jobs, train_jobs

    networks = [clone(estimator) for estimator in plan.estimators]
    jobs = _make_jobs(networks, plan.trials.X, plan.trials.y, [None] * len(networks))
    results = train_jobs(
        jobs, n_jobs=n_jobs, chunk_bytes="auto", checkpoint=checkpoint, verbose=verbose
    )
    fitted = {}
    for k, (network, job, result) in enumerate(zip(networks, jobs, results, strict=True)):
        try:
            fitted[k] = network._learn(job, result)
        except ValueError:
            continue
    return fitted


def _measure(plan: SweepPlan, fitted: dict, verbose) -> tuple[pd.DataFrame, dict]:
    tables = {}
    with progress_bar(verbose, 1 + len(plan.analyses), "table", "Measuring") as bar:
        networks = network_table(plan.grid, fitted, plan.trials, plan.test)
        bar.update()
        for name, options in plan.analyses.items():
            tables[name] = analyse(name, options, fitted, plan.trials)
            bar.update()
    return networks, tables


def _files(plan: SweepPlan, networks, tables, fitted) -> dict[str, bytes]:
    format, weights = plan.output["format"], plan.output["weights"]
    files = {
        f"{name}.{format}": table_bytes(table, format)
        for name, table in {"networks": networks, **tables}.items()
    }
    if weights:
        files[f"weights.{weights}"] = weights_bytes(fitted, weights)
    return files


def _identity(plan: SweepPlan) -> dict[str, Any]:
    settings = plan.config.settings
    return {k: settings[k] for k in IDENTITY if k in settings} | {"data": plan.data_sha256}


def _recorded(plan: SweepPlan) -> dict[str, Any]:
    recorded = {"versions": plan.versions, "data_sha256": plan.data_sha256}
    if "data" in plan.config.settings["task"]:
        recorded["data_folder"] = str(_data_folder(plan.config).resolve())
    return recorded


def _data_folder(config: SweepConfig) -> Path:
    """Folder that paths in the configuration are relative to."""
    recorded = config.settings.get("recorded", {})
    if "data_folder" in recorded:
        return Path(recorded["data_folder"])
    return Path() if config.path is None else config.path.parent


def _manifest(plan: SweepPlan) -> dict[str, Any]:
    return {
        "n_networks": len(plan.estimators),
        "dtype": plan.config.settings["task"].get("dtype", "float64"),
        "platform": platform.platform(),
    }
