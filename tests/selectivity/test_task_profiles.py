import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.metrics import silhouette_score

from neuroselect.datasets import make_recording
from neuroselect.recordings import make_container
from neuroselect.selectivity import TaskClusters, fractional_task_variance, task_variance

seeds = st.integers(0, 2**31)


def session(seed=0, n_trials=60, n_units=7):
    rng = np.random.default_rng(seed)
    task = rng.permutation(np.repeat(["a", "b", "c"], n_trials // 3))
    stimulus = rng.permutation(np.arange(n_trials) % 3)
    return rng.normal(size=(n_trials, n_units)), task, stimulus


def test_task_variance_equals_a_loop():
    activity, task, stimulus = session()
    expected = [[activity[task == k, i].var() for k in "abc"] for i in range(7)]
    np.testing.assert_allclose(task_variance(activity, task), expected)
    frame = pd.DataFrame(activity).groupby([task, stimulus]).mean()
    of_means = frame.groupby(level=0).var(ddof=0).to_numpy().T
    np.testing.assert_allclose(task_variance(activity, task, stimulus), of_means)
    normalized = task_variance(activity, task, stimulus, normalized=True)
    np.testing.assert_allclose(normalized, of_means / of_means.max(axis=1, keepdims=True))


def test_task_variance_of_networks_is_that_of_each():
    activity, task, stimulus = session(n_units=8)
    stacked = np.stack([activity[:, :4], activity[:, 4:]])
    for condition in (None, stimulus):
        flat = task_variance(activity, task, condition)
        np.testing.assert_allclose(
            task_variance(stacked, task, condition).reshape(flat.shape), flat
        )


def test_task_variance_of_recordings_in_both_forms():
    recording = make_recording(n_units=6, time_course=[0.0, 1.0, 2.0], random_state=0)
    columns = ["stimulus", "choice"]
    condition = recording.trials["condition"]
    by_time = [
        task_variance(recording.data[:, t], recording.trials["task"], condition) for t in range(3)
    ]
    found = task_variance(recording, "task", columns)
    np.testing.assert_allclose(found, np.mean(by_time, axis=0))
    unit, trial = np.divmod(np.random.default_rng(0).permutation(6 * 400), 400)
    rows = recording.trials.iloc[trial].assign(unit=unit)
    rates = recording.data[trial, :, unit]
    long = make_container(rates, rows, time=recording.time)
    np.testing.assert_allclose(task_variance(long, "task", columns), found)
    one_bin = make_container(rates[:, 1], rows)
    np.testing.assert_allclose(task_variance(one_bin, "task", "condition"), by_time[1])


def test_units_without_variance():
    activity, task, stimulus = session()
    activity[:, 2] = 0.1
    for condition in (None, stimulus):
        assert (task_variance(activity, task, condition)[2] == 0).all()
        assert np.isnan(task_variance(activity, task, condition, normalized=True)[2]).all()
    fractional = fractional_task_variance(task_variance(activity, task))
    assert np.isnan(fractional[2]).all()
    assert np.isfinite(np.delete(fractional, 2, axis=0)).all()


@given(seeds, st.floats(0.01, 100), st.floats(-50, 50))
@settings(max_examples=30, deadline=None)
def test_properties_of_task_variance(seed, scale, shift):
    activity, task, stimulus = session(seed)
    variance = task_variance(activity, task, stimulus)
    order = np.random.default_rng(seed).permutation(7)
    np.testing.assert_allclose(task_variance(activity[:, order], task, stimulus), variance[order])
    twice = task_variance(np.vstack([activity] * 2), np.tile(task, 2), np.tile(stimulus, 2))
    np.testing.assert_allclose(twice, variance)
    scaled = task_variance(activity * scale + shift, task, stimulus)
    np.testing.assert_allclose(scaled, variance * scale**2, rtol=1e-6, atol=1e-9 * scale**2)
    fractional = fractional_task_variance(variance)
    assert (abs(fractional) <= 1).all()
    reversed_pairs = fractional_task_variance(variance[:, ::-1])
    np.testing.assert_allclose(fractional, -reversed_pairs[:, [2, 1, 0]])


def test_errors_of_task_variance():
    activity, task, stimulus = session()
    with pytest.raises(ValueError, match="activity must have shape"):
        task_variance(activity[0], task)
    with pytest.raises(ValueError, match="activity must be finite, got 1 NaN"):
        task_variance(np.where(activity == activity[0, 0], np.nan, activity), task)
    with pytest.raises(ValueError, match=r"condition must have shape \(n_trials,\) = \(60,\)"):
        task_variance(activity, task, stimulus[1:])
    with pytest.raises(ValueError, match="condition is missing in 1 trials"):
        task_variance(activity, task, np.where(np.arange(60) == 3, np.nan, stimulus))
    recording = make_recording(n_units=2, random_state=0)
    with pytest.raises(ValueError, match="task must name a column of its trials and condition"):
        task_variance(recording, "task")
    with pytest.raises(ValueError, match="by must name different columns"):
        task_variance(recording, "rule", "condition")
    with pytest.raises(ValueError, match="at least two tasks"):
        fractional_task_variance([[1.0], [2.0]])
    with pytest.raises(ValueError, match="finite and at least 0"):
        fractional_task_variance([[1.0, -1.0]])


def profiles(seed=0, n_each=20):
    """Three groups of units, sizes of variances between 0.01 and 100."""
    rng = np.random.default_rng(seed)
    centres = np.array([[1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0.2, 1, 1]])
    truth = rng.permutation(np.repeat(np.arange(3), n_each))
    variance = centres[truth] + rng.uniform(0, 0.1, (3 * n_each, 4))
    return variance * 10.0 ** rng.uniform(-2, 2, (3 * n_each, 1)), truth


@pytest.mark.parametrize("clusterer", [None, KMeans(n_init=3), AgglomerativeClustering()])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clusters_recover_groups(clusterer, seed):
    variance, truth = profiles(seed)
    clusters = TaskClusters(clusterer, random_state=seed).fit(variance)
    assert clusters.n_clusters_ == 3
    assert clusters.candidates_.tolist() == list(range(2, 11))
    np.testing.assert_array_equal(clusters.labels_, truth)  # in the order of the tasks
    scaled = variance / variance.max(axis=1, keepdims=True)
    expected = np.array([scaled[truth == k].mean(axis=0) for k in range(3)])
    np.testing.assert_allclose(clusters.profiles_, expected)
    best = silhouette_score(scaled, truth)
    assert clusters.silhouette_scores_.max() == pytest.approx(best)
    assert clusters.silhouette_scores_.argmax() == 1


def test_units_without_variance_belong_to_no_cluster():
    variance, truth = profiles()
    variance = np.vstack([np.zeros(4), variance])
    clusters = TaskClusters(random_state=0).fit(variance)
    assert clusters.labels_.tolist() == [-1, *truth]
    variance[0, 0] = 1e-4
    clusters.set_params(min_variance=1e-3).fit(variance)
    assert clusters.labels_.tolist() == [-1, *truth]


def test_numbers_of_clusters():
    variance, _ = profiles()
    assert TaskClusters(n_clusters=5, random_state=0).fit(variance).n_clusters_ == 5
    chosen = TaskClusters(n_clusters=range(4, 6), random_state=0).fit(variance)
    assert chosen.candidates_.tolist() == [4, 5]
    assert chosen.n_clusters_ in (4, 5)
    same = TaskClusters().fit(np.outer([1.0, 2.0, 5.0], [2.0, 1.0]))
    assert (same.n_clusters_, same.labels_.tolist()) == (1, [0, 0, 0])
    dense = TaskClusters(DBSCAN(eps=0.2, min_samples=3)).fit(variance)
    assert dense.n_clusters_ == 3
    none = TaskClusters(DBSCAN(eps=1e-9, min_samples=3)).fit(variance)
    assert (none.n_clusters_, none.profiles_.shape, set(none.labels_)) == (0, (0, 4), {-1})


def test_table_of_clusters():
    variance, _ = profiles()
    table = pd.DataFrame(variance, columns=["go", "anti", "delay", "match"])
    found = TaskClusters(random_state=0).fit(table).to_frame()
    assert list(found) == [
        "cluster", "n_units", "variance_go", "variance_anti", "variance_delay", "variance_match",
    ]  # fmt: skip
    assert found["n_units"].tolist() == [20, 20, 20]


def test_errors_of_clusters():
    variance, _ = profiles()
    with pytest.raises(ValueError, match="No unit has variances"):
        TaskClusters().fit(np.zeros((5, 2)))
    with pytest.raises(ValueError, match="Negative values"):
        TaskClusters().fit(-variance)
    with pytest.raises(ValueError, match="n_clusters must be at most 60"):
        TaskClusters(n_clusters=61).fit(variance)
    with pytest.raises(ValueError, match="whole numbers of 1 or more"):
        TaskClusters(n_clusters=[2, 2.5]).fit(variance)
    with pytest.raises(ValueError, match="n_clusters must be None for DBSCAN"):
        TaskClusters(DBSCAN(), n_clusters=3).fit(variance)


def test_profiles_that_differ_by_rounding_are_one(rng):
    own = np.repeat(np.eye(3) + 0.1, 4, axis=0)
    variance = own * (1 + 1e-15 * rng.normal(size=own.shape))
    clusters = TaskClusters(random_state=0).fit(variance)
    assert clusters.candidates_.tolist() == [2, 3]
    assert clusters.n_clusters_ == 3
    np.testing.assert_allclose(clusters.unit_profiles_, own / own.max())
