import re

import numpy as np
import pytest
from scipy.io import savemat

from neuroselect.datasets import fetch_park2025
from neuroselect.datasets._park import read_park
from neuroselect.recordings import is_long


@pytest.fixture(scope="module")
def park(data_folder):
    return {
        period: fetch_park2025(period, data_home=data_folder, download_if_missing=False)
        for period in ("early_delay", "late_delay", "trial")
    }


def halves(rates, unit, direction, rng):
    """Mean rate of each unit in random halves of its trials of a direction: (2, 2, n_units)."""
    group = 2 * rng.integers(2, size=len(rates)) + direction
    cell = group * (unit.max() + 1) + unit
    sums, counts = np.bincount(cell, rates), np.bincount(cell)
    return (sums / np.maximum(counts, 1)).reshape(2, 2, -1)


def test_shapes(park):
    for period, n_times in (("early_delay", 10), ("late_delay", 10), ("trial", 34)):
        recording = park[period]
        assert recording.data.shape == (116_032, n_times)
        assert recording.data.dtype == np.float64
        assert is_long(recording)
        assert recording.time.shape == (n_times,)
        assert recording.bin_width == 50
        assert np.diff(recording.time).tolist() == [50] * (n_times - 1)
        assert len(recording.units) == 319
        for text in ("10.1101/2025.02.25.640211", "no licence", "319 cells", "116,032"):
            assert text in recording.DESCR
    assert (park["early_delay"].time[0], park["late_delay"].time[0]) == (25, 525)
    assert (park["trial"].time[0], park["trial"].time_zero) == (-475, "target onset")


def test_rates_are_counts_in_bins(park):
    for recording in park.values():
        counts = recording.data * recording.bin_width / 1000
        np.testing.assert_array_equal(counts, counts.round())
        assert counts.min() == 0


def test_trials(park):
    trials, units = park["trial"].trials, park["trial"].units
    assert list(trials.columns) == ["unit", "trial", "task", "look", "direction"]
    assert list(units.columns) == ["unit", "name", "n_trials"]
    np.testing.assert_array_equal(trials.groupby("unit").size(), units["n_trials"])
    assert (units["n_trials"].min(), units["n_trials"].max()) == (98, 826)
    first = trials.drop_duplicates("unit")
    assert (first["trial"] == 0).all()
    assert ((trials["task"] == "look") == (trials["look"] == 1)).all()
    assert trials.groupby(["unit", "look", "direction"]).size().groupby("unit").size().eq(4).all()


def test_the_three_files_hold_the_same_trials(park):
    early, late, trial = (park[name] for name in ("early_delay", "late_delay", "trial"))
    assert early.trials.equals(late.trials)
    assert early.trials.equals(trial.trials)
    # The target is off 200 ms after its onset: the bins then agree but for the trial's jitter.
    for delay in (early, late):
        start = int(np.flatnonzero(trial.time == delay.time[0] + 200)[0])
        agrees = (delay.data == trial.data[:, start : start + 10]).mean()
        shifted = (delay.data == trial.data[:, start - 1 : start + 9]).mean()
        assert agrees > 0.85
        assert shifted < 0.7
        other_unit = np.roll(delay.data, 1000, axis=0)
        assert (other_unit == trial.data[:, start : start + 10]).mean() < 0.6


def test_nothing_is_tuned_before_the_target(park):
    recording, rng = park["trial"], np.random.default_rng(0)
    before = recording.data[:, recording.time < 0].mean(axis=1)
    after = recording.data[:, (recording.time > 100) & (recording.time < 600)].mean(axis=1)
    preferred = recording.trials["direction"].to_numpy() == 1

    def difference(rates):
        return rates[preferred].mean() - rates[~preferred].mean()

    shuffled = [difference(rng.permutation(before)) for _ in range(20)]
    assert abs(difference(before)) < 10 * np.std(shuffled)
    assert difference(after) > 50 * np.std(shuffled)


@pytest.mark.parametrize("look", [0, 1])
@pytest.mark.parametrize("period", ["early_delay", "late_delay"])
def test_direction_is_decoded_from_pseudo_populations(park, period, look, rng):
    recording = park[period]
    rows = (recording.trials["look"] == look).to_numpy()
    rates = recording.data[rows].mean(axis=1)
    unit, direction = (recording.trials[name].to_numpy()[rows] for name in ("unit", "direction"))

    def held_out_projection(direction):
        # The axis from one half of the trials, the difference along it in the other half:
        # 1 without noise, 0 without a difference.
        means = halves(rates, unit, direction, rng)
        axis = means[0, 1] - means[0, 0]
        return axis @ (means[1, 1] - means[1, 0]) / (axis @ axis)

    def permuted(direction):
        order = np.lexsort((rng.random(len(unit)), unit))  # the rows are sorted by unit
        return direction[order]

    assert np.mean([held_out_projection(direction) for _ in range(10)]) > 0.35
    assert abs(np.mean([held_out_projection(permuted(direction)) for _ in range(10)])) < 0.17


def unit(number, **other):
    labels = {"look": np.array([0, 1, 1]), "direction": np.array([1, 0, 1])}
    fields = {
        "response": np.arange(6.0).reshape(3, 2) + number,
        "task_variable": {name: column[:, None] for name, column in labels.items()},
        "dimension": f"unit_{number}",
    }
    return {**fields, **other}


def store(folder, units, time=(0.0, 50.0)):
    path = folder / "a.mat"
    savemat(path, {"data": {"unit": np.array(units, dtype=object), "time": time}, "other": 1})
    return path


def test_read_expected_layout(tmp_path):
    rates, labels, starts = read_park(store(tmp_path, [unit(1), unit(2)]), 2)
    np.testing.assert_array_equal(rates[1], [[2, 3], [4, 5], [6, 7]])
    np.testing.assert_array_equal(labels[0], [[0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(starts, [0, 50])


BAD = {"look": [0, 1], "direction": [0, 1, 1]}


@pytest.mark.parametrize(
    ("units", "match"),
    [
        ([unit(1)] * 3, "data.unit must be an array of 2 structs, got list of 3"),
        ([unit(2), unit(1)], r"data.unit\(1\).dimension must be 'unit_1', got 'unit_2'"),
        ([unit(1), unit(2, response=np.ones((3, 5)))], r"data.unit\(2\).response .* \(n, 2\)"),
        ([unit(1), unit(2, task_variable=BAD)], r"data.unit\(2\).task_variable.look .* \(3,\)"),
        (
            [unit(1), unit(2, task_variable={**BAD, "look": [0, 1, 2]})],
            "look must hold nothing but 0, 1, got 2",
        ),
    ],
)
def test_other_layouts(units, match, tmp_path):
    with pytest.raises(ValueError, match=match):
        read_park(store(tmp_path, units), 2)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89HDF\r\n\x1a\n" * 100])
def test_not_a_matlab_file(content, tmp_path):
    path = tmp_path / "a.mat"
    path.write_bytes(content)
    match = rf"{re.escape(str(path))} (cannot be read as a MATLAB file|does not have)"
    with pytest.raises(ValueError, match=match):
        read_park(path, 2)


def test_bad_period():
    with pytest.raises(ValueError, match="The 'period' parameter of fetch_park2025 must be"):
        fetch_park2025("delay")
