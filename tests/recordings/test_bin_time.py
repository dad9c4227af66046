"""Bins against sums over masks of time, in all forms, and what does not fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroselect.recordings import bin_time, make_container, select


def by_masks(recording, starts, width, statistic):
    """Slow and obvious, for samples: the entries with start <= time < start + width."""
    masks = [(recording.time >= s) & (recording.time < s + width) for s in starts]
    return np.stack([getattr(np, statistic)(recording.data[:, m], axis=1) for m in masks], axis=1)


@pytest.fixture
def recording(rng):
    time = np.arange(-20, 20) * 5.0
    return make_container(rng.normal(size=(7, 40, 3)), {"a": range(7)}, time=time, note="n")


@pytest.mark.parametrize("statistic", ["mean", "sum"])
@pytest.mark.parametrize(
    ("width", "step", "window", "starts"),
    [
        (20, None, None, np.arange(-100, 100, 20)),
        (30, None, None, np.arange(-100, 80, 30)),  # the last 20 ms are no whole bin
        (10, 25, (-50, 60), [-50, -25, 0, 25, 50]),
        (25, 5, (-10, 25), [-10, -5, 0]),
        (5, None, (95, 100), [95]),
        (20, None, (-52, 28), [-52, -32, -12, 8]),  # samples, so that bins may start anywhere
    ],
)
def test_against_masks(recording, statistic, width, step, window, starts):
    overlap = step is not None and step < width
    binned = bin_time(
        recording, width, step=step, window=window, statistic=statistic, overlap=overlap
    )
    expected = by_masks(recording, starts, width, statistic)
    np.testing.assert_allclose(binned.data, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(binned.time, np.asarray(starts) + width / 2)
    assert binned.bin_width == width
    assert binned.note == "n"


def test_blocks_do_not_matter(recording):
    whole = bin_time(recording, 20)
    np.testing.assert_array_equal(bin_time(recording, 20, chunk_bytes=1).data, whole.data)


def test_long_form_is_the_same(recording):
    n_trials, _, n_units = recording.data.shape
    rows = recording.data.transpose(0, 2, 1).reshape(n_trials * n_units, -1)
    long = make_container(
        rows, {"unit": np.tile(np.arange(n_units), n_trials)}, time=recording.time
    )
    expected = bin_time(recording, 20).data.transpose(0, 2, 1).reshape(len(rows), -1)
    np.testing.assert_array_equal(bin_time(long, 20).data, expected)


@given(
    counts=st.lists(st.integers(0, 50), min_size=12, max_size=12),
    first=st.sampled_from([1, 2, 3, 4]),
    second=st.sampled_from([1, 3]),
)
def test_sums_conserve_totals_and_compose(counts, first, second):
    data = np.array(counts, dtype=np.uint8).reshape(1, 12, 1)
    recording = make_container(data, {}, time=np.arange(12) * 10)
    fine = bin_time(recording, 10 * first, statistic="sum")
    assert fine.data.sum() == sum(counts)
    if 12 % (first * second) == 0:
        twice = bin_time(fine, 10 * first * second, statistic="sum")
        once = bin_time(recording, 10 * first * second, statistic="sum")
        np.testing.assert_array_equal(twice.data, once.data)
        np.testing.assert_allclose(twice.time, once.time)


def test_binned_recordings_start_at_the_edges_of_bins():
    recording = make_container(np.arange(4.0).reshape(1, 4, 1), {}, time=[25, 75, 125, 175])
    bins = make_container(recording.data, {}, time=recording.time, bin_width=50)
    binned = bin_time(bins, 100, window=(50, 150))
    assert binned.data.ravel().tolist() == [1.5]
    assert binned.time.tolist() == [100]
    with pytest.raises(ValueError, match=r"window must start between two bins.*0 ms plus a"):
        bin_time(bins, 100, window=(25, 125))
    one = select(bins, time=(0, 50))
    np.testing.assert_array_equal(bin_time(one, 50).data, one.data)


def test_missing_samples_and_dtypes():
    data = np.array([[1.0, np.nan, 3.0, 5.0]], dtype=np.float32).reshape(1, 4, 1)
    binned = bin_time(make_container(data, {}, time=[0, 10, 20, 30]), 20)
    np.testing.assert_array_equal(binned.data.ravel(), [np.nan, 4])
    assert binned.data.dtype == np.float32
    counts = make_container(np.full((1, 300, 1), 255, np.uint8), {}, time=np.arange(300))
    total = bin_time(counts, 300, statistic="sum").data
    assert total.dtype == np.float64
    assert total.item() == 300 * 255


def test_rounded_times_of_a_file():
    time = np.round(np.arange(60) / 30 * 1000, 2).astype(np.float32)
    recording = make_container(np.arange(60.0).reshape(1, 60, 1), {}, time=time)
    binned = bin_time(recording, 100, window=(0, 2000))
    np.testing.assert_allclose(binned.data.ravel(), np.arange(20) * 3 + 1)
    np.testing.assert_allclose(binned.time, np.arange(20) * 100 + 50, rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 12}, "width must be a multiple of the sampling interval of 5 ms, got 12 ms"),
        ({"width": 0.05}, "got 0.05 ms, 0.01 intervals"),
        ({"width": 0}, "width must be a number of ms > 0, got 0"),
        ({"width": 205}, "width must fit into the recording of -100 to 100 ms, got 205 ms"),
        ({"width": 20, "step": 10}, "step must be at least width=20 ms.*overlap=True"),
        ({"width": 20, "step": 7}, "step must be a multiple"),
        ({"width": 20, "window": (0, 50)}, "whole number of bins of 20 ms that start 20 ms apart"),
        ({"width": 20, "window": (0, 0.05)}, "whole number of bins"),
        ({"width": 20, "window": (60, 120)}, r"within the recording of -100 to 100 ms, got \(60"),
        ({"width": 20, "window": (-120, 0)}, "within the recording"),
        ({"width": 20, "window": (None, 0)}, "window must have a start and a stop in ms"),
        ({"width": 20, "statistic": "median"}, "statistic must be one of.*got 'median'"),
        ({"width": 20, "chunk_bytes": 0}, "chunk_bytes must be a number of bytes > 0"),
    ],
)
def test_what_does_not_fit(recording, arguments, message):
    with pytest.raises(ValueError, match=message):
        bin_time(recording, **arguments)


@pytest.mark.parametrize(
    ("time", "bin_width", "message"),
    [
        ([0, 10, 25, 30], None, "evenly spaced times to be binned, got steps from 5 to 15 ms"),
        ([0, 10, 20, 30], 20, "bins that overlap to be binned again, got bin_width 20 ms"),
        ([0, 10, 20, 30], 5, "bins that leave gaps"),
    ],
)
def test_times_that_cannot_be_binned(time, bin_width, message):
    recording = make_container(np.ones((1, 4, 1)), {}, time=time, bin_width=bin_width)
    with pytest.raises(ValueError, match=message):
        bin_time(recording, 20)


def test_no_times():
    with pytest.raises(ValueError, match="recording must have a time axis"):
        bin_time(make_container([[1.0]], {}), 20)
    with pytest.raises(ValueError, match="at least 2 times to be binned, got 1"):
        bin_time(make_container([[[1.0]]], {}, time=[0]), 20)
