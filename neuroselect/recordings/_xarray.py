"""Recordings as xarray data sets, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import Bunch

from neuroselect.recordings._columns import pack_column, unpack_column
from neuroselect.recordings._container import PARTS, check_container, make_container
from neuroselect.utils._optional import import_optional

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

DIMS = ("trial", "time", "unit")
COLUMN = "column"  # attribute: the column that a coordinate was, "" if none


def to_xarray(recording: Mapping[str, Any]) -> xr.Dataset:
    """Turn a recording into a data set of xarray.

    Parameters
    ----------
    recording : dict or :class:`~sklearn.utils.Bunch`
        As :func:`make_container` returns it.

    Returns
    -------
    dataset : xarray.Dataset
        With the variable `data` of dimensions `trial`, `time` (if there is one) and `unit`; in
        long form `trial` and `time`. Columns of the tables are coordinates along `trial` and
        `unit`, by their own names, or with `trial_` or `unit_` before them where the name is
        taken. `time` is in ms. Other entries are attributes. `data` that are read by slices are
        read as a whole.

    Raises
    ------
    ImportError
        If xarray is not installed.

    See Also
    --------
    from_xarray : The way back, which loses nothing.

    Notes
    -----
    The pandas types of columns that NumPy does not have (categories, nullable integers) are kept
    as attributes of the coordinates. Where strings are stored, by pandas or by pyarrow, is
    not kept.

    Examples
    --------
    >>> from neuroselect.recordings import make_container, to_xarray
    >>> recording = make_container([[1.0, 2.0], [3.0, 4.0]], {"context": [0, 1]})
    >>> to_xarray(recording).sizes  # doctest: +SKIP
    Frozen({'trial': 2, 'unit': 2})
    """
    xarray = import_optional("xarray", "xarray", "to_xarray")
    recording = check_container(recording)
    long, timed = "unit" in recording.trials.columns, recording.time is not None
    dims = [dim for dim in DIMS if (dim != "time" or timed) and (dim != "unit" or not long)]
    coords = {}
    if timed:
        attrs = {"units": "ms"}
        if recording.bin_width is not None:
            attrs["bin_width"] = recording.bin_width
        coords["time"] = ("time", recording.time, attrs)
    for dim, table in (("unit", recording.units), ("trial", recording.trials)):
        coords |= _coordinates(table, dim, coords)
    return xarray.Dataset(
        {"data": (dims, np.asarray(recording.data))},
        coords=coords,
        attrs={name: recording[name] for name in recording if name not in PARTS},
    )


def _coordinates(table: pd.DataFrame, dim: str, others: Mapping[str, Any]) -> dict[str, tuple]:
    if not len(table.columns):
        return {dim: (dim, np.arange(len(table)), {COLUMN: ""})}
    coords: dict[str, tuple] = {}
    taken = {"data", *others, *DIMS} - {dim}
    for column in table.columns:
        name = column
        while name in taken or name in coords or (name != column and name in table.columns):
            name = f"{dim}_{name}"
        values, kept = pack_column(table[column])
        coords[name] = (dim, values, {COLUMN: column, **kept})
    return coords


def from_xarray(
    array: xr.Dataset | xr.DataArray,
    *,
    variable: str | None = None,
    trial: str = "trial",
    time: str = "time",
    unit: str = "unit",
) -> Bunch:
    """Turn an array or data set of xarray into a recording.

    Parameters
    ----------
    array : xarray.DataArray or xarray.Dataset
        Activity, with dimensions in any order.
    variable : str, default=None
        Variable of the data set that holds the activity; None if it has only one.
    trial, time, unit : str, default="trial", "time", "unit"
        Names of the dimensions.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        As :func:`make_container` returns it. Coordinates along `trial` and `unit` become columns
        of the tables; coordinates without dimension and the attributes become further entries.

    Raises
    ------
    TypeError
        If `array` is not of xarray.
    ValueError
        If the activity has other dimensions, a coordinate has no place in a recording, or `time`
        has no coordinate in ms.

    See Also
    --------
    to_xarray : The way there.

    Examples
    --------
    >>> from neuroselect.recordings import from_xarray
    >>> import xarray as xr  # doctest: +SKIP
    >>> rates = xr.DataArray(values, dims=("trial", "unit"))  # doctest: +SKIP
    >>> from_xarray(rates.assign_coords(context=("trial", labels))).trials  # doctest: +SKIP
    """
    activity = _activity(array, variable)
    dims = [dim for dim in (trial, time, unit) if dim in activity.dims]
    if trial not in dims or len(dims) != activity.ndim:
        raise ValueError(
            f"array must have the dimension {trial!r} and no others than {time!r} and {unit!r}, got"
            f" {activity.dims}. Name them with trial=, time= and unit=."
        )
    tables: dict[str, dict[str, Any] | None] = {trial: {}, unit: None}
    entries = dict(activity.attrs if activity is array else array.attrs | activity.attrs)
    for name, coordinate in array.coords.items():
        if coordinate.dims in ((trial,), (unit,)):
            dim = coordinate.dims[0]
            tables[dim] = (tables[dim] or {}) | _column(name, coordinate)
        elif coordinate.ndim == 0:
            entries[name] = coordinate.values[()]
        elif name != time:
            raise ValueError(
                f"array must have coordinates along {trial!r} or {unit!r} alone, got {name!r} along"
                f" {coordinate.dims}. Drop it with array.drop_vars({name!r})."
            )
    if time in dims:
        entries |= _time(activity, time)
    units = tables[unit]
    if units == {}:
        units = _no_columns(array.sizes[unit])
    data = activity.transpose(*dims).values
    return make_container(data, tables[trial], units=units, **entries)


def _activity(array: Any, variable: str | None) -> xr.DataArray:
    if hasattr(array, "data_vars"):
        names = list(array.data_vars)
        if variable is None and len(names) == 1:
            variable = names[0]
        if variable not in names:
            raise ValueError(f"variable must be one of {names}, got {variable!r}.")
        return array[variable]
    if not all(hasattr(array, name) for name in ("dims", "coords", "attrs", "values")):
        raise TypeError(
            f"array must be a DataArray or Dataset of xarray, got {type(array).__name__}."
        )
    return array


def _column(name: str, coordinate: xr.DataArray) -> dict[str, pd.Series]:
    column = coordinate.attrs.get(COLUMN, name)
    return {column: unpack_column(coordinate.values, coordinate.attrs)} if column else {}


def _no_columns(n_rows: int) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(index=pd.RangeIndex(n_rows))


def _time(activity: xr.DataArray, time: str) -> dict[str, Any]:
    if time not in activity.coords:
        raise ValueError(f"array must have the coordinate {time!r} in ms, got none.")
    coordinate = activity.coords[time]
    units, values = coordinate.attrs.get("units"), coordinate.values
    if values.dtype.kind == "m":
        values, units = values.astype("timedelta64[ns]").astype(np.float64) / 1e6, "ms"
    if units not in (None, "ms"):
        raise ValueError(
            f"array must have {time!r} in ms (its attribute units), got {units!r}. Convert it, and"
            " set the attribute to 'ms'."
        )
    return {
        "time": values,
        "time_unit": units,
        "bin_width": coordinate.attrs.get("bin_width"),
    }
