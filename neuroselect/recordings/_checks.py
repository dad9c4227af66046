"""What the parts of a recording must be."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

# Steps below a millisecond over less than 20 ms are no trial in ms, but a usual one in seconds.
_SECONDS_STEP, _SECONDS_SPAN = 1.0, 20.0


def check_data(data: Any) -> Any:
    """Return the data as an array, or untouched where it is read by slices (h5py, zarr, memmap)."""
    from scipy.sparse import issparse

    if issparse(data):
        raise ValueError("data must be a dense array, got a sparse one. Use data.toarray().")
    if isinstance(data, np.ma.MaskedArray):
        raise ValueError(
            "data must mark missing values by NaN, got a masked array. Use data.filled(np.nan)."
        )
    if not isinstance(data, np.memmap) and not _is_sliced(data):
        data = np.asarray(data)
    kind, n_axes = np.dtype(data.dtype).kind, len(data.shape)
    if kind not in "buif":
        raise ValueError(f"data must be real numbers, got an array of dtype {data.dtype}.")
    if n_axes not in (1, 2, 3) or 0 in data.shape:
        raise ValueError(
            "data must have shape (n_trials, n_units) or (n_trials, n_times, n_units), or of units"
            " not recorded together (n_rows,) or (n_rows, n_times), with at least one entry on"
            f" each axis; got shape {tuple(data.shape)}."
        )
    return data


def _is_sliced(data: Any) -> bool:
    if isinstance(data, np.ndarray) or hasattr(data, "iloc"):
        return False
    try:
        np.dtype(data.dtype)
        return isinstance(data.shape, tuple) and hasattr(data, "__getitem__")
    except (AttributeError, TypeError):
        return False


def check_table(table: Any, name: str, n_rows: int, rows: str) -> pd.DataFrame:
    """Return a new table of `n_rows` rows, numbered from 0, with unique names of columns."""
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        frame = _without_index(table, name)
    elif isinstance(table, Mapping):
        frame = _table_of_columns(table, name, n_rows)
    else:
        raise TypeError(
            f"{name} must be a DataFrame or a dict of columns, got {type(table).__name__}."
        )
    for column in frame.columns:
        if not isinstance(column, str):
            raise ValueError(f"{name} must have strings as names of columns, got {column!r}.")
    if not frame.columns.is_unique:
        twice = sorted(set(frame.columns[frame.columns.duplicated()]))
        raise ValueError(
            f"{name} must have different names of columns, got {twice} more than once."
        )
    if len(frame) != n_rows:
        raise ValueError(
            f"{name} must have one row per {rows}, got {len(frame)} row(s) for {n_rows}."
        )
    return frame


def _without_index(table: pd.DataFrame, name: str) -> pd.DataFrame:
    named = [level for level in table.index.names if level is not None]
    taken = sorted(set(named) & set(table.columns), key=str)
    if taken:
        raise ValueError(
            f"{name} must have different names of columns and of its index, got {taken} in both."
        )
    return table.reset_index(drop=not named)


def _table_of_columns(columns: Mapping, name: str, n_rows: int) -> pd.DataFrame:
    import pandas as pd

    if not columns:
        return pd.DataFrame(index=pd.RangeIndex(n_rows))
    # Series are taken by position: pandas would align their indices and fill with NaN.
    arrays = {
        key: pd.Series(value.array, dtype=value.dtype)
        if isinstance(value, (pd.Series, pd.Index))
        else value
        for key, value in columns.items()
    }
    lengths = {
        key: len(v) for key, v in arrays.items() if hasattr(v, "__len__") and not isinstance(v, str)
    }
    try:
        if len(set(lengths.values())) > 1:
            raise ValueError("they differ")
        return pd.DataFrame(arrays)
    except ValueError as error:
        raise ValueError(
            f"{name} must have columns of one dimension and of one length,"
            f" got the lengths {lengths} ({error})."
        ) from error


def check_time(time: Any, n_times: int, in_ms: bool) -> NDArray[np.float64]:
    """Return the times; `in_ms` says that they are known to be in ms."""
    try:
        time = np.array(time, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"time must be numbers in ms, got {time!r}.") from error
    if time.shape != (n_times,):
        raise ValueError(
            "time must have one entry per entry of the time axis of data, that is shape"
            f" ({n_times},), got shape {time.shape}."
        )
    if not np.isfinite(time).all():
        raise ValueError(f"time must be finite, got {np.sum(~np.isfinite(time))} other value(s).")
    steps = np.diff(time)
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0))
        raise ValueError(
            f"time must increase, got {time[at]:g} ms at position {at} followed by"
            f" {time[at + 1]:g} ms."
        )
    if not in_ms and n_times > 1:
        refuse_seconds("time", time[0], time[-1], float(np.median(steps)))
    return time


def refuse_seconds(name: str, start: float, stop: float, step: float) -> None:
    """Refuse what is no trial in ms but a usual one in seconds."""
    if step < _SECONDS_STEP and stop - start < _SECONDS_SPAN:
        raise ValueError(
            f"{name} must be in ms, got {start:g} to {stop:g} in steps of {step:g}, which"
            " looks like seconds. Multiply by 1000, or if these are milliseconds say so with"
            " time_unit='ms'."
        )


def check_bin_width(bin_width: Any, time: NDArray[np.float64] | None) -> float | None:
    """Return the width of the bins (ms), or None."""
    if bin_width is None:
        return None
    if time is None:
        raise ValueError(f"bin_width must be None where data has no time axis, got {bin_width!r}.")
    width = check_positive(bin_width, "bin_width")
    if len(time) > 1 and width <= np.median(np.diff(time)) / 100:
        raise ValueError(
            f"bin_width must be in ms as time is, got {width:g} for bins"
            f" {np.median(np.diff(time)):g} ms apart. Is it in seconds?"
        )
    return width


def check_positive(value: Any, name: str) -> float:
    """Return a finite number > 0, in ms."""
    real = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    if not real or not np.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be a number of ms > 0, got {value!r}.")
    return float(value)


def check_unit_column(column: pd.Series, n_units: int | None) -> NDArray[np.int64]:
    """Return the position in `units` of the unit of each row (long form)."""
    positions = "positions 0, 1, ... in units (pandas.factorize makes them from names)"
    if column.isna().any():
        raise ValueError(
            f"trials['unit'] must hold {positions}, got {int(column.isna().sum())} missing"
            " value(s)."
        )
    values = column.to_numpy()
    if values.dtype.kind not in "iuf" or (values != np.floor(values)).any():
        raise ValueError(f"trials['unit'] must hold {positions}, got {_first(values)}.")
    units = values.astype(np.int64)
    present = np.unique(units)
    if present[0] < 0 or (n_units is not None and present[-1] >= n_units):
        wrong = present[0] if present[0] < 0 else present[-1]
        of = "" if n_units is None else f" of the {n_units} unit(s)"
        raise ValueError(f"trials['unit'] must hold {positions}{of}, got {wrong}.")
    if n_units is None and len(present) != present[-1] + 1:
        raise ValueError(
            f"trials['unit'] must hold every number from 0 to {present[-1]} where units is not"
            f" given, got {len(present)} of them. Pass units, or number the units anew with"
            " pandas.factorize."
        )
    return units


def _first(values: NDArray) -> str:
    if values.dtype.kind == "f":
        return repr(float(values[values != np.floor(values)][0]))
    return f"{values[0]!r} of dtype {values.dtype}"
