"""Recordings to NWB files and back."""

from __future__ import annotations

import datetime
import json
import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.recordings import check_container, make_container
from neuroselect.recordings._columns import pack_column, unpack_column
from neuroselect.recordings._container import PARTS
from neuroselect.utils._optional import import_optional

if TYPE_CHECKING:
    import pandas as pd

MODULE, LAYOUT, EXTRA = "neuroselect", "neuroselect_layout", "neuroselect_entry_"
UNKNOWN_START = datetime.datetime(1900, 1, 1, tzinfo=datetime.timezone.utc)
_RESERVED = {"id", "name", "description", "colnames", "columns", "object_id", "parent", "activity"}
_NOT_AVAILABLE = "NA"  # pandas.NA, for which JSON has no word


def save_nwb(
    recording: Mapping[str, Any],
    path: str | os.PathLike,
    *,
    session_start_time: datetime.datetime | None = None,
    session_description: str = "Activity in trials, saved by neuroselect",
    identifier: str | None = None,
    overwrite: bool = False,
) -> None:
    """Save a recording in an NWB file, from which :func:`load_nwb` gets it back unchanged.

    The file has a processing module `neuroselect` with the tables `trials` (the task variables
    and the column `activity`, the data of each trial), `units` and `time` (ms). They are no
    tables of intervals and spikes: a recording does not know when in a session its trials were.

    Parameters
    ----------
    recording : dict or :class:`~sklearn.utils.Bunch`
        As :func:`~neuroselect.recordings.make_container` returns it.
    path : str or path-like
        The file to write. Needs pynwb (extra ``nwb``).
    session_start_time : datetime, default=None
        When the session started, with its time zone. None writes 1900-01-01, as is custom for
        times that are unknown or withheld.
    session_description, identifier : str
        What NWB wants to know besides. None for `identifier` draws one.
    overwrite : bool, default=False
        Whether to replace a file that is there.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    ImportError
        If pynwb is not installed.
    ValueError
        If a column of a table or another entry holds what cannot be saved: anything but numbers,
        text, times and missing values.

    See Also
    --------
    load_nwb : The way back.

    Examples
    --------
    >>> from neuroselect.datasets import load_nwb, save_nwb
    >>> from neuroselect.recordings import make_container
    >>> recording = make_container([[1.0, 2.0], [3.0, 4.0]], {"context": ["a", "b"]})
    >>> save_nwb(recording, "session.nwb")  # doctest: +SKIP
    >>> load_nwb("session.nwb").data  # doctest: +SKIP
    array([[1., 2.],
           [3., 4.]])
    """
    pynwb = import_optional("pynwb", "nwb", "save_nwb")
    recording, path = check_container(recording), Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists. Pass overwrite=True to replace it.")
    file = pynwb.NWBFile(
        session_description=session_description,
        identifier=str(uuid.uuid4()) if identifier is None else identifier,
        session_start_time=session_start_time or UNKNOWN_START,
    )
    _add(file, recording)
    unfinished = path.with_name(f".unfinished-{uuid.uuid4().hex}.nwb")
    try:
        with pynwb.NWBHDF5IO(str(unfinished), "w") as io:
            io.write(file)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _add(file: Any, recording: Bunch) -> None:
    from hdmf.common import DynamicTable, VectorData

    module = file.create_processing_module(MODULE, "Activity in trials: see the table trials")
    layout: dict[str, Any] = {"version": 1, "bin_width": recording.bin_width, "entries": {}}
    for name in ("trials", "units"):
        columns, layout[name] = _pack_table(recording[name], name)
        vectors = [
            VectorData(name=key, description=layout[name][key]["name"], data=values)
            for key, values in columns.items()
        ]
        if name == "trials":
            text = "data of the trial: (time, unit), in long form one unit's (time,)"
            data = np.asarray(recording.data)
            layout["data_dtype"] = data.dtype.str
            vectors.append(VectorData(name="activity", description=text, data=data))
        ids = np.arange(len(recording[name]))
        text = f"{name} of the recording"
        module.add(DynamicTable(name=name, description=text, columns=vectors, id=ids))
    if recording.time is not None:
        column = VectorData(
            name="time_ms", description="sample or centre of bin", data=recording.time
        )
        module.add(DynamicTable(name="time", description="time in ms", columns=[column]))
    for k, name in enumerate(key for key in recording if key not in PARTS):
        layout["entries"][name] = _add_entry(file, f"{EXTRA}{k}", name, recording[name])
    file.add_scratch(json.dumps(layout), name=LAYOUT, description="how to read the module back")


def _add_entry(file: Any, key: str, name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.ndim:
        file.add_scratch(value, name=key, description=name)
        return {"array": key}
    try:
        text = json.dumps(value)
        if json.dumps(json.loads(text)) == text and _is_plain(value):
            return {"value": value}
    except (TypeError, ValueError):
        pass
    raise ValueError(
        f"recording[{name!r}] must be text, numbers, lists or dicts of them, or an array of numbers"
        f" to be saved, got {type(value).__name__}. Delete it before."
    )


def _is_plain(value: Any) -> bool:
    """Whether JSON gives a value back as it was; it turns tuples into lists, numbers into text."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


def _pack_table(table: pd.DataFrame, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    columns, layout = {}, {}
    for k, column in enumerate(table.columns):
        plain = re.fullmatch(r"[A-Za-z]\w*", column) and column not in _RESERVED
        key = column if plain and not column.startswith("column_") else f"column_{k}"
        try:
            values, kept = pack_column(table[column])
            columns[key], coded = _code(values)
            kept = {word: _listed(one) for word, one in kept.items()}
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name}[{column!r}] must hold numbers, text, times or missing values to be saved:"
                f" {error}"
            ) from error
        layout[key] = {"name": column, "coded": coded, "kept": kept}
    return columns, layout


def _code(values: NDArray) -> tuple[Any, dict[str, Any]]:
    """Return values as HDF5 takes them, and how they were coded."""
    if values.dtype.kind in "biuf":
        return values, {"dtype": values.dtype.str}
    if values.dtype.kind in "mM":
        return values.view(np.int64), {"times": values.dtype.str}
    if values.dtype.kind == "U":
        return values.tolist(), {"text": True}
    return [_to_json(value) for value in values], {"json": True}


def _decode(values: NDArray, coded: Mapping[str, Any]) -> NDArray:
    if "dtype" in coded:
        return np.asarray(values).astype(coded["dtype"])
    if "times" in coded:
        return np.asarray(values).astype(np.int64).view(coded["times"])
    text = [v.decode() if isinstance(v, bytes) else str(v) for v in values]
    if "text" in coded:
        return np.array(text, dtype=str)
    out = np.empty(len(text), dtype=object)
    for k, one in enumerate(text):
        out[k] = _from_json(one)
    return out


def _to_json(value: Any) -> str:
    import pandas as pd

    if value is pd.NA:
        return _NOT_AVAILABLE
    value = value.item() if isinstance(value, np.generic) else value
    if not (value is None or type(value) in (str, int, float, bool)):
        raise ValueError(f"got {value!r} of type {type(value).__name__}.")
    return json.dumps(value)


def _from_json(text: str) -> Any:
    import pandas as pd

    return pd.NA if text == _NOT_AVAILABLE else json.loads(text)


def _listed(value: Any) -> Any:
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return json.loads(json.dumps(value))


def restored(file: Any) -> Bunch:
    """Return the recording that was saved in an open file."""
    import pandas as pd

    scratch, module = file.scratch, file.processing[MODULE]
    layout = json.loads(str(np.asarray(scratch[LAYOUT].data)[()]))
    tables = {}
    for name in ("trials", "units"):
        table = module[name]
        tables[name] = pd.DataFrame(
            {
                how["name"]: unpack_column(_decode(table[key][:], how["coded"]), how["kept"])
                for key, how in layout[name].items()
            },
            index=pd.RangeIndex(len(table)),
        )
    entries = {
        name: np.asarray(scratch[how["array"]].data[:]) if "array" in how else how["value"]
        for name, how in layout["entries"].items()
    }
    time = module["time"]["time_ms"][:] if "time" in module.data_interfaces else None
    return make_container(
        np.asarray(module["trials"]["activity"][:]).astype(layout["data_dtype"]),
        tables["trials"],
        units=tables["units"],
        time=time,
        bin_width=layout["bin_width"],
        time_unit=None if time is None else "ms",
        **entries,
    )
