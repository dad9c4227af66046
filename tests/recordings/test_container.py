"""The container: both forms, unusual tables, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.utils import Bunch

from neuroselect.datasets import fetch_mante_monkey_a
from neuroselect.recordings import check_container, is_long, make_container, select

TRIALS = {"context": ["colour", "motion", "motion", "colour"], "level": [0, 1, 0, 1]}


def recording_of(form, rng):
    """One small recording of each of the four forms, with a missing value."""
    time = [0.0, 10.0, 20.0]
    if form == "simultaneous":
        return make_container(rng.normal(size=(4, 5)), TRIALS, DESCR="words")
    if form == "simultaneous, time":
        return make_container(rng.normal(size=(4, 3, 5)), TRIALS, time=time, bin_width=10)
    trials = {"unit": np.repeat(np.arange(3), 4), "level": np.tile([0, 1], 6)}
    if form == "long":
        return make_container(rng.normal(size=12), trials)
    return make_container(rng.normal(size=(12, 3)), trials, time=time)


FORMS = ["simultaneous", "simultaneous, time", "long", "long, time"]


def assert_same(one, other):
    assert list(one) == list(other)
    np.testing.assert_array_equal(one.data, other.data)
    assert np.asarray(one.data).dtype == np.asarray(other.data).dtype
    pd.testing.assert_frame_equal(one.trials, other.trials)
    pd.testing.assert_frame_equal(one.units, other.units)
    np.testing.assert_array_equal(one.time, other.time)
    for name in set(one) - {"data", "trials", "units", "time"}:
        assert one[name] == other[name]


@pytest.mark.parametrize("form", FORMS)
def test_check_container_returns_an_equal_new_one(form, rng):
    recording = recording_of(form, rng)
    checked = check_container(recording)
    assert_same(checked, recording)
    assert checked.trials is not recording.trials
    assert checked.data is recording.data
    assert is_long(recording) == form.startswith("long")
    assert (recording.time_unit == "ms") == form.endswith("time")


def test_default_units():
    assert make_container(np.ones((1, 3)), {"a": [0]}).units["unit"].tolist() == [0, 1, 2]
    assert make_container([1.0, 2.0], {"unit": [1, 0]}).units["unit"].tolist() == [0, 1]


def test_inputs_are_not_changed():
    trials = pd.DataFrame({"unit": [0.0, 1.0], "a": [1, 2]}, index=[7, 5])
    before = trials.copy()
    recording = make_container([1.0, 2.0], trials)
    pd.testing.assert_frame_equal(trials, before)
    assert recording.trials["unit"].dtype == np.int64
    time = np.array([0.0, 50.0])
    recording = make_container(np.ones((1, 2, 1)), {"a": [0]}, time=time)
    recording.time[0] = -1
    assert time[0] == 0


class TestTables:
    def test_unnamed_index_is_dropped_and_a_named_one_is_a_column(self):
        table = pd.DataFrame({"a": [1, 2]}, index=[9, 4])
        assert make_container(np.ones((2, 1)), table).trials.index.tolist() == [0, 1]
        trials = make_container(np.ones((2, 1)), table.rename_axis("id")).trials
        assert trials["id"].tolist() == [9, 4]

    def test_series_in_a_dict_are_taken_by_position(self):
        columns = {"a": pd.Series([1, 2], index=[1, 0]), "b": [3, 4]}
        trials = make_container(np.ones((2, 1)), columns).trials
        assert trials.to_numpy().tolist() == [[1, 3], [2, 4]]

    def test_one_value_for_all(self):
        trials = make_container(np.ones((2, 1)), {"a": [1, 2], "session": "day one"}).trials
        assert trials["session"].tolist() == ["day one", "day one"]

    def test_series_of_unequal_lengths_are_not_filled(self):
        columns = {"a": pd.Series([1, 2]), "b": pd.Series([1])}
        with pytest.raises(ValueError, match=r"got the lengths \{'a': 2, 'b': 1\}"):
            make_container(np.ones((2, 1)), columns)

    def test_no_columns_and_one_trial(self):
        recording = make_container(np.ones((1, 2)), {}, units=pd.DataFrame(index=range(2)))
        assert recording.trials.shape == (1, 0)
        assert recording.units.shape == (2, 0)

    def test_units_without_trials_in_long_form(self):
        recording = make_container([1.0], {"unit": [2]}, units={"area": ["a", "b", "c"]})
        assert len(recording.units) == 3

    @pytest.mark.parametrize(
        ("trials", "message"),
        [
            ({"a": [1, 2, 3]}, r"trials must have one row per row of data, got 3 row\(s\) for 4"),
            ({"a": [1, 2, 3], "b": [1]}, r"trials .* of one length, got the lengths \{'a': 3"),
            (pd.DataFrame(np.ones((4, 2))), "trials must have strings as names of columns, got 0"),
            (pd.DataFrame(np.ones((4, 2)), columns=["a", "a"]), r"got \['a'\] more than once"),
            (
                pd.DataFrame({"a": range(4)}, index=pd.Index(range(4), name="a")),
                r"different names of columns and of its index, got \['a'\]",
            ),
        ],
    )
    def test_bad_trials(self, trials, message):
        with pytest.raises(ValueError, match=message):
            make_container(np.ones((4, 2)), trials)

    def test_bad_units(self):
        with pytest.raises(ValueError, match=r"units must have one row per unit of data, got 3"):
            make_container(np.ones((4, 2)), TRIALS, units={"area": list("abc")})
        with pytest.raises(TypeError, match=r"units must be a DataFrame or a dict.*got list"):
            make_container(np.ones((4, 2)), TRIALS, units=[1, 2])

    @pytest.mark.parametrize(
        ("unit", "message"),
        [
            ([0, np.nan, 1], r"got 1 missing"),
            ([0, 0.5, 1], "got 0.5"),
            (["a", "b", "c"], "pandas.factorize makes them from names.*got 'a'"),
            ([0, -1, 1], "got -1"),
            ([True, False, True], "dtype bool"),
            ([0, 2, 5], "every number from 0 to 5 where units is not given, got 3"),
        ],
    )
    def test_bad_unit_column(self, unit, message):
        with pytest.raises(ValueError, match=message):
            make_container(np.ones(3), {"unit": unit})

    def test_unit_number_beyond_units(self):
        with pytest.raises(ValueError, match=r"of the 2 unit\(s\), got 2"):
            make_container(np.ones(3), {"unit": [0, 1, 2]}, units={"area": ["a", "b"]})


class TestData:
    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (np.ones((2, 0)), r"at least one entry on each axis; got shape \(2, 0\)"),
            (np.ones((2, 1, 1, 1)), r"got shape \(2, 1, 1, 1\)"),
            (np.ones((2, 1), dtype=complex), "real numbers, got an array of dtype complex128"),
            ([["a"], ["b"]], "real numbers"),
            (np.ma.masked_array(np.ones((2, 1))), "masked array"),
            (csr_array(np.ones((2, 1))), "sparse"),
        ],
    )
    def test_bad_data(self, data, message):
        with pytest.raises(ValueError, match=message):
            make_container(data, {"a": [0, 1]})

    @pytest.mark.parametrize(
        ("shape", "time", "long", "wanted"),
        [
            ((2, 3), [0, 1, 2], False, "n_trials, n_times, n_units"),
            ((2, 3, 1), None, False, r"n_trials, n_units\)"),
            ((2, 3), None, True, r"\(n_rows,\)"),
            ((2, 3, 1), [0, 1, 2], True, r"\(n_rows, n_times\)"),
            ((2,), None, False, r"n_trials, n_units\)"),
        ],
    )
    def test_forms_that_do_not_agree(self, shape, time, long, wanted):
        trials = {"unit" if long else "a": [0, 1]}
        with pytest.raises(ValueError, match=f"data must have shape .*{wanted}"):
            make_container(np.ones(shape), trials, time=time)

    def test_dtypes_are_kept_and_frames_taken(self):
        assert make_container(np.ones((2, 1), np.float32), {}).data.dtype == np.float32
        assert make_container(np.ones((2, 1), np.uint8), {}).data.dtype == np.uint8
        assert isinstance(make_container(pd.DataFrame({"a": [1.0]}), {}).data, np.ndarray)
        assert isinstance(make_container(pd.Series([1.0]), {"unit": [0]}).data, np.ndarray)


class TestTime:
    @pytest.mark.parametrize(
        ("time", "message"),
        [
            ([0, 1, 2], r"shape \(4,\), got shape \(3,\)"),
            ([0, 1, 1, 2], "time must increase, got 1 ms at position 1 followed by 1 ms"),
            ([0, 1, 2, np.nan], r"finite, got 1 other"),
            (["a", "b", "c", "d"], "numbers in ms"),
            (np.arange(4) * 0.05, "0 to 0.15 in steps of 0.05, which looks like seconds"),
            ([-0.5, 0.0, 0.5, 1.0], "looks like seconds"),
        ],
    )
    def test_bad_time(self, time, message):
        with pytest.raises(ValueError, match=message):
            make_container(np.ones((1, 4, 1)), {}, time=time)

    def test_short_fast_recordings_say_so(self):
        time = np.arange(4) / 30
        recording = make_container(np.ones((1, 4, 1)), {}, time=time, time_unit="ms")
        np.testing.assert_array_equal(check_container(recording).time, time)
        with pytest.raises(ValueError, match="time_unit must be 'ms' or None, got 's'"):
            make_container(np.ones((1, 4, 1)), {}, time=time, time_unit="s")

    def test_a_part_of_a_fast_recording_is_still_in_ms(self):
        recording = make_container(np.ones((1, 1000, 1)), {}, time=np.arange(1000) / 2)
        assert check_container(select(recording, time=(0, 5))).time[-1] == 4.5

    @pytest.mark.parametrize(
        ("width", "message"),
        [
            (0, "bin_width must be a number of ms > 0, got 0"),
            (True, "got True"),
            ("50", "got '50'"),
            (np.inf, "got inf"),
            (0.05, "got 0.05 for bins 50 ms apart. Is it in seconds"),
        ],
    )
    def test_bad_bin_width(self, width, message):
        with pytest.raises(ValueError, match=message):
            make_container(np.ones((1, 2, 1)), {}, time=[25, 75], bin_width=width)

    def test_bin_width_without_time(self):
        with pytest.raises(ValueError, match="bin_width must be None where data has no time axis"):
            make_container(np.ones((1, 2)), {}, bin_width=50)


class TestCheckContainer:
    def test_conditions_stand_for_trials(self):
        recording = check_container({"data": [[1.0]], "conditions": {"level": [3]}})
        assert recording.trials["level"].tolist() == [3]
        assert "conditions" not in recording

    def test_macaque(self, data_folder):
        recording = check_container(fetch_mante_monkey_a(data_home=data_folder))
        assert recording.trials.shape == (72, 3)
        part = select(recording, trials={"context": 0}, units=slice(10))
        assert part.data.shape == (36, 10)

    def test_not_a_recording(self):
        with pytest.raises(TypeError, match=r"recording must be a Bunch or dict.*got list"):
            check_container([1, 2])
        with pytest.raises(ValueError, match=r"\['trials'\] missing from \['data', 'time'\]"):
            check_container(Bunch(data=[[1.0]], time=None))
