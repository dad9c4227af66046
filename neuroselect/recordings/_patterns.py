"""Mean activity per condition."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.recordings._blocks import CHUNK_BYTES, read_block, row_blocks
from neuroselect.recordings._container import check_container

if TYPE_CHECKING:
    import pandas as pd

_CACHE_BYTES = 2**20  # what is summed at a time, faster than from main memory


def condition_patterns(
    recording: Mapping[str, Any],
    by: str | Sequence[str],
    *,
    min_trials: int = 1,
    missing: Literal["raise", "nan"] = "raise",
    chunk_bytes: int = CHUNK_BYTES,
) -> Bunch:
    """Average the trials of each condition.

    Parameters
    ----------
    recording : dict or :class:`~sklearn.utils.Bunch`
        As :func:`make_container` returns it.
    by : str or list of str
        Columns of the trials whose combinations are the conditions.
    min_trials : int, default=1
        A mean over fewer trials is missing. Trials in which the value is NaN do not count.
    missing : {"raise", "nan"}, default="raise"
        What to do about missing means: an error that names the first, or NaN.
    chunk_bytes : int, default=32 MiB
        Trials are worked on in blocks of about this size. One trial is the least.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        patterns : ndarray of shape (n_conditions, n_units) or (n_conditions, n_times, n_units)
            Means over the trials in which the value is there, in float64; in long form, too.
        conditions : DataFrame of shape (n_conditions, len(by))
            The combinations that occur, sorted.
        counts : ndarray of shape (n_conditions,) or (n_conditions, n_units)
            Number of trials; per unit in long form.
        units, time, bin_width
            As in the recording.

    Raises
    ------
    ValueError
        If a column does not exist or has missing values, data are infinite, or means are
        missing and `missing` is "raise".

    Notes
    -----
    Trials are summed in the order in which they come, in blocks. The result is held in memory,
    and of the data no more than a few blocks.

    Examples
    --------
    >>> from neuroselect.recordings import condition_patterns, make_container
    >>> trials = {"context": ["motion", "colour", "motion"]}
    >>> recording = make_container([[1.0, 4.0], [5.0, 6.0], [3.0, 4.0]], trials)
    >>> result = condition_patterns(recording, "context")
    >>> result.patterns
    array([[5., 6.],
           [2., 4.]])
    >>> list(result.conditions["context"]), result.counts
    (['colour', 'motion'], array([1, 2]))
    """
    recording = check_container(recording)
    by = [by] if isinstance(by, str) else list(by)
    _check_parameters(recording.trials, by, min_trials, missing)
    codes, conditions = _conditions(recording.trials, by)
    shape = (len(conditions),)
    long, n_units = "unit" in recording.trials.columns, len(recording.units)
    if long:
        codes = codes * n_units + recording.trials["unit"].to_numpy()
        shape = (len(conditions), n_units)
    counts = np.bincount(codes, minlength=math.prod(shape))
    means, scarce = _means(recording.data, codes, counts, min_trials, chunk_bytes)
    if missing == "raise" and scarce.any():
        _raise_missing(scarce, counts, conditions, long, n_units, min_trials)
    means = means.reshape(*shape, *recording.data.shape[1:])
    if long and recording.time is not None:
        means = means.transpose(0, 2, 1)
    return Bunch(
        patterns=means,
        conditions=conditions,
        counts=counts.reshape(shape),
        units=recording.units,
        time=recording.time,
        bin_width=recording.bin_width,
    )


def _check_parameters(trials: pd.DataFrame, by: list[str], min_trials: int, missing: str) -> None:
    known = [column for column in trials.columns if column != "unit"]
    wrong = [column for column in by if column not in known]
    if not by or wrong or len(set(by)) < len(by):
        raise ValueError(f"by must name different columns of trials among {known}, got {by}.")
    for column in by:
        n_missing = int(trials[column].isna().sum())
        if n_missing:
            raise ValueError(
                f"by must name columns without missing values, got {n_missing} in {column!r}."
                " Leave these trials out with select."
            )
    if not isinstance(min_trials, numbers.Integral) or min_trials < 1:
        raise ValueError(f"min_trials must be an integer >= 1, got {min_trials!r}.")
    if missing not in ("raise", "nan"):
        raise ValueError(f"missing must be 'raise' or 'nan', got {missing!r}.")


def _conditions(trials: pd.DataFrame, by: list[str]) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Return the condition of each trial and the table of conditions."""
    codes = trials.groupby(by, sort=True, observed=True).ngroup().to_numpy()
    _, first = np.unique(codes, return_index=True)
    return codes, trials.loc[first, by].reset_index(drop=True)


def _means(
    data: Any, groups: NDArray[np.int64], counts: NDArray, min_trials: int, chunk_bytes: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the means of groups of rows, NaN where scarce, and where they are scarce."""
    sums, n_nan = _sums(data, groups, len(counts), chunk_bytes)
    valid = counts[:, np.newaxis]
    if n_nan is not None:
        valid = np.subtract(valid, n_nan, out=n_nan, casting="unsafe")
    scarce = valid < min_trials
    np.divide(sums, valid, out=sums, where=~scarce)
    np.copyto(sums, np.nan, where=scarce)
    return sums, scarce


def _sums(
    data: Any, groups: NDArray[np.int64], n_groups: int, chunk_bytes: int
) -> tuple[NDArray[np.float64], NDArray[np.int32] | None]:
    """Return the sums over the rows of groups, and how many NaN they leave out (None: none)."""
    from scipy.sparse import csr_array

    sums, n_nan = np.zeros((n_groups, math.prod(data.shape[1:]))), None
    for block in row_blocks(data.shape, chunk_bytes):
        rows = read_block(data, block).reshape(-1, sums.shape[1])
        present, member = np.unique(groups[block], return_inverse=True)
        entries = (np.ones(len(rows)), (member, np.arange(len(rows))))
        indicator = csr_array(entries, shape=(len(present), len(rows)))
        for columns in row_blocks((sums.shape[1], len(rows)), _CACHE_BYTES):
            part = rows[:, columns].astype(np.float64)
            finite = np.isfinite(part)
            if not finite.all():
                if np.isinf(part).any():
                    raise ValueError("data must not be infinite. Mark missing values by NaN.")
                if n_nan is None:
                    n_nan = np.zeros(sums.shape, dtype=np.int32)
                n_nan[present, columns] += (indicator @ (~finite).astype(float)).astype(np.int32)
                part[~finite] = 0.0
            sums[present, columns] += indicator @ part
    return sums, n_nan


def _raise_missing(
    scarce: NDArray, counts: NDArray, conditions: pd.DataFrame, long: bool, n_units: int, least: int
) -> None:
    group, entry = (int(i) for i in np.argwhere(scarce)[0])
    condition = conditions.iloc[group // n_units if long else group].to_dict()
    unit = f"unit {(group if long else entry) % n_units}"
    if counts[group] >= least:
        what = f"values of {unit} are NaN in too many of its {counts[group]} trials"
    else:
        what = f"there are {counts[group]}" + (f" of {unit}" if long else "")
    raise ValueError(
        f"recording must have min_trials={least} trial(s) with a value for every mean, but for"
        f" the condition {condition} {what} ({int(scarce.sum())} of {scarce.size} means are"
        " missing). Leave out such conditions or units, or pass missing='nan'."
    )
