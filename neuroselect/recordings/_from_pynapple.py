"""Recordings out of pynapple's groups of spike trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from neuroselect.recordings._bin_spikes import bin_spikes

if TYPE_CHECKING:
    import pandas as pd


def from_pynapple(
    spikes: Any,
    trials: Any,
    *,
    window: tuple[float, float],
    bin_width: float,
    align: str | ArrayLike = "start",
    statistic: Literal["count", "rate"] = "count",
    missing: Literal["raise", "drop"] = "raise",
    overlap: bool = False,
    use_time_support: bool = True,
    time_unit: str | None = None,
) -> Bunch:
    """Count the spikes of a pynapple TsGroup in bins around an event of each trial.

    pynapple need not be installed: any objects with the same attributes will do.

    Parameters
    ----------
    spikes : pynapple.TsGroup
        The units: a mapping to objects with the times `t` (s). Its `metadata` becomes the table of
        units.
    trials : pynapple.IntervalSet
        The trials, with `start` and `end` (s); its `metadata` becomes columns of the table.
    window, bin_width, statistic, missing, overlap, time_unit
        As in :func:`bin_spikes`: window and width in ms.
    align : str or array-like of shape (n_trials,), default="start"
        The event: "start" or "end" of the trial, a column of its metadata (s), or times (s).
    use_time_support : bool, default=True
        Whether bins outside ``spikes.time_support`` are missing (NaN). A TsGroup that was made
        without one takes the time from its first to its last spike; False is right then.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container, see :func:`bin_spikes`, with the name of each unit in ``units["name"]``.

    Raises
    ------
    TypeError
        If an attribute is missing.
    ValueError
        As in :func:`bin_spikes`, or if `align` is no column.

    Examples
    --------
    >>> from neuroselect.recordings import from_pynapple
    >>> recording = from_pynapple(
    ...     spikes, trials, window=(-100, 400), bin_width=50
    ... )  # doctest: +SKIP
    """
    if not (hasattr(spikes, "keys") and hasattr(spikes, "__getitem__")):
        raise TypeError(f"spikes must be a TsGroup of pynapple, got {type(spikes).__name__}.")
    if not (hasattr(trials, "start") and hasattr(trials, "end")):
        raise TypeError(f"trials must be an IntervalSet of pynapple, got {type(trials).__name__}.")
    names = list(spikes.keys())
    table = _table(trials, {"start": np.asarray(trials.start), "end": np.asarray(trials.end)})
    units = _table(spikes, {"unit": np.arange(len(names)), "name": names})
    support = getattr(spikes, "time_support", None) if use_time_support else None
    if support is not None:
        support = np.column_stack([support.start, support.end])
    return bin_spikes(
        [np.asarray(spikes[name].t) for name in names],
        _events(table, align),
        window=window,
        bin_width=bin_width,
        statistic=statistic,
        trials=table,
        units=units,
        observed=support,
        missing=missing,
        overlap=overlap,
        time_unit=time_unit,
        time_zero=align if isinstance(align, str) else "events",
    )


def _table(thing: Any, columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(columns)
    metadata = getattr(thing, "metadata", None)
    if metadata is not None:
        for name in metadata.columns:
            if name not in frame:
                frame[name] = metadata[name].array
    return frame


def _events(table: pd.DataFrame, align: str | ArrayLike) -> Any:
    if not isinstance(align, str):
        return align
    if align not in table.columns:
        raise ValueError(f"align must be one of {list(table.columns)} or times, got {align!r}.")
    return table[align].to_numpy(dtype=np.float64)
