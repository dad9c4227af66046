"""The tables of a sweep, tidy: what each network has learned, unit by unit, pass by pass."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroselect.geometry import participation_ratio
from neuroselect.regime import regime_table
from neuroselect.rsa import RDMRegression, condensed_rdms, model_rdms
from neuroselect.rsa._checks import constant_rows
from neuroselect.selectivity import LesionSelectivity, unit_classes
from neuroselect.studies._sweep_registry import unknown
from neuroselect.studies._sweep_trials import SweepTrials, read_csv

if TYPE_CHECKING:
    import pandas as pd

Networks = Mapping[int, Any]  # number in the sweep -> fitted network


def network_table(
    grid: pd.DataFrame, networks: Networks, trials: SweepTrials, test: SweepTrials | None
) -> pd.DataFrame:
    """Describe every network by its setting, seed, scores and final loss; NaN if it diverged."""
    import pandas as pd

    rows = []
    for k in range(len(grid)):
        network = networks.get(k)
        row: dict[str, Any] = {"diverged": network is None}
        if network is not None:
            row |= _scores(network, trials, "")
            row |= {} if test is None else _scores(network, test, "test_")
            row["final_loss"] = float(network.loss_curve_[-1])
        rows.append(row)
    return pd.concat([grid, pd.DataFrame(rows)], axis=1)


def _scores(network, trials: SweepTrials, prefix: str) -> dict[str, float]:
    row = {f"{prefix}score": float(network.score(trials.X, trials.y))}
    if trials.has_tasks:
        by_task = network.score_by_task(trials.X, trials.y)
        for code, score in zip(network.tasks_.tolist(), by_task, strict=True):
            row[f"{prefix}score_{trials.name(code)}"] = float(score)
    return row


# -- analyses --------------------------------------------------------------------------


def loss_curves(networks: Networks, trials: SweepTrials, *, every: int = 1) -> pd.DataFrame:
    """Loss of every ``every``-th pass, counted from 1, and of the last."""
    import pandas as pd

    parts = []
    for k, network in networks.items():
        passes = np.union1d(np.arange(0, network.n_iter_, every), network.n_iter_ - 1)
        loss = network.loss_curve_[passes].astype(np.float64)
        parts.append(pd.DataFrame({"network": k, "pass": passes + 1, "loss": loss}))
    return _joined(parts)


def history(networks: Networks, trials: SweepTrials) -> pd.DataFrame:
    """One row per record made during training, see the parameter ``record`` of the networks."""
    parts = []
    for k, network in networks.items():
        if network.record is None:
            raise ValueError(
                'nothing is recorded. Set estimator.record, such as record = ["task_losses"].'
            )
        frame = network.history_.to_frame()
        columns = {
            f"{what}_{code}": f"{what}_{trials.name(code)}"
            for what in ("task_loss", "task_score", "sign_accuracy")
            for code in network.tasks_.tolist()
        }
        frame = frame.rename(columns=columns)
        frame.insert(0, "network", k)
        parts.append(frame)
    return _joined(parts)


def units(networks: Networks, trials: SweepTrials, **options) -> pd.DataFrame:
    """One row per unit: what a lesion of it costs each task, and in which tasks it is active.

    The classes by activity are there for rectified linear units only: see
    :func:`~neuroselect.selectivity.unit_classes`.
    """
    parts = []
    for k, network in networks.items():
        lesions = LesionSelectivity(network, prefit=True, **options).fit(trials.X, trials.y)
        frame = lesions.to_frame()
        if lesions.layer_ != "input" and network.activation == "relu":
            activity = network.activations(trials.X, lesions.layer_)
            if activity.ndim == 2:
                frame["activity_class"] = unit_classes(activity, _task_of(network, trials))
        frame.insert(0, "network", k)
        parts.append(_named_tasks(frame, lesions, trials))
    return _joined(parts)


def _task_of(network, trials: SweepTrials) -> np.ndarray:
    return network.tasks_[network._encode(trials.X)[1]]


def _named_tasks(frame, lesions, trials):
    """Put the names of tasks in the place of their codes."""
    names = {str(code): trials.name(code) for code in lesions.tasks_.tolist()}
    columns = {f"importance_{code}": f"importance_{name}" for code, name in names.items()}
    for a, b in lesions.task_pairs_:
        old = f"relative_importance_{a}_{b}"
        columns[old] = f"relative_importance_{names[str(a)]}_{names[str(b)]}"
    for column in frame.columns.intersection(["label", "activity_class"]):
        frame[column] = frame[column].map(lambda label: names.get(label, label))
    return frame.rename(columns=columns)


def geometry(
    networks: Networks,
    trials: SweepTrials,
    *,
    layer: int = -1,
    features: list[str] | None = None,
    task: str = "task",
    models: tuple | list = ("grid", "orthogonal", "parallel"),
    context_offset: float = 0.0,
) -> pd.DataFrame:
    """Participation ratio over trials, and betas of the RDM over conditions on model RDMs.

    Betas need two ``features``, columns of the conditions; they are NaN for a network whose
    conditions are all equally far from each other.
    """
    import pandas as pd

    features = trials.features if features is None else features
    regression = None
    if features is not None:
        for column in [*features, task]:
            if column not in trials.conditions:
                raise unknown("features", "column of the conditions", column, trials.conditions)
        index = trials.conditions.groupby([task, *features]).ngroup().to_numpy()
        distinct = trials.conditions.iloc[np.unique(index, return_index=True)[1]]
        rdms = model_rdms(distinct, features, task, models=models, context_offset=context_offset)
        regression = RDMRegression(dict(zip(models, rdms, strict=True)))
    rows = []
    for k, network in networks.items():
        activity = network.activations(trials.X, layer).astype(np.float64)
        activity = activity.reshape(len(activity), -1)
        row = {"network": k, "participation_ratio": participation_ratio(activity)}
        if regression is not None:
            row |= _betas(regression, condition_means(activity, index))
        rows.append(row)
    return pd.DataFrame(rows)


def condition_means(activity: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Mean activity over the trials of each condition, (n_conditions, n_units)."""
    sums = np.zeros((index.max() + 1, activity.shape[1]))
    np.add.at(sums, index, activity)
    return sums / np.bincount(index)[:, np.newaxis]


def _betas(regression: RDMRegression, patterns: np.ndarray) -> dict[str, float]:
    rdm = condensed_rdms(patterns)
    names = [f"beta_{name}" for name in regression.models]
    if constant_rows(rdm).any():
        return dict.fromkeys([*names, "r2"], float("nan"))
    betas = regression.fit_transform(rdm)[0]
    return {**dict(zip(names, betas.tolist(), strict=True)), "r2": float(regression.r2_[0])}


def regime(networks: Networks, trials: SweepTrials, **options) -> pd.DataFrame:
    """Measure how rich or lazy training was: see :func:`~neuroselect.regime.regime_table`."""
    table = regime_table(list(networks.values()), trials.X, **options)
    table.insert(0, "network", list(networks))
    return table.reset_index(drop=True)


ANALYSES: dict[str, Callable[..., Any]] = {
    "loss_curves": loss_curves,
    "history": history,
    "units": units,
    "geometry": geometry,
    "regime": regime,
}


def analyse(name: str, options: Mapping[str, Any], networks: Networks, trials: SweepTrials):
    """Make the table of one analysis; errors name its section."""
    if not networks:
        return _joined([])
    given = {key: None if value == "none" else value for key, value in options.items()}
    try:
        return ANALYSES[name](networks, trials, **given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"analyses.{name}: {error}") from error


def _joined(parts: list):
    import pandas as pd

    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["network"])


# -- files -----------------------------------------------------------------------------


def table_bytes(table: pd.DataFrame, format: str) -> bytes:
    """Write a table as CSV, with floats that read back exactly, or as Parquet."""
    if format == "csv":
        return table.to_csv(index=False, lineterminator="\n").encode("utf-8")
    buffer = io.BytesIO()
    table.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


def read_table(path) -> pd.DataFrame:
    """Read what `table_bytes` wrote."""
    import pandas as pd

    return read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path, engine="pyarrow")
