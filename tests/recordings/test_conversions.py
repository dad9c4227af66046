"""Round trips through xarray and rsatoolbox lose nothing."""

import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rsatoolbox.data import Dataset, TemporalDataset
from rsatoolbox.rdm import calc_rdm

from neuroselect.recordings import (
    condition_patterns,
    from_rsatoolbox,
    from_xarray,
    make_container,
    to_rsatoolbox,
    to_xarray,
)
from neuroselect.rsa import condensed_rdms

N = 6
TRIALS = pd.DataFrame(
    {
        "level": np.arange(N, dtype=np.int8),
        "gain": np.array([0.5, np.nan, 1, 2, 3, 4], dtype=np.float32),
        "correct": [True, False] * 3,
        "task": ["go", "no-go"] * 3,
        "cue": pd.Series(["a", None, "b", "a", "b", "a"]),
        "plain": pd.Series(["p", "q", "r"] * 2, dtype=object),
        "mixed": pd.Series([1, "one", None, 2.5, True, "x"], dtype=object),
        "phase": pd.Categorical(["late", "early"] * 3, categories=["early", "late", "never"]),
        "size": pd.Categorical([3, 1, 3, None, 1, 3], categories=[1, 2, 3], ordered=True),
        "count": pd.array([1, None, 3, 4, 5, 6], dtype="Int16"),
        "lick": pd.array([True, None] * 3, dtype="boolean"),
        "start": pd.date_range("2024-01-01", periods=N, freq="s"),
        "start utc": pd.date_range("2024-01-01", periods=N, freq="s", tz="UTC"),
        "trial": np.arange(N) * 10,
        "data": range(N),
        "area": range(N),
    }
)
UNITS = pd.DataFrame({"area": ["FEF", "46", "FEF"], "depth": [1.5, np.nan, 3], "unit": [7, 3, 5]})
EXTRA = {"DESCR": "words", "citation": ["one", "two"], "rate": 30.0}


def assert_same(one, other):
    assert set(one) == set(other)
    np.testing.assert_array_equal(one.data, other.data)
    assert one.data.dtype == other.data.dtype
    for table in ("trials", "units"):
        pd.testing.assert_frame_equal(one[table], other[table], check_index_type="exact")
        assert list(map(type, one[table].to_numpy().ravel())) == list(
            map(type, other[table].to_numpy().ravel())
        )
    np.testing.assert_array_equal(one.time, other.time)
    for name in set(one) - {"data", "trials", "units", "time"}:
        assert one[name] == other[name]


def simultaneous(dtype=float):
    data = np.arange(N * 3, dtype=dtype).reshape(N, 3)
    if dtype != np.uint8:
        data[0, 1] = np.nan
    return make_container(data, TRIALS, units=UNITS, **EXTRA)


def timed():
    data = np.arange(N * 4 * 3, dtype=np.float32).reshape(N, 4, 3)
    return make_container(
        data, TRIALS, units=UNITS, time=np.arange(4) * 50 + 25, bin_width=50, **EXTRA
    )


def fast():
    return make_container(np.ones((1, 5, 2)), {}, time=np.arange(5) / 30, time_unit="ms")


def bare():
    return make_container(np.ones((2, 3)), {}, units={})


def long():
    trials = TRIALS.assign(unit=[0, 0, 2, 1, 1, 0])
    return make_container(np.arange(float(N)), trials, units=UNITS, **EXTRA)


def long_timed():
    trials = {"unit": [0, 2], "task": ["a", "b"]}
    units = pd.DataFrame(index=range(4))
    return make_container(np.ones((2, 3)), trials, units=units, time=[0, 10, 20])


TOGETHER = [simultaneous, lambda: simultaneous(np.uint8), timed, fast, bare]


@pytest.mark.parametrize("make", [*TOGETHER, long, long_timed])
def test_xarray(make):
    recording = make()
    assert_same(from_xarray(to_xarray(recording)), recording)


@pytest.mark.parametrize("make", TOGETHER)
def test_rsatoolbox(make):
    recording = make()
    assert_same(from_rsatoolbox(to_rsatoolbox(recording)), recording)


def test_labels_stay_with_their_trials_in_xarray():
    dataset = to_xarray(timed())
    part = from_xarray(dataset.isel(trial=[4, 1], unit=[2]).sel(time=slice(0, 100)))
    assert part.trials["level"].tolist() == [4, 1]
    assert part.units["area"].tolist() == ["FEF"]
    assert part.time.tolist() == [25, 75]
    np.testing.assert_array_equal(part.data, timed().data[[4, 1], :2, 2:])
    means = dataset["data"].groupby("task").mean("trial").transpose("task", "time", "unit")
    ours = condition_patterns(timed(), "task").patterns
    np.testing.assert_allclose(means.values, ours, rtol=1e-6)


def test_rdms_of_rsatoolbox_are_ours():
    recording = make_container(np.random.default_rng(0).normal(size=(12, 5)), {"c": [*"abc"] * 4})
    theirs = calc_rdm(to_rsatoolbox(recording), method="euclidean", descriptor="c").dissimilarities
    ours = condensed_rdms(condition_patterns(recording, "c").patterns, "sqeuclidean")
    np.testing.assert_allclose(theirs * 5, ours, rtol=1e-12)


class TestForeign:
    def test_array_in_any_order(self):
        values = np.arange(24.0).reshape(2, 3, 4)
        array = xr.DataArray(
            values,
            dims=("cell", "presentation", "t"),
            coords={
                "t": ("t", np.arange(4), {"units": "ms"}),
                "trial_type": ("presentation", [*"abc"]),
                "cell": ["x", "y"],
                "session": 5,
            },
            attrs={"rig": "B"},
        )
        recording = from_xarray(array, trial="presentation", time="t", unit="cell")
        np.testing.assert_array_equal(recording.data, values.transpose(1, 2, 0))
        assert recording.trials["trial_type"].tolist() == [*"abc"]
        assert recording.units["cell"].tolist() == ["x", "y"]
        assert recording.session == 5
        assert recording.rig == "B"

    def test_no_labels(self):
        recording = from_xarray(xr.DataArray(np.ones((2, 3)), dims=("trial", "unit")))
        assert recording.trials.shape == (2, 0)
        assert recording.units["unit"].tolist() == [0, 1, 2]
        recording = from_rsatoolbox(Dataset(np.ones((2, 3))))
        assert recording.trials.shape == (2, 0)
        assert recording.units["unit"].tolist() == [0, 1, 2]

    def test_timedeltas_are_converted(self):
        times = np.array([0, 500], dtype="timedelta64[ms]").astype("timedelta64[ns]")
        array = xr.DataArray(np.ones((1, 2, 1)), dims=("trial", "time", "unit"))
        assert from_xarray(array.assign_coords(time=times)).time.tolist() == [0, 500]

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (xr.DataArray(np.ones((1, 2)), dims=("a", "unit")), "array must have the dimension"),
            (
                xr.DataArray(np.ones((1, 1, 2)), dims=("trial", "unit", "a")),
                r"no others than 'time' and 'unit', got \('trial', 'unit', 'a'\)",
            ),
            (
                xr.DataArray(np.ones((1, 2, 1)), dims=("trial", "time", "unit")),
                "the coordinate 'time' in ms, got none",
            ),
            (
                xr.DataArray(
                    np.ones((1, 2, 1)),
                    dims=("trial", "time", "unit"),
                    coords={"time": ("time", [0, 1], {"units": "s"})},
                ),
                "in ms .*got 's'",
            ),
            (
                xr.DataArray(
                    np.ones((1, 2)),
                    dims=("trial", "unit"),
                    coords={"grid": (("trial", "unit"), np.ones((1, 2)))},
                ),
                r"got 'grid' along \('trial', 'unit'\). Drop it with",
            ),
            (xr.Dataset({"a": ("trial", [1.0]), "b": ("trial", [1.0])}), "variable must be one of"),
        ],
    )
    def test_no_recording_in_xarray(self, array, message):
        with pytest.raises(ValueError, match=message):
            from_xarray(array)

    def test_temporal_dataset(self):
        dataset = TemporalDataset(
            np.arange(12.0).reshape(2, 3, 2),
            descriptors={"subject": "m1"},
            obs_descriptors={"stim": ["a", "b"]},
            time_descriptors={"time": [0, 20], "epoch": ["pre", "post"]},
        )
        recording = from_rsatoolbox(dataset)
        assert recording.data.shape == (2, 2, 3)
        assert recording.data[0, 1].tolist() == [1, 3, 5]
        assert recording.subject == "m1"
        back = to_rsatoolbox(recording)
        np.testing.assert_array_equal(back.measurements, dataset.measurements)
        assert back.time_descriptors["epoch"] == ["pre", "post"]

    def test_no_recording_in_rsatoolbox(self):
        with pytest.raises(ValueError, match="looks like seconds"):
            from_rsatoolbox(
                TemporalDataset(np.ones((1, 1, 2)), time_descriptors={"time": [0, 0.1]})
            )
        with pytest.raises(ValueError, match=r"descriptors \['data'\]: rename"):
            from_rsatoolbox(Dataset(np.ones((1, 1)), descriptors={"data": 1}))
        with pytest.raises(TypeError, match=r"dataset must be a Dataset or Temporal.*got ndarray"):
            from_rsatoolbox(np.ones((2, 2)))
        with pytest.raises(TypeError, match=r"array must be a DataArray or Dataset.*got ndarray"):
            from_xarray(np.ones((2, 2)))


def test_units_not_recorded_together_are_no_rsatoolbox_dataset():
    with pytest.raises(ValueError, match="recording must be of units recorded together"):
        to_rsatoolbox(long())


@pytest.mark.parametrize(
    ("convert", "package"), [(to_xarray, "xarray"), (to_rsatoolbox, "rsatoolbox")]
)
def test_missing_packages_are_named(convert, package, monkeypatch):
    for module in [m for m in sys.modules if m.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(ImportError, match=rf'pip install "neuroselect\[{package}\]"'):
        convert(simultaneous())
