"""Single trials to patterns, precisions and RDMs, against pandas and rsatoolbox."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neuroselect.preprocessing import NoiseNormalizer
from neuroselect.rsa import (
    condensed_rdms,
    condition_patterns,
    model_rdms,
    noise_precision,
    trial_rdms,
)

N_TRIALS, N_CHANNELS = 160, 5


@pytest.fixture
def trials(rng):
    """Unequal numbers of trials in every cell, and every cell there."""
    cells = pd.MultiIndex.from_product(
        [[1, 2, 4], ["a", "b"], [-1.5, 0.5]], names=["run", "task", "level"]
    ).to_frame(index=False)
    rows = np.r_[np.repeat(np.arange(12), 2), rng.integers(12, size=N_TRIALS - 24)]
    return cells.iloc[rng.permutation(rows)].set_index(rng.permutation(N_TRIALS))


@pytest.fixture
def activity(rng):
    return 3 + rng.normal(size=(N_TRIALS, N_CHANNELS)) @ rng.normal(size=(N_CHANNELS,) * 2)


def by_pandas(activity, trials, columns):
    return pd.DataFrame(activity).groupby([trials[c].to_numpy() for c in columns]).mean()


def test_means(activity, trials):
    result = condition_patterns(activity, trials[["task", "level"]])
    assert_allclose(result.patterns, by_pandas(activity, trials, ["task", "level"]), rtol=1e-12)
    expected = pd.DataFrame({"task": ["a", "a", "b", "b"], "level": [-1.5, 0.5] * 2})
    pd.testing.assert_frame_equal(result.conditions, expected)
    assert result.runs is None
    assert_array_equal(result.counts, trials.groupby(["task", "level"]).size())
    assert model_rdms(
        result.conditions.assign(x=[0, 1, 0, 1]), ["level", "x"], models="level"
    ).any()


def test_means_per_run(activity, trials):
    result = condition_patterns(activity, trials[["task", "level"]], trials["run"])
    expected = by_pandas(activity, trials, ["run", "task", "level"]).to_numpy()
    assert_allclose(result.patterns, expected.reshape(3, 4, -1), rtol=1e-12)
    assert_array_equal(result.runs, [1, 2, 4])
    assert result.counts.sum() == N_TRIALS


def test_labels(activity, trials):
    for labels in (trials["task"], trials["task"].to_numpy(), list(trials["task"])):
        result = condition_patterns(activity, labels)
        assert_allclose(result.patterns, by_pandas(activity, trials, ["task"]), rtol=1e-12)
        assert list(result.conditions["condition"]) == ["a", "b"]
    mapping = condition_patterns(activity, {"unit": trials["task"].to_numpy()})
    assert list(mapping.conditions["unit"]) == ["a", "b"]


@pytest.mark.parametrize("metric", ["euclidean", "crossnobis"])
def test_time_bins_are_systems(rng, trials, metric):
    activity = rng.normal(size=(N_TRIALS, 7, N_CHANNELS))
    runs = trials["run"]
    together = trial_rdms(activity, trials["task"], runs, metric=metric)
    assert together.rdms.shape == (7, 1)
    for k in range(7):
        alone = trial_rdms(activity[:, k], trials["task"], runs, metric=metric)
        assert_allclose(together.rdms[k], alone.rdms[0], rtol=1e-10)
    patterns = condition_patterns(activity, trials["task"], runs).patterns
    assert patterns.shape == (7, 3, 2, N_CHANNELS)
    pooled = noise_precision(activity, trials["task"], runs)
    with_noise = trial_rdms(
        activity, trials["task"], runs, metric="crossnobis", noise="ledoit_wolf"
    )
    assert_array_equal(with_noise.noise, pooled)
    expected = condensed_rdms(patterns, "crossnobis", noise=pooled)
    assert_allclose(with_noise.rdms, expected)


def test_missing_cells_and_values(activity, trials):
    gone = ((trials["run"] == 4) & (trials["task"] == "b")).to_numpy()
    activity, trials = activity[~gone], trials[~gone]
    with pytest.raises(ValueError, match=r"condition \{'condition': 'b'\} in run 4 has 0 trial"):
        condition_patterns(activity, trials["task"], trials["run"])
    result = condition_patterns(activity, trials["task"], trials["run"], missing="nan")
    assert np.isnan(result.patterns[2, 1]).all()
    assert np.isfinite(result.patterns).sum() == 5 * N_CHANNELS
    assert result.counts[2, 1] == 0
    rdm = trial_rdms(
        activity, trials["task"], trials["run"], metric="crossnobis", missing="nan"
    ).rdms
    expected = condensed_rdms(result.patterns[:2], "crossnobis")
    assert_allclose(rdm, expected, rtol=1e-10)

    activity[3, 2] = np.nan  # one value is left out of one mean
    with_gap = condition_patterns(activity, trials["task"]).patterns
    assert_allclose(with_gap, by_pandas(activity, trials, ["task"]), rtol=1e-12)
    few = condition_patterns(activity, trials["task"], min_trials=10_000, missing="nan")
    assert np.isnan(few.patterns).all()


@pytest.mark.parametrize("covariance", ["ledoit_wolf", "shrunk_diagonal", "diagonal", "full"])
def test_precision_is_that_of_noise_normalizer(activity, trials, covariance):
    cells = trials["task"] + trials["level"].astype(str)
    normalizer = NoiseNormalizer(covariance).fit(activity, cells.to_numpy())
    got = noise_precision(activity, trials[["task", "level"]], covariance=covariance)
    assert_allclose(got, normalizer.precision_, rtol=1e-8, atol=1e-12)
    per_run = noise_precision(
        activity, trials["task"], trials["run"], covariance=covariance, per_run=True
    )
    for k, run in enumerate([1, 2, 4]):
        rows = (trials["run"] == run).to_numpy()
        alone = noise_precision(activity[rows], trials["task"][rows], covariance=covariance)
        assert_allclose(per_run[k], alone, rtol=1e-10)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("ledoit_wolf", "shrinkage_eye"), ("diagonal", "diag"), ("full", "full")]
)
def test_precision_of_residuals_is_that_of_rsatoolbox(activity, ours, theirs):
    noise = pytest.importorskip("rsatoolbox.data.noise")
    expected = noise.prec_from_residuals(activity, method=theirs)
    assert_allclose(noise_precision(activity, covariance=ours), expected, rtol=1e-9, atol=1e-12)
    expected = noise.prec_from_residuals(activity, method=theirs, dof=77)
    assert_allclose(noise_precision(activity, covariance=ours, dof=77), expected, rtol=1e-9)


def test_precision_recovers_the_covariance(rng):
    root = rng.normal(size=(4, 4)) + 2 * np.eye(4)
    conditions, runs = np.tile(np.arange(5), 4000), np.repeat([0, 1], 10_000)
    activity = rng.normal(size=(20_000, 4)) @ root + rng.normal(size=(5, 4))[conditions]
    activity += 3 * runs[:, np.newaxis]
    identity = noise_precision(activity, conditions, runs) @ root.T @ root
    assert_allclose(identity, np.eye(4), atol=0.15)


def test_inputs_are_left_alone(activity, trials):
    kept = activity.copy(), trials.copy()
    noise_precision(activity, trials["task"], trials["run"])
    trial_rdms(activity, trials[["task", "level"]], trials["run"], metric="crossnobis")
    assert_array_equal(activity, kept[0])
    pd.testing.assert_frame_equal(trials, kept[1])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"activity": np.ones(12)}, r"activity must have shape .* got shape \(12,\)"),
        ({"activity": np.full((12, 2), "x")}, "activity must be real numbers"),
        ({"conditions": np.ones(11)}, "conditions must hold one label for each of the 12 trials"),
        ({"conditions": np.ones((12, 1))}, r"got shape \(12, 1\)"),
        ({"conditions": {"a": np.ones(11)}}, "conditions must have one row per trial of activity"),
        ({"conditions": {}}, "conditions must have at least one column"),
        ({"conditions": np.r_[np.nan, np.ones(11)]}, "conditions must name columns without miss"),
        ({"runs": np.ones(3)}, "runs must hold one label for each of the 12 trials"),
        ({"runs": [None] * 12}, "runs must name columns without missing values"),
        ({"missing": "drop"}, "missing must be 'raise' or 'nan'"),
        ({"min_trials": 0}, "min_trials must be an integer >= 1"),
        ({"min_trials": 7}, r"at least 7 trial\(s\)"),
        ({"metric": "crossnobis"}, "cross-validated over runs, but runs is None"),
        ({"metric": "l2"}, "metric must be one of"),
        ({"conditions": np.ones(12)}, "at least 2 conditions"),
        ({"noise": "ledoit_wolf", "metric": "euclidean"}, "noise is for metric 'mahalanobis'"),
        ({"noise": "lasso", "metric": "mahalanobis"}, "covariance must be one of"),
    ],
)
def test_bad_input(rng, change, match):
    arguments = {"activity": rng.normal(size=(12, 2)), "conditions": np.arange(12) % 2} | change
    with pytest.raises(ValueError, match=match):
        trial_rdms(**arguments)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"conditions": np.arange(12)}, "all of different conditions, which leaves no noise"),
        ({"dof": 0}, "dof must be an integer >= 1, got 0"),
        ({"covariance": "eye"}, "covariance must be one of .* got 'eye'"),
        ({"covariance": "full", "runs": np.arange(12) // 4, "per_run": True}, "singular in run 0"),
        ({"activity": np.full((12, 5), np.nan)}, "activity must be finite, but trial 0, value 0"),
        ({"activity": np.ones((12, 5))}, "singular in all runs"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_bad_noise(rng, change, match):
    arguments = {"activity": rng.normal(size=(12, 5)), "conditions": np.arange(12) % 2} | change
    with pytest.raises(ValueError, match=match):
        noise_precision(**arguments)


def test_the_result_is_taken_for_its_patterns(rng):
    """So that it goes into functions and transformers of patterns as it is."""
    activity, labels = rng.normal(size=(24, 5)), np.tile([0, 1, 2], 8)
    runs = np.repeat([0, 1, 2, 3], 6)
    plain, in_runs = (
        condition_patterns(activity, labels),
        condition_patterns(activity, labels, runs),
    )
    assert np.array_equal(np.asarray(plain), plain.patterns)
    assert np.asarray(plain, dtype=np.float32).dtype == np.float32
    assert np.array_equal(condensed_rdms(plain), condensed_rdms(plain.patterns))
    assert np.array_equal(plain[np.newaxis], plain.patterns[np.newaxis])
    assert np.array_equal(in_runs[0, :, 2], in_runs["patterns"][0, :, 2])
    assert (plain.shape, in_runs.shape) == ((3, 5), (4, 3, 5))
    expected = condensed_rdms(in_runs.patterns, "crossnobis")
    assert np.array_equal(condensed_rdms(in_runs, "crossnobis"), expected)
    assert pickle.loads(pickle.dumps(plain)).patterns.tolist() == plain.patterns.tolist()
