"""NWB files: spikes around events, and recordings saved and loaded again."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuroselect.datasets import load_nwb, save_nwb
from neuroselect.recordings import bin_spikes, make_container

pynwb = pytest.importorskip("pynwb")

WINDOW = {"window": (-100, 200), "bin_width": 50}
START = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


def session(rng, n_trials=6, n_spikes=(80, 0, 30)):
    spikes = [np.sort(rng.uniform(0, n_trials + 1, size=n)) for n in n_spikes]
    trials = pd.DataFrame(
        {
            "start_time": np.arange(n_trials) + 0.5,
            "stop_time": np.arange(n_trials) + 1.0,
            "go_time": np.arange(n_trials) + 0.75,
            "context": np.resize(["motion", "colour"], n_trials),
            "correct": np.resize([True, True, False], n_trials),
        }
    )
    return spikes, trials


def write_session(path, spikes, trials, *, ragged=False, observed=None, table="trials"):
    file = pynwb.NWBFile("a test", "test", START)
    if table == "trials":
        add_column, add = file.add_trial_column, file.add_trial
    else:
        intervals = pynwb.epoch.TimeIntervals(name=table, description="other")
        add_column, add = intervals.add_column, intervals.add_row
    for name in trials.columns:
        if name not in ("start_time", "stop_time"):
            add_column(name=name, description=name)
    if ragged:
        add_column(name="lick_times", description="licks", index=True)
    for _, row in trials.iterrows():
        add(**row.to_dict(), **({"lick_times": [0.1, 0.2]} if ragged else {}))
    if table != "trials":
        file.add_time_intervals(intervals)
    file.add_unit_column("area", "where")
    for k, times in enumerate(spikes):
        more = {} if observed is None else {"obs_intervals": observed[k]}
        file.add_unit(spike_times=times, area=f"area {k}", **more)
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


@pytest.mark.parametrize("statistic", ["count", "rate"])
@pytest.mark.parametrize("align", ["start_time", "go_time"])
def test_spikes_around_an_event(tmp_path, rng, align, statistic):
    spikes, trials = session(rng)
    path = write_session(tmp_path / "a.nwb", spikes, trials, ragged=True)
    recording = load_nwb(path, align=align, statistic=statistic, **WINDOW)
    expected = bin_spikes(spikes, trials[align], statistic=statistic, **WINDOW)
    np.testing.assert_array_equal(recording.data, expected.data)
    np.testing.assert_array_equal(recording.time, expected.time)
    pd.testing.assert_frame_equal(recording.trials.drop(columns="trial"), trials, check_dtype=False)
    assert recording.trials["correct"].dtype == bool
    assert recording.units["area"].tolist() == ["area 0", "area 1", "area 2"]
    assert recording.left_out == {"trials": ["lick_times"], "units": []}
    assert (recording.time_zero, recording.DESCR) == (align, "a test")


def test_observed_intervals(tmp_path, rng):
    spikes, trials = session(rng)
    observed = [[[0.0, 3.1], [4.2, 9.0]], [[0.0, 9.0]], [[2.0, 9.0]]]
    path = write_session(tmp_path / "a.nwb", spikes, trials, observed=observed)
    expected = bin_spikes(spikes, trials["start_time"], observed=observed, **WINDOW)
    np.testing.assert_array_equal(load_nwb(path, **WINDOW).data, expected.data)
    assert np.isnan(expected.data).any()
    ignored = load_nwb(path, use_obs_intervals=False, **WINDOW)
    assert np.isfinite(ignored.data).all()


def test_events_missing_in_some_trials(tmp_path, rng):
    spikes, trials = session(rng)
    trials.loc[[1, 4], "go_time"] = np.nan
    path = write_session(tmp_path / "a.nwb", spikes, trials)
    with pytest.raises(
        ValueError, match=r"a\.nwb: events must be there in all 6 trials, got NaN in"
    ):
        load_nwb(path, align="go_time", **WINDOW)
    recording = load_nwb(path, align="go_time", missing="drop", **WINDOW)
    assert recording.trials["trial"].tolist() == [0, 2, 3, 5]
    assert recording.n_dropped_trials == 2


def test_one_trial_and_another_table(tmp_path, rng):
    spikes, trials = session(rng, n_trials=1)
    path = write_session(tmp_path / "a.nwb", spikes, trials, table="blocks")
    assert load_nwb(path, intervals="blocks", **WINDOW).data.shape == (1, 6, 3)
    with pytest.raises(ValueError, match=r"table of time intervals 'trials', got \['blocks'\]"):
        load_nwb(path, **WINDOW)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": None}, r"needs window=\(start, stop\) and bin_width, both in ms"),
        (
            {"align": "cue"},
            r"must be a column .* \['start_time', 'stop_time', 'go_time'\], got 'cue'",
        ),
        ({"align": "context"}, "align must be a column of the trials that holds times"),
        ({"window": (-0.1, 0.2), "bin_width": 0.05}, "must be in ms.*looks like seconds"),
        ({"window": (-500, 1000)}, "1500 ms where 5 of 5 events follow earlier"),
        ({"window": (-90, 200)}, "whole number of bins"),
        ({"statistic": "mean"}, "statistic must be"),
    ],
)
def test_wrong_options(tmp_path, rng, options, message):
    path = write_session(tmp_path / "a.nwb", *session(rng))
    with pytest.raises(ValueError, match=message):
        load_nwb(path, **{**WINDOW, **options})


def test_wrong_units_of_time_in_the_file(tmp_path, rng):
    spikes, trials = session(rng, n_spikes=(200, 100))
    times = ["start_time", "stop_time", "go_time"]
    trials[times] = trials[times] * 1000
    path = write_session(tmp_path / "a.nwb", spikes, trials)
    with pytest.raises(ValueError, match="must be seconds of one clock"):
        load_nwb(path, **WINDOW)


def test_nan_spikes(tmp_path, rng):
    spikes, trials = session(rng)
    spikes[2][5] = np.nan
    path = write_session(tmp_path / "a.nwb", spikes, trials)
    with pytest.raises(ValueError, match="must be finite, got 1 NaN or infinite, first of unit 2"):
        load_nwb(path, **WINDOW)


def test_a_session_without_units_or_trials(tmp_path):
    file = pynwb.NWBFile("empty", "test", START)
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "w") as io:
        io.write(file)
    with pytest.raises(ValueError, match=r"a table of time intervals 'trials', got \[\]"):
        load_nwb(tmp_path / "a.nwb", **WINDOW)
    file = pynwb.NWBFile("no units", "test", START)
    file.add_trial(start_time=0.0, stop_time=1.0)
    with pynwb.NWBHDF5IO(str(tmp_path / "b.nwb"), "w") as io:
        io.write(file)
    with pytest.raises(ValueError, match="a table of units with spike_times"):
        load_nwb(tmp_path / "b.nwb", **WINDOW)


def test_other_and_damaged_files(tmp_path, rng):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = [1.0]
    with pytest.raises(ValueError, match=r"must be an NWB file, but by its content it is an HDF5"):
        load_nwb(tmp_path / "a.h5", **WINDOW)
    path = write_session(tmp_path / "a.nwb", *session(rng))
    content = path.read_bytes()
    (tmp_path / "cut.nwb").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"cut\.nwb cannot be read as an HDF5 file: it is damaged"):
        load_nwb(tmp_path / "cut.nwb", **WINDOW)
    with h5py.File(path, "r+") as file:
        file["units/spike_times_index"][0] = 255
    with pytest.raises(ValueError, match="index of spike_times must increase to the number"):
        load_nwb(path, **WINDOW)


def recordings():
    rng = np.random.default_rng(0)
    trials = pd.DataFrame(
        {
            "text": ["a", "b", "ä"],
            "id": [1, 2, 3],
            "name with spaces": [True, False, True],
            "level": np.array([0.1, np.nan, np.inf], dtype=np.float32),
            "category": pd.Categorical(["u", None, "v"], ["v", "u"], ordered=True),
            "day": pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "choice": pd.array(["left", None, "right"], dtype="string"),
            "object": pd.Series(["x", None, 3], dtype=object),
            "column_1": [1, 2, 3],
            "activity": [3, 2, 1],
        }
    )
    data = rng.normal(size=(3, 4, 2))
    data[0, 1, 0] = np.nan
    time = [0.1, 0.2, 0.35, 1000.0]
    extra = {"DESCR": "words", "mask": rng.normal(size=(2, 2)) > 0, "nested": {"a": [1, 2.5, None]}}
    yield "all kinds", make_container(data, trials, time=time, bin_width=20, **extra)
    yield "float32", make_container(data.astype(np.float32)[:, 0], {"y": [0, 1, 2]})
    yield "integers", make_container(np.arange(3, dtype=np.int8)[:, np.newaxis], {"y": [0, 1, 2]})
    yield "no columns", make_container(data[:, 0], {}, units=pd.DataFrame(index=range(2)))
    long = {"unit": [0, 0, 2], "y": [0, 1, 0]}
    units = {"area": ["V1", "V2", "V4"]}
    yield "long", make_container(data[:, :, 0], long, units=units, time=time, time_unit="ms")
    yield "long, no time", make_container([1.0, 2.0, 3.0], long, units=units)
    yield "one trial", make_container(data[:1, :1], {"y": ["a"]}, time=[5.0], bin_width=10)


@pytest.mark.parametrize(("name", "recording"), list(recordings()))
def test_round_trip_loses_nothing(tmp_path, name, recording):
    save_nwb(recording, tmp_path / "a.nwb")
    loaded = load_nwb(tmp_path / "a.nwb")
    assert list(loaded) == list(recording)
    np.testing.assert_array_equal(loaded.data, recording.data)
    assert loaded.data.dtype == recording.data.dtype
    pd.testing.assert_frame_equal(loaded.trials, recording.trials)
    pd.testing.assert_frame_equal(loaded.units, recording.units)
    np.testing.assert_array_equal(loaded.time, recording.time)
    for key in set(recording) - {"data", "trials", "units", "time"}:
        np.testing.assert_array_equal(loaded[key], recording[key])
    assert not list(tmp_path.glob(".unfinished*"))


def test_saved_files_are_valid(tmp_path):
    _, recording = next(recordings())
    save_nwb(recording, tmp_path / "a.nwb")
    assert not pynwb.validate(path=str(tmp_path / "a.nwb"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trials": {"y": [object(), 1]}}, r"trials\['y'\] must hold numbers.*of type object"),
        ({"model": object()}, r"recording\['model'\] must be text.*got object"),
        ({"pair": (1, 2)}, r"recording\['pair'\] must be text.*got tuple"),
    ],
)
def test_what_cannot_be_saved(tmp_path, change, message):
    recording = {"data": np.ones((2, 2)), "trials": {"y": [0, 1]}, **change}
    with pytest.raises(ValueError, match=message):
        save_nwb(recording, tmp_path / "a.nwb")
    assert not list(tmp_path.iterdir())


def test_a_file_that_exists_is_kept(tmp_path):
    recording = make_container(np.ones((2, 2)), {"y": [0, 1]})
    (tmp_path / "a.nwb").write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save_nwb(recording, tmp_path / "a.nwb")
    save_nwb(recording, tmp_path / "a.nwb", overwrite=True)
    assert load_nwb(tmp_path / "a.nwb").data.tolist() == [[1, 1], [1, 1]]


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("nwb") / "a.nwb"
    write_session(path, *session(np.random.default_rng(0)))
    return path.with_name("fuzz.nwb"), path.read_bytes()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_bytes_raise_nothing_else(small_file, data):
    path, content = small_file[0], bytearray(small_file[1])
    places = st.integers(0, len(content) - 1)
    for at, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=30)):
        content[at] = byte
    path.write_bytes(content)
    try:
        recording = load_nwb(path, **WINDOW)
    except (OSError, ValueError):
        return
    assert recording.data.shape == (6, 6, 3)
