"""Recordings in MATLAB files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from neuroselect.datasets._file_format import FileContentError
from neuroselect.datasets._mat_variables import list_mat, read_mat
from neuroselect.datasets._variables import (
    Names,
    column,
    make_recording,
    numbers,
    recording_of_variables,
)


def load_matlab(
    path: str | os.PathLike,
    *,
    data: str | None = None,
    trials: Names | None = None,
    units: Names | None = None,
    time: Any = None,
    axes: Sequence[str] | None = None,
    bin_width: float | None = None,
    time_at: str = "centre",
    time_unit: str | None = None,
) -> Bunch:
    """Load a recording from a MATLAB file, version 4 to 7.3.

    Two layouts. That of the toolbox for targeted dimensionality reduction of Mante et al. [1]_
    is recognised: a struct with `time`, and `unit(n).response` (trials x time) with
    `unit(n).task_variable.<name>` for units recorded one after another, or `response` (units x
    time x trials) with `task_variable.<name>` for units recorded together. Plain matrices are
    named by `data` and `trials`.

    Parameters
    ----------
    path : str or path-like
        The file. Its format is taken from its content. Version 7.3 needs h5py (extra ``hdf5``).
    data : str, default=None
        Name of the variable with the activity, with dots for the fields of structs. None takes
        the only struct that has the toolbox's layout.
    trials : str, list of str or dict, default=None
        Where the task variables are: the name of a struct with one vector per variable; names
        of vectors; or a dict from the name of a column to that of a vector. A column `unit` says
        that units were not recorded together (long form). Needed for plain matrices only.
    units : str, list of str or dict, default=None
        The same for columns of the table of units, one entry per unit.
    time : str or array-like of shape (n_times,), default=None
        Name of the variable with the times, or the times. None for plain matrices without an
        axis of time.
    axes : sequence of {"trials", "time", "units"}, default=None
        What the axes of a plain matrix are. None is trials, time (if there is one), units.
    bin_width : float, default=None
        Width of the bins in ms, if the activity is binned.
    time_at : {"centre", "start"}, default="centre"
        Whether times are those of the centres of the bins or of their starts.
    time_unit : {"ms", "s"}, default=None
        Unit of the times in the file. None means ms, and refuses what looks like seconds.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container of trials, see :func:`~neuroselect.recordings.make_container`; in long form
        for units recorded one after another, with the columns `unit`, `trial` (number among the
        trials of its unit) and the task variables. Vectors of whole numbers become integers.

    Raises
    ------
    ImportError
        If h5py is needed and not installed.
    OSError
        If there is no such file.
    ValueError
        If the file is damaged or of another format, has no such variable or not the layout, if
        lengths do not belong together, if times look like seconds, or if a variable to be read
        holds an object or a function. Nothing in the file is run.

    References
    ----------
    .. [1] Mante, Sussillo, Shenoy & Newsome (2013), Nature 503, 78-84,
       :doi:`10.1038/nature12742`

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from scipy.io import savemat
    >>> from neuroselect.datasets import load_matlab
    >>> rates = [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]  # 3 trials, 2 units
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "session.mat"
    ...     savemat(path, {"rates": rates, "task": {"context": [0, 1, 1]}})
    ...     recording = load_matlab(path, data="rates", trials="task")
    >>> recording.data.shape, recording.trials["context"].tolist()
    ((3, 2), [0, 1, 1])
    """
    path = Path(path)
    times = {"bin_width": bin_width, "time_at": time_at, "time_unit": time_unit}
    if data is None or trials is None:
        if not (trials is None and units is None and time is None and axes is None):
            raise ValueError(
                "load_matlab needs both data and trials for plain matrices, and none of trials,"
                " units, time and axes for the layout with unit(n).response or response."
            )
        return _of_toolbox(path, *_find_toolbox(path, data), times)
    get = _Variables(path)
    return recording_of_variables(
        path, get, data=data, trials=trials, units=units, time=time, axes=axes, **times
    )


class _Variables:
    """Variables of a file by dotted name, each read once."""

    def __init__(self, path: Path):
        self.path, self.read = path, {}

    def __call__(self, name: str) -> Any:
        first, *fields = name.split(".")
        if first not in self.read:
            self.read.update(read_mat(self.path, [first]))
        value = self.read[first]
        for k, field in enumerate(fields, start=1):
            if not isinstance(value, Mapping) or field not in value:
                above = ".".join([first, *fields[: k - 1]])
                known = sorted(value) if isinstance(value, Mapping) else "no struct"
                raise FileContentError(f"{self.path} has no {name!r}: {above} is {known}.")
            value = value[field]
        return value


def toolbox_kind(value: Any) -> str | None:
    """Return "sequential", "simultaneous" or None."""
    if not isinstance(value, Mapping) or "time" not in value:
        return None
    if _structs(value.get("unit")) is not None:
        return "sequential"
    return "simultaneous" if {"response", "task_variable"} <= set(value) else None


def _structs(value: Any) -> list[dict] | None:
    """Return an array of structs, or a cell array of them, as a list."""
    values = [value] if isinstance(value, Mapping) else value
    if isinstance(values, np.ndarray) and values.dtype == object:
        values = list(values.ravel(order="F"))
    if not isinstance(values, list) or not all(isinstance(one, Mapping) for one in values):
        return None
    return values


def _find_toolbox(path: Path, name: str | None) -> tuple[str, dict]:
    if name is not None:
        value = _Variables(path)(name)
        if toolbox_kind(value) is None:
            raise FileContentError(
                f"{path}: {name} must be a struct with time and unit(n).response, or with time,"
                " response and task_variable. Name the variables of the trials with trials= if it"
                " is a plain matrix."
            )
        return name, value
    known = list_mat(path)
    structs, refusals = {}, []
    for key in (key for key, (_, kind) in known.items() if kind == "struct"):
        try:
            structs |= read_mat(path, [key])
        except FileContentError as error:  # a struct beside the recording may hold an object
            refusals.append(error)
    fitting = [key for key, value in structs.items() if toolbox_kind(value)]
    if not fitting and refusals:
        raise refusals[0]
    if len(fitting) != 1:
        shapes = {key: f"{kind} {shape}" for key, (shape, kind) in known.items()}
        raise FileContentError(
            f"{path} must have one struct with time and unit(n).response, or with time, response"
            f" and task_variable, got {len(fitting)} among {shapes}. Name the activity with data="
            " and the variables of the trials with trials=."
        )
    return fitting[0], structs[fitting[0]]


def _of_toolbox(path: Path, name: str, content: dict, times: dict) -> Bunch:
    if toolbox_kind(content) == "simultaneous":
        labels = content.get("dimension")
        return recording_of_variables(
            path,
            lambda part: content[part.split(".")[-1]],
            data=f"{name}.response",
            trials=f"{name}.task_variable",
            units=None if labels is None else {"name": f"{name}.dimension"},
            time=f"{name}.time",
            axes=("units", "time", "trials"),
            **times,
        )
    units = _structs(content["unit"])
    if not units:
        raise FileContentError(f"{path}: {name}.unit must hold at least one unit, got none.")
    time = numbers(path, f"{name}.time", content["time"]).ravel()
    rates, tables = zip(
        *(_one_unit(path, f"{name}.unit({k})", unit, len(time)) for k, unit in enumerate(units, 1)),
        strict=True,
    )
    return make_recording(
        path,
        np.concatenate(rates),
        _joined(path, name, tables),
        units=_unit_table(units, [len(one) for one in rates]),
        time=time,
        **times,
    )


def _one_unit(path: Path, name: str, unit: Mapping, n_times: int) -> tuple[np.ndarray, dict]:
    if not {"response", "task_variable"} <= set(unit):
        raise FileContentError(
            f"{path}: {name} must have the fields response and task_variable, got {sorted(unit)}."
        )
    response = numbers(path, f"{name}.response", unit["response"])
    if response.ndim != 2 or response.shape[1] != n_times:
        raise FileContentError(
            f"{path}: {name}.response must have shape (n_trials, {n_times}), as long as time, got"
            f" {response.shape}."
        )
    variables = unit["task_variable"]
    if not isinstance(variables, Mapping) or not variables:
        raise FileContentError(
            f"{path}: {name}.task_variable must be a struct of vectors, got"
            f" {type(variables).__name__}."
        )
    table = {}
    for key, value in variables.items():
        table[key] = column(path, f"{name}.task_variable.{key}", value)
        if len(table[key]) != len(response):
            raise FileContentError(
                f"{path}: {name}.task_variable.{key} must have one entry per trial of response,"
                f" {len(response)}, got {len(table[key])}."
            )
    return response, table


def _joined(path: Path, name: str, tables: Sequence[dict]) -> dict[str, np.ndarray]:
    names = list(tables[0])
    for k, table in enumerate(tables, 1):
        if set(table) != set(names):
            raise FileContentError(
                f"{path}: all units must have the same task variables, {name}.unit(1) has"
                f" {sorted(names)}, {name}.unit({k}) has {sorted(table)}."
            )
    taken = sorted({"unit", "trial"} & set(names))
    if taken:
        raise FileContentError(
            f"{path}: task variables must not be called {taken}, which number units and trials."
        )
    lengths = [len(table[names[0]]) for table in tables]
    return {
        "unit": np.repeat(np.arange(len(tables)), lengths),
        "trial": np.concatenate([np.arange(n) for n in lengths]),
        **{key: np.concatenate([table[key] for table in tables]) for key in names},
    }


def _unit_table(units: list[dict], n_trials: list[int]) -> dict[str, list]:
    labels = [unit.get("dimension") for unit in units]
    names = [
        label if isinstance(label, str) and label else f"unit_{k}"
        for k, label in enumerate(labels, 1)
    ]
    return {"unit": list(range(len(units))), "name": names, "n_trials": n_trials}
