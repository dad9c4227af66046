import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroselect.datasets import fetch_park2025, make_recording
from neuroselect.recordings import bin_time, make_container
from neuroselect.selectivity import MixedSelectivity

FACTORS = ["task", "stimulus", "choice"]
CLASSES = ["untuned", "pure", "linear mixed", "nonlinear mixed"]


def unbalanced(n_trials=90, n_units=5, seed=0):
    rng = np.random.default_rng(seed)
    trials = pd.DataFrame(
        {
            "rule": rng.choice(["colour", "motion"], n_trials, p=[0.7, 0.3]),
            "level": rng.choice([-1.0, 0.0, 2.0], n_trials, p=[0.2, 0.3, 0.5]),
            "side": rng.choice([0, 1], n_trials, p=[0.4, 0.6]),
        }
    )
    activity = rng.normal(size=(n_trials, n_units))
    activity[:, 0] += trials["level"]
    activity[:, 1] += (trials["rule"] == "colour") * trials["level"]
    return activity, trials


def residual_sum(activity, blocks):
    design = np.column_stack([np.ones(len(activity)), *blocks])
    rank = np.linalg.matrix_rank(design)
    return np.sum((activity - design @ np.linalg.pinv(design) @ activity) ** 2), rank


def slow_type_2(activity, trials, linear=()):
    """F, p and partial variance of each term by nested fits of indicator columns."""
    main = {
        name: column.to_numpy()[:, None]
        if name in linear
        else pd.get_dummies(column, dtype=float).to_numpy()
        for name, column in trials.items()
    }
    columns = {(name,): block for name, block in main.items()}
    for a, b in itertools.combinations(main, 2):
        columns[a, b] = np.column_stack([x * y for x in main[a].T for y in main[b].T])
    rss, rank = residual_sum(activity, columns.values())
    df = len(activity) - rank
    table = []
    for term, block in columns.items():
        others = [c for t, c in columns.items() if not set(term) <= set(t)]
        without, rank_without = residual_sum(activity, others)
        with_term, rank_with = residual_sum(activity, [*others, block])
        gain, df_term = without - with_term, rank_with - rank_without
        f = gain / df_term / (rss / df)
        table.append([f, stats.f.sf(f, df_term, df), gain / (gain + rss), df_term])
    return np.array(table).T, df


@pytest.mark.parametrize("linear", [(), ("level",)])
def test_equals_nested_fits_unit_by_unit(linear):
    activity, trials = unbalanced()
    mixed = MixedSelectivity(coding=dict.fromkeys(linear, "linear")).fit(activity, trials)
    assert mixed.terms_ == ["rule", "level", "side", "rule:level", "rule:side", "level:side"]
    for i in range(activity.shape[1]):
        (f, p, partial, df), df_residual = slow_type_2(activity[:, i], trials, linear)
        np.testing.assert_allclose(mixed.f_values_[i], f, rtol=1e-8)
        np.testing.assert_allclose(mixed.p_values_[i], p, rtol=1e-7)
        np.testing.assert_allclose(mixed.partial_variance_[i], partial, rtol=1e-8)
        assert mixed.df_[i].tolist() == df.tolist()
        assert mixed.df_residual_[i] == df_residual


def test_one_factor_is_the_analysis_of_variance_of_scipy():
    activity, trials = unbalanced()
    mixed = MixedSelectivity().fit(activity, trials["level"])
    groups = [activity[trials["level"] == level] for level in (-1, 0, 2)]
    f, p = stats.f_oneway(*groups)
    np.testing.assert_allclose(mixed.f_values_[:, 0], f)
    np.testing.assert_allclose(mixed.p_values_[:, 0], p)
    between = sum(len(g) * (g.mean(0) - activity.mean(0)) ** 2 for g in groups)
    share = between / np.sum((activity - activity.mean(0)) ** 2, axis=0)
    np.testing.assert_allclose(mixed.partial_variance_[:, 0], share)
    np.testing.assert_allclose(mixed.r2_, share)


def test_one_linear_factor_is_the_regression_of_scipy():
    activity, trials = unbalanced()
    mixed = MixedSelectivity(coding="linear").fit(activity, trials[["level"]])
    for i, unit in enumerate(activity.T):
        line = stats.linregress(trials["level"], unit)
        assert mixed.p_values_[i, 0] == pytest.approx(line.pvalue)
        assert mixed.r2_[i] == pytest.approx(line.rvalue**2)
        # Levels -1, 0, 2 have the standard deviation sqrt(14) / 3.
        assert mixed.coef_[i, 1] == pytest.approx(line.slope * np.sqrt(14) / 3)
        assert mixed.coef_[i, 0] == pytest.approx(line.intercept + line.slope / 3)


def test_coefficients_of_cells_without_noise():
    trials = pd.DataFrame(itertools.product("ab", [0, 1, 2]), columns=["letter", "number"])
    trials = pd.concat([trials, trials])
    noise = np.repeat([0.1, -0.1], 6)  # sums to 0 in each cell
    activity = (trials["letter"] == "a") * 4.0 + trials["number"] * 3.0 + noise
    mixed = MixedSelectivity().fit(activity.to_numpy()[:, None], trials)
    assert mixed.coef_names_ == [
        "intercept", "letter[a]", "number[0]", "number[1]",
        "letter[a]:number[0]", "letter[a]:number[1]",
    ]  # fmt: skip
    np.testing.assert_allclose(mixed.coef_, [[5, 2, -3, 0, 0, 0]], atol=1e-12)


@pytest.mark.parametrize("simultaneous", [True, False])
@pytest.mark.parametrize("test", ["F", "permutation"])
def test_recovers_the_truth_of_a_simulated_recording(simultaneous, test):
    recording = make_recording(
        n_units=80, n_trials=300, effect_size=0.8, simultaneous=simultaneous, random_state=1
    )
    mixed = MixedSelectivity(test=test, n_permutations=300, random_state=0)
    mixed.fit(recording, FACTORS)
    kinds = [label if label in CLASSES else "pure" for label in mixed.unit_labels_]
    assert np.mean(recording.units["class"] == kinds) > 0.85
    pure = (recording.units["class"] == "pure").to_numpy() & (np.array(kinds) == "pure")
    coefs = recording.units[[f"coef_{name}" for name in FACTORS]].to_numpy()
    expected = [f"pure {FACTORS[k]}" for k in abs(coefs).argmax(axis=1)]
    assert (mixed.unit_labels_ == expected)[pure].mean() > 0.9


def test_linear_coding_recovers_the_coefficients():
    recording = make_recording(n_units=30, n_trials=800, random_state=0)
    mixed = MixedSelectivity(coding="linear").fit(recording, FACTORS)
    truth = recording.units[[f"coef_{term}" for term in mixed.terms_]]
    assert abs(mixed.coef_[:, 1:] - truth.to_numpy()).max() < 5 / np.sqrt(800)
    np.testing.assert_allclose(mixed.coef_[:, 0], 10, atol=5 / np.sqrt(800))


@pytest.mark.parametrize("test", ["F", "permutation"])
def test_null_p_values_are_uniform(test):
    rng = np.random.default_rng(3)
    draw = rng.normal if test == "F" else rng.standard_exponential
    trials = pd.DataFrame({"a": np.arange(60) % 3, "b": rng.permutation(np.arange(60) % 2)})
    mixed = MixedSelectivity(test=test, n_permutations=199, random_state=0)
    p = mixed.fit(draw(size=(60, 800)), trials).p_values_
    for level in (0.05, 0.25, 0.5):  # multiples of 1 / 200
        share = np.mean(p <= level + 1e-12, axis=0)
        assert (abs(share - level) < 5 * np.sqrt(level * (1 - level) / 800) + 0.01).all()
    assert (mixed.unit_labels_ == "untuned").mean() > 0.99


def test_permutations_agree_with_f_where_errors_are_normal():
    activity, trials = unbalanced(n_units=40)
    f = MixedSelectivity().fit(activity, trials).p_values_
    mixed = MixedSelectivity(test="permutation", n_permutations=2000, random_state=0)
    p = mixed.fit(activity, trials).p_values_
    quiet = np.arange(40) > 1  # the two tuned units have errors that are not exchangeable
    assert abs(p - f)[quiet].max() < 0.08
    again = MixedSelectivity(test="permutation", n_permutations=2000, random_state=0)
    np.testing.assert_array_equal(p, again.fit(activity, trials).p_values_)


def test_permutations_of_a_tiny_design_are_all_permutations():
    activity = np.array([[1.0], [2.0], [4.0], [8.0], [16.0]])
    group = np.array([0, 0, 1, 1, 1])
    statistic = [
        abs(activity[list(pair), 0].mean() - np.delete(activity[:, 0], pair).mean())
        for pair in itertools.combinations(range(5), 2)
    ]
    exact = np.mean(np.array(statistic) >= statistic[0] - 1e-9)
    mixed = MixedSelectivity(test="permutation", n_permutations=5000, random_state=0)
    p = mixed.fit(activity, group).p_values_[0, 0]
    assert p == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 5000))


@pytest.mark.parametrize("test", ["F", "permutation"])
def test_missing_trials_are_left_out_for_their_unit_only(test):
    activity, trials = unbalanced(n_units=4)
    rng = np.random.default_rng(0)
    there = rng.random(activity.shape) < 0.8
    there[:, 3] = True
    options = {"test": test, "n_permutations": 400}
    mixed = MixedSelectivity(random_state=0, **options)
    mixed.fit(np.where(there, activity, np.nan), trials)
    unit, row = np.nonzero(there.T)
    order = rng.permutation(len(unit))
    rows = trials.iloc[row[order]].assign(unit=unit[order])
    long = make_container(activity[row, unit][order], rows)
    from_long = MixedSelectivity(**options, random_state=0).fit(long, list(trials))
    for i in range(4):
        kept = there[:, i]
        alone = MixedSelectivity(**options, random_state=0)
        alone.fit(activity[kept, i : i + 1], trials[kept])
        for other in (mixed, from_long):
            np.testing.assert_allclose(other.f_values_[i], alone.f_values_[0], rtol=1e-9)
            np.testing.assert_allclose(other.coef_[i], alone.coef_[0], rtol=1e-8, atol=1e-10)
            atol = 0 if test == "F" else 0.15
            np.testing.assert_allclose(other.p_values_[i], alone.p_values_[0], 1e-7, atol=atol)
    np.testing.assert_allclose(from_long.r2_, mixed.r2_)


def test_networks_are_stacked():
    activity, trials = unbalanced(n_units=6)
    stacked = np.stack([activity[:, :3], activity[:, 3:]])
    mixed = MixedSelectivity().fit(stacked, trials)
    flat = MixedSelectivity().fit(activity, trials)
    assert mixed.unit_labels_.shape == (2, 3)
    np.testing.assert_array_equal(mixed.q_values_.reshape(6, -1), flat.q_values_)
    table = mixed.to_frame()
    assert table[["network", "unit"]].iloc[4].tolist() == [1, "unit1"]
    assert list(flat.to_frame().columns[:4]) == ["unit", "label", "r2", "partial_variance_rule"]


def test_units_without_variance_are_untuned_and_do_not_count():
    activity, trials = unbalanced()
    silent = np.column_stack([activity, np.full(len(activity), 0.1)])
    mixed = MixedSelectivity().fit(silent, trials)
    assert mixed.unit_labels_[-1] == "untuned"
    assert np.isnan(mixed.p_values_[-1]).all()
    assert np.isnan(mixed.partial_variance_[-1]).all()
    without = MixedSelectivity().fit(activity, trials)
    np.testing.assert_allclose(mixed.q_values_[:-1], without.q_values_)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rounding_of_activity_without_noise_is_no_effect(dtype):
    _, trials = unbalanced()
    activity = (0.1 + 0.3 * trials["side"]).to_numpy(dtype)[:, None]
    mixed = MixedSelectivity().fit(activity, trials)
    assert mixed.unit_labels_.tolist() == ["pure side"]
    np.testing.assert_array_equal(mixed.partial_variance_[0], [0, 0, 1, 0, 0, 0])


def test_missing_combination_of_levels():
    activity, trials = unbalanced()
    kept = ~((trials["rule"] == "motion") & (trials["level"] == 2.0))
    mixed = MixedSelectivity().fit(activity[kept], trials[kept])
    (f, _, _, df), _ = slow_type_2(activity[kept, 0], trials[kept])
    assert mixed.df_[0].tolist() == df.tolist() == [1, 2, 1, 1, 1, 2]
    np.testing.assert_allclose(mixed.f_values_[0], f, rtol=1e-8)
    assert np.isnan(mixed.coef_).all()


def test_unit_that_lacks_a_level_is_undetermined():
    activity, trials = unbalanced()
    activity[trials["side"] == 1, 2] = np.nan
    mixed = MixedSelectivity().fit(activity, trials)
    assert mixed.unit_labels_[2] == "undetermined"
    assert np.isnan(mixed.p_values_[2]).tolist() == [False, False, True, False, True, True]
    assert "undetermined" not in np.delete(mixed.unit_labels_, 2)


def test_labels_follow_from_the_corrected_p_values():
    activity, trials = unbalanced(n_units=30)
    mixed = MixedSelectivity(alpha=0.2).fit(activity, trials)
    known = stats.false_discovery_control(mixed.p_values_.ravel(), method="bh")
    np.testing.assert_allclose(mixed.q_values_.ravel(), known)
    for label, q in zip(mixed.unit_labels_, mixed.q_values_, strict=True):
        found = [term for term, value in zip(mixed.terms_, q, strict=True) if value <= 0.2]
        expected = "linear mixed"
        if any(":" in term for term in found):
            expected = "nonlinear mixed"
        elif len(found) < 2:
            expected = f"pure {found[0]}" if found else "untuned"
        assert label == expected
    raw = MixedSelectivity(correction=None).fit(activity, trials)
    np.testing.assert_array_equal(raw.q_values_, raw.p_values_)


seeds = st.integers(0, 2**31)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_permuting_units_permutes_results(seed):
    activity, trials = unbalanced(seed=seed)
    order = np.random.default_rng(seed).permutation(activity.shape[1])
    for test in ("F", "permutation"):
        mixed = MixedSelectivity(test=test, n_permutations=20, random_state=0)
        p = mixed.fit(activity, trials).p_values_
        np.testing.assert_allclose(mixed.fit(activity[:, order], trials).p_values_, p[order])


@given(seeds, st.floats(-8, 8).filter(lambda a: abs(a) > 0.01), st.floats(-50, 50))
@settings(max_examples=20, deadline=None)
def test_scale_and_shift_of_a_unit_leave_the_tests(seed, scale, shift):
    activity, trials = unbalanced(seed=seed)
    for test in ("F", "permutation"):
        mixed = MixedSelectivity(test=test, n_permutations=20, random_state=0)
        p = mixed.fit(activity, trials).p_values_
        labels = mixed.unit_labels_
        again = mixed.fit(activity * scale + shift, trials)
        np.testing.assert_allclose(again.p_values_, p, rtol=1e-5)
        if test == "F" and abs(mixed.q_values_ - 0.05).min() > 1e-4:
            assert again.unit_labels_.tolist() == labels.tolist()


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_duplicating_trials_leaves_partial_variance(seed):
    activity, trials = unbalanced(seed=seed)
    once = MixedSelectivity().fit(activity, trials)
    twice = MixedSelectivity().fit(np.vstack([activity] * 2), pd.concat([trials] * 2))
    np.testing.assert_allclose(twice.partial_variance_, once.partial_variance_, atol=1e-10)
    np.testing.assert_allclose(twice.coef_, once.coef_, atol=1e-9)


def test_recording_with_one_bin_equals_its_array():
    recording = make_recording(n_units=5, time_course=[1.0, 1.0], bin_width=50, random_state=0)
    with pytest.raises(ValueError, match="no time axis, or one bin, got 2"):
        MixedSelectivity().fit(recording, FACTORS)
    epoch = bin_time(recording, 100)
    mixed = MixedSelectivity().fit(epoch, FACTORS)
    array = MixedSelectivity().fit(recording.data.mean(axis=1), recording.trials[FACTORS])
    np.testing.assert_allclose(mixed.p_values_, array.p_values_)
    assert mixed.unit_names_.tolist() == [0, 1, 2, 3, 4]


def test_errors():
    activity, trials = unbalanced()

    def fit(y, X=activity, **options):
        MixedSelectivity(**options).fit(X, y)

    with pytest.raises(ValueError, match="requires y to be passed"):
        fit(None)
    with pytest.raises(ValueError, match="one row for each of the 90 trials, got 89"):
        fit(trials[1:])
    with pytest.raises(ValueError, match="'rule' must have at least two levels, got"):
        fit(trials.assign(rule="colour"))
    with pytest.raises(ValueError, match=r"must be known.*missing in 1"):
        fit(trials.assign(rule=trials["rule"].where(trials.index > 0)))
    with pytest.raises(ValueError, match="must be known, and finite"):
        fit(trials.assign(level=np.inf))
    with pytest.raises(ValueError, match="looks continuous"):
        fit(activity[:, 0])
    with pytest.raises(ValueError, match="must be numbers to be coded as linear"):
        fit(trials, coding="linear")
    with pytest.raises(ValueError, match="coding must map factors among"):
        fit(trials, coding={"colour": "linear"})
    with pytest.raises(ValueError, match=r"terms \['rule', 'same', .*depend completely"):
        fit(trials.assign(same=trials["rule"] == "motion"))
    cells = pd.DataFrame(itertools.product("ab", [0, 1, 2], "cd"))
    with pytest.raises(ValueError, match="No degrees of freedom remain"):
        fit(cells, activity[:12], max_order=3)
    with pytest.raises(ValueError, match="of different names"):
        fit(trials.set_axis(["a", "a", "b"], axis=1))
    with pytest.raises(ValueError, match="got shape"):
        fit(np.zeros((90, 1, 1)))
    with pytest.raises(ValueError, match="infinity"):
        fit(trials, np.where(activity > 1, np.inf, activity))
    with pytest.raises(ValueError, match="must name columns of the recording's trials"):
        fit("colour", make_container(activity, trials))


def test_prefrontal_cells_and_their_shuffled_labels(data_folder):
    recording = bin_time(fetch_park2025(data_home=data_folder), 500)
    mixed = MixedSelectivity().fit(recording, ["task", "direction"])
    cell = recording.trials["unit"] == 7
    alone = MixedSelectivity().fit(
        recording.data[cell], recording.trials.loc[cell, ["task", "direction"]]
    )
    np.testing.assert_allclose(mixed.f_values_[7], alone.f_values_[0], rtol=1e-8)
    assert np.mean(mixed.q_values_[:, 1] <= 0.05) > 0.5  # chosen for a preferred direction
    rng = np.random.default_rng(0)
    shuffled = recording.trials[["task", "direction"]].copy()
    for rows in recording.trials.groupby("unit").indices.values():
        shuffled.iloc[rows] = shuffled.iloc[rng.permutation(rows)].to_numpy()
    null = MixedSelectivity().fit(recording, shuffled)
    assert np.mean(null.q_values_ <= 0.05) < 0.01


def test_prefrontal_cells_by_period(data_folder):
    tuned = {}
    periods = {"before": ("trial", (-500, 0)), "early": ("early_delay", None)}
    periods["late"] = ("late_delay", None)
    for name, (period, window) in periods.items():
        recording = bin_time(fetch_park2025(period, data_home=data_folder), 500, window=window)
        mixed = MixedSelectivity().fit(recording, ["task", "direction"])
        kinds, counts = np.unique(mixed.unit_labels_, return_counts=True)
        assert counts.sum() == 319
        assert {"untuned", "pure task", "linear mixed", "nonlinear mixed"} <= set(kinds.tolist())
        tuned[name] = (mixed.q_values_ <= 0.05).sum(axis=0)
    # before the target there is nothing to be tuned to, but the task is known
    assert tuned["before"][1] < 0.05 * tuned["early"][1]
    assert tuned["before"][0] > 60
    assert tuned["early"][1] > tuned["late"][1] > 60
