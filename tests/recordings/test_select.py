"""Parts of recordings, in all forms, from memory and from what is read by slices."""

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from neuroselect.recordings import make_container, select

N_TRIALS, N_TIMES, N_UNITS = 6, 4, 3
DATA = np.arange(N_TRIALS * N_TIMES * N_UNITS, dtype=float).reshape(N_TRIALS, N_TIMES, N_UNITS)
TRIALS = {"a": list("xxyyzz"), "b": [0, 1, 0, 1, 0, 1]}


@pytest.fixture
def recording():
    return make_container(
        DATA, TRIALS, units={"area": ["p", "q", "p"]}, time=[0, 10, 20, 30], DESCR="d"
    )


@pytest.mark.parametrize(
    ("trials", "rows"),
    [
        ([4, 0, 0], [4, 0, 0]),
        ([-1], [5]),
        (np.arange(6) % 2 == 0, [0, 2, 4]),
        (pd.Series([True] + 5 * [False], index=range(6, 0, -1)), [0]),
        (slice(1, 3), [1, 2]),
        ("a == 'y' and b == 1", [3]),
        ({"a": ["x", "z"], "b": 1}, [1, 5]),
    ],
)
def test_trials(recording, trials, rows):
    part = select(recording, trials=trials)
    np.testing.assert_array_equal(part.data, DATA[rows])
    assert part.trials["a"].tolist() == [TRIALS["a"][i] for i in rows]
    assert part.trials.index.tolist() == list(range(len(rows)))
    assert part.DESCR == "d"


def test_all_at_once(recording):
    part = select(recording, trials=[5, 1], units={"area": "p"}, time=(10, 30))
    np.testing.assert_array_equal(part.data, DATA[[5, 1]][:, 1:3][:, :, [0, 2]])
    assert part.units["area"].tolist() == ["p", "p"]
    assert part.time.tolist() == [10, 20]
    assert recording.data is DATA


def test_time_is_half_open(recording):
    assert select(recording, time=(None, 10)).time.tolist() == [0]
    assert select(recording, time=(10, None)).time.tolist() == [10, 20, 30]


def test_long_form_renumbers_units():
    trials = {"unit": [0, 0, 1, 1, 2, 2], "b": TRIALS["b"]}
    recording = make_container(np.arange(6.0), trials, units={"name": ["a", "b", "c"]})
    part = select(recording, units=[2, 0], trials={"b": 1})
    assert part.data.tolist() == [1, 5]
    assert part.trials["unit"].tolist() == [1, 0]
    assert part.units["name"].tolist() == ["c", "a"]
    kept = select(recording, trials=[0])
    assert len(kept.units) == 3


def test_long_form_units_without_rows_and_repeated():
    recording = make_container([1.0], {"unit": [0]}, units={"name": ["a", "b"]})
    with pytest.raises(ValueError, match="units must keep some row of data"):
        select(recording, units=[1])
    with pytest.raises(ValueError, match="units must not be repeated in long form"):
        select(recording, units=[0, 0])


@pytest.mark.parametrize("trials", [[4, 0, 0], slice(1, 4), np.arange(6) % 2 == 0])
@pytest.mark.parametrize("units", [None, [2, 0], slice(0, 2)])
def test_what_is_read_by_slices(recording, trials, units, tmp_path):
    expected = select(recording, trials=trials, units=units, time=(10, 40)).data
    on_disk = np.memmap(tmp_path / "data", dtype=float, mode="w+", shape=DATA.shape)
    on_disk[:] = DATA
    with h5py.File(tmp_path / "data.h5", "w") as file:
        for data in (on_disk, file.create_dataset("data", data=DATA)):
            lazy = make_container(data, TRIALS, time=recording.time)
            assert lazy.data is data
            part = select(lazy, trials=trials, units=units, time=(10, 40))
            np.testing.assert_array_equal(part.data, expected)


masks = st.lists(st.booleans(), min_size=N_TRIALS, max_size=N_TRIALS).map(np.array)


@given(first=masks, second=masks, units=st.permutations(range(N_UNITS)))
def test_selections_commute(first, second, units):
    assume((first & second).any())
    recording = make_container(DATA, {"row": range(N_TRIALS)}, time=np.arange(N_TIMES) * 5)

    def rows(mask):
        return {"row": [int(i) for i in np.flatnonzero(mask & first & second)]}

    one = select(select(recording, trials=first), trials=rows(second), units=units)
    other = select(select(recording, units=units, trials=second), trials=rows(first))
    np.testing.assert_array_equal(one.data, other.data)
    pd.testing.assert_frame_equal(one.trials, other.trials)
    pd.testing.assert_frame_equal(one.units, other.units)
    again = select(one, trials=rows(first))
    np.testing.assert_array_equal(again.data, one.data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trials": [6]}, "trials must be numbers of the 6 rows, got 6"),
        ({"trials": [-7]}, "got -7"),
        ({"trials": [True, False]}, r"boolean array of shape \(6,\).*dtype bool and shape \(2,\)"),
        ({"trials": [0.5]}, "dtype float64"),
        ({"trials": []}, r"trials must keep at least one of the 6, got \[\]"),
        ({"trials": "b == 7"}, "at least one of the 6, got 'b == 7'"),
        ({"trials": "c == 7"}, r"query on the columns \['a', 'b'\], got 'c == 7' \(Undefined"),
        ({"trials": {"c": 7}}, r"columns among \['a', 'b'\], got 'c'"),
        ({"trials": {"a": ["x", "w"]}}, r"column 'a' has, such as \['x', 'y', 'z'\]; got \['w'\]"),
        ({"units": {"area": "r"}}, "units must keep values"),
        ({"time": (40, 50)}, r"the times 0 to 30 ms, got \(40, 50\)"),
        ({"time": (10, 10)}, "start < stop"),
        ({"time": 10}, r"time must be \(start, stop\) in ms, got 10"),
    ],
)
def test_what_cannot_be_selected(recording, arguments, message):
    with pytest.raises(ValueError, match=message):
        select(recording, **arguments)


def test_no_time_axis():
    with pytest.raises(ValueError, match="time must be None for a recording without time axis"):
        select(make_container([[1.0]], {}), time=(0, 1))
