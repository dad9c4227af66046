"""Which networks are closest to a recording."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cosine, pdist
from scipy.stats import pearsonr, zscore
from sklearn.linear_model import LinearRegression

from neuroselect.recordings import make_container
from neuroselect.rsa import model_rdms
from neuroselect.studies import Recording, get_study, load_recording, run_study
from neuroselect.studies._closest import closest_scale

FEATURES = ("leafiness", "branchiness")


@pytest.fixture(scope="module")
def result():
    return run_study(get_study("rich-lazy"), n_networks=3, max_iter=1000)


def recording_of(data, conditions, **changes):
    r = Recording(
        name="r", title="", data=np.asarray(data), conditions=conditions, features=FEATURES,
        task="task", task_names=("A", "B"), unit="", source="",
    )  # fmt: skip
    return replace(r, **changes)


def compare(result, recording, **options):
    design = (result.trials.conditions, FEATURES, "task")
    return closest_scale(
        result.population.rdms, result.measures["init_scale"], design, recording, **options
    )


def hidden(result, k):
    return result.networks[k].activations(result.trials.data)


def test_equal_designs_against_a_loop(result, rng):
    data = rng.normal(size=(50, 12))
    closest = compare(result, recording_of(data, result.trials.conditions), n_bootstrap=20)
    assert closest.equal_designs
    expected = [
        1 - pearsonr(pdist(hidden(result, k), "sqeuclidean"), pdist(data, "sqeuclidean"))[0]
        for k in range(len(result.networks))
    ]
    assert_allclose(closest.distances, expected, atol=1e-9)
    means = pd.Series(expected).groupby(result.measures["init_scale"]).mean()
    assert_allclose(closest.table["distance"], means)
    assert closest.scale == means.idxmin()
    assert_allclose(closest.table["share"].sum(), 1)


def test_other_designs_against_a_loop(result, rng):
    levels = [(t, a, b) for t in (0, 1) for a in (-1, 0, 1) for b in (-0.5, 0.5)]
    conditions = pd.DataFrame(levels, columns=["task", *FEATURES])
    data = rng.normal(size=(12, 9))
    closest = compare(result, recording_of(data, conditions), n_bootstrap=20)
    assert not closest.equal_designs

    def betas(patterns, conditions):
        models = zscore(model_rdms(conditions, FEATURES, "task") ** 2, axis=1)
        return LinearRegression().fit(models.T, pdist(patterns, "sqeuclidean")).coef_

    recorded = betas(data, conditions)
    expected = [
        cosine(betas(hidden(result, k), result.trials.conditions), recorded)
        for k in range(len(result.networks))
    ]
    assert_allclose(closest.distances, expected, atol=1e-8)


def test_order_of_conditions_and_unit_of_responses_do_not_matter(result, rng):
    data, conditions = rng.normal(size=(50, 12)), result.trials.conditions
    once = compare(result, recording_of(data, conditions), n_bootstrap=100)
    order = rng.permutation(50)
    shuffled = conditions.iloc[order].reset_index(drop=True)
    again = compare(result, recording_of(7 * data[order] + 3, shuffled), n_bootstrap=100)
    assert_allclose(again.distances, once.distances, atol=1e-9)
    pd.testing.assert_frame_equal(again.table, once.table)


def test_a_constant_added_to_squared_distances_does_not_matter(result):
    """As independent noise of each condition adds in expectation."""
    data, conditions = hidden(result, 4), result.trials.conditions
    noisy = np.hstack([data, 3 * np.eye(50)])  # units that tell conditions apart and no more
    for table in (conditions, conditions.assign(leafiness=conditions["leafiness"] ** 3)):
        plain, padded = (
            compare(result, recording_of(x, table), n_bootstrap=1) for x in (data, noisy)
        )
        assert_allclose(padded.distances, plain.distances, atol=1e-9)


def test_same_seed_same_interval(result, rng):
    recording = recording_of(rng.normal(size=(50, 12)), result.trials.conditions)
    one, two = (compare(result, recording, n_bootstrap=100) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, two.table)
    assert_array_equal(one[3:], two[3:])
    assert one.low <= one.high


@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0])
def test_a_network_recorded_with_noise_is_found_again(result, rng, tmp_path, scale):
    """Its hidden activity in single trials, as a table, is closest to its own scale."""
    k = int(np.flatnonzero(result.measures["init_scale"] == scale)[0])
    activity = hidden(result, k)
    rows = np.tile(np.arange(50), 20)
    data = activity[rows] + 0.5 * activity.std() * rng.normal(size=(1000, 100))
    trials = result.trials.conditions.iloc[rows][["task", *FEATURES]].reset_index(drop=True)
    units = pd.DataFrame(data, columns=[f"unit{u}" for u in range(100)])
    pd.concat([trials, units], axis=1).to_csv(tmp_path / "net.csv", index=False)
    recording = load_recording(tmp_path / "net.csv", task="task", factors=FEATURES)
    closest = compare(result, recording)
    assert closest.equal_designs
    assert closest.distances.argmin() == k
    # neighbouring scales are alike: the scale or one beside it, and the interval holds it
    scales = closest.table["init_scale"].tolist()
    assert abs(scales.index(closest.scale) - scales.index(scale)) <= 1
    assert closest.low <= scale <= closest.high
    assert scales.index(closest.high) - scales.index(closest.low) < 6


def test_a_recording_is_measured_with_the_networks(rng):
    study = get_study("rich-lazy")
    conditions = study.tasks().conditions
    trials = make_container(rng.normal(size=(50, 6)), conditions)
    recording = recording_of(trials.data, conditions, trials=trials)
    result = run_study(study, n_networks=1, max_iter=3, recording=recording)
    assert result.closest.distances.shape == (8,)
    assert np.isnan(result.closest.table["distance_ci95"]).all()
    assert result.recorded_units.decoder.units.shape[0] == 6
