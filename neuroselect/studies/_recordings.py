"""Recordings that a study's networks are compared with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.datasets import fetch_mante_monkey_a
from neuroselect.datasets._file_format import check_suffix, file_format
from neuroselect.datasets._mante import mante_conditions, read_mante
from neuroselect.recordings import select
from neuroselect.studies._recording_files import (
    NEEDED,
    described,
    file_columns,
    path_of,
    read_recording,
    two_factor_patterns,
)

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("mante-monkey-a",)


@dataclass(frozen=True)
class Recording:
    """Patterns of recorded units, and what the conditions were.

    Attributes
    ----------
    name, title : str
        Short name, and a line that says what was recorded.
    data : ndarray of shape (n_conditions, n_units)
        Mean response of each unit in each condition.
    conditions : DataFrame of shape (n_conditions, 3)
        The two features and the task.
    features : tuple of str
        The features' columns, the one relevant in the first task first.
    task : str
        The task's column.
    task_names : tuple of str
        Names of the tasks, in the order of their codes.
    unit : str
        Unit of `data`.
    source : str
        What to cite.
    trials : Bunch or None
        The single trials, where there are any: a container, see
        :func:`~neuroselect.recordings.make_container`, in which tasks are codes and levels are
        scaled as in `conditions`.
    """

    name: str
    title: str
    data: NDArray[np.float64]
    conditions: pd.DataFrame
    features: tuple[str, str]
    task: str
    task_names: tuple[str, ...]
    unit: str
    source: str
    trials: Bunch | None = None


def load_recording(
    recording: str | os.PathLike,
    *,
    data_home: str | os.PathLike | None = None,
    task: str | None = None,
    factors: Sequence[str] | None = None,
    trials: Any = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
    bin: float | None = None,
    read: Mapping[str, Any] | None = None,
) -> Recording | None:
    """Load a recording by its name, or from a file.

    Parameters
    ----------
    recording : {"mante-monkey-a", "none"} or path-like
        "mante-monkey-a" is `fetch_mante_monkey_a`; anything else is the path of a file, see
        :func:`~neuroselect.datasets.load_recording_file`. Without `task` it is a MATLAB file of
        the layout of "mante-monkey-a" (762 units, 72 conditions).
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`~neuroselect.datasets.get_data_home`.
    task : str or None, default=None
        Column of the task, with two values. The sorted first one is the first task.
    factors : sequence of two str or None, default=None
        Numeric columns of the two factors: first the one relevant in the first task, then the
        one relevant in the second. Levels are centred and their mean step made 1, so that
        factors in different units count alike.
    trials : array-like, slice, str or dict, default=None
        Trials to keep, as in :func:`~neuroselect.recordings.select`: ``"correct == 1"``.
    align : str or None, default=None
        Event of an NWB file at which time is 0; None is "start_time".
    window : tuple of (start, stop) or None, default=None
        Time in ms to average each trial over. None is all, and an error for NWB files.
    bin : float or None, default=None
        Width in ms of the bins that are averaged; a trial in which one is missing is missing.
    read : mapping or None, default=None
        Options of the file's reader, such as ``{"units": "cell_*"}`` for
        :func:`~neuroselect.datasets.load_table`. Without it, columns of a
        table whose names differ in a final number only are its units.

    Returns
    -------
    recording : Recording or None
        None for "none".

    Raises
    ------
    ValueError
        If neither a recording nor a file has this name, if the file is malformed, or if task,
        factors or options do not fit it; the message lists the file's columns.
    OSError
        If the recording is not in the data folder and cannot be downloaded.

    Examples
    --------
    >>> from neuroselect.studies import load_recording
    >>> load_recording("mante-monkey-a").data.shape  # doctest: +SKIP
    (72, 762)
    """
    if recording in ("none", *NAMES):
        options = {"task": task, "factors": factors, "trials": trials, "align": align}
        _check_has_use(recording, options | {"window": window, "bin": bin, "read": read})
    if recording == "none":
        return None
    if recording in NAMES:
        bunch = fetch_mante_monkey_a(data_home=data_home)
        return _macaque("macaque A", bunch.data, bunch.conditions)
    path = path_of(recording, NAMES)
    check_suffix(path, file_format(path))
    if task is None and factors is None:
        return _by_layout(path)
    if task is None or factors is None or isinstance(factors, str) or len(factors) != 2:
        raise ValueError(
            f"task and factors must both be given, got task={task!r} and factors={factors!r}."
            f" {file_columns(path)} {NEEDED}"
        )
    loaded = read_recording(
        path, (task, *factors), align=align, window=window, bin_width=bin, options=read
    )
    loaded = loaded if trials is None else select(loaded, trials=trials)
    data, conditions, names, loaded = two_factor_patterns(loaded, task, factors, path)
    return Recording(
        name=path.stem,
        title=described(loaded, conditions, task, factors),
        data=data,
        conditions=conditions,
        features=tuple(factors),
        task=task,
        task_names=tuple(names),
        unit="spikes per second" if file_format(path) == "nwb" else "in the unit of the file",
        source=f"the file {path.name}",
        trials=loaded,
    )


def _check_has_use(recording, options):
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ValueError(
            f"{', '.join(given)} describe a recording in a file, got recording={recording!r}. Name"
            " a file, or leave them out."
        )


def _by_layout(path):
    """Read the layout of the macaque's file, or say what another file needs."""
    if file_format(path) == "matlab":
        try:
            return _macaque(path.stem, read_mante(path)[0], mante_conditions())
        except ValueError as error:
            wrong = error
        try:
            columns = file_columns(path)
        except ValueError:
            raise wrong from None
    else:
        columns = file_columns(path)
    raise ValueError(
        f"task= and factors= must be given for a recording in a file. {columns} {NEEDED}"
    )


def _macaque(name, patterns, conditions):
    return Recording(
        name=name,
        title=(
            f"{patterns.shape[1]} units of macaque prefrontal cortex (frontal eye field and"
            f" surroundings), {patterns.shape[0]} conditions: 6 levels of motion, 6 of colour, and"
            " a context that says which of them counts"
        ),
        data=patterns,
        conditions=conditions,
        features=("colour", "motion"),
        task="context",
        task_names=("colour", "motion"),
        unit="spikes per sample",
        source=(
            "Mante, Sussillo, Shenoy & Newsome (2013), Nature 503, 78–84, as prepared by Flesch et"
            " al. (2022)"
        ),
    )
