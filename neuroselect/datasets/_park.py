"""Prefrontal recordings in a memory task with two rules."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.datasets._fetch import REGISTRY, fetch_file
from neuroselect.datasets._mat_files import (
    finite_array,
    read_variables,
    struct_field,
    whole_numbers,
)
from neuroselect.recordings import make_container
from neuroselect.utils._sklearn import StrOptions, validate_params

FILES = {
    "early_delay": REGISTRY["park2025/firingRates_early_delay.mat"],
    "late_delay": REGISTRY["park2025/firingRates_late_delay.mat"],
    "trial": REGISTRY["park2025/spikes_binary_directions_pref_null.mat"],
}
N_UNITS, BIN_WIDTH = 319, 50.0

DESCR = """\
Memory cells of macaque prefrontal cortex of Park et al. (2025): look at, or not at, a remembered
target

319 cells, recorded one or a few at a time: trial n of one cell is not trial n of another, and
the cells have 98 to 826 trials, 116,032 together. Long form: each row of `data` is one trial of
one cell, firing rates (spikes per second) in bins of 50 ms. `time` holds the centres of the bins
in ms, from the offset of the target for the periods "early_delay" (0 to 500 ms) and "late_delay"
(500 to 1000 ms), from its onset for "trial" (-500 to 1200 ms). The target went off about 200 ms
after its onset. The three files hold the same trials in the same order.

`trials`: `unit` (0 to 318, the row of `units`), `trial` (number of the trial among those of its
cell, from 0), `task` ("look" or "no_look"), `look` (1 and 0, the same as in the file) and
`direction` of the target (1 preferred, 0 null; the authors kept only these two groups). `units`:
`unit`, `name` (as in the file, numbered from 1) and `n_trials`.

Which direction a cell prefers, and that it is a memory cell, was found from these recordings
(from its tuning in the first 500 ms of the delay). Differences between the directions in that
time are therefore not free of selection; whether the tasks share a code, or how long it lasts,
is another question.

The files are read from the authors' repository, https://github.com/pjjeongjun/Orthogonal_Code,
which states no licence: they are fetched from there and not redistributed. Cite:

Park et al. (2025), "Compositional architecture: Orthogonal neural codes for task context and
spatial memory in prefrontal cortex", bioRxiv, doi:10.1101/2025.02.25.640211
"""


@validate_params(
    {
        "period": [StrOptions(set(FILES))],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_park2025(
    period: str = "early_delay",
    *,
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
) -> Bunch:
    """Load 319 prefrontal memory cells of macaques that looked at a target, or kept from it.

    The cells of Park et al. [1]_ were not recorded together, so that the recording is in long
    form: one row of `data` per cell and trial. The file (0.3 MB for a delay, 1 MB for the
    trial) is downloaded on first use; a copy in the data folder is used if its SHA-256 is right.

    Parameters
    ----------
    period : {"early_delay", "late_delay", "trial"}, default="early_delay"
        0 to 500 ms after the target went off, 500 to 1000 ms after it went off, or -500 to
        1200 ms around the moment when it came on. The rows are the same trials in all three.
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`get_data_home`. None takes the environment
        variable ``NEUROSELECT_DATA``, or where that is unset, the platform's cache folder.
    download_if_missing : bool, default=True
        Whether to download the file if the folder does not have it.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container of trials, see :func:`~neuroselect.recordings.make_container`:

        data : ndarray of shape (116032, n_times)
            Rates in spikes per second, in 10 bins ("trial": 34). One row per trial of a cell,
            cell by cell.
        trials : DataFrame of shape (116032, 5)
            `unit` (0 to 318), `trial` (number among the trials of its cell, from 0), `task`
            ("look" or "no_look"), `look` (1 or 0) and `direction` (1 preferred, 0 null).
        units : DataFrame of shape (319, 3)
            `unit`, `name` as in the file, and `n_trials`, 98 to 826.
        time : ndarray of shape (n_times,)
            Centres of the bins in ms.
        bin_width : float
            50 ms.
        time_zero : str
            The moment at which `time` is 0: "target offset" or "target onset".
        DESCR : str
            Description, citation and the terms of use.

    Raises
    ------
    OSError
        If the file is missing and cannot, or must not, be downloaded.
    ValueError
        If the file in the data folder is not the published one.

    References
    ----------
    .. [1] Park et al. (2025), bioRxiv, :doi:`10.1101/2025.02.25.640211`

    Examples
    --------
    >>> from neuroselect.datasets import fetch_park2025
    >>> park = fetch_park2025("late_delay")  # doctest: +SKIP
    >>> park.data.shape, park.time[:3]  # doctest: +SKIP
    ((116032, 10), array([525., 575., 625.]))
    """
    import pandas as pd

    path = fetch_file(FILES[period], data_home=data_home, download_if_missing=download_if_missing)
    rates, labels, starts = read_park(path, N_UNITS)
    n_trials = np.array([len(rows) for rows in rates])
    look, direction = np.concatenate(labels).T
    trials = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(N_UNITS), n_trials),
            "trial": np.concatenate([np.arange(n) for n in n_trials]),
            "task": np.where(look == 1, "look", "no_look"),
            "look": look,
            "direction": direction,
        }
    )
    names = [f"unit_{number}" for number in range(1, N_UNITS + 1)]
    units = pd.DataFrame({"unit": np.arange(N_UNITS), "name": names, "n_trials": n_trials})
    return make_container(
        np.concatenate(rates),
        trials,
        units=units,
        time=starts + BIN_WIDTH / 2,
        bin_width=BIN_WIDTH,
        time_zero="target onset" if period == "trial" else "target offset",
        DESCR=DESCR,
    )


def read_park(
    path: Path, n_units: int
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.int64]], NDArray[np.float64]]:
    """Return rates (n_trials, n_times) and labels (look, direction) per unit, and bin starts."""
    content = read_variables(path, ("data",))
    starts = finite_array(path, "data.time", struct_field(content, "data.time"), (None,))
    units = struct_field(content, "data.unit")
    if not isinstance(units, (list, np.ndarray)) or len(units) != n_units:
        raise ValueError(
            f"{path} does not have the expected layout: data.unit must be an array of {n_units}"
            f" structs, got {type(units).__name__}"
            f"{f' of {len(units)}' if hasattr(units, '__len__') else ''}."
        )
    rates, labels = [], []
    for number, unit in enumerate(units, start=1):
        name = f"data.unit({number})"
        if struct_field(unit, "dimension") != f"unit_{number}":
            raise ValueError(
                f"{path} does not have the expected layout: {name}.dimension must be"
                f" 'unit_{number}', got {struct_field(unit, 'dimension')!r}."
            )
        response = struct_field(unit, "response")
        rates.append(finite_array(path, f"{name}.response", response, (None, len(starts))))
        columns = [
            whole_numbers(
                path,
                f"{name}.task_variable.{label}",
                struct_field(unit, f"task_variable.{label}"),
                (len(rates[-1]),),
                (0, 1),
            )
            for label in ("look", "direction")
        ]
        labels.append(np.column_stack(columns))
    return rates, labels, starts
