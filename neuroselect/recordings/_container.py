"""The container of recorded trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import Bunch

from neuroselect.recordings._checks import (
    check_bin_width,
    check_data,
    check_table,
    check_time,
    check_unit_column,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    Table = pd.DataFrame | Mapping[str, Any]

PARTS = ("data", "trials", "units", "time", "bin_width", "time_unit")


def make_container(
    data: Any,
    trials: Table,
    *,
    units: Table | None = None,
    time: ArrayLike | None = None,
    bin_width: float | None = None,
    time_unit: str | None = None,
    **extra: Any,
) -> Bunch:
    """Put recorded activity, its trials and its units together, and check that they fit.

    Two forms. *Simultaneous*: all units were recorded in the same trials. *Long*: they were
    not (or not all); each row of data is one unit in one trial, and `trials` has the column
    `unit`.

    Parameters
    ----------
    data : array-like
        Activity, of shape (n_trials, n_units) or (n_trials, n_times, n_units); in long form of
        shape (n_rows,) or (n_rows, n_times). Real numbers, NaN where a value is missing. What is
        read by slices (a memory map, an h5py or zarr dataset) is kept as it is, and not read.
    trials : DataFrame or dict of columns
        The task: one row per row of `data`, one column per variable. In long form the column
        `unit` holds the position of the row's unit in `units`; other trials must not have a
        column of this name.
    units : DataFrame or dict of columns, default=None
        One row per unit. None makes a table with the column `unit`, the number of the unit. In
        long form units without a row of data are allowed, if they are listed here.
    time : array-like of shape (n_times,), default=None
        Time of each entry of the time axis in ms, increasing: when the sample was taken, or the
        centre of the bin. None where data has no time axis.
    bin_width : float, default=None
        Width of the bins in ms, where data are binned: an entry covers ``time - bin_width / 2``
        to ``time + bin_width / 2``. None for samples.
    time_unit : {"ms"}, default=None
        Says that `time` is in ms even if it looks like seconds.
    **extra : object
        Further entries (`DESCR`, a citation, ...), carried along untouched.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        With the entries `data`, `trials` (DataFrame), `units` (DataFrame), `time` (ndarray or
        None), `bin_width` (float or None), `time_unit` ("ms", or None without time) and those of
        `extra`. The tables are copies with rows numbered from 0; an index that has a name
        becomes a column, any other is dropped. `data` is not copied.

    Raises
    ------
    TypeError
        If a table is neither a DataFrame nor a dict.
    ValueError
        If lengths or shapes do not belong together, names of columns are not different strings,
        `time` does not increase or looks like seconds (steps below 1 over less than 20), or the
        column `unit` has missing, fractional or unknown units.

    See Also
    --------
    check_container : The same for what is a Bunch or dict already.

    Examples
    --------
    >>> from neuroselect.recordings import make_container
    >>> rates = [[[3.0, 0.0], [5.0, 1.0]], [[4.0, 2.0], [8.0, 0.0]]]  # 2 trials, times, units
    >>> recording = make_container(rates, {"context": ["colour", "motion"]}, time=[0, 10])
    >>> recording.data.shape, list(recording.units["unit"])
    ((2, 2, 2), [0, 1])

    Two cells recorded on different days, with two and one trial:

    >>> cells = make_container([3.0, 5.0, 1.0], {"unit": [0, 0, 1], "target": [0, 1, 0]})
    >>> len(cells.units)
    2
    """
    import pandas as pd

    data = check_data(data)
    trials = check_table(trials, "trials", data.shape[0], "row of data")
    long, has_time = _form(data.shape, trials, time)
    if long:
        n_units = None
        if units is not None:
            n_units = _n_rows(units)
        trials["unit"] = check_unit_column(trials["unit"], n_units)
        n_units = n_units or int(trials["unit"].max()) + 1
    else:
        n_units = data.shape[-1]
    if units is None:
        units = pd.DataFrame({"unit": np.arange(n_units)})
    units = check_table(units, "units", n_units, "unit of data")
    if time_unit not in (None, "ms"):
        raise ValueError(f"time_unit must be 'ms' or None, got {time_unit!r}.")
    if has_time:
        time = check_time(time, data.shape[1], in_ms=time_unit == "ms")
    return Bunch(
        data=data,
        trials=trials,
        units=units,
        time=time,
        bin_width=check_bin_width(bin_width, time),
        time_unit="ms" if has_time else None,
        **extra,
    )


def _n_rows(units: Table) -> int:
    """Return the number of rows of a table that has not been checked yet."""
    columns = list(units.values()) if isinstance(units, Mapping) else [units]
    return max((len(c) for c in columns if hasattr(c, "__len__")), default=0)


def _form(shape: tuple[int, ...], trials: pd.DataFrame, time: Any) -> tuple[bool, bool]:
    """Return whether the form is long and whether there is a time axis, if all agree."""
    long, timed, n_axes = "unit" in trials.columns, time is not None, len(shape)
    expected = {
        (False, False): (2, "(n_trials, n_units)"),
        (False, True): (3, "(n_trials, n_times, n_units)"),
        (True, False): (1, "(n_rows,)"),
        (True, True): (2, "(n_rows, n_times)"),
    }
    wanted, words = expected[long, timed]
    if n_axes != wanted:
        form = "with the column 'unit' (long form)" if long else "without a column 'unit'"
        raise ValueError(
            f"data must have shape {words} for trials {form} and time"
            f" {'given' if timed else 'None'}, got shape {shape}. Units not recorded together need"
            " the column trials['unit'], all others must not have it; a time axis needs time."
        )
    return long, timed


def check_container(recording: Mapping[str, Any]) -> Bunch:
    """Check a recording that came as a Bunch or dict.

    Parameters
    ----------
    recording : dict or :class:`~sklearn.utils.Bunch`
        The entries of :func:`make_container`; `data` and `trials` are necessary. Where there
        is no entry `trials`, `conditions` stands for it: condition averages as in
        :func:`~neuroselect.datasets.fetch_mante_monkey_a`.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A new Bunch with all entries of :func:`make_container`; `data` is not copied.

    Raises
    ------
    TypeError
        If `recording` is no dict.
    ValueError
        If an entry is missing, or wrong as :func:`make_container` has it.

    Examples
    --------
    >>> from neuroselect.recordings import check_container
    >>> check_container({"data": [[1.0, 2.0]], "trials": {"context": ["motion"]}}).units
       unit
    0     0
    1     1
    """
    if not isinstance(recording, Mapping):
        raise TypeError(
            "recording must be a Bunch or dict with the entries 'data' and 'trials', got"
            f" {type(recording).__name__}. make_container makes one."
        )
    entries = dict(recording)
    if "trials" not in entries and "conditions" in entries:
        entries["trials"] = entries.pop("conditions")
    missing = [name for name in ("data", "trials") if entries.get(name) is None]
    if missing:
        raise ValueError(
            f"recording must have the entries 'data' and 'trials', {missing} missing from"
            f" {sorted(map(str, recording))}."
        )
    return make_container(**entries)


def is_long(recording: Mapping[str, Any]) -> bool:
    """Return whether a recording is in long form: one row of data per unit and trial.

    Parameters
    ----------
    recording : dict or :class:`~sklearn.utils.Bunch`
        As :func:`make_container` returns it.

    Returns
    -------
    long : bool
        Whether its trials have the column `unit`.

    Examples
    --------
    >>> from neuroselect.recordings import is_long, make_container
    >>> is_long(make_container([3.0, 5.0, 1.0], {"unit": [0, 0, 1]}))
    True
    """
    return "unit" in check_container(recording).trials.columns
