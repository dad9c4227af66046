"""Activity in bins of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.recordings._blocks import CHUNK_BYTES, read_block, row_blocks
from neuroselect.recordings._checks import check_positive
from neuroselect.recordings._container import check_container
from neuroselect.recordings._select import check_window

# Times in files are often rounded. Deviations that are still none: of a step between samples
# and of the edge of a window, in sampling intervals, and of a width, as a share of it.
_UNEVEN, _OFF_EDGE, _NO_MULTIPLE = 0.01, 0.05, 1e-4
STATISTICS = {"mean": np.mean, "sum": np.sum}


def bin_time(
    recording: Mapping[str, Any],
    width: float,
    *,
    step: float | None = None,
    window: tuple[float, float] | None = None,
    statistic: Literal["mean", "sum"] = "mean",
    overlap: bool = False,
    chunk_bytes: int = CHUNK_BYTES,
) -> Bunch:
    """Take the mean or the sum of the activity in bins of time.

    Parameters
    ----------
    recording : dict or :class:`~sklearn.utils.Bunch`
        As :func:`make_container` returns it, with a time axis that is evenly spaced. An entry
        counts as sampled at its time, or, if the recording has a `bin_width`, as covering its
        bin.
    width : float
        Width of the bins in ms, a multiple of the sampling interval.
    step : float, default=None
        From the start of a bin to that of the next in ms, a multiple of the sampling interval.
        None is `width`. Less than `width` needs `overlap`.
    window : tuple of (start, stop), default=None
        Part of the recording to cut into bins in ms. It must hold a whole number of bins. None
        starts with the first entry and makes as many whole bins as there are; what remains at
        the end is dropped.
    statistic : {"mean", "sum"}, default="mean"
        "mean" for rates and signals, "sum" for counts of spikes.
    overlap : bool, default=False
        Whether bins may overlap. Bins that share samples are not independent.
    chunk_bytes : int, default=32 MiB
        Trials are worked on in blocks of about this size. One trial is the least.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        The same with `data` of shape (n_trials, n_bins, n_units), or (n_rows, n_bins) in long
        form; `time`, the centres of the bins (ms), and `bin_width`. Computed in float64; float32
        data stay float32, all others become float64. A bin with a missing (NaN) sample is
        missing.

    Raises
    ------
    ValueError
        If there is no time axis or it is not evenly spaced, a width, step or window does not fit
        the samples, bins overlap without `overlap`, or the recording's own bins do.

    Notes
    -----
    Bins are half open, ``start <= time < start + width``. The result is held in memory, and of
    the data no more than a block, so data on disk (a memory map, an h5py dataset) may be larger
    than memory.

    Examples
    --------
    >>> from neuroselect.recordings import bin_time, make_container
    >>> spikes = [[[0], [1], [0], [2]]]  # 1 trial, 4 samples, 1 unit
    >>> recording = make_container(spikes, {}, time=[0, 10, 20, 30])
    >>> binned = bin_time(recording, 20, statistic="sum")
    >>> binned.data.ravel(), binned.time
    (array([1., 2.]), array([10., 30.]))
    """
    recording = check_container(recording)
    if statistic not in STATISTICS:
        raise ValueError(f"statistic must be one of {sorted(STATISTICS)}, got {statistic!r}.")
    if recording.time is None:
        raise ValueError("recording must have a time axis to be binned, got time None.")
    interval = _sampling_interval(recording.time, recording.bin_width)
    size = _n_samples(width, "width", interval)
    jump = size if step is None else _n_samples(step, "step", interval)
    if jump < size and not overlap:
        raise ValueError(
            f"step must be at least width={width:g} ms, got {step:g} ms: bins would overlap and"
            " share samples. Pass overlap=True if that is meant."
        )
    edges = recording.time - (recording.bin_width or 0.0) / 2
    starts, start = _bin_starts(edges, interval, size, jump, window, recording.bin_width)
    centres = start + interval * jump * np.arange(len(starts)) + interval * size / 2
    return Bunch(
        **{
            **recording,
            "data": _binned(recording.data, starts, size, statistic, chunk_bytes),
            "time": centres,
            "bin_width": float(width),
        }
    )


def _binned(
    data: Any, starts: NDArray[np.int64], size: int, statistic: str, chunk_bytes: int
) -> NDArray:
    dtype = np.float32 if data.dtype == np.float32 else np.float64
    binned = np.empty((data.shape[0], len(starts), *data.shape[2:]), dtype=dtype)
    used = slice(int(starts[0]), int(starts[-1]) + size)
    for block in row_blocks((data.shape[0], used.stop - used.start, *data.shape[2:]), chunk_bytes):
        samples = read_block(data, block, used)
        for k, start in enumerate(starts - used.start):
            binned[block, k] = STATISTICS[statistic](
                samples[:, start : start + size], axis=1, dtype=np.float64
            )
    return binned


def _sampling_interval(time: NDArray[np.float64], bin_width: float | None) -> float:
    if len(time) == 1:
        if bin_width is None:
            raise ValueError("recording must have at least 2 times to be binned, got 1.")
        return bin_width
    interval = (time[-1] - time[0]) / (len(time) - 1)
    steps = np.diff(time)
    if np.abs(steps - interval).max() > _UNEVEN * interval:
        raise ValueError(
            "recording must have evenly spaced times to be binned, got steps from"
            f" {steps.min():g} to {steps.max():g} ms."
        )
    if bin_width is not None and abs(bin_width - interval) > _UNEVEN * interval:
        kind = "overlap" if bin_width > interval else "leave gaps"
        raise ValueError(
            f"recording must not be in bins that {kind} to be binned again, got bin_width"
            f" {bin_width:g} ms and times {interval:g} ms apart."
        )
    return float(interval)


def _n_samples(value: Any, name: str, interval: float) -> int:
    n = check_positive(value, name) / interval
    if round(n) < 1 or abs(n - round(n)) > _NO_MULTIPLE * max(1, n):
        raise ValueError(
            f"{name} must be a multiple of the sampling interval of {interval:g} ms, got"
            f" {value:g} ms, {n:g} intervals."
        )
    return round(n)


def _bin_starts(
    edges: NDArray[np.float64],
    interval: float,
    size: int,
    jump: int,
    window: tuple[float, float] | None,
    bin_width: float | None,
) -> tuple[NDArray[np.int64], float]:
    """Return the position of the first sample of each bin, and when the first bin starts (ms)."""
    span = f"{edges[0]:g} to {edges[-1] + interval:g} ms"
    if window is None:
        if size > len(edges):
            raise ValueError(
                f"width must fit into the recording of {span}, got {size * interval:g} ms."
            )
        return np.arange(0, len(edges) - size + 1, jump), float(edges[0])
    start, stop = check_window(window, "window")
    if not np.isfinite([start, stop]).all():
        raise ValueError(f"window must have a start and a stop in ms, got {window!r}.")
    n_steps = ((stop - start) / interval - size) / jump
    if round(n_steps) < 0 or abs(n_steps - round(n_steps)) * jump > _OFF_EDGE:
        raise ValueError(
            f"window must hold a whole number of bins of {size * interval:g} ms that start"
            f" {jump * interval:g} ms apart, got {window!r}, {stop - start:g} ms."
        )
    offset = (start - edges[0]) / interval
    if bin_width is not None and abs(offset - round(offset)) > _OFF_EDGE:
        raise ValueError(
            f"window must start between two bins of the recording, {edges[0]:g} ms plus a"
            f" multiple of {interval:g} ms, got {window!r}."
        )
    first = int(np.ceil(offset - _OFF_EDGE))
    starts = first + jump * np.arange(round(n_steps) + 1)
    if first < 0 or starts[-1] + size > len(edges):
        raise ValueError(f"window must lie within the recording of {span}, got {window!r} (ms).")
    return starts, start
