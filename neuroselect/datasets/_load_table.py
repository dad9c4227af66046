"""Recordings in tables: CSV and Parquet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

from neuroselect.datasets._file_format import FileContentError
from neuroselect.datasets._read_table import read_table
from neuroselect.datasets._table_rows import (
    code_column,
    describe_units,
    fill_grid,
    number_column,
    per_group,
    time_column,
)
from neuroselect.datasets._variables import make_recording

if TYPE_CHECKING:
    import pandas as pd


def load_table(
    path: str | os.PathLike,
    *,
    units: str | Sequence[str] | None = None,
    trials: Sequence[str] | None = None,
    value: str | None = None,
    unit: str = "unit",
    trial: str = "trial",
    time: str | None = None,
    simultaneous: bool | None = None,
    missing: str = "raise",
    bin_width: float | None = None,
    time_at: str = "centre",
    time_unit: str | None = None,
) -> Bunch:
    r"""Load a recording from a CSV or Parquet table, wide or long.

    *Wide*: one row per trial and one column per unit; with `time`, one row per trial and time.
    *Long*, where `value` is given: one row per unit and trial, or per unit, trial and time.

    Parameters
    ----------
    path : str or path-like
        The file. Its format is taken from its content. CSV may be separated by commas, tabs or
        semicolons and must be UTF-8 with one row of names. Parquet needs pyarrow (extra
        ``parquet``).
    units : str or list of str, default=None
        Wide: the columns that are units; a text is a pattern, as in ``"cell_*"``. None takes all
        columns that are not in `trials`. Long: columns that describe the unit, to go into the
        table of units.
    trials : list of str, default=None
        Columns that are task variables. None takes all columns without another role.
    value : str, default=None
        Long: the column of the activity.
    unit, trial : str, default="unit", "trial"
        Columns that identify the unit (long) and the trial (long, and wide with `time`).
    time : str, default=None
        Column of the times. None for tables without time.
    simultaneous : bool, default=None
        Long: whether units with the same `trial` were recorded in one and the same trial. True
        gives data of shape (n_trials, n_times, n_units), False the long form. A long table does
        not tell, so that it must be given.
    missing : {"raise", "nan"}, default="raise"
        What to do where a unit, trial and time has no row, as for trials of unequal length:
        refuse, or put NaN.
    bin_width, time_at, time_unit
        As in :func:`load_matlab`.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container of trials, see :func:`~neuroselect.recordings.make_container`. Trials and
        units are in the order in which they first occur, times sorted. Empty cells, NA and NaN
        are missing values.

    Raises
    ------
    ImportError
        If the file is Parquet and pyarrow is not installed.
    OSError
        If there is no such file.
    ValueError
        If the file is damaged, of another format or has rows of unequal length, columns are
        missing, have the same name or hold no numbers, a task variable changes within a trial,
        rows are missing or occur twice, or times look like seconds.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from neuroselect.datasets import load_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "session.csv"
    ...     _ = path.write_text("context,cell_1,cell_2\nmotion,3,0\ncolour,5,1\n")
    ...     recording = load_table(path, units="cell_*")
    >>> recording.data, recording.trials["context"].tolist()
    (array([[3., 0.],
           [5., 1.]]), ['motion', 'colour'])
    """
    path = Path(path)
    if missing not in ("raise", "nan"):
        raise ValueError(f"missing must be 'raise' or 'nan', got {missing!r}.")
    options = {"bin_width": bin_width, "time_at": time_at, "time_unit": time_unit}
    table = read_table(path)
    if value is None:
        return _wide(path, table, units, trials, trial, time, missing, options)
    if simultaneous is None:
        raise ValueError(
            "simultaneous must be True if units with the same trial were recorded in one trial, or"
            " False if trial n of one unit is not trial n of another: a long table does not tell."
        )
    keys = [unit, trial, *([time] if time is not None else [])]
    unit_columns = [units] if isinstance(units, str) else list(units or [])
    _require(path, table, [*keys, value, *unit_columns])
    variables = _task_variables(path, table, trials, [*keys, value, *unit_columns])
    build = _together if simultaneous else _apart
    return build(path, table, keys, value, variables, unit_columns, missing, options)


def _wide(path, table, units, trials, trial, time, missing, options) -> Bunch:
    keys = [] if time is None else [trial, time]
    _require(path, table, [*keys, *(trials or [])])
    names = _unit_columns(path, table, units, trials, keys)
    variables = _task_variables(path, table, trials, [*names, *keys])
    data = np.column_stack([number_column(path, table, name) for name in names])
    unit_table = {"unit": np.arange(len(names)), "name": names}
    if time is None:
        return make_recording(path, data, table[variables], units=unit_table, **options)
    row, ids = code_column(path, table, trial)
    column, times = time_column(path, table, time)
    grid = fill_grid(path, (row, column), (len(ids), len(times)), data, (trial, time), missing)
    frame = per_group(path, table, row, ids, trial, variables)
    return make_recording(path, grid, frame, units=unit_table, time=times, **options)


def _together(path, table, keys, value, variables, unit_columns, missing, options) -> Bunch:
    unit, trial, *time = keys
    column, names = code_column(path, table, unit)
    row, ids = code_column(path, table, trial)
    codes, shape, times = [row], [len(ids)], None
    if time:
        sample, times = time_column(path, table, time[0])
        codes, shape = [row, sample], [len(ids), len(times)]
    codes, shape = (*codes, column), (*shape, len(names))
    data = fill_grid(
        path, codes, shape, number_column(path, table, value), (*keys[1:], unit), missing
    )
    frame = per_group(path, table, row, ids, trial, variables)
    units = describe_units(path, table, column, names, unit, unit_columns)
    return make_recording(path, data, frame, units=units, time=times, **options)


def _apart(path, table, keys, value, variables, unit_columns, missing, options) -> Bunch:
    import pandas as pd

    unit, trial, *time = keys
    position, names = code_column(path, table, unit)
    within, ids = code_column(path, table, trial)
    # Rows of data in the order of units, and in each in that of its trials.
    present, row = np.unique(position * len(ids) + within, return_inverse=True)
    codes, shape, times = [row], [len(present)], None
    if time:
        sample, times = time_column(path, table, time[0])
        codes, shape = [row, sample], [len(present), len(times)]
    data = fill_grid(path, codes, shape, number_column(path, table, value), keys, missing)
    numbers = [ids[k] for k in present % len(ids)]
    frame = per_group(path, table, row, numbers, trial, variables)
    if "unit" in frame.columns:
        raise FileContentError(
            f"{path}: the trials have a column 'unit' already, besides {unit!r}. Leave it out with"
            " trials=."
        )
    frame = pd.concat([pd.DataFrame({"unit": present // len(ids)}), frame], axis=1)
    units = describe_units(path, table, position, names, unit, unit_columns)
    return make_recording(path, data, frame, units=units, time=times, **options)


def _require(path: Path, table: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise FileContentError(
            f"{path} must have the columns {list(names)}, {missing} missing from"
            f" {_shown(table.columns)}."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"Each column can have one role only, got {list(names)}.")


def _shown(names: Sequence[str]) -> str:
    names = list(names)
    return str(names) if len(names) <= 20 else f"{names[:20]} and {len(names) - 20} more"


def _unit_columns(path, table, units, trials, keys) -> list[str]:
    others = [name for name in table.columns if name not in keys and name not in (trials or [])]
    if units is None:
        if trials is None:
            raise ValueError(
                "load_table needs to know which columns are units: pass units (names, or a pattern"
                " such as 'cell_*'), or trials and all others are units, or for a long table"
                f" value. {path} has {_shown(table.columns)}."
            )
        names = others
    elif isinstance(units, str):
        names = [name for name in others if fnmatchcase(name, units)]
    else:
        names = list(units)
        _require(path, table, [*names, *keys, *(trials or [])])
    if not names:
        raise FileContentError(
            f"{path} must have a column for each unit, got none for units={units!r} among"
            f" {_shown(table.columns)}."
        )
    return names


def _task_variables(path, table, trials, used: Sequence[str]) -> list[str]:
    if trials is None:
        return [name for name in table.columns if name not in used]
    _require(path, table, [*trials, *used])
    return list(trials)
