"""Run a sweep that is described in a file: plan, train, measure, write."""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.base import clone
from sklearn.utils import Bunch

from neuroselect.studies._sweep_config import SweepConfig, read_sweep_config, recorded_text
from neuroselect.studies._sweep_folder import (
    CHECKPOINT,
    CONFIG,
    SweepFolder,
    read_manifest,
    version_differences,
)
from neuroselect.studies._sweep_grid import make_estimators
from neuroselect.studies._sweep_plan import SweepPlan, identity, plan_sweep, recorded
from neuroselect.studies._sweep_tables import analyse, network_table, read_table, table_bytes
from neuroselect.studies._sweep_weights import read_weights, weights_bytes
from neuroselect.utils._progress import progress_bar

if TYPE_CHECKING:
    import pandas as pd


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
        folder = open_folder(plan, output)
        folder.begin(_manifest(plan), recorded_text(plan.config, recorded(plan)))
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


def open_folder(plan: SweepPlan, output: str | os.PathLike) -> SweepFolder:
    """Return the folder to write to; refuse one that holds other things, write nothing."""
    return SweepFolder(Path(output), identity(plan), plan.versions)


def _compare_recorded(plan: SweepPlan) -> None:
    """Warn if the configuration comes from a run with other versions or data."""
    then = plan.config.settings.get("recorded", {})
    differences = version_differences(then.get("versions", {}), plan.versions)
    if differences:
        warnings.warn(
            f"The results recorded in the configuration were made with {', '.join(differences)}:"
            " numbers may differ.",
            stacklevel=3,
        )
    if then.get("data_sha256", plan.data_sha256) != plan.data_sha256:
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


def _manifest(plan: SweepPlan) -> dict[str, Any]:
    return {
        "n_networks": len(plan.estimators),
        "dtype": plan.config.settings["task"].get("dtype", "float64"),
        "platform": platform.platform(),
    }
