"""The trials of a sweep: a generated task, or a file of one's own."""

from __future__ import annotations

import inspect
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from sklearn.utils import _safe_indexing

from neuroselect.studies._sweep_registry import FEATURES, TASKS, call, unknown
from neuroselect.utils._digest import digest

if TYPE_CHECKING:
    import pandas as pd

FILE_KEYS = ("target", "task_column", "conditions")


class SweepTrials(NamedTuple):
    """What the networks of a sweep are trained and measured on."""

    X: Any  # (n_trials, n_features + 1), or (n_trials, n_features) without tasks
    y: np.ndarray
    conditions: pd.DataFrame  # one row per trial
    task_names: dict  # code -> name, for those that have one
    features: Sequence[str] | None  # columns of the conditions for the geometry
    has_tasks: bool

    def take(self, rows: np.ndarray) -> SweepTrials:
        """Return some of the trials."""
        return self._replace(
            X=_safe_indexing(self.X, rows),
            y=self.y[rows],
            conditions=self.conditions.iloc[rows].reset_index(drop=True),
        )

    def name(self, code: Any) -> str:
        """Name of a task."""
        return str(self.task_names.get(code, code))

    def sha256(self) -> str:
        """Fingerprint of inputs and targets."""
        columns = list(map(str, getattr(self.X, "columns", [])))
        X = [self.X[c].to_numpy() for c in self.X] if columns else self.X
        return digest([columns, X, self.y])


def load_trials(settings: Mapping[str, Any], folder: Path) -> SweepTrials:
    """Make or read the trials that the section ``[task]`` describes.

    Raises
    ------
    ValueError
        If neither or both of name and data are given, an option is unknown or refused, or
        the file does not hold trials.
    FileNotFoundError
        If there is no such file.
    """
    options = dict(settings["task"])
    dtype = options.pop("dtype", "float64")
    if ("name" in options) == ("data" in options):
        raise ValueError(
            "task: give either name, for a generated task, or data, for a file of trials. Names:"
            f" {', '.join(sorted(TASKS))}."
        )
    trials = _read(options, folder) if "data" in options else _generate(options)
    if hasattr(trials.X, "columns"):
        numeric = list(trials.X.select_dtypes("number"))
        return trials._replace(X=trials.X.astype(dict.fromkeys(numeric, dtype)))
    return trials._replace(X=trials.X.astype(dtype))


def split_trials(
    trials: SweepTrials, settings: Mapping[str, Any]
) -> tuple[SweepTrials, SweepTrials | None]:
    """Return the trials for training and those held out, None without a section ``[test]``."""
    if "test" not in settings:
        return trials, None
    test = settings["test"]
    size, column = test.get("size", 0.2), test.get("groups")
    if column is not None and column not in trials.conditions:
        raise unknown("test.groups", "column", column, trials.conditions)
    groups = None if column is None else trials.conditions[column].to_numpy()
    splitter = ShuffleSplit if column is None else GroupShuffleSplit
    split = splitter(n_splits=1, test_size=size, random_state=test.get("random_state", 0))
    try:
        (rows, held_out), *_ = split.split(np.zeros(len(trials.y)), groups=groups)
    except ValueError as error:
        raise ValueError(f"test.size: {error}") from error
    return trials.take(np.sort(rows)), trials.take(np.sort(held_out))


def _generate(options: dict) -> SweepTrials:
    name = options.pop("name")
    function = TASKS[name]
    for key in FILE_KEYS:
        if key in options:
            raise ValueError(f"task.{key}: describes a file, and the task {name!r} has none.")
    if "return_X_y" in options:
        raise ValueError("task.return_X_y: is set by the sweep.")
    options = {key: None if value == "none" else value for key, value in options.items()}
    if "random_state" in inspect.signature(function).parameters:
        options = {"random_state": 0, **options}  # the file determines the results
    bunch = call(function, {**options, "return_X_y": False}, "task")
    names = dict(enumerate(bunch.task_names))
    return SweepTrials(bunch.data, bunch.target, bunch.conditions, names, FEATURES.get(name), True)


def _read(options: dict, folder: Path) -> SweepTrials:
    path = folder / options.pop("data")
    for key in options:
        if key not in FILE_KEYS:
            raise unknown("task", "key", key, ["data", "dtype", *FILE_KEYS])
    if not path.is_file():
        raise FileNotFoundError(
            f"task.data: there is no file {str(path)!r}. Paths are relative to the folder of the"
            " configuration."
        )
    readers = {".csv": _read_csv, ".npz": _read_npz}
    if path.suffix not in readers:
        raise ValueError(f"task.data: expected a .csv or .npz file, got {path.name!r}.")
    return readers[path.suffix](path, options)


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table, floats exactly as they were written."""
    import pandas as pd

    # Since pandas 3.1 this is the default, and asking for it is deprecated.
    exact = tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)
    return pd.read_csv(path, **({} if exact else {"float_precision": "round_trip"}))


def _read_csv(path: Path, options: dict) -> SweepTrials:
    try:
        frame = read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"task.data: {path.name} is not a table: {error}") from error
    target, described = options.get("target", "y"), _listed(options.get("conditions", []))
    task = options.get("task_column", "task")
    task = None if task == "none" else task
    named = {"target": _listed(target), "conditions": described}
    named["task_column"] = [] if task is None else [task]
    for key, columns in named.items():
        for column in columns:
            if column not in frame:
                raise unknown(f"task.{key}", f"column of {path.name}", column, frame)
    used = {column for columns in named.values() for column in columns}
    inputs = [column for column in frame if column not in used]
    for column in inputs:
        if frame[column].dtype.kind not in "iufb":
            raise ValueError(
                f"task.data: column {column!r} of {path.name} does not hold numbers. Name it in"
                " task.conditions if it is no input of the network."
            )
    X = frame[inputs + named["task_column"]]
    if task is None or frame[task].dtype.kind in "iufb":
        X = X.to_numpy(dtype=np.float64)
    conditions = frame[list(dict.fromkeys(named["task_column"] + described))]
    return SweepTrials(X, frame[target].to_numpy(), conditions, {}, None, task is not None)


def _read_npz(path: Path, options: dict) -> SweepTrials:
    import pandas as pd

    for key in ("target", "task_column", "conditions"):
        if key in options:
            raise ValueError(
                f"task.{key}: is for CSV files; a .npz file has the arrays X (its last column is"
                " the task), y, and one more for each condition."
            )
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays = dict(archive)
    except (TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"task.data: {path.name} cannot be read: {error}") from error
    if not {"X", "y"} <= arrays.keys():
        raise ValueError(
            f"task.data: {path.name} needs the arrays X and y, it holds {', '.join(arrays)}."
        )
    X, y = arrays.pop("X"), arrays.pop("y")
    lengths = {"X": len(X), "y": len(y)} | {name: len(a) for name, a in arrays.items()}
    if X.ndim != 2 or X.dtype.kind not in "iufb" or len(set(lengths.values())) > 1:
        raise ValueError(
            f"task.data: {path.name} needs numbers X of shape (n_trials, n_columns) and one entry"
            f" per trial in the other arrays; got X of shape {X.shape}, lengths {lengths}."
        )
    conditions = pd.DataFrame({"task": X[:, -1], **arrays})
    return SweepTrials(X, y, conditions, {}, None, True)


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names
