import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import kstest
from sklearn.linear_model import LinearRegression

from neuroselect import MultiTaskMLP, fit_many
from neuroselect.datasets import fetch_mante_monkey_a, make_context_blobs, make_recording
from neuroselect.recordings import condition_patterns, make_container
from neuroselect.rsa import RDMRegression, condensed_rdms, model_rdms
from neuroselect.selectivity import MixedSelectivity, context_tuning, unit_rsa

A, B = (levels.ravel() for levels in np.meshgrid(np.arange(4) - 1.5, np.arange(4) - 1.5))
GRID = {"a": A, "b": B}
MODELS = dict(zip("ab", model_rdms(GRID, ["a", "b"], models=["a", "b"]), strict=True))


def z_scored(x):
    return (x - x.mean()) / x.std()


def test_equals_a_regression_for_each_unit(rng):
    responses = rng.normal(size=(16, 5))
    result = unit_rsa(responses, MODELS)
    design = np.column_stack([z_scored(model) for model in MODELS.values()])
    for unit in range(5):
        target = z_scored(pdist(responses[:, [unit]]))
        fit = LinearRegression().fit(design, target)
        np.testing.assert_allclose(result.betas[unit], fit.coef_, atol=1e-12)
        assert result.r2[unit] == pytest.approx(fit.score(design, target))
    assert list(result.model_names) == ["a", "b"]
    assert "p_values" not in result
    rdms = condensed_rdms(responses.T[:, :, np.newaxis])
    for options in ({"standardize": False}, {"positive": True}):
        expected = RDMRegression(MODELS, **options).fit_transform(rdms)
        np.testing.assert_allclose(unit_rsa(responses, MODELS, **options).betas, expected)


def test_one_model_is_a_mantel_test(rng):
    responses = rng.normal(size=(16, 3)) + A[:, np.newaxis] * [0.0, 0.4, 0.8]
    result = unit_rsa(responses, [MODELS["a"]], n_permutations=199, random_state=3)
    orders = np.random.RandomState(3)
    orders = [orders.permutation(16) for _ in range(199)]
    for unit in range(3):
        observed = np.corrcoef(pdist(responses[:, [unit]]), MODELS["a"])[0, 1]
        permuted = [
            np.corrcoef(pdist(responses[:, [unit]]), pdist(A[order, np.newaxis]))[0, 1]
            for order in orders
        ]
        assert result.p_values[unit, 0] == (1 + np.sum(np.array(permuted) >= observed)) / 200


def test_p_values_are_uniform_on_noise_and_find_tuned_units(rng):
    noise = rng.normal(size=(16, 600))
    result = unit_rsa(noise, MODELS, n_permutations=99, random_state=0)
    for k in range(2):
        assert kstest(result.p_values[:, k] - 0.005, "uniform").pvalue > 1e-4
    assert (result.q_values < 0.05).mean() < 0.01
    tuned = noise + 2 * A[:, np.newaxis]
    result = unit_rsa(tuned, MODELS, n_permutations=99, random_state=0)
    assert (result.q_values[:, 0] < 0.05).mean() > 0.9
    # what the other model explains does not leak into this one
    assert (result.p_values[:, 1] <= 0.05).mean() < 0.09


def test_trials_networks_and_recordings_in_both_forms(rng):
    recording = make_recording(n_units=6, time_course=[0.0, 1.0], random_state=0)
    columns = ["task", "stimulus"]
    patterns = condition_patterns(recording, columns).patterns.mean(axis=1)
    models = rng.random((2, len(patterns) * (len(patterns) - 1) // 2))
    expected = unit_rsa(patterns, models)
    found = unit_rsa(recording, models, columns)
    np.testing.assert_allclose(found.betas, expected.betas)
    assert list(found.conditions) == columns
    n_trials = len(recording.trials)
    unit, trial = np.divmod(rng.permutation(6 * n_trials), n_trials)
    rows = recording.trials.iloc[trial].assign(unit=unit)
    long = make_container(recording.data[trial, :, unit], rows, time=recording.time)
    np.testing.assert_allclose(unit_rsa(long, models, columns).betas, expected.betas)
    label = recording.trials.groupby(columns).ngroup()
    trials = unit_rsa(recording.data.mean(axis=1), models, label)
    np.testing.assert_allclose(trials.betas, expected.betas)


def test_networks_on_the_first_axis(rng):
    X, y = make_context_blobs()
    nets = fit_many([MultiTaskMLP((6,), max_iter=20, random_state=k) for k in range(3)], X, y)
    activity = [net.activations(X) for net in nets]
    models = rng.random((2, 50 * 49 // 2))
    result = unit_rsa(activity, models, n_permutations=9, random_state=0)
    assert result.betas.shape == result.q_values.shape == (3, 6, 2)
    for k in range(3):
        alone = unit_rsa(activity[k], models, n_permutations=9, random_state=0)
        np.testing.assert_allclose(result.betas[k], alone.betas)
        np.testing.assert_array_equal(result.p_values[k], alone.p_values)
    frame = result.to_frame()
    assert list(frame)[:4] == ["network", "unit", "r2", "beta_model0"]
    assert len(frame) == 18


def test_constant_units_have_no_rdm(rng):
    responses = rng.normal(size=(16, 3))
    responses[:, 1] = 0.1
    result = unit_rsa(responses, MODELS, n_permutations=9)
    assert np.isnan(result.betas[1]).all()
    assert np.isnan([result.r2[1], *result.p_values[1], *result.q_values[1]]).all()
    assert np.isfinite(result.q_values[[0, 2]]).all()


def test_unit_rsa_errors():
    with pytest.raises(ValueError, match="each unit has equal responses"):
        unit_rsa(np.ones((16, 2)), MODELS)
    with pytest.raises(ValueError, match="at least three conditions, got 2"):
        unit_rsa(np.eye(2), [[1.0]])
    with pytest.raises(ValueError, match="X has 120 pairs of conditions, but the RDMs in models"):
        unit_rsa(np.arange(32.0).reshape(16, 2), [[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="n_permutations must be an integer >= 0, got -1"):
        unit_rsa(np.eye(16), MODELS, n_permutations=-1)
    with pytest.raises(ValueError, match="condition must name the columns of its trials"):
        unit_rsa(make_recording(n_units=2, random_state=0), MODELS)
    with pytest.raises(ValueError, match="activity must be finite, got 1 NaN"):
        unit_rsa(np.where(np.eye(16)[:, :1] > 0, np.nan, 1.0), MODELS)


def two_contexts(n_repeats=4):
    context = np.repeat(["x", "y"], 16 * n_repeats)
    return pd.DataFrame({"a": np.tile(A, 2 * n_repeats), "b": np.tile(B, 2 * n_repeats)}).assign(
        context=context
    )


def test_context_tuning_is_least_squares_on_four_predictors(rng):
    trials = two_contexts().sample(frac=0.8, random_state=rng.integers(1000))  # unbalanced
    trials["a"] += 3  # not centred
    activity = rng.normal(size=(len(trials), 4)) + trials[["a"]].to_numpy()
    result = context_tuning(activity, ["a", "b"], "context", trials)
    levels = trials[["a", "b"]] - [3, 0]
    there = [trials["context"] == code for code in "xy"]
    design = np.column_stack([levels[f] * rows for rows in there for f in "ab"])
    design = np.column_stack([np.ones(len(trials)), design])
    coef, rss, *_ = np.linalg.lstsq(design, activity, rcond=None)
    np.testing.assert_allclose(result.betas, coef[1:].T, atol=1e-12)
    variance = np.diag(np.linalg.inv(design.T @ design))[:, None] * rss / (len(trials) - 5)
    np.testing.assert_allclose(result.t_values, (coef / np.sqrt(variance))[1:].T)
    assert result.predictors == ["a in x", "b in x", "a in y", "b in y"]
    expected = MixedSelectivity(max_order=1, coding="linear").fit(
        activity, pd.DataFrame(design[:, 1:])
    )
    np.testing.assert_allclose(result.q_values, expected.q_values_)


def test_context_tuning_of_noise_and_of_tuned_units(rng):
    trials = two_contexts()
    noise = rng.normal(size=(len(trials), 300))
    result = context_tuning(noise, ["a", "b"], "context", trials)
    for k in range(4):
        assert kstest(result.p_values[:, k], "uniform").pvalue > 1e-4
    tuned = noise + np.where(trials["context"] == "y", trials["b"], 0.0)[:, None]
    q_values = context_tuning(tuned, ["a", "b"], "context", trials).q_values
    assert ((q_values < 0.05).mean(axis=0)[[0, 1, 2]] < 0.1).all()
    assert (q_values[:, 3] < 0.05).mean() > 0.95


def test_context_tuning_takes_recordings_in_both_forms_and_networks(rng):
    trials, n_units = two_contexts(1), 3
    data = rng.normal(size=(32, n_units))
    expected = context_tuning(data, ["a", "b"], "context", trials)
    together = make_container(data, trials)
    unit, trial = np.divmod(rng.permutation(32 * n_units), 32)
    apart = make_container(data[trial, unit], trials.iloc[trial].assign(unit=unit))
    for recording in (together, apart):
        found = context_tuning(recording, ["a", "b"], "context")
        np.testing.assert_allclose(found.betas, expected.betas)
        np.testing.assert_allclose(found.q_values, expected.q_values)
    stacked = context_tuning(np.stack([data, 2 * data]), ["a", "b"], "context", trials)
    np.testing.assert_allclose(stacked.betas, [expected.betas, 2 * expected.betas])
    assert list(stacked.to_frame())[:5] == ["network", "unit", "r2", "beta_a in x", "t_a in x"]


def test_context_tuning_errors():
    trials, data = two_contexts(1), np.eye(32)
    with pytest.raises(ValueError, match=r"must name columns of conditions.*\['a', 'b', 'context'"):
        context_tuning(data, ["a", "c"], "context", trials)
    with pytest.raises(ValueError, match="must name columns of conditions"):
        context_tuning(data, ["a"], "context")
    with pytest.raises(ValueError, match="at least two contexts, got"):
        context_tuning(data, ["a"], "context", trials.assign(context=1))
    fixed = trials.assign(a=np.where(trials["context"] == "y", 1.0, trials["a"]))
    with pytest.raises(ValueError, match=r"'a' must vary in context 'y', got the level \[1.0\]"):
        context_tuning(data, ["a"], "context", fixed)
    with pytest.raises(ValueError, match="'a' must hold finite numbers"):
        context_tuning(data, ["a"], "context", trials.assign(a="low"))


def test_units_of_macaque_a(data_folder):
    mante = fetch_mante_monkey_a(data_home=data_folder)
    features, relevant = ["motion", "colour"], {0: "colour", 1: "motion"}
    tuning = context_tuning(mante.data, features, "context", mante.conditions)
    assert tuning.betas.shape == (762, 4)
    design = [
        mante.conditions[f] * (mante.conditions["context"] == c) for c in (0, 1) for f in features
    ]
    design = np.column_stack([np.ones(72), *design])
    coef = np.linalg.lstsq(design, mante.data, rcond=None)[0]
    np.testing.assert_allclose(tuning.betas, coef[1:].T, atol=1e-12)
    names = ("grid", "orthogonal", "parallel")
    models = model_rdms(
        mante.conditions, features, "context", models=names, relevant=relevant, context_offset=1
    )
    models = dict(zip(names, models, strict=True))
    result = unit_rsa(mante.data, models, n_permutations=99, random_state=0)
    found = (result.q_values < 0.05).sum(axis=0)
    assert found[1] > 100  # no such unit if conditions are shuffled
    shuffled = mante.data[np.random.default_rng(0).permutation(72)]
    null = unit_rsa(shuffled, models, n_permutations=999, random_state=0)
    assert (null.q_values < 0.05).mean() < 0.05
    rdms = condensed_rdms(mante.data.T[:, :, np.newaxis])
    np.testing.assert_allclose(result.betas, RDMRegression(models).fit_transform(rdms))
