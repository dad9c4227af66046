"""One door for files of all formats."""

from __future__ import annotations

import inspect
import os
from typing import Any

from sklearn.utils import Bunch

from neuroselect.datasets._file_format import READERS, WORDS, check_suffix, file_format
from neuroselect.datasets._load_hdf5 import load_hdf5
from neuroselect.datasets._load_matlab import load_matlab
from neuroselect.datasets._load_nifti import load_nifti
from neuroselect.datasets._load_nwb import load_nwb
from neuroselect.datasets._load_table import load_table

_FUNCTIONS = {
    function.__name__: function
    for function in (load_hdf5, load_matlab, load_nifti, load_nwb, load_table)
}


def load_recording_file(path: str | os.PathLike, **options: Any) -> Bunch:
    """Load a recording from a file of any format that has a reader.

    The format is taken from the content, and the name must not say otherwise.

    Parameters
    ----------
    path : str or path-like
        A MATLAB, NWB, NIfTI, CSV, Parquet or HDF5 file.
    **options : object
        Options of the reader: :func:`load_matlab`, :func:`load_nwb`, :func:`load_nifti`,
        :func:`load_table` or :func:`load_hdf5`.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container of trials, see :func:`~neuroselect.recordings.make_container`.

    Raises
    ------
    ImportError
        If the reader needs a package that is not installed.
    OSError
        If there is no such file.
    ValueError
        If the format is unknown or not what the name says, the reader has no such option, or
        the reader refuses the file.

    See Also
    --------
    inspect_recording : What a file holds, and which options it needs.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from neuroselect.datasets import load_recording_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "session.csv"
    ...     _ = path.write_text("context,cell_1,cell_2 motion,3,0 colour,5,1".replace(" ", chr(10)))
    ...     recording = load_recording_file(path, units="cell_*")
    >>> recording.data.shape
    (2, 2)
    """
    found = file_format(path)
    check_suffix(path, found)
    reader = _FUNCTIONS[READERS[found]]
    known = [name for name in inspect.signature(reader).parameters if name != "path"]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"{path} is {WORDS[found]}, whose reader {reader.__name__} has the options {known}, got"
            f" {unknown}."
        )
    needed = [
        name
        for name, parameter in inspect.signature(reader).parameters.items()
        if name not in ("path", *options) and parameter.default is inspect.Parameter.empty
    ]
    if needed:
        raise ValueError(f"{path} is {WORDS[found]}: {reader.__name__} needs the options {needed}.")
    return reader(path, **options)
