"""Counts of spikes around events, for all units of a block at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Times in seconds as doubles are right to about a nanosecond; a spike that is closer to the edge
# of a bin is on it.
_TOLERANCE = 1e-9
# A session hardly ever is this much longer than what else was recorded in it; in seconds against
# milliseconds it is 1000 times as long.
_TOO_LONG, _TOO_RARE, _ENOUGH = 300, 0.1, 100


def count_spikes(
    times: NDArray[np.float64],
    n_spikes: NDArray[np.int64],
    events: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Count spikes in equal bins around events.

    Parameters
    ----------
    times : ndarray of shape (n_spikes.sum(),)
        Times of the spikes in s, unit after unit, in any order within a unit.
    n_spikes : ndarray of shape (n_units,)
        Number of spikes of each unit.
    events : ndarray of shape (n_trials,)
        Times of the events in s, in any order.
    edges : ndarray of shape (n_bins + 1,)
        Edges of the bins in s relative to the event; bins are half open.

    Returns
    -------
    counts : ndarray of shape (n_trials, n_bins, n_units)
        A spike counts in each trial whose bins it falls into.
    """
    order = np.argsort(events, kind="stable")
    ordered = events[order]
    # The events before and after a spike in whose windows it can be are neighbours.
    first = np.searchsorted(ordered, times - edges[-1] - _TOLERANCE, side="left")
    last = np.searchsorted(ordered, times - edges[0] + _TOLERANCE, side="right")
    n_windows = last - first
    spike = np.repeat(np.arange(len(times)), n_windows)
    within = np.arange(len(spike)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    event = first[spike] + within
    n_bins, n_units = len(edges) - 1, len(n_spikes)
    width = (edges[-1] - edges[0]) / n_bins
    bins = np.floor((times[spike] - ordered[event] - edges[0] + _TOLERANCE) / width)
    inside = (bins >= 0) & (bins < n_bins)
    unit = np.repeat(np.arange(n_units), n_spikes)[spike[inside]]
    place = (order[event[inside]] * n_bins + bins[inside].astype(np.int64)) * n_units + unit
    counts = np.bincount(place, minlength=len(events) * n_bins * n_units)
    return counts.reshape(len(events), n_bins, n_units)


def unobserved(
    intervals: Sequence[NDArray[np.float64]],
    events: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return which bins do not lie wholly within the unit's intervals (n, 2) in s.

    The shape is (n_trials, n_bins, n_units).
    """
    starts, stops = events[:, np.newaxis] + edges[:-1], events[:, np.newaxis] + edges[1:]
    out = np.empty((*starts.shape, len(intervals)), dtype=bool)
    masks: dict[bytes, NDArray[np.bool_]] = {}  # most units share theirs
    for unit, one in enumerate(intervals):
        key = np.ascontiguousarray(one).tobytes()
        if key not in masks:
            masks[key] = ~_covered(merge(one), starts, stops)
        out[:, :, unit] = masks[key]
    return out


def _covered(intervals: NDArray, starts: NDArray, stops: NDArray) -> NDArray[np.bool_]:
    at = np.searchsorted(intervals[:, 0], starts + _TOLERANCE, side="right") - 1
    if not len(intervals):
        return np.zeros(starts.shape, dtype=bool)
    return (at >= 0) & (stops <= intervals[np.maximum(at, 0), 1] + _TOLERANCE)


def merge(intervals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sort intervals by their start and join those that touch."""
    intervals = intervals[np.argsort(intervals[:, 0], kind="stable")]
    ends = np.maximum.accumulate(intervals[:, 1])
    new = np.ones(len(intervals), dtype=bool)
    new[1:] = intervals[1:, 0] > ends[:-1] + _TOLERANCE
    if not len(intervals):
        return intervals
    last = np.append(np.flatnonzero(new)[1:] - 1, len(intervals) - 1)
    return np.column_stack([intervals[new, 0], ends[last]])


def check_one_clock(
    first: float,
    last: float,
    n_spikes: int,
    n_units: int,
    events: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> None:
    """Refuse events that are not in the time of the spikes, as where one of them is in ms."""
    if not n_spikes:
        return
    near = (events + edges[-1] >= first) & (events + edges[0] <= last)
    duration, span = last - first, float(np.ptp(events))
    rate = n_spikes / n_units / max(duration, 1e-9)
    too_late = n_spikes >= _ENOUGH and span > _TOO_LONG * duration
    too_slow = len(events) > 1 and duration > _TOO_LONG * span and rate < _TOO_RARE
    if not near.any() or too_late or too_slow:
        raise ValueError(
            "events and spike_times must be seconds of one clock, got events from"
            f" {events.min():g} to {events.max():g} and spikes from {first:g} to {last:g}"
            f" ({near.sum()} of {len(events)} trials lie within them; {rate:.3g} spikes per second"
            " and unit). Is one of them in milliseconds?"
        )
