"""Recordings in NWB files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.datasets._file_format import (
    WORDS,
    FileContentError,
    naming,
    reading,
    require_format,
)
from neuroselect.datasets._save_nwb import LAYOUT, restored
from neuroselect.recordings._bin_spikes import bin_edges, bin_source
from neuroselect.utils._optional import import_optional

if TYPE_CHECKING:
    import pandas as pd


def load_nwb(
    path: str | os.PathLike,
    *,
    align: str = "start_time",
    window: tuple[float, float] | None = None,
    bin_width: float | None = None,
    statistic: Literal["count", "rate"] = "count",
    intervals: str = "trials",
    missing: Literal["raise", "drop"] = "raise",
    overlap: bool = False,
    use_obs_intervals: bool = True,
    time_unit: str | None = None,
) -> Bunch:
    """Load the spikes of an NWB file in bins around an event of each trial.

    Parameters
    ----------
    path : str or path-like
        The file (HDF5). Needs pynwb (extra ``nwb``).
    align : str, default="start_time"
        Column of the table of trials with the time of the event (s), at which `time` is 0.
    window : tuple of (start, stop), default=None
        Time around the event in ms, a whole number of bins. Necessary, but for files of
        :func:`save_nwb`.
    bin_width : float, default=None
        Width of the bins in ms. Necessary, but for files of :func:`save_nwb`.
    statistic : {"count", "rate"}, default="count"
        Spikes per bin, or per second.
    intervals : str, default="trials"
        Name of the table of trials among the file's tables of time intervals.
    missing : {"raise", "drop"}, default="raise"
        What to do with trials whose event is NaN. Dropped ones are counted in
        `n_dropped_trials`.
    overlap : bool, default=False
        Whether windows of trials may overlap. Trials that share spikes are not independent.
    use_obs_intervals : bool, default=True
        Whether bins outside the times in which a unit was observed, where the file has them
        (``obs_intervals``), are missing (NaN). False takes them for bins without spikes.
    time_unit : {"ms"}, default=None
        Says that `window` and `bin_width` are in ms even if they look like seconds.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container, see :func:`~neuroselect.recordings.make_container`: `data` of shape
        (n_trials, n_bins, n_units); `trials` with the columns of the file and `trial`, the
        number of the row in the file; `units` with the columns of the file and `unit`. Units
        without spikes are kept. `left_out` names the columns that do not hold one value per row
        and were not read, `time_zero` is `align`. A file of :func:`save_nwb` gives back the
        recording that was saved.

    Raises
    ------
    ImportError
        If pynwb or h5py is not installed.
    OSError
        If there is no such file.
    ValueError
        If the file is damaged, of another format, or has no spikes or trials, there is no such
        column, an event is missing, times of spikes are NaN, `window` and `bin_width` do not fit
        or look like seconds, windows overlap, or spikes and events do not seem to be seconds of
        one clock.

    See Also
    --------
    neuroselect.recordings.bin_spikes : The same for spikes in memory.

    Notes
    -----
    The times of the spikes are read in blocks of units, not unit by unit. Bins are half open,
    ``start <= time < start + bin_width``.

    Examples
    --------
    >>> from neuroselect.datasets import load_nwb
    >>> recording = load_nwb(
    ...     "session.nwb", align="go_time", window=(-200, 500), bin_width=50
    ... )  # doctest: +SKIP
    """
    path = Path(path)
    require_format(path, ("nwb",))
    with open_nwb(path) as file:
        if window is None and bin_width is None and LAYOUT in (file.scratch or {}):
            with reading(path, WORDS["nwb"]):
                return restored(file)
        if window is None or bin_width is None:
            raise ValueError(
                "load_nwb needs window=(start, stop) and bin_width, both in ms, got"
                f" {window!r} and {bin_width!r}."
            )
        bin_edges(window, bin_width, time_unit)  # before anything large is read
        trials, left_trials = read_intervals(path, file, intervals)
        units, left_units = read_units(path, file)
        with naming(path):
            return bin_source(
                _Spikes(path, file.units),
                _events(path, trials, align),
                window=window,
                bin_width=bin_width,
                statistic=statistic,
                trials=trials,
                units=units,
                observed=_observed(path, file.units) if use_obs_intervals else None,
                missing=missing,
                overlap=overlap,
                time_unit=time_unit,
                time_zero=align,
                left_out={"trials": left_trials, "units": left_units},
                DESCR=str(file.session_description),
            )


@contextmanager
def open_nwb(path: Path) -> Iterator[Any]:
    """Open an NWB file for reading."""
    pynwb = import_optional("pynwb", "nwb", f"Reading {path.name}")
    with warnings.catch_warnings():
        # About versions of the schema and missing extensions, which concern no table read here.
        warnings.simplefilter("ignore")
        with reading(path, WORDS["nwb"]):
            io = pynwb.NWBHDF5IO(str(path), "r")
        try:
            with reading(path, WORDS["nwb"]):
                file = io.read()
            yield file
        finally:
            io.close()


def interval_tables(file: Any) -> dict[str, Any]:
    """Return the tables of time intervals by name."""
    tables = dict(file.intervals or {})
    return tables if file.trials is None else {"trials": file.trials, **tables}


def read_intervals(path: Path, file: Any, name: str) -> tuple[pd.DataFrame, list[str]]:
    """Return a table of trials, and the columns that were left out."""
    tables = interval_tables(file)
    if name not in tables:
        raise FileContentError(
            f"{path} must have a table of time intervals {name!r}, got {sorted(tables)}."
        )
    with reading(path, WORDS["nwb"]):
        frame, left_out = _columns(tables[name])
    if not len(frame):
        raise FileContentError(f"{path} must have trials, got an empty table {name!r}.")
    if "trial" not in frame:
        frame.insert(0, "trial", np.arange(len(frame)))
    return frame, left_out


def read_units(path: Path, file: Any) -> tuple[pd.DataFrame, list[str]]:
    """Return the table of units, and the columns that were left out."""
    if file.units is None or "spike_times" not in file.units.colnames:
        raise FileContentError(f"{path} must have a table of units with spike_times.")
    with reading(path, WORDS["nwb"]):
        frame, left_out = _columns(file.units)
    if "unit" not in frame:
        frame.insert(0, "unit", np.arange(len(frame)))
    return frame, [name for name in left_out if name not in ("spike_times", "obs_intervals")]


def _columns(table: Any) -> tuple[pd.DataFrame, list[str]]:
    """Return the columns with one value per row, and the names of the others."""
    import pandas as pd

    columns, left_out = {}, []
    for name in table.colnames:
        column = table[name]
        data = getattr(column, "data", column)
        shape = getattr(data, "shape", (len(data),))
        ragged = hasattr(column, "target")
        values = None if ragged or len(shape) != 1 else _plain(column[:])
        if values is None:
            left_out.append(name)
        else:
            columns[name] = values
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table))), left_out


def _plain(values: Any) -> NDArray | None:
    """Return numbers or text as they are, None for references and anything else."""
    values = np.asarray(values)
    if values.dtype.kind in "SO":
        values = np.array(
            [v.decode("utf-8") if isinstance(v, bytes) else v for v in values], dtype=object
        )
        return values if all(isinstance(v, str) for v in values) else None
    return values if values.dtype.kind in "buifU" and values.ndim == 1 else None


def _events(path: Path, trials: pd.DataFrame, align: str) -> NDArray[np.float64]:
    times = [name for name in trials.columns if trials[name].dtype.kind == "f"]
    if align not in times:
        raise FileContentError(
            f"{path}: align must be a column of the trials that holds times, {times}, got"
            f" {align!r}."
        )
    return trials[align].to_numpy()


class _Ragged:
    """Rows of unequal length: the index is read at once, the values in blocks of rows."""

    def __init__(self, path: Path, column: Any, name: str):
        with reading(path, WORDS["nwb"]):
            self.stops = np.asarray(column.data[:]).astype(np.int64)
            self.values = column.target.data
            n_values = len(self.values)
        self.path = path
        bad = len(self.stops) and (
            self.stops[-1] != n_values or (np.diff(self.stops, prepend=0) < 0).any()
        )
        if bad:
            raise FileContentError(
                f"{path}: the index of {name} must increase to the number of its values,"
                f" {n_values}, and does not. The file is damaged."
            )

    def block(self, rows: slice) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the values of rows one after another, and how many each row has."""
        starts = np.concatenate([[0], self.stops])
        with reading(self.path, WORDS["nwb"]):
            values = np.asarray(self.values[starts[rows.start] : starts[rows.stop]])
        return values.astype(np.float64), np.diff(starts[rows.start : rows.stop + 1])


class _Spikes(_Ragged):
    def __init__(self, path: Path, units: Any):
        super().__init__(path, units["spike_times"], "spike_times")
        self.n_units = len(self.stops)


def _observed(path: Path, units: Any) -> list[NDArray[np.float64]] | None:
    if "obs_intervals" not in units.colnames:
        return None
    ragged = _Ragged(path, units["obs_intervals"], "obs_intervals")
    values, lengths = ragged.block(slice(0, len(ragged.stops)))
    return np.split(values.reshape(-1, 2), np.cumsum(lengths)[:-1])
