"""Recordings that a study's networks are compared with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuroselect.datasets import fetch_mante_monkey_a
from neuroselect.datasets._mante import mante_conditions, read_mante

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("mante-monkey-a",)


@dataclass(frozen=True)
class Recording:
    """Patterns of recorded units, and what the conditions were.

    Attributes
    ----------
    name, title : str
        Short name, and a line that says what was recorded.
    data : ndarray of shape (n_conditions, n_units)
        Mean response of each unit in each condition.
    conditions : DataFrame of shape (n_conditions, 3)
        The two features and the task.
    features : tuple of str
        The features' columns, the one relevant in the first task first.
    task : str
        The task's column.
    task_names : tuple of str
        Names of the tasks, in the order of their codes.
    unit : str
        Unit of `data`.
    source : str
        What to cite.
    """

    name: str
    title: str
    data: NDArray[np.float64]
    conditions: pd.DataFrame
    features: tuple[str, str]
    task: str
    task_names: tuple[str, ...]
    unit: str
    source: str


def load_recording(
    recording: str | os.PathLike, *, data_home: str | os.PathLike | None = None
) -> Recording | None:
    """Load a recording by its name, or from a file.

    Parameters
    ----------
    recording : {"mante-monkey-a", "none"} or path-like
        "mante-monkey-a" is `fetch_mante_monkey_a`; anything else is taken for the path of a
        MATLAB file of the same layout (762 units, 72 conditions).
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`~neuroselect.datasets.get_data_home`.

    Returns
    -------
    recording : Recording or None
        None for "none".

    Raises
    ------
    ValueError
        If neither a recording nor a file has this name, or if the file is malformed.
    OSError
        If the recording is not in the data folder and cannot be downloaded.

    Examples
    --------
    >>> from neuroselect.studies import load_recording
    >>> load_recording("mante-monkey-a").data.shape  # doctest: +SKIP
    (72, 762)
    """
    if recording == "none":
        return None
    if recording in NAMES:
        bunch = fetch_mante_monkey_a(data_home=data_home)
        return _macaque("macaque A", bunch.data, bunch.conditions)
    path = Path(recording)
    if not path.is_file():
        raise ValueError(
            f"Unknown recording {str(recording)!r}: neither a file nor one of"
            f" {', '.join(map(repr, NAMES))}, 'none'."
        )
    patterns, _ = read_mante(path)
    return _macaque(path.stem, patterns, mante_conditions())


def _macaque(name, patterns, conditions):
    return Recording(
        name=name,
        title=(
            f"{patterns.shape[1]} units of macaque prefrontal cortex (frontal eye field and"
            f" surroundings), {patterns.shape[0]} conditions: 6 levels of motion, 6 of colour, and"
            " a context that says which of them counts"
        ),
        data=patterns,
        conditions=conditions,
        features=("colour", "motion"),
        task="context",
        task_names=("colour", "motion"),
        unit="spikes per sample",
        source=(
            "Mante, Sussillo, Shenoy & Newsome (2013), Nature 503, 78–84, as prepared by Flesch et"
            " al. (2022)"
        ),
    )
