"""Files of one's own, compared with networks."""

import datetime

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.io import savemat

from neuroselect.datasets import make_recording, save_nwb
from neuroselect.recordings import make_container
from neuroselect.studies import load_recording
from neuroselect.studies._populations import describe_population

DESIGN = {"task": "rule", "factors": ("colour", "motion")}


def table_of(rng, n_units=4, repeats=3):
    """Trials of 2 rules x 2 colours x 3 motions, and responses."""
    rows = [(r, c, m) for r in "ab" for c in (10, 30) for m in (-1, 0, 1)] * repeats
    trials = pd.DataFrame(rows, columns=["rule", "colour", "motion"]).sample(frac=1, random_state=0)
    trials = trials.reset_index(drop=True)
    return trials, rng.poisson(5.0, size=(len(trials), n_units)).astype(float)


def slow_means(trials, data):
    """Mean of the trials of each condition, sorted by rule, colour and motion."""
    keys = sorted(set(map(tuple, trials[["rule", "colour", "motion"]].to_numpy().tolist())))
    means = []
    for rule, colour, motion in keys:
        rows = [
            k
            for k in range(len(trials))
            if tuple(trials.loc[k, ["rule", "colour", "motion"]]) == (rule, colour, motion)
        ]
        means.append(sum(data[k] for k in rows) / len(rows))
    return np.array(means)


@pytest.fixture
def wide(rng, tmp_path):
    trials, data = table_of(rng)
    units = pd.DataFrame(data, columns=[f"cell_{k}" for k in range(4)])
    path = tmp_path / "wide.csv"
    pd.concat([trials, units], axis=1).to_csv(path, index=False)
    return path, trials, data


def test_wide_table(wide):
    path, trials, data = wide
    recording = load_recording(path, **DESIGN)
    assert_allclose(recording.data, slow_means(trials, data))
    assert recording.task_names == ("a", "b")
    assert recording.features == ("colour", "motion")
    assert recording.conditions["rule"].tolist() == [0] * 6 + [1] * 6
    assert recording.conditions["colour"].tolist() == ([-0.5] * 3 + [0.5] * 3) * 2
    assert recording.conditions["motion"].tolist() == [-1, 0, 1] * 4
    assert "4 units recorded together, 36 trials, 12 conditions" in recording.title
    assert_array_equal(recording.trials.data, data)


def test_levels_in_other_units_are_the_same_geometry(wide, tmp_path):
    path, *_ = wide
    table = pd.read_csv(path)
    table["colour"] = table["colour"] * 1000 + 7
    table.to_csv(tmp_path / "other.csv", index=False)
    betas = []
    for file in (path, tmp_path / "other.csv"):
        r = load_recording(file, **DESIGN)
        population = describe_population(r.data[np.newaxis], r.conditions, r.features, r.task)
        betas.append(population.betas["seven"].to_numpy())
    assert_allclose(*betas, atol=1e-9)


def test_the_order_of_factors_says_which_counts(wide):
    path, *_ = wide
    one = load_recording(path, task="rule", factors=("motion", "colour"))
    assert one.features == ("motion", "colour")
    assert list(one.conditions) == ["rule", "motion", "colour"]


def test_long_table(rng, tmp_path):
    trials, data = table_of(rng)
    rows = [
        {"unit": f"u{u}", "trial": t, "rate": data[t, u], **trials.iloc[t].to_dict()}
        for u in range(4)
        for t in range(len(trials))
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "long.csv", index=False)
    recording = load_recording(tmp_path / "long.csv", **DESIGN, read={"value": "rate"})
    assert_allclose(recording.data, slow_means(trials, data))
    assert "not recorded together, 144 rows" in recording.title


def test_trials_are_chosen_by_a_query(wide, tmp_path):
    path, trials, data = wide
    table = pd.read_csv(path)
    table["correct"] = np.arange(len(table)) % 6 != 0
    kept = table["correct"].to_numpy() | (
        trials.groupby(["rule", "colour", "motion"]).cumcount() == 0
    )
    table["correct"] = kept
    table.to_csv(tmp_path / "x.csv", index=False)
    options = {"trials": "correct", "read": {"units": "cell_*"}}
    recording = load_recording(tmp_path / "x.csv", **DESIGN, **options)
    kept = kept.to_numpy()
    expected = slow_means(trials[kept].reset_index(drop=True), data[kept])
    assert_allclose(recording.data, expected)


def test_matlab_layouts(rng, tmp_path):
    trials, data = table_of(rng)
    trials["rule"] = (trials["rule"] == "b").astype(float)
    variables = {name: trials[name].to_numpy(float) for name in trials}
    savemat(tmp_path / "plain.mat", {"rates": data, "task": variables})
    plain = load_recording(
        tmp_path / "plain.mat", **DESIGN, read={"data": "rates", "trials": "task"}
    )
    assert_allclose(plain.data, slow_means(trials, data))
    assert plain.task_names == ("0", "1")
    response = np.stack([data, data + 2.0], axis=2).transpose(1, 2, 0)  # units x time x trials
    both = {"response": response, "task_variable": variables, "time": [0.0, 100.0]}
    savemat(tmp_path / "toolbox.mat", {"data": both})
    averaged = load_recording(tmp_path / "toolbox.mat", **DESIGN)
    assert_allclose(averaged.data, slow_means(trials, data) + 1)
    assert "averaged over 0 to 100 ms" in averaged.title
    early = load_recording(tmp_path / "toolbox.mat", **DESIGN, window=(-10, 50))
    assert_allclose(early.data, slow_means(trials, data))


def test_hdf5(rng, tmp_path):
    h5py = pytest.importorskip("h5py")
    trials, data = table_of(rng)
    trials["rule"] = (trials["rule"] == "b").astype(int)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["rates"] = data
        for name in trials:
            file[f"trials/{name}"] = trials[name].to_numpy()
    recording = load_recording(
        tmp_path / "a.h5", **DESIGN, read={"data": "rates", "trials": "trials"}
    )
    assert_allclose(recording.data, slow_means(trials, data))
    with pytest.raises(ValueError, match="needs options of its reader"):
        load_recording(tmp_path / "a.h5")


@pytest.fixture
def spikes(tmp_path):
    """Unit 0 fires once 50 ms after go in rule b, unit 1 twice 150 ms after go if colour is 30."""
    pynwb = pytest.importorskip("pynwb")
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    file = pynwb.NWBFile("a test", "test", start)
    for name in ("go", "rule", "colour", "motion"):
        file.add_trial_column(name=name, description=name)
    times = [[], []]
    rows = [(r, c, m) for r in "ab" for c in (10, 30) for m in (-1, 1)] * 2
    for k, (rule, colour, motion) in enumerate(rows):
        go = 2.0 * k + 0.5
        file.add_trial(
            start_time=2.0 * k, stop_time=2.0 * k + 1.5, go=go, rule=rule, colour=colour,
            motion=motion,
        )  # fmt: skip
        times[0] += [go + 0.05] if rule == "b" else []
        times[1] += [go + 0.15, go + 0.16] if colour == 30 else []
    for t in times:
        file.add_unit(spike_times=t)
    path = tmp_path / "spikes.nwb"
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


@pytest.mark.parametrize("bin", [None, 100.0])
def test_nwb_around_an_event(spikes, bin):
    recording = load_recording(spikes, **DESIGN, align="go", window=(0, 200), bin=bin)
    rule, colour = recording.conditions["rule"], recording.conditions["colour"]
    assert_allclose(recording.data[:, 0], 5.0 * rule)  # 1 spike in 200 ms
    assert_allclose(recording.data[:, 1], 10.0 * (colour + 0.5))
    assert recording.unit == "spikes per second"
    early = load_recording(spikes, **DESIGN, align="go", window=(0, 100), bin=bin)
    assert_allclose(early.data[:, 1], 0)


def test_nwb_needs_a_window_and_an_event_that_exists(spikes):
    with pytest.raises(ValueError, match="needs window="):
        load_recording(spikes, **DESIGN)
    with pytest.raises(ValueError, match="cue"):
        load_recording(spikes, **DESIGN, align="cue", window=(0, 200))
    with pytest.raises(ValueError, match="'rule', 'colour', 'motion'"):
        load_recording(spikes)


def test_a_container_saved_as_nwb_needs_no_window(rng, tmp_path):
    pytest.importorskip("pynwb")
    trials, data = table_of(rng)
    save_nwb(make_container(data, trials), tmp_path / "saved.nwb")
    recording = load_recording(tmp_path / "saved.nwb", **DESIGN)
    assert_allclose(recording.data, slow_means(trials, data))


def test_missing_times_make_a_trial_missing(rng, tmp_path):
    pytest.importorskip("pynwb")
    trials, data = table_of(rng)
    cube = np.repeat(data[:, np.newaxis], 4, axis=1)
    cube[0, 3, 1] = np.nan
    container = make_container(cube, trials, time=[50, 150, 250, 350], bin_width=100)
    save_nwb(container, tmp_path / "saved.nwb")
    recording = load_recording(tmp_path / "saved.nwb", **DESIGN, window=(0, 400), bin=200)
    left = data.copy()
    left[0, 1] = np.nan
    expected = pd.DataFrame(left).groupby([trials[c] for c in trials]).mean()
    assert_allclose(recording.data, expected.to_numpy())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"must be given for a recording in a file.*has the columns \['rule', 'colour'"),
        ({"task": "rule"}, "must both be given, got task='rule' and factors=None.*has the columns"),
        ({**DESIGN, "factors": ("colour",)}, "two numeric columns of which the first"),
        ({**DESIGN, "factors": "colour"}, "must both be given"),
        ({**DESIGN, "factors": ("colour", "size")}, "different columns.*got.*'size'.*'motion'"),
        ({**DESIGN, "factors": ("rule", "motion")}, "must be three different columns"),
        ({"task": "motion", "factors": ("rule", "colour")}, "factor 'rule'.*must be numeric"),
        ({"task": "motion", "factors": ("cell_1", "colour"), "read": {"units": "cell_0"}},
         r"'motion'.*must have two values, got \[-1, 0, 1\]"),
        ({**DESIGN, "read": {"unit_columns": 1}}, "load_table has the options"),
        ({**DESIGN, "read": {"units": "neuron_*"}}, "neuron_"),
        ({**DESIGN, "align": "go"}, "align='go' applies to NWB files"),
        ({**DESIGN, "window": (0, 100)}, "need a recording with times"),
        ({**DESIGN, "trials": "rule == 'c'"}, "must keep at least one"),
        ({**DESIGN, "trials": "rule == 'a'"}, r"must have two values, got \['a'\]"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(wide, options, message):
    with pytest.raises(ValueError, match=message):
        load_recording(wide[0], **options)


def test_other_columns_are_no_units(wide, tmp_path):
    table = pd.read_csv(wide[0]).assign(latency=1.0)
    table.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(ValueError, match=r"which of its columns are units.*'units': 'cell_\*'"):
        load_recording(tmp_path / "x.csv", **DESIGN)
    assert load_recording(tmp_path / "x.csv", **DESIGN, read={"units": "cell_*"}).data.shape[1] == 4


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("motion", np.arange(36) * 0.1, "must have 2 to 20 levels, got 36. Put its values into"),
        ("motion", 1, "must have 2 to 20 levels, got 1"),
        ("motion", [np.nan] + [0, 1] * 17 + [1], "'motion' of .* has 1 missing"),
    ],
)
def test_columns_that_are_no_factors(wide, tmp_path, column, values, message):
    pd.read_csv(wide[0]).assign(**{column: values}).to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(ValueError, match=message):
        load_recording(tmp_path / "x.csv", **DESIGN)


def test_park_has_no_two_factors(data_folder):
    path = data_folder / "park2025" / "firingRates_early_delay.mat"
    with pytest.raises(ValueError, match=r"has the columns \['look', 'direction'\].*two numeric"):
        load_recording(path)
    with pytest.raises(ValueError, match="three different columns"):
        load_recording(path, task="look", factors=("direction", "direction"))


@pytest.mark.parametrize("name", ["mante-monkey-a", "none"])
def test_named_recordings_have_their_own_design(name):
    with pytest.raises(ValueError, match=f"task, window describe a recording in a file.*'{name}'"):
        load_recording(name, task="context", window=(0, 1))


def gated(rng, noise=0.3):
    """Units that carry each factor only in the task where it counts."""
    truth = make_recording(
        800, 60, factors={"colour": 5, "motion": 5}, shares={"pure": 1},
        random_state=int(rng.integers(1000)),
    )  # fmt: skip
    trials = truth.trials[["task", "colour", "motion"]]
    relevant = np.where(trials["task"] == trials["task"].min(), trials["colour"], trials["motion"])
    first = (trials["task"] == trials["task"].min()).to_numpy()
    slopes = rng.normal(size=60)
    data = np.where(np.arange(60) < 30, first[:, None], ~first[:, None]) * slopes
    data = 10 + data * relevant[:, None] + noise * rng.normal(size=data.shape)
    return trials, data


def structure(trials, data, tmp_path):
    units = pd.DataFrame(data, columns=[f"unit{k}" for k in range(data.shape[1])])
    pd.concat([trials, units], axis=1).to_csv(tmp_path / "sim.csv", index=False)
    r = load_recording(tmp_path / "sim.csv", task="task", factors=("colour", "motion"))
    three = describe_population(r.data[np.newaxis], r.conditions, r.features, r.task).betas["three"]
    return three.iloc[0].drop("r2")


def test_units_of_known_structure_give_their_geometry(rng, tmp_path):
    """A unit that carries one factor in both tasks keeps the grid; gating makes it orthogonal."""
    pure = make_recording(
        800, 200, factors={"colour": 5, "motion": 5}, shares={"pure": 1}, effect_size=2.0,
        random_state=int(rng.integers(1000)),
    )  # fmt: skip
    betas = structure(pure.trials[["task", "colour", "motion"]], pure.data, tmp_path)
    assert betas.idxmax() == "grid"
    assert betas["grid"] > 0.5
    betas = structure(*gated(rng), tmp_path)
    assert betas.idxmax() == "orthogonal"
    assert betas["orthogonal"] > 0.9
    assert abs(betas["grid"]) < 0.1
