"""Recordings as data sets of rsatoolbox, and back."""

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

DTYPES = {"trials": "trials_dtypes", "units": "units_dtypes"}
TIMES = "time_descriptors"


def to_rsatoolbox(recording: Mapping[str, Any]) -> Any:
    """Turn a recording into a data set of rsatoolbox.

    Parameters
    ----------
    recording : dict or :class:`~sklearn.utils.Bunch`
        As :func:`make_container` returns it, of units recorded together.

    Returns
    -------
    dataset : rsatoolbox.data.Dataset or rsatoolbox.data.TemporalDataset
        A `TemporalDataset`, measurements of shape (n_trials, n_units, n_times), if there is a
        time axis. Columns of the trials are `obs_descriptors`, those of the units
        `channel_descriptors`, the time in ms is ``time_descriptors["time"]``; all other entries
        are `descriptors`. `measurements` share memory with `data` that are in memory.

    Raises
    ------
    ImportError
        If rsatoolbox is not installed.
    ValueError
        If units were not recorded together: rsatoolbox has no form for them.

    See Also
    --------
    from_rsatoolbox : The way back, which loses nothing.

    Notes
    -----
    Names of pandas types that NumPy does not have (categories, nullable integers) are kept in
    the descriptors `trials_dtypes` and `units_dtypes`. Where strings are stored, by pandas or
    by pyarrow, is not kept.

    Examples
    --------
    >>> from neuroselect.recordings import make_container, to_rsatoolbox
    >>> recording = make_container([[1.0, 2.0], [3.0, 4.0]], {"context": [0, 1]})
    >>> to_rsatoolbox(recording).obs_descriptors  # doctest: +SKIP
    {'context': array([0, 1])}
    """
    rsatoolbox = import_optional("rsatoolbox.data", "rsatoolbox", "to_rsatoolbox")
    recording = check_container(recording)
    if "unit" in recording.trials.columns:
        raise ValueError(
            "recording must be of units recorded together: rsatoolbox has no form for others."
            " Take condition_patterns, or pseudo-trials, first."
        )
    descriptors = {name: recording[name] for name in recording if name not in PARTS}
    times = dict(descriptors.pop(TIMES, {}))
    tables = {}
    for name in DTYPES:
        tables[name], dtypes = _descriptors(recording[name])
        if dtypes or not tables[name]:
            descriptors[DTYPES[name]] = dtypes
    arguments = {
        "descriptors": descriptors,
        "obs_descriptors": tables["trials"],
        "channel_descriptors": tables["units"],
    }
    data = np.asarray(recording.data)
    if recording.time is None:
        return rsatoolbox.Dataset(data, **arguments)
    for name in ("bin_width", "time_unit"):
        if recording[name] is not None:
            descriptors[name] = recording[name]
    times["time"] = recording.time
    return rsatoolbox.TemporalDataset(data.transpose(0, 2, 1), time_descriptors=times, **arguments)


def _descriptors(table: pd.DataFrame) -> tuple[dict[str, Any], dict[str, dict]]:
    packed = {column: pack_column(table[column]) for column in table}
    values = {column: array for column, (array, _) in packed.items()}
    return values, {column: kept for column, (_, kept) in packed.items() if kept}


def from_rsatoolbox(dataset: Any) -> Bunch:
    """Turn a data set of rsatoolbox into a recording.

    Parameters
    ----------
    dataset : rsatoolbox.data.Dataset or rsatoolbox.data.TemporalDataset
        Observations become trials, channels become units. ``time_descriptors["time"]`` must be
        in ms (what rsatoolbox makes if no time is given, 0, 1, 2, ..., is taken for ms).

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        As :func:`make_container` returns it; `descriptors` become further entries, and other
        descriptors of time the entry `time_descriptors`.

    Raises
    ------
    TypeError
        If `dataset` is no data set.
    ValueError
        If the descriptors cannot be those of a recording.

    See Also
    --------
    to_rsatoolbox : The way there.

    Examples
    --------
    >>> from neuroselect.recordings import from_rsatoolbox
    >>> from rsatoolbox.data import Dataset  # doctest: +SKIP
    >>> dataset = Dataset(measurements, obs_descriptors={"context": [0, 1]})  # doctest: +SKIP
    >>> from_rsatoolbox(dataset).trials  # doctest: +SKIP
    """
    needed = ("measurements", "descriptors", "obs_descriptors", "channel_descriptors")
    if not all(hasattr(dataset, name) for name in needed):
        raise TypeError(
            "dataset must be a Dataset or TemporalDataset of rsatoolbox, got"
            f" {type(dataset).__name__}."
        )
    entries = dict(dataset.descriptors)
    bare = not dataset.channel_descriptors and DTYPES["units"] not in entries
    tables = {
        "trials": _table(dataset.obs_descriptors, entries.pop(DTYPES["trials"], {})),
        "units": _table(dataset.channel_descriptors, entries.pop(DTYPES["units"], {})),
    }
    taken = sorted(set(entries) & {"data", "trials", "units", "time"})
    if taken:
        raise ValueError(f"dataset must not have the descriptors {taken}: rename them.")
    measurements = np.asarray(dataset.measurements)
    times = dict(getattr(dataset, TIMES, {}))
    if measurements.ndim == 3:
        measurements = measurements.transpose(0, 2, 1)
        entries["time"] = times.pop("time", None)
    if times:
        entries[TIMES] = times
    if bare:
        tables["units"] = None
    return make_container(measurements, **tables, **entries)


def _table(descriptors: Mapping[str, Any], dtypes: Mapping[str, dict]) -> dict[str, Any]:
    return {name: unpack_column(v, dtypes.get(name, {})) for name, v in descriptors.items()}
