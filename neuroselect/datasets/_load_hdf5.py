"""Recordings in HDF5 files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from neuroselect.datasets._file_format import WORDS, FileContentError, reading, require_format
from neuroselect.datasets._variables import Names, recording_of_variables
from neuroselect.utils._optional import import_optional


def load_hdf5(
    path: str | os.PathLike,
    *,
    data: str,
    trials: Names,
    units: Names | None = None,
    time: Any = None,
    axes: Sequence[str] | None = None,
    bin_width: float | None = None,
    time_at: str = "centre",
    time_unit: str | None = None,
) -> Bunch:
    """Load a recording from the datasets of an HDF5 file.

    Parameters
    ----------
    path : str or path-like
        The file. Needs h5py (extra ``hdf5``).
    data : str
        Path of the dataset with the activity in the file, as in "session/rates".
    trials : str, list of str or dict
        Where the task variables are: a group with one vector per variable, or a table (a dataset
        with named fields); paths of vectors; or a dict from the name of a column to the path of a
        vector. A column `unit` says that units were not recorded together (long form).
    units : str, list of str or dict, default=None
        The same for columns of the table of units.
    time : str or array-like of shape (n_times,), default=None
        Path of the times, or the times. None where data have no axis of time.
    axes : sequence of {"trials", "time", "units"}, default=None
        What the axes of the data are. None is trials, time (if there is one), units.
    bin_width, time_at, time_unit
        As in :func:`load_matlab`.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container of trials, see :func:`~neuroselect.recordings.make_container`. Vectors of
        whole numbers become integers.

    Raises
    ------
    ImportError
        If h5py is not installed.
    OSError
        If there is no such file.
    ValueError
        If the file is damaged or of another format, has no such dataset, lengths do not belong
        together, or times look like seconds.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import h5py
    >>> from neuroselect.datasets import load_hdf5
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "session.h5"
    ...     with h5py.File(path, "w") as file:
    ...         file["rates"] = [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]  # 3 trials, 2 units
    ...         file["task/context"] = [0, 1, 1]
    ...     recording = load_hdf5(path, data="rates", trials="task")
    >>> recording.data.shape, recording.trials["context"].tolist()
    ((3, 2), [0, 1, 1])
    """
    path = Path(path)
    require_format(path, ("hdf5", "nwb"))
    h5py = import_optional("h5py", "hdf5", "load_hdf5")
    with reading(path, WORDS["hdf5"]), h5py.File(path, "r") as file:
        return recording_of_variables(
            path,
            lambda name: _value(path, file, name),
            data=data,
            trials=trials,
            units=units,
            time=time,
            axes=axes,
            bin_width=bin_width,
            time_at=time_at,
            time_unit=time_unit,
        )


def _value(path: Path, file: Any, name: str) -> Any:
    if name not in file:
        raise FileContentError(f"{path} has no {name!r}, but {sorted(file)} at the top.")
    return _plain(file[name])


def _plain(item: Any) -> Any:
    if isinstance(item, Mapping):
        return {str(key): _plain(one) for key, one in item.items() if not isinstance(one, Mapping)}
    values = np.asarray(item[()])
    if values.dtype.names:
        return {key: _text(values[key]) for key in values.dtype.names}
    return _text(values)


def _text(values: Any) -> Any:
    if values.dtype.kind == "S" or values.dtype == object:
        return np.array(
            [v.decode("utf-8") if isinstance(v, bytes) else v for v in values.flat], dtype=object
        ).reshape(values.shape)
    return values
