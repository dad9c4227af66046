"""Means per condition against pandas, in all forms; memory of data on disk is bounded."""

import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neuroselect.datasets import fetch_mante_monkey_a
from neuroselect.recordings import bin_time, condition_patterns, make_container, select

BY = ["task", "level"]


def by_pandas(data, trials, by):
    """Mean and number of trials per group, of data with one row per trial."""
    groups = pd.DataFrame(np.reshape(data, (len(data), -1))).groupby(
        [trials[column] for column in by]
    )
    return groups.mean().to_numpy(), groups.size().to_numpy(), groups.count().to_numpy()


@pytest.fixture
def trials(rng):
    return pd.DataFrame(
        {"task": rng.choice(["a", "b"], 60), "level": rng.integers(3, size=60), "unused": 0}
    )


@pytest.mark.parametrize("chunk_bytes", [1, 1000, 2**20])
@pytest.mark.parametrize("n_times", [None, 4])
def test_simultaneous(rng, trials, n_times, chunk_bytes):
    shape = (60, 5) if n_times is None else (60, n_times, 5)
    time = None if n_times is None else np.arange(n_times) * 10
    data = 1e3 + rng.normal(size=shape)
    recording = make_container(data, trials, time=time)
    result = condition_patterns(recording, BY, chunk_bytes=chunk_bytes)
    means, counts, _ = by_pandas(data, trials, BY)
    np.testing.assert_allclose(result.patterns, means.reshape(-1, *shape[1:]), rtol=1e-12)
    np.testing.assert_array_equal(result.counts, counts)
    expected = trials[BY].drop_duplicates().sort_values(BY).reset_index(drop=True)
    pd.testing.assert_frame_equal(result.conditions, expected)


@pytest.mark.parametrize("chunk_bytes", [1, 2**20])
@pytest.mark.parametrize("n_times", [None, 4])
def test_long(rng, n_times, chunk_bytes):
    n_rows, n_units = 300, 7
    trials = pd.DataFrame(
        {"unit": rng.integers(n_units - 1, size=n_rows), "task": rng.choice(["a", "b"], n_rows)}
    )
    trials = trials[(trials["unit"] != 3) | (trials["task"] == "a")].reset_index(drop=True)
    shape = (len(trials),) if n_times is None else (len(trials), n_times)
    data = rng.normal(size=shape)
    recording = make_container(
        data,
        trials,
        units={"n": range(n_units)},
        time=None if n_times is None else np.arange(n_times) * 10,
    )
    result = condition_patterns(recording, "task", missing="nan", chunk_bytes=chunk_bytes)
    assert result.patterns.shape == (2, *shape[1:], n_units)
    for c, task in enumerate("ab"):
        for unit in range(n_units):
            chosen = data[(trials["task"] == task) & (trials["unit"] == unit)]
            assert result.counts[c, unit] == len(chosen)
            if len(chosen):
                pattern = result.patterns[c, ..., unit]
                np.testing.assert_allclose(pattern, chosen.mean(axis=0), rtol=1e-12, atol=1e-12)
            else:
                assert np.isnan(result.patterns[c, ..., unit]).all()
    assert result.counts[1, 3] == 0
    with pytest.raises(ValueError, match=r"\{'task': 'a'\} there are 0 of unit 6"):
        condition_patterns(recording, "task")


def test_missing_values(rng, trials):
    data = rng.normal(size=(60, 5))
    data[rng.random(data.shape) < 0.5] = np.nan
    data[(trials["task"] == "a") & (trials["level"] == 1), 2] = np.nan
    recording = make_container(data, trials)
    means, counts, valid = by_pandas(data, trials, BY)
    for least in (1, 4):
        result = condition_patterns(recording, BY, min_trials=least, missing="nan", chunk_bytes=200)
        np.testing.assert_allclose(
            result.patterns, np.where(valid >= least, means, np.nan), rtol=1e-12, atol=1e-12
        )
        np.testing.assert_array_equal(result.counts, counts)
    with pytest.raises(ValueError, match=r"'a', 'level': 1\} values of unit 2 are NaN in too many"):
        condition_patterns(recording, BY)
    assert np.isnan(data).any()


def test_too_few_trials():
    recording = make_container(np.ones((3, 2)), {"task": ["a", "b", "a"]})
    with pytest.raises(ValueError, match=r"min_trials=2 .*\{'task': 'b'\} there are 1 \(1 of 2"):
        condition_patterns(recording, "task", min_trials=2)
    result = condition_patterns(recording, "task", min_trials=2, missing="nan")
    np.testing.assert_array_equal(result.patterns, [[1, 1], [np.nan, np.nan]])


@given(data=st.data())
def test_order_of_trials_does_not_matter(data):
    values = data.draw(hnp.arrays(float, (8, 3), elements=st.floats(-1e6, 1e6)))
    task = data.draw(st.lists(st.sampled_from("abc"), min_size=8, max_size=8))
    order = data.draw(st.permutations(range(8)))
    recording = make_container(values, {"task": task})
    one = condition_patterns(recording, "task")
    other = condition_patterns(select(recording, trials=order), "task", chunk_bytes=60)
    np.testing.assert_allclose(one.patterns, other.patterns, rtol=1e-12, atol=1e-8)
    pd.testing.assert_frame_equal(one.conditions, other.conditions)
    np.testing.assert_array_equal(one.counts, other.counts)


def test_macaque_conditions_are_patterns_already(data_folder):
    macaque = fetch_mante_monkey_a(data_home=data_folder)
    result = condition_patterns(macaque, ["context", "colour", "motion"])
    np.testing.assert_array_equal(result.patterns, macaque.data)
    assert (result.counts == 1).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "x"}, r"by must name different columns of trials among \['task', 'gap'\], got"),
        ({"by": []}, r"got \[\]"),
        ({"by": ["task", "task"]}, "different columns"),
        ({"by": "gap"}, "columns without missing values, got 1 in 'gap'"),
        ({"by": "task", "min_trials": 0}, "min_trials must be an integer >= 1, got 0"),
        ({"by": "task", "missing": "drop"}, "missing must be 'raise' or 'nan', got 'drop'"),
    ],
)
def test_bad_parameters(arguments, message):
    recording = make_container(np.ones((2, 1)), {"task": [0, 1], "gap": [0, np.nan]})
    with pytest.raises(ValueError, match=message):
        condition_patterns(recording, **arguments)


def test_unit_is_no_condition_and_data_are_finite():
    with pytest.raises(ValueError, match="by must name different columns"):
        condition_patterns(make_container([1.0], {"unit": [0], "a": [0]}), "unit")
    with pytest.raises(ValueError, match="data must not be infinite"):
        condition_patterns(make_container([[np.inf]], {"a": [0]}), "a")


def test_data_on_disk(rng, trials, tmp_path):
    data = rng.normal(size=(60, 6, 4)).astype(np.float32)
    expected = make_container(data, trials, time=np.arange(6) * 10)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        stored = file.create_dataset("data", data=data)
        recording = make_container(stored, trials, time=expected.time)
        binned = bin_time(recording, 20, chunk_bytes=500)
        np.testing.assert_array_equal(binned.data, bin_time(expected, 20).data)
        np.testing.assert_allclose(
            condition_patterns(recording, BY, chunk_bytes=500).patterns,
            condition_patterns(expected, BY).patterns,
            rtol=1e-12,
        )


MEMORY = """
import sys, tracemalloc
import numpy as np
from neuroselect.recordings import bin_time, condition_patterns, make_container

shape = (400, 50, 1000)  # 80 MB in float32
data = np.memmap(sys.argv[1], dtype=np.float32, mode="w+", shape=shape)
for start in range(0, 400, 40):
    data[start : start + 40] = start
recording = make_container(data, {"task": np.arange(400) % 4}, time=np.arange(50) * 10)
condition_patterns(make_container(np.ones((2, 2)), {"task": [0, 1]}), "task")  # imports
for run in (
    lambda: bin_time(recording, 50, chunk_bytes=2**22).data,
    lambda: condition_patterns(recording, "task", chunk_bytes=2**22).patterns,
):
    tracemalloc.start()
    result = run()
    print(tracemalloc.get_traced_memory()[1] - result.nbytes)
    tracemalloc.stop()
"""


def test_memory_is_bounded(tmp_path):
    arguments = [sys.executable, "-c", MEMORY, str(tmp_path / "data")]
    out = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    for beyond_result in map(int, out.split()):
        assert beyond_result < 5 * 2**22  # a few blocks, where the data have 80 MB
