"""A recording out of named variables: plain matrices of MATLAB and HDF5 files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.datasets._file_format import FileContentError, naming
from neuroselect.recordings import make_container

Names = str | Sequence[str] | Mapping[str, str]


def recording_of_variables(
    path: Path,
    get: Callable[[str], Any],
    *,
    data: str,
    trials: Names,
    units: Names | None,
    time: Any,
    axes: Sequence[str] | None,
    **time_options: Any,
) -> Bunch:
    """Put variables together; `get` returns a variable by its name."""
    trials = columns_of(path, get, trials, "trials")
    units = None if units is None else columns_of(path, get, units, "units")
    long = "unit" in trials
    if long:
        trials, units = number_units(path, trials, units)
    wanted = ("trials",) + ("time",) * (time is not None) + ("units",) * (not long)
    values = _oriented(path, data, numbers(path, data, get(data)), axes, wanted)
    _check_n_trials(path, data, values.shape, wanted, trials)
    if isinstance(time, str):
        time = numbers(path, time, get(time)).ravel()
    return make_recording(path, values, trials, units=units, time=time, **time_options)


def make_recording(
    path: Path,
    data: Any,
    trials: Any,
    *,
    time: Any = None,
    bin_width: float | None = None,
    time_unit: str | None = None,
    time_at: str = "centre",
    **entries: Any,
) -> Bunch:
    """As make_container, with the name of the file in front of errors, and times as in files."""
    if time_unit not in (None, "ms", "s"):
        raise ValueError(f"time_unit must be 'ms', 's' or None, got {time_unit!r}.")
    if time_at not in ("centre", "start"):
        raise ValueError(f"time_at must be 'centre' or 'start', got {time_at!r}.")
    if time_at == "start" and bin_width is None:
        raise ValueError("time_at='start' needs bin_width, the width of the bins in ms.")
    if time is not None:
        time = np.asarray(time, dtype=np.float64).ravel()
        time = _milliseconds(path, time) if time_unit == "s" else time
        time = time + bin_width / 2 if time_at == "start" else time
    unit = None if time is None or time_unit is None else "ms"
    with naming(path):
        return make_container(
            data, trials, time=time, bin_width=bin_width, time_unit=unit, **entries
        )


def _milliseconds(path: Path, time: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(time) > 1 and np.median(np.diff(time)) >= 10:
        raise FileContentError(
            f"{path}: time_unit='s' makes steps of {np.median(np.diff(time)):g} s between the times"
            f" {time[0]:g} to {time[-1]:g}. If these are milliseconds, pass time_unit='ms'."
        )
    return time * 1000


def columns_of(
    path: Path, get: Callable[[str], Any], names: Names, argument: str
) -> dict[str, NDArray]:
    """Return columns of a table: the fields of one struct or group, or one variable each."""
    if isinstance(names, str):
        value = get(names)
        if isinstance(value, Mapping):
            return {key: column(path, f"{names}.{key}", one) for key, one in value.items()}
        names = [names]
    if not isinstance(names, Mapping):
        short = [name.replace("/", ".").rsplit(".", 1)[-1] for name in names]
        if len(set(short)) < len(short):
            raise ValueError(
                f"{argument} must name variables that differ after the last dot, got"
                f" {list(names)}. A dict from column to variable tells them apart."
            )
        names = dict(zip(short, names, strict=True))
    return {key: column(path, name, get(name)) for key, name in names.items()}


def column(path: Path, name: str, value: Any) -> NDArray:
    """Return a vector, of text if all are; whole numbers become integers."""
    if isinstance(value, str):
        return np.array([value], dtype=object)
    array = np.asarray(value)
    if array.ndim > 1 and array.size == max(array.shape):
        array = array.ravel()
    if array.dtype.kind == "U" or (
        array.dtype == object and all(isinstance(one, str) for one in array.flat)
    ):
        array = np.array([one.rstrip() for one in array.flat], dtype=object)
    elif array.dtype == object:
        sizes = {np.size(one) if isinstance(one, np.ndarray) else None for one in array.flat}
        if sizes == {1}:
            array = np.array([one.item() for one in array.flat])
    array = np.atleast_1d(array)
    text = array.dtype == object and all(isinstance(one, str) for one in array)
    if array.ndim != 1 or not (text or array.dtype.kind in "buif"):
        raise FileContentError(
            f"{path}: {name} must be a vector of numbers or of text, one entry per row, got"
            f" {'a struct' if isinstance(value, (dict, list)) else f'shape {np.shape(value)}'}"
            f"{f' of dtype {array.dtype}' if array.dtype != object else ''}."
        )
    if array.dtype.kind == "f" and len(array) and np.array_equal(array, np.floor(array)):
        return array.astype(np.int64) if np.abs(array).max() < 2**53 else array
    return array


def numbers(path: Path, name: str, value: Any) -> NDArray:
    """Return real numbers as an array."""
    from scipy.sparse import issparse

    if issparse(value):
        with naming(path):
            value.check_format(full_check=True)  # positions outside would crash toarray
        value = value.toarray()
    array = np.asarray(value) if not isinstance(value, (str, dict, list)) else None
    if array is None or array.dtype.kind not in "buif":
        what = type(value).__name__ if array is None else f"an array of dtype {array.dtype}"
        if array is not None and array.dtype == object:
            lengths = sorted({np.size(one) for one in array.flat})
            what = f"cells of {' or '.join(map(str, lengths[:5]))} numbers"
        raise FileContentError(
            f"{path}: {name} must be an array of real numbers, got {what}. Trials of unequal"
            " length must be cut to one length, or filled up with NaN."
        )
    return array


def number_units(
    path: Path, trials: dict[str, NDArray], units: dict[str, NDArray] | None
) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
    """Replace the names of units in trials["unit"] by their positions in units."""
    names, positions = np.unique(trials["unit"], return_inverse=True)
    if units is None:
        units = {"unit": np.arange(len(names)), "name": names}
    elif len(next(iter(units.values()))) != len(names):
        raise FileContentError(
            f"{path}: units must have one row per unit in trials['unit'], in their sorted order,"
            f" got {len(next(iter(units.values())))} row(s) for {len(names)} units."
        )
    return {**trials, "unit": positions}, units


def _oriented(
    path: Path, name: str, values: NDArray, axes: Sequence[str] | None, wanted: tuple[str, ...]
) -> NDArray:
    axes = wanted if axes is None else tuple(axes)
    if sorted(axes) != sorted(wanted):
        raise ValueError(
            f"axes must be the names {wanted} in the order of the axes of {name!r}, got {axes}."
            " The axis time goes with the argument time, and units with trials that have no"
            " column 'unit'."
        )
    shape = values.shape
    while len(shape) > len(axes) and shape[-1] == 1:  # MATLAB knows no axes after the last > 1
        shape = shape[:-1]
    if len(axes) == 1 and len(shape) == 2 and shape[0] == 1:
        shape = shape[1:]
    shape = shape + (1,) * (len(axes) - len(shape))
    if len(shape) > len(axes):
        raise FileContentError(
            f"{path}: {name} must have the axes {axes}, got shape {values.shape}."
        )
    return values.reshape(shape).transpose([axes.index(axis) for axis in wanted])


def _check_n_trials(
    path: Path, name: str, shape: tuple[int, ...], wanted: tuple[str, ...], trials: dict
) -> None:
    lengths = {key: len(values) for key, values in trials.items()}
    if not lengths:
        raise FileContentError(f"{path}: trials must have at least one column.")
    if set(lengths.values()) != {shape[0]}:
        raise FileContentError(
            f"{path}: trials must have one entry per trial, {shape[0]} in {name} of shape {shape}"
            f" with the axes {wanted}, got {lengths}. Say with axes which axis is which if that"
            " is not their order."
        )
