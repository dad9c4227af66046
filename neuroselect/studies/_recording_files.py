"""Recordings in files of one's own, read into what a study compares networks with."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch

from neuroselect.datasets import load_matlab, load_nwb, load_table
from neuroselect.datasets._file_format import READERS, file_format
from neuroselect.datasets._load_nwb import open_nwb
from neuroselect.datasets._read_table import read_table
from neuroselect.recordings import bin_time, condition_patterns, is_long, select

if TYPE_CHECKING:
    import pandas as pd

FUNCTIONS: dict[str, Callable[..., Bunch]] = {
    "load_matlab": load_matlab,
    "load_nwb": load_nwb,
    "load_table": load_table,
}
NEEDED = (
    "A comparison with networks needs task=, a column with two values, and factors=, two numeric"
    " columns of which the first is the one relevant in the first task (tasks are sorted)."
)


def read_recording(
    path: Path,
    columns: Sequence[str],
    *,
    align: str | None,
    window: tuple[float, float] | None,
    bin_width: float | None,
    options: Mapping[str, Any] | None,
) -> Bunch:
    """Read a file by its content, and average the activity of each trial over the window.

    Parameters
    ----------
    path : pathlib.Path
    columns : sequence of str
        Task variables that are needed: in a table they are not units.
    align : str or None
        Event of an NWB file that the window refers to.
    window : tuple of (start, stop) or None
        Time to average over (ms); None is all of it, where there is time.
    bin_width : float or None
        Bins (ms) within the window; None is one bin in NWB files, the file's own elsewhere.
    options : mapping or None
        Further arguments of the reader.

    Returns
    -------
    recording : Bunch
        A container without an axis of time.
    """
    kind, options = file_format(path), dict(options or {})
    load = _reader(path, kind, options)
    if load is load_nwb:
        _check_nwb_window(path, window)
        width = bin_width if bin_width is not None else window[1] - window[0]
        nwb = {"align": align or "start_time", "window": window, "bin_width": width}
        recording = load_nwb(path, **({"statistic": "rate"} | nwb | options))
        return _averaged(recording)
    if align is not None:
        raise ValueError(
            f"align={align!r} applies to NWB files, whose spikes are cut out around an event."
            f" The times of {path} are relative to an event already. Leave it out."
        )
    if load is load_table and not {"units", "trials", "value"} & set(options):
        options["units"] = _unit_columns(path, columns)
    recording = load(path, **({"simultaneous": False} if "value" in options else {}) | options)
    if recording.time is None and (window is not None or bin_width is not None):
        raise ValueError(f"window and bin need a recording with times, but {path} has none.")
    if bin_width is not None:
        recording = bin_time(recording, bin_width, window=window)
    elif window is not None:
        recording = select(recording, time=window)
    return _averaged(recording)


def _reader(path: Path, kind: str, options: Mapping[str, Any]) -> Callable[..., Bunch]:
    if READERS[kind] not in FUNCTIONS:
        raise ValueError(
            f"{path} cannot be compared with networks: a report reads tables (CSV, Parquet),"
            " MATLAB and NWB files."
        )
    load = FUNCTIONS[READERS[kind]]
    known = [name for name in inspect.signature(load).parameters if name != "path"]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(f"read must name arguments of {load.__name__}, {known}; got {unknown}.")
    return load


def _check_nwb_window(path: Path, window: tuple[float, float] | None) -> None:
    if window is None:
        raise ValueError(
            f"{path} is an NWB file, whose spikes are counted around an event: window=(start,"
            " stop) in ms must be given, and align= names the event. Its columns are"
            f" {file_columns(path)}."
        )


def _unit_columns(path: Path, columns: Sequence[str]) -> list[str]:
    """Return the columns of a wide table that are units, if their names leave no doubt."""
    others = [name for name in read_table(path).columns if name not in columns]
    stems = {re.sub(r"\d+$", "", name) for name in others}
    if others and len(stems) == 1 and all(name[-1].isdigit() for name in others):
        return others
    numbered = [name for name in others if name[-1:].isdigit()]
    raise ValueError(
        f"{path} does not say which of its columns are units: {_some(others)} are not the task"
        " and factors and have no common name with a number. Name them with"
        f" read={{'units': {_pattern(numbered)!r}}}, or the column of a long table's activity"
        " with read={'value': ...}."
    )


def _pattern(numbered: Sequence[str]) -> str:
    return re.sub(r"\d+$", "", numbered[-1]) + "*" if numbered else "unit_*"


def _some(names: Sequence[str]) -> str:
    return str(list(names)) if len(names) <= 12 else f"{list(names[:12])} and more"


def _averaged(recording: Bunch) -> Bunch:
    """Average over time; a trial of which some time is missing stays missing."""
    if recording.time is None:
        return recording
    half = (recording.bin_width or 0.0) / 2
    span = (float(recording.time[0] - half), float(recording.time[-1] + half))
    means = np.asarray(recording.data, dtype=np.float64).mean(axis=1)
    return Bunch(**{**recording, "data": means, "time": None, "bin_width": None, "averaged": span})


def file_columns(path: Path) -> list[str]:
    """Return the names of a file's columns that may be the task and its factors."""
    kind = file_format(path)
    if READERS[kind] == "load_table":
        return list(read_table(path).columns)
    if kind == "nwb":
        with open_nwb(path) as file:
            return [] if file.trials is None else list(file.trials.colnames)
    return [name for name in load_matlab(path).trials.columns if name != "unit"]


def two_factor_patterns(
    recording: Bunch, task: str, factors: Sequence[str], path: Path
) -> tuple[NDArray[np.float64], pd.DataFrame, list[str], Bunch]:
    """Average over the trials of each condition, and put the levels on a common scale.

    Returns
    -------
    patterns : ndarray of shape (n_conditions, n_units)
    conditions : DataFrame of shape (n_conditions, 3)
        The task, and the levels of the factors, centred, their mean step 1.
    names : list of str
        The tasks, sorted.
    trials : Bunch
        The recording with the same columns in this scale.
    """
    tasks = _check_design(recording.trials, task, factors, path)
    scaled = {name: scaled_levels(recording.trials[name]) for name in factors}
    codes = np.searchsorted(tasks, recording.trials[task].to_numpy())
    trials = recording.trials.assign(**{task: codes}, **scaled)
    recording = Bunch(**{**recording, "trials": trials})
    means = condition_patterns(recording, [task, *factors])
    names = [f"{name:g}" if isinstance(name, float) else str(name) for name in tasks.tolist()]
    return means.patterns, means.conditions, names, recording


def _check_design(
    trials: pd.DataFrame, task: str, factors: Sequence[str], path: Path
) -> NDArray[Any]:
    from pandas.api.types import is_numeric_dtype

    known = [name for name in trials.columns if name != "unit"]
    missing = [name for name in (task, *factors) if name not in known]
    if missing or len({task, *factors}) < 3:
        raise ValueError(
            f"task and factors must be three different columns of {path}, got task={task!r} and"
            f" factors={tuple(factors)!r}. Its columns are {known}. {NEEDED}"
        )
    for name in (task, *factors):
        if trials[name].isna().any():
            raise ValueError(
                f"The column {name!r} of {path} has {int(trials[name].isna().sum())} missing"
                " values. Choose trials that have them all, with trials=."
            )
    for name in factors:
        n_levels = trials[name].nunique()
        if not is_numeric_dtype(trials[name]):
            raise ValueError(
                f"The factor {name!r} of {path} must be numeric: model RDMs are distances between"
                f" levels. Got {_some(trials[name].unique().tolist())}; give each a number."
            )
        if not 2 <= n_levels <= 20:
            raise ValueError(
                f"The factor {name!r} of {path} must have 2 to 20 levels, got {n_levels}."
                + (" Put its values into bins first." if n_levels > 20 else "")
            )
    values = np.unique(trials[task].to_numpy())
    if len(values) != 2:
        raise ValueError(
            f"The task column {task!r} of {path} must have two values, got"
            f" {_some(values.tolist())}. Choose trials of two tasks with trials=."
        )
    return values


def scaled_levels(values: ArrayLike) -> NDArray[np.float64]:
    """Centre levels on the mean of the distinct ones, and make their mean step 1.

    Examples
    --------
    >>> scaled_levels([10, 30, 20, 20])
    array([-1.,  1.,  0.,  0.])
    """
    values = np.asarray(values, dtype=np.float64)
    levels = np.unique(values)
    return (values - levels.mean()) * (len(levels) - 1) / np.ptp(levels)


def described(recording: Bunch, conditions: pd.DataFrame, task: str, factors: Sequence[str]) -> str:
    """Say in a line what was recorded."""
    n_levels = [conditions[name].nunique() for name in factors]
    together = "not recorded together" if is_long(recording) else "recorded together"
    span = ""
    if "averaged" in recording:
        start, stop = (f"{edge:g}".replace("-", "\u2212") for edge in recording.averaged)
        span = f", averaged over {start} to {stop} ms"
    possible = 2 * int(np.prod(n_levels))
    of = "" if possible == len(conditions) else f" of {possible} possible"
    return (
        f"{len(recording.units)} units {together}, {len(recording.data)}"
        f" {'rows of one unit and trial' if is_long(recording) else 'trials'},"
        f" {len(conditions)}{of} conditions: {n_levels[0]} levels of {factors[0]}, {n_levels[1]}"
        f" of {factors[1]}, and {task}, which says which of them counts{span}"
    )


def path_of(recording: str | os.PathLike, names: Sequence[str]) -> Path:
    """Return the path of a file that is there."""
    path = Path(recording)
    if not path.is_file():
        raise ValueError(
            f"Unknown recording {str(recording)!r}: neither a file nor one of"
            f" {', '.join(map(repr, names))}, 'none'."
        )
    return path
