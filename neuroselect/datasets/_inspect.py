"""What a file holds, and what a reader needs to know besides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import Bunch

from neuroselect.datasets._file_format import (
    READERS,
    WORDS,
    FileContentError,
    check_suffix,
    file_format,
    reading,
)
from neuroselect.datasets._load_matlab import load_matlab, toolbox_kind
from neuroselect.datasets._load_nifti import open_nifti
from neuroselect.datasets._load_nwb import interval_tables, open_nwb, read_intervals, read_units
from neuroselect.datasets._mat_variables import list_mat, read_mat
from neuroselect.datasets._read_table import read_table
from neuroselect.datasets._save_nwb import LAYOUT, restored
from neuroselect.utils._optional import import_optional

if TYPE_CHECKING:
    import pandas as pd

MOST_LEVELS = 20
_REPORT = "--task COLUMN --factors COLUMN,COLUMN"
ALIGN = "--align EVENT --window START,STOP --bin WIDTH (ms)"
# Kinds of columns in words, in the order in which they are told.
KINDS = {
    "factor": "task or factors",
    "event": "events (s)",
    "constant": "the same in all trials",
    "other": "other columns",
}


def inspect_recording(path: str | os.PathLike) -> Bunch:
    """Say what a file holds, and which options its reader and a report need.

    Parameters
    ----------
    path : str or path-like
        A MATLAB, NWB, NIfTI, CSV, Parquet or HDF5 file. Its format is taken from its content.

    Returns
    -------
    description : :class:`~sklearn.utils.Bunch`
        format : str
            "matlab", "matlab-7.3", "nwb", "nifti", "csv", "parquet" or "hdf5".
        reader : str
            Name of the function that loads it.
        variables : DataFrame
            `name`, `kind` and `shape` of the variables, tables or columns.
        columns : DataFrame
            Columns of the trials, where they are known without further options: `name`, `kind`
            ("factor" for 2 to 20 values that repeat, which can be a task or a factor, "event" for
            times, "constant" or "other"), `n_values`, `n_missing` and some `values`.
        needs : list of str
            What the reader and a report must be told.
        text : str
            All this to read.

    Raises
    ------
    ImportError
        If the reader needs a package that is not installed.
    OSError
        If there is no such file.
    ValueError
        If the file is damaged, its format is unknown, or it is not what its name says.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from scipy.io import savemat
    >>> from neuroselect.datasets import inspect_recording
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "session.mat"
    ...     savemat(path, {"rates": [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]})
    ...     description = inspect_recording(path)
    >>> description.format, description.variables["name"].tolist()
    ('matlab', ['rates'])
    """
    import pandas as pd

    path = Path(path)
    found = file_format(path)
    check_suffix(path, found)
    variables, trials, needs = _DESCRIBE[READERS[found]](path)
    columns = [] if trials is None else describe_columns(trials, times=found == "nwb")
    description = Bunch(
        format=found,
        reader=READERS[found],
        variables=pd.DataFrame(variables, columns=["name", "kind", "shape"]),
        columns=pd.DataFrame(columns, columns=["name", "kind", "n_values", "n_missing", "values"]),
        needs=needs,
    )
    description.text = _text(path, description)
    return description


def describe_columns(trials: pd.DataFrame, *, times: bool) -> list[tuple]:
    """Return name, kind, number of values, of missing ones, and some values of each column."""
    rows = []
    for name in trials.columns:
        if name in ("unit", "trial"):
            continue
        column = trials[name].dropna()
        values = column.unique()
        if times and column.dtype.kind == "f" and len(column) and column.is_monotonic_increasing:
            kind = "event"
        elif len(values) < 2:
            kind = "constant"
        elif len(values) <= MOST_LEVELS and 2 * len(values) <= len(column):
            kind = "factor"
        else:
            kind = "other"
        some = sorted(values.tolist(), key=lambda v: (str(type(v)), v))[:6]
        rows.append((name, kind, len(values), len(trials) - len(column), some))
    return rows


def _matlab(path: Path) -> tuple[list[tuple], Any, list[str]]:
    rows, fitting = [], []
    for name, (shape, kind) in list_mat(path).items():
        rows.append((name, kind, shape))
        if kind != "struct":
            continue
        try:
            value = read_mat(path, [name])[name]
        except FileContentError as error:
            rows.append((f"{name}.*", str(error), ()))
            continue
        if toolbox_kind(value):
            fitting.append(name)
        elif isinstance(value, dict):
            rows += [(f"{name}.{key}", _kind(one), np.shape(one)) for key, one in value.items()]
    if len(fitting) != 1:
        needs = [
            "data and trials, names of variables, for load_matlab; time and axes if they apply"
        ]
        return rows, None, needs + ([f"data: one of {fitting}"] if fitting else [])
    try:
        recording, needs = load_matlab(path), [_REPORT]
    except FileContentError as error:
        if "looks like seconds" not in str(error):
            raise
        recording, needs = load_matlab(path, time_unit="s"), [_REPORT, "time_unit='s'"]
    return [*rows, *_parts(recording)], recording.trials, needs


def _kind(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "struct"
    return str(getattr(value, "dtype", type(value).__name__))


def _parts(recording: Bunch) -> list[tuple]:
    rows = [
        ("trials", f"columns {list(recording.trials.columns)}", (len(recording.trials),)),
        ("units", f"columns {list(recording.units.columns)}", (len(recording.units),)),
    ]
    if recording.time is not None:
        first, last = recording.time[[0, -1]]
        rows.append(("time", f"{first:g} to {last:g} ms", recording.time.shape))
    return rows


def _nwb(path: Path) -> tuple[list[tuple], Any, list[str]]:
    with open_nwb(path) as file:
        if LAYOUT in (file.scratch or {}):
            with reading(path, WORDS["nwb"]):
                recording = restored(file)
            return _parts(recording), recording.trials, [_REPORT]
        rows, trials = [], None
        for name in interval_tables(file):
            table, _ = read_intervals(path, file, name)
            rows.append((name, f"intervals with columns {list(table.columns)}", (len(table),)))
            trials = table if trials is None or name == "trials" else trials
        needs = [_REPORT, ALIGN]
        if file.units is None or "spike_times" not in file.units.colnames:
            return rows, trials, [*needs, "a table of units with spike_times, which is not there"]
        units, _ = read_units(path, file)
        with reading(path, WORDS["nwb"]):
            stops = np.asarray(file.units["spike_times"].data[:])
        silent = int((np.diff(stops.astype(np.int64), prepend=0) == 0).sum())
        words = (
            f"{int(stops[-1])} spikes, {silent} units without any, columns {list(units.columns)}"
        )
        return [*rows, ("units", words, (len(units),))], trials, needs


def _nifti(path: Path) -> tuple[list[tuple], Any, list[str]]:
    image = open_nifti(path)
    with reading(path, WORDS["nifti"]):
        sizes = " x ".join(f"{size:.3g}" for size in image.header.get_zooms())
        row = ("image", f"{image.get_data_dtype()}, voxels and steps of {sizes}", image.shape)
    return [row], None, ["mask and labels, files or arrays, for load_nifti", _REPORT]


def _table(path: Path) -> tuple[list[tuple], Any, list[str]]:
    table = read_table(path)
    rows = [(name, str(table[name].dtype), (len(table),)) for name in table.columns]
    needs = [
        "units (one row per trial), or value and simultaneous (one row per unit), for load_table"
    ]
    return rows, table, [*needs, _REPORT]


def _hdf5(path: Path) -> tuple[list[tuple], Any, list[str]]:
    h5py = import_optional("h5py", "hdf5", f"Reading {path.name}")
    rows: list[tuple] = []

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            rows.append((name, str(item.dtype), item.shape))

    with reading(path, WORDS["hdf5"]), h5py.File(path, "r") as file:
        file.visititems(add)
    return rows, None, ["data and trials, paths of datasets, for load_hdf5; time and axes"]


_DESCRIBE = {
    "load_matlab": _matlab,
    "load_nwb": _nwb,
    "load_nifti": _nifti,
    "load_table": _table,
    "load_hdf5": _hdf5,
}


def _text(path: Path, description: Bunch) -> str:
    lines = [f"{path}: {WORDS[description.format]}, read by {description.reader}", "holds"]
    rows = list(description.variables.itertuples(index=False))
    lines += [
        f"  {row.name}  {' x '.join(map(str, row.shape))}  {row.kind}" for row in rows[:MOST_LEVELS]
    ]
    if len(rows) > MOST_LEVELS:
        lines.append(f"  and {len(rows) - MOST_LEVELS} more")
    for kind, words in KINDS.items():
        found = description.columns[description.columns["kind"] == kind]
        if len(found):
            lines.append(words)
            shown = list(found.itertuples(index=False))[:MOST_LEVELS]
            lines += [f"  {_column_text(row)}" for row in shown]
            if len(found) > len(shown):
                lines.append(f"  and {len(found) - len(shown)} more")
    return "\n".join([*lines, "needs", *(f"  {need}" for need in description.needs)])


def _column_text(row: Any) -> str:
    missing = f", {row.n_missing} missing" if row.n_missing else ""
    more = ", ..." if row.n_values > len(row.values) else ""
    values = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in row.values)
    return f"{row.name}: {row.n_values} value(s){missing}: {values}{more}"
