"""Binning of spikes against a slow loop, at the edges of bins, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroselect.recordings import bin_spikes, bin_time

WINDOW = {"window": (-100, 200), "bin_width": 50}


def slow_counts(spike_times, events, window, bin_width):
    n_bins = round((window[1] - window[0]) / bin_width)
    counts = np.zeros((len(events), n_bins, len(spike_times)))
    for trial, event in enumerate(events):
        for unit, times in enumerate(spike_times):
            for time in times:
                k = np.floor(((time - event) * 1000 - window[0] + 1e-6) / bin_width)
                if 0 <= k < n_bins:
                    counts[trial, int(k), unit] += 1
    return counts


@pytest.mark.parametrize("chunk_bytes", [1, 1000, 2**25])
@pytest.mark.parametrize("overlap", [False, True])
def test_against_a_loop(rng, chunk_bytes, overlap):
    spikes = [np.sort(rng.uniform(0, 20, size=n)) for n in (300, 0, 57, 1)]
    events = rng.permutation(np.arange(1, 19) * (1.0 if not overlap else 0.13) + 0.2)
    recording = bin_spikes(spikes, events, overlap=overlap, chunk_bytes=chunk_bytes, **WINDOW)
    np.testing.assert_array_equal(recording.data, slow_counts(spikes, events, (-100, 200), 50))
    assert recording.time.tolist() == [-75, -25, 25, 75, 125, 175]
    assert recording.data[:, :, 1].sum() == 0
    assert recording.trials["event_time"].tolist() == events.tolist()
    rates = bin_spikes(spikes, events, overlap=overlap, statistic="rate", **WINDOW)
    np.testing.assert_allclose(rates.data, recording.data / 0.05)


def test_spikes_in_any_order(rng):
    spikes = rng.uniform(0, 20, size=300)
    one, other = (bin_spikes([t], np.arange(1.0, 19), **WINDOW) for t in (spikes, np.sort(spikes)))
    np.testing.assert_array_equal(one.data, other.data)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 3000), min_size=1, max_size=40),
    st.lists(st.integers(0, 3000), min_size=1, max_size=8),
)
def test_spikes_on_edges_are_exact(spikes_ms, events_ms):
    # In whole milliseconds the answer is known without rounding; in seconds it is not.
    spikes, events = np.array(spikes_ms) / 1000, np.array(events_ms) / 1000
    expected = np.zeros((len(events), 6))
    for trial, event in enumerate(events_ms):
        for spike in spikes_ms:
            if -100 <= spike - event < 200:
                expected[trial, (spike - event + 100) // 50] += 1
    if not expected.any():
        return
    recording = bin_spikes([spikes], events, overlap=True, **WINDOW)
    np.testing.assert_array_equal(recording.data[:, :, 0], expected)


def test_finer_bins_add_up(rng):
    spikes, events = [rng.uniform(0, 20, size=500)], np.arange(1.0, 19)
    fine = bin_spikes(spikes, events, window=(-100, 200), bin_width=10)
    coarse = bin_spikes(spikes, events, **WINDOW)
    np.testing.assert_array_equal(bin_time(fine, 50, statistic="sum").data, coarse.data)


def test_unobserved_bins_are_missing(rng):
    spikes = [rng.uniform(0, 20, size=100) for _ in range(3)]
    events = np.arange(1.0, 19)
    observed = [[(0, 20)], [(5.0, 7.1), (0.0, 3.0), (3.0, 4.05)], []]
    data = bin_spikes(spikes, events, observed=observed, **WINDOW).data
    plain = bin_spikes(spikes, events, **WINDOW).data
    for unit, intervals in enumerate(([(0, 20)], [(5.0, 7.1), (0, 4.05)], [])):
        for trial, event in enumerate(events):
            for k in range(6):
                start, stop = event - 0.1 + 0.05 * k, event - 0.05 + 0.05 * k
                seen = any(a <= start + 1e-9 and stop <= b + 1e-9 for a, b in intervals)
                value = data[trial, k, unit]
                assert value == plain[trial, k, unit] if seen else np.isnan(value)
    assert np.isnan(data[:, :, 2]).all()
    same = bin_spikes(spikes, events, observed=np.array([[0.0, 20.0]]), **WINDOW)
    np.testing.assert_array_equal(same.data, plain)


def test_missing_events():
    events, trials = [1.0, np.nan, 3.0], {"context": ["a", "b", "c"]}
    recording = bin_spikes([[1.0, 3.0]], events, trials=trials, missing="drop", **WINDOW)
    assert recording.trials["context"].tolist() == ["a", "c"]
    assert recording.n_dropped_trials == 1
    with pytest.raises(ValueError, match=r"in all 3 trials, got NaN in 1, first in trial 1"):
        bin_spikes([[1.0, 3.0]], events, trials=trials, **WINDOW)
    with pytest.raises(ValueError, match="got NaN in all 1"):
        bin_spikes([[1.0, 3.0]], [np.nan], missing="drop", **WINDOW)


def test_tables():
    units, trials = pd.DataFrame({"area": ["V1", "V4"]}), {"context": [0]}
    recording = bin_spikes([[1.0], [1.0]], [1.0], units=units, trials=trials, DESCR="d", **WINDOW)
    assert recording.units["area"].tolist() == ["V1", "V4"]
    assert recording.DESCR == "d"
    with pytest.raises(ValueError, match="trials must have one row per event, got 1"):
        bin_spikes([[1.0]], [1.0, 3.0], trials=trials, **WINDOW)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spike_times": []}, "at least one unit"),
        (
            {"spike_times": [[1.0], [np.nan]]},
            "must be finite, got 1 NaN or infinite, first of unit 1",
        ),
        ({"events": [[1.0]]}, r"must have shape \(n_trials,\)"),
        ({"events": [np.inf]}, "finite or NaN, got 1 infinite"),
        (
            {"events": [1.0, 1.2]},
            r"got 300 ms where 1 of 1 events follow earlier.*200 ms.*overlap=T",
        ),
        ({"window": (-0.1, 0.2), "bin_width": 0.05}, "window and bin_width must be in ms.*seconds"),
        ({"window": (-100, 210)}, "whole number of bins of 50 ms"),
        ({"window": (200, -100)}, "start < stop"),
        ({"window": (None, 100)}, "whole number of bins"),
        ({"bin_width": 0}, "bin_width must be a number of ms > 0"),
        ({"statistic": "mean"}, "statistic must be 'count' or 'rate'"),
        ({"missing": "nan"}, "missing must be 'raise' or 'drop'"),
        ({"time_unit": "s"}, "time_unit must be 'ms'"),
        ({"events": [1000.0, 3000.0]}, r"seconds of one clock.*0 of 2 trials.*milliseconds\?"),
        ({"observed": [[(0, 1)], [(0, 1)]]}, "intervals for each of 1 units, got 2"),
        ({"observed": [[(2, 1)]]}, "start <= stop, got others for unit 0"),
    ],
)
def test_refused(change, message):
    arguments = {"spike_times": [[1.0, 3.0]], "events": [1.0, 3.0], **WINDOW, **change}
    with pytest.raises(ValueError, match=message):
        bin_spikes(**arguments)


def test_clocks_in_other_units(rng):
    spikes, events = np.sort(rng.uniform(0, 300, size=3000)), np.arange(1.0, 299, 3)
    for wrong in ([spikes, events * 1000], [spikes * 1000, events]):
        with pytest.raises(ValueError, match="seconds of one clock"):
            bin_spikes([wrong[0]], wrong[1], **WINDOW)
    assert bin_spikes([spikes], events, **WINDOW).data.sum() > 0


def test_a_recording_in_ms_that_looks_like_seconds():
    recording = bin_spikes([[1.0]], [1.0], window=(-2, 2), bin_width=0.5, time_unit="ms")
    assert recording.data[0, :, 0].tolist() == [0, 0, 0, 0, 1, 0, 0, 0]
