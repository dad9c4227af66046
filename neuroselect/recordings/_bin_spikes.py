"""Recordings out of times of spikes and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch

from neuroselect.recordings._blocks import CHUNK_BYTES, unit_blocks
from neuroselect.recordings._checks import check_positive, check_table, refuse_seconds
from neuroselect.recordings._container import make_container
from neuroselect.recordings._select import check_window
from neuroselect.recordings._spike_counts import check_one_clock, count_spikes, unobserved

if TYPE_CHECKING:
    import pandas as pd

_NO_MULTIPLE = 1e-4  # of a bin


class SpikeSource(Protocol):
    """Spikes of many units that are read in blocks of units."""

    n_units: int

    def block(self, units: slice) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the times (s) of consecutive units, and the number of spikes of each."""


class _InMemory:
    def __init__(self, spike_times: Sequence[ArrayLike]):
        self.times = [np.asarray(times, dtype=np.float64).ravel() for times in spike_times]
        self.n_units = len(self.times)

    def block(self, units: slice) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        times = self.times[units]
        return np.concatenate(times), np.array([len(one) for one in times])


def bin_spikes(
    spike_times: Sequence[ArrayLike],
    events: ArrayLike,
    *,
    window: tuple[float, float],
    bin_width: float,
    statistic: Literal["count", "rate"] = "count",
    trials: pd.DataFrame | Mapping[str, Any] | None = None,
    units: pd.DataFrame | Mapping[str, Any] | None = None,
    observed: Any = None,
    missing: Literal["raise", "drop"] = "raise",
    overlap: bool = False,
    time_unit: str | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    **extra: Any,
) -> Bunch:
    """Count the spikes of units recorded together in bins around an event of each trial.

    Parameters
    ----------
    spike_times : sequence of n_units array-likes
        Times of the spikes of each unit in **seconds**, in any order. A unit may have none.
    events : array-like of shape (n_trials,)
        Time of the event of each trial in **seconds**, NaN where a trial has none.
    window : tuple of (start, stop)
        Time around the event in **ms**, a whole number of bins.
    bin_width : float
        Width of the bins in **ms**.
    statistic : {"count", "rate"}, default="count"
        Spikes per bin, or per second.
    trials, units : DataFrame or dict of columns, default=None
        The tables. None makes the columns `event_time` (s) and `unit`.
    observed : array-like of shape (n_intervals, 2) or sequence of n_units such, default=None
        When units were recorded (s), for all or for each of them. A bin that does not lie within
        the intervals is missing (NaN), not zero. None is always.
    missing : {"raise", "drop"}, default="raise"
        What to do with trials without event. Dropped ones are counted in `n_dropped_trials`.
    overlap : bool, default=False
        Whether windows of trials may overlap. Trials that share spikes are not independent.
    time_unit : {"ms"}, default=None
        Says that `window` and `bin_width` are in ms even if they look like seconds.
    chunk_bytes : int, default=32 MiB
        Units are worked on in blocks of about this size. One unit is the least.
    **extra : object
        Further entries of the recording.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container, see :func:`make_container`, with `data` of shape (n_trials, n_bins,
        n_units), `time` (centres of the bins in ms), `bin_width` and `n_dropped_trials`.

    Raises
    ------
    ValueError
        If times of spikes are not finite, an event is missing or not finite, `window` and
        `bin_width` do not fit or look like seconds, windows overlap, or spikes and events do not
        seem to be in seconds of one clock.

    Notes
    -----
    Bins are half open, ``start <= time < start + width``; a spike within a nanosecond below an
    edge counts as on it, because sums of seconds are rounded.

    Examples
    --------
    >>> from neuroselect.recordings import bin_spikes
    >>> spikes = [[0.98, 1.02, 1.03, 5.01], []]  # seconds; the second unit is silent
    >>> recording = bin_spikes(spikes, [1.0, 5.0], window=(-50, 50), bin_width=50)
    >>> recording.data[:, :, 0], recording.time
    (array([[1., 2.],
           [0., 1.]]), array([-25.,  25.]))
    """
    return bin_source(
        _InMemory(spike_times),
        events,
        window=window,
        bin_width=bin_width,
        statistic=statistic,
        trials=trials,
        units=units,
        observed=observed,
        missing=missing,
        overlap=overlap,
        time_unit=time_unit,
        chunk_bytes=chunk_bytes,
        **extra,
    )


def bin_source(
    source: SpikeSource,
    events: ArrayLike,
    *,
    window: tuple[float, float],
    bin_width: float,
    statistic: str,
    trials: Any,
    units: Any,
    observed: Any,
    missing: str,
    overlap: bool,
    time_unit: str | None,
    chunk_bytes: int = CHUNK_BYTES,
    **extra: Any,
) -> Bunch:
    """As `bin_spikes`, for spikes that are read block by block."""
    if statistic not in ("count", "rate"):
        raise ValueError(f"statistic must be 'count' or 'rate', got {statistic!r}.")
    if not source.n_units:
        raise ValueError("spike_times must hold at least one unit, got none.")
    edges = bin_edges(window, bin_width, time_unit)
    times, kept = _present_events(events, missing)
    trials = {"event_time": np.asarray(events, dtype=np.float64)} if trials is None else trials
    trials = check_table(trials, "trials", len(kept), "event")
    _check_overlap(times, edges, overlap)
    intervals = None if observed is None else _intervals(observed, source.n_units)
    data = _count_blocks(source, times, edges / 1000, intervals, chunk_bytes)
    if statistic == "rate":
        data /= (edges[1] - edges[0]) / 1000
    return make_container(
        data,
        trials[kept].reset_index(drop=True),
        units=units,
        time=(edges[:-1] + edges[1:]) / 2,
        bin_width=float(bin_width),
        time_unit="ms",
        n_dropped_trials=int((~kept).sum()),
        **extra,
    )


def bin_edges(window: Any, bin_width: Any, time_unit: str | None = None) -> NDArray[np.float64]:
    """Return the edges of the bins in ms; window and width must fit, and be in ms."""
    width = check_positive(bin_width, "bin_width")
    start, stop = check_window(window, "window")
    if time_unit not in (None, "ms"):
        raise ValueError(f"time_unit must be 'ms' or None, got {time_unit!r}.")
    n_bins = (stop - start) / width
    if not np.isfinite(n_bins) or round(n_bins) < 1 or abs(n_bins - round(n_bins)) > _NO_MULTIPLE:
        raise ValueError(
            f"window must hold a whole number of bins of {width:g} ms, got {window!r},"
            f" {stop - start:g} ms."
        )
    if time_unit is None:
        refuse_seconds("window and bin_width", start, stop, width)
    return np.linspace(start, stop, round(n_bins) + 1)


def _present_events(events: ArrayLike, missing: str) -> tuple[NDArray, NDArray[np.bool_]]:
    """Return the times of the events that there are, and which trials have one."""
    if missing not in ("raise", "drop"):
        raise ValueError(f"missing must be 'raise' or 'drop', got {missing!r}.")
    events = np.asarray(events, dtype=np.float64)
    if events.ndim != 1 or not len(events):
        raise ValueError(f"events must have shape (n_trials,), got {events.shape}.")
    kept = ~np.isnan(events)
    if np.isinf(events).any():
        raise ValueError(f"events must be finite or NaN, got {np.isinf(events).sum()} infinite.")
    if missing == "raise" and not kept.all():
        raise ValueError(
            f"events must be there in all {len(events)} trials, got NaN in {(~kept).sum()}, first"
            f" in trial {int(np.argmin(kept))}. Pass missing='drop' to leave these trials out."
        )
    if not kept.any():
        raise ValueError(f"events must be there in some trial, got NaN in all {len(events)}.")
    return events[kept], kept


def _check_overlap(events: NDArray, edges: NDArray, overlap: bool) -> None:
    length = (edges[-1] - edges[0]) / 1000
    gaps = np.diff(np.sort(events))
    n_close = int((gaps < length - 1e-9).sum())
    if n_close and not overlap:
        raise ValueError(
            f"window must not be longer than the time between events, got {1000 * length:g} ms"
            f" where {n_close} of {len(gaps)} events follow earlier, the closest after"
            f" {1000 * gaps.min():g} ms: trials would share spikes. Pass overlap=True if that is"
            " meant."
        )


def _intervals(observed: Any, n_units: int) -> list[NDArray[np.float64]]:
    if isinstance(observed, np.ndarray) and observed.ndim == 2:
        observed = [observed] * n_units
    out = [np.asarray(one, dtype=np.float64).reshape(-1, 2) for one in observed]
    if len(out) != n_units:
        raise ValueError(
            f"observed must have intervals for each of {n_units} units, got {len(out)}."
        )
    for unit, one in enumerate(out):
        if np.isnan(one).any() or (one[:, 0] > one[:, 1]).any():
            raise ValueError(
                f"observed must be intervals (start, stop) with start <= stop, got others for unit"
                f" {unit}."
            )
    return out


def _count_blocks(
    source: SpikeSource,
    events: NDArray[np.float64],
    edges: NDArray[np.float64],
    intervals: list[NDArray[np.float64]] | None,
    chunk_bytes: int,
) -> NDArray[np.float64]:
    data = np.empty((len(events), len(edges) - 1, source.n_units))
    first, last, total = np.inf, -np.inf, 0
    for block in unit_blocks(data.shape, chunk_bytes):
        times, n_spikes = source.block(block)
        if not np.isfinite(times).all():
            owner = np.repeat(np.arange(block.start, block.stop), n_spikes)
            bad = owner[~np.isfinite(times)]
            raise ValueError(
                f"spike_times must be finite, got {len(bad)} NaN or infinite, first of unit"
                f" {bad[0]}."
            )
        data[:, :, block] = count_spikes(times, n_spikes, events, edges)
        if intervals is not None:
            data[:, :, block][unobserved(intervals[block], events, edges)] = np.nan
        if len(times):
            first, last = min(first, times.min()), max(last, times.max())
            total += len(times)
    check_one_clock(first, last, total, source.n_units, events, edges)
    return data
