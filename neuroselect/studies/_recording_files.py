"""Recordings in files of one's own, read into what a study compares networks with."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch

from neuroselect.datasets import inspect_recording, load_recording_file
from neuroselect.datasets._file_format import READERS, file_format
from neuroselect.datasets._inspect import ALIGN
from neuroselect.datasets._read_table import read_table
from neuroselect.recordings import bin_time, condition_patterns, is_long, select

if TYPE_CHECKING:
    import pandas as pd

NEEDED = (
    "A comparison with networks needs task=, a column with two values, and factors=, two numeric"
    " columns of which the first is the one relevant in the first task (tasks are sorted)."
    " neuroselect inspect says what a file holds."
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
    options = dict(options or {})
    reader = READERS[file_format(path)]
    if reader == "load_nwb" and ALIGN in inspect_recording(path).needs:
        if window is not None:
            width = window[1] - window[0] if bin_width is None else bin_width
            options = {"window": window, "bin_width": width, "statistic": "rate"} | options
        options |= {} if align is None else {"align": align}
        return _averaged(load_recording_file(path, **options))
    if align is not None:
        raise ValueError(
            f"align={align!r} applies to NWB files with spikes, which are cut out around an event."
            f" Times of {path} are relative to an event already. Leave it out."
        )
    if reader == "load_table":
        options = _table_options(path, columns, options)
    recording = load_recording_file(path, **options)
    if recording.time is None and (window is not None or bin_width is not None):
        raise ValueError(f"window and bin need a recording with times, but {path} has none.")
    if bin_width is not None:
        recording = bin_time(recording, bin_width, window=window)
    elif window is not None:
        recording = select(recording, time=window)
    return _averaged(recording)


def _table_options(
    path: Path, columns: Sequence[str], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Complete the options of a table: which columns are units, or that it is in long form."""
    _require(path, list(read_table(path).columns), columns)
    if "value" in options:
        return {"simultaneous": False} | dict(options)
    if "units" in options or "trials" in options:
        return dict(options)
    return {"units": _unit_columns(path, columns)} | dict(options)


def _require(path: Path, known: Sequence[str], wanted: Sequence[str]) -> None:
    if not set(wanted) <= set(known) or len(set(wanted)) < len(wanted):
        task, *factors = wanted
        raise ValueError(
            f"task and factors must be three different columns of {path}, got task={task!r} and"
            f" factors={tuple(factors)!r}. Its columns are {_some(known)}. {NEEDED}"
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


def file_columns(path: Path) -> str:
    """Say which columns of a file may be the task and its factors."""
    names = inspect_recording(path).columns["name"].tolist()
    if names:
        return f"{path} has the columns {_some(names)}."
    return f"{path} needs options of its reader (read=) before it has columns of trials."


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

    _require(path, [name for name in trials.columns if name != "unit"], (task, *factors))
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
