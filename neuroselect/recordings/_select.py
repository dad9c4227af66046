"""Parts of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.recordings._blocks import take_rows
from neuroselect.recordings._container import check_container

if TYPE_CHECKING:
    import pandas as pd


def select(
    recording: Mapping[str, Any], *, trials: Any = None, units: Any = None, time: Any = None
) -> Bunch:
    """Keep some trials, units and times of a recording.

    Parameters
    ----------
    recording : dict or :class:`~sklearn.utils.Bunch`
        As :func:`make_container` returns it.
    trials : array-like, slice, str or dict, default=None
        Trials to keep: a boolean array with one entry per row of the table of trials; numbers
        of rows, in the order wanted; a query as for :meth:`pandas.DataFrame.query`; or a dict
        from the name of a column to the value, or list of values, to keep. None keeps all.
    units : array-like, slice, str or dict, default=None
        Units to keep, in the same way, by the table of units.
    time : tuple of (start, stop), default=None
        Times to keep in ms: ``start <= time < stop``, and None for no limit. Bins are kept by
        their centres.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A recording of the same form. In long form the rows of dropped units are dropped and
        ``trials["unit"]`` is numbered anew, while ``units`` keeps its columns. `data` may share
        memory with the given one; data read by slices are in memory then. Entries beside those
        of the container are carried along untouched: they are not selected from.

    Raises
    ------
    ValueError
        If nothing is left, a column, value or row does not exist, a query cannot be evaluated,
        or units are repeated in long form.

    Examples
    --------
    >>> from neuroselect.recordings import make_container, select
    >>> trials = {"context": ["colour", "motion", "motion"], "correct": [True, True, False]}
    >>> recording = make_container([[1.0, 9.0], [2.0, 8.0], [3.0, 7.0]], trials)
    >>> select(recording, trials="correct and context == 'motion'").data
    array([[2., 8.]])
    >>> select(recording, trials={"context": "motion"}, units=[1]).data
    array([[8.],
           [7.]])
    """
    recording = check_container(recording)
    long = "unit" in recording.trials.columns
    rows = _positions(recording.trials, trials, "trials")
    chosen = _positions(recording.units, units, "units")
    times = _time_slice(recording.time, time)
    table = recording.trials
    if long:
        table = table.assign(unit=_renumber(table["unit"].to_numpy(), chosen, len(recording.units)))
        rows = rows[table["unit"].to_numpy()[rows] >= 0]
        if not len(rows):
            raise ValueError("units must keep some row of data, got units without any.")
    inner = (() if recording.time is None else (times,)) + (() if long else (chosen,))
    return Bunch(
        **{
            **recording,
            "data": take_rows(recording.data, rows, inner),
            "trials": table.iloc[rows].reset_index(drop=True),
            "units": recording.units.iloc[chosen].reset_index(drop=True),
            "time": None if recording.time is None else recording.time[times],
        }
    )


def _renumber(unit: NDArray, chosen: NDArray[np.int64], n_units: int) -> NDArray[np.int64]:
    """Return the new number of each row's unit, -1 where it is dropped."""
    if len(np.unique(chosen)) < len(chosen):
        raise ValueError("units must not be repeated in long form, got some unit more than once.")
    number = np.full(n_units, -1)
    number[chosen] = np.arange(len(chosen))
    return number[unit]


def _positions(table: pd.DataFrame, wanted: Any, name: str) -> NDArray[np.int64]:
    everything = np.arange(len(table))
    if wanted is None:
        return everything
    if isinstance(wanted, slice):
        found = everything[wanted]
    elif isinstance(wanted, str):
        found = _by_query(table, wanted, name)
    elif isinstance(wanted, Mapping):
        found = _by_values(table, wanted, name)
    else:
        found = _by_index(wanted, len(table), name)
    if not len(found):
        raise ValueError(f"{name} must keep at least one of the {len(table)}, got {wanted!r}.")
    return found


def _by_index(wanted: Any, n_rows: int, name: str) -> NDArray[np.int64]:
    index = np.asarray(wanted)
    if index.dtype == bool and index.shape == (n_rows,):
        return np.flatnonzero(index)
    if index.size == 0:
        return np.empty(0, dtype=np.int64)
    if index.dtype.kind not in "iu" or index.ndim != 1:
        raise ValueError(
            f"{name} must be a boolean array of shape ({n_rows},), numbers of rows, a query or a"
            f" dict from column to value(s), got an array of dtype {index.dtype} and shape"
            f" {index.shape}."
        )
    if index.min() < -n_rows or index.max() >= n_rows:
        wrong = index.max() if index.max() >= n_rows else index.min()
        raise ValueError(f"{name} must be numbers of the {n_rows} rows, got {wrong}.")
    return np.arange(n_rows)[index]


def _by_query(table: pd.DataFrame, query: str, name: str) -> NDArray[np.int64]:
    try:
        return table.query(query).index.to_numpy()
    except Exception as error:  # a query can fail in any way that an expression can
        raise ValueError(
            f"{name} must be a query on the columns {list(table.columns)}, got {query!r}"
            f" ({type(error).__name__}: {error})."
        ) from error


def _by_values(table: pd.DataFrame, wanted: Mapping, name: str) -> NDArray[np.int64]:
    keep = np.ones(len(table), dtype=bool)
    for column, values in wanted.items():
        if column not in table.columns:
            raise ValueError(
                f"{name} must name columns among {list(table.columns)}, got {column!r}."
            )
        scalar = isinstance(values, str) or not hasattr(values, "__iter__")
        values = [values] if scalar else list(values)
        known = table[column].unique()
        unknown = [value for value in values if value not in known]
        if unknown:
            raise ValueError(
                f"{name} must keep values that the column {column!r} has, such as"
                f" {known[:10].tolist()}; got {unknown}."
            )
        keep &= table[column].isin(values).to_numpy()
    return np.flatnonzero(keep)


def _time_slice(time: NDArray[np.float64] | None, window: Any) -> slice:
    if window is None:
        return slice(None)
    if time is None:
        raise ValueError(f"time must be None for a recording without time axis, got {window!r}.")
    start, stop = check_window(window, "time")
    first, last = np.searchsorted(time, [start, stop])
    if first == last:
        raise ValueError(
            f"time must keep at least one of the times {time[0]:g} to {time[-1]:g} ms, got"
            f" {window!r} (ms)."
        )
    return slice(int(first), int(last))


def check_window(window: Any, name: str) -> tuple[float, float]:
    """Return start and stop in ms; None for no limit becomes infinite."""
    try:
        start, stop = window
        start = -np.inf if start is None else float(start)
        stop = np.inf if stop is None else float(stop)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be (start, stop) in ms, got {window!r}.") from error
    if not start < stop:
        raise ValueError(f"{name} must be (start, stop) in ms with start < stop, got {window!r}.")
    return start, stop
