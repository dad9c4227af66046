import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import cross_val_score

from neuroselect.datasets import make_recording
from neuroselect.recordings import condition_patterns, is_long

CLASSES = ["untuned", "pure", "linear mixed", "nonlinear mixed"]


def coefs(recording):
    return recording.units.filter(like="coef_").rename(columns=lambda c: c.removeprefix("coef_"))


def dummies(codes):
    """Centred indicator columns of all but one level."""
    levels = np.unique(codes)
    return (codes[:, None] == levels[1:]).astype(float) - (codes[:, None] == levels[0])


def term_design(trials, term):
    blocks = [dummies(trials[factor].to_numpy()) for factor in term.split(":")]
    if len(blocks) == 1:
        return blocks[0]
    return np.einsum("ti,tj->tij", *blocks).reshape(len(trials), -1)


def anova(trials, data, terms):
    """P values (n_terms, n_units) of dropping each term from the model with all of them."""

    def residual(names):
        X = np.column_stack([np.ones(len(trials)), *(term_design(trials, name) for name in names)])
        fitted = X @ np.linalg.lstsq(X, data, rcond=None)[0]
        return ((data - fitted) ** 2).sum(axis=0), X.shape[1]

    full, n_full = residual(terms)
    p_values = []
    for term in terms:
        reduced, n_reduced = residual([name for name in terms if name != term])
        between, within = n_full - n_reduced, len(trials) - n_full
        f = (reduced - full) / between / (full / within)
        p_values.append(stats.f.sf(f, between, within))
    return np.array(p_values)


def found_class(significant, terms):
    """Class of a unit from its significant terms, by its definition."""
    main = sum(":" not in term for term, s in zip(terms, significant, strict=True) if s)
    interactions = sum(significant) - main
    if interactions:
        return "nonlinear mixed"
    return "untuned" if main == 0 else "pure" if main == 1 else "linear mixed"


def test_shapes_and_columns(seed):
    recording = make_recording(100, 30, random_state=seed)
    assert recording.data.shape == (100, 30)
    assert recording.data.dtype == np.float64
    assert list(recording.trials.columns) == ["task", "stimulus", "choice", "condition"]
    assert list(recording.conditions.columns) == ["task", "stimulus", "choice"]
    assert list(coefs(recording).columns) == [
        "task", "stimulus", "choice", "task:stimulus", "task:choice", "stimulus:choice",
    ]  # fmt: skip
    assert recording.true_patterns.shape == (16, 30)
    assert recording.time is None
    assert set(recording.conditions["stimulus"]) == {-1.5, -0.5, 0.5, 1.5}
    assert set(recording.conditions["task"]) == {0, 1}
    for column in ("class", "baseline", "noise_std", "coef_"):
        assert column in recording.DESCR


def test_one_seed_one_recording(seed):
    first, second = (make_recording(64, 10, random_state=seed) for _ in range(2))
    np.testing.assert_array_equal(first.data, second.data)
    assert first.units.equals(second.units)
    other = make_recording(64, 10, random_state=seed + 1)
    assert not np.array_equal(first.data, other.data)


def test_truth_does_not_depend_on_the_number_of_trials(seed):
    few, many = (make_recording(n, 20, random_state=seed) for n in (16, 200))
    assert few.units.equals(many.units)
    np.testing.assert_array_equal(few.true_patterns, many.true_patterns)


@pytest.mark.parametrize("n_trials", [16, 37, 160])
def test_trials_are_balanced(n_trials, seed):
    trials = make_recording(n_trials, 2, random_state=seed).trials
    counts = np.bincount(trials["condition"], minlength=16)
    assert counts.max() - counts.min() <= 1
    assert counts.sum() == n_trials


def test_trials_carry_the_levels_of_their_condition(seed):
    recording = make_recording(50, 2, random_state=seed)
    expected = recording.conditions.iloc[recording.trials["condition"]].reset_index(drop=True)
    assert recording.trials[list(expected.columns)].equals(expected)


def test_shares_are_exact(seed):
    shares = {"untuned": 0.1, "pure": 0.25, "nonlinear mixed": 0.65}
    units = make_recording(20, 40, shares=shares, random_state=seed).units
    assert units["class"].value_counts().to_dict() == {
        "untuned": 4, "pure": 10, "nonlinear mixed": 26,
    }  # fmt: skip
    assert (np.diff(units["class"] == "untuned") != 0).sum() > 2  # not sorted by class


@pytest.mark.parametrize("tuning", ["linear", "categorical"])
def test_coefficients_are_the_standard_deviations_of_effects(tuning, seed):
    recording = make_recording(
        24, 30, factors={"shape": 3, "colour": 4}, tuning=tuning, random_state=seed
    )
    table, effects = coefs(recording), recording.true_patterns - 10.0
    np.testing.assert_allclose(effects.mean(axis=0), 0, atol=1e-12)
    # Orthogonal effects of mean 0: their variances add up.
    np.testing.assert_allclose(effects.var(axis=0), (table**2).sum(axis=1))
    for term in table.columns:
        X = np.column_stack([np.ones(24), term_design(recording.conditions, term)])
        share = X @ np.linalg.lstsq(X, effects, rcond=None)[0]
        np.testing.assert_allclose(share.std(axis=0), table[term].abs(), atol=1e-10)


def test_coefficients_of_linear_effects_are_slopes(seed):
    recording = make_recording(16, 20, random_state=seed)
    conditions, table = recording.conditions, coefs(recording)
    z = (conditions - conditions.mean()) / conditions.std(ddof=0)
    for term in table.columns:
        code = np.prod([z[factor] for factor in term.split(":")], axis=0)
        np.testing.assert_allclose(code @ recording.true_patterns / 16, table[term], atol=1e-12)


def test_classes_are_what_their_names_say(seed):
    recording = make_recording(16, 200, random_state=seed)
    table = coefs(recording)
    for row, label in zip(table.to_numpy(), recording.units["class"], strict=True):
        assert found_class(row != 0, table.columns) == label
        interactions = [
            term for term, c in zip(table.columns, row, strict=True) if ":" in term and c
        ]
        assert len(interactions) == (label == "nonlinear mixed")
        for term in interactions:  # with the main effects of the same factors, and of no other
            present = {t for t, c in zip(table.columns, row, strict=True) if c and ":" not in t}
            assert present == set(term.split(":"))
    sizes = np.abs(table.to_numpy()[table.to_numpy() != 0])
    assert 0.375 <= sizes.min() < 0.4
    assert 0.6 < sizes.max() <= 0.625


@pytest.mark.parametrize("tuning", ["linear", "categorical"])
@pytest.mark.parametrize("noise", ["gaussian", "poisson"])
def test_anova_finds_the_shares(tuning, noise, seed):
    recording = make_recording(
        1600, 80, tuning=tuning, noise=noise, baseline=20.0, random_state=seed
    )
    table = coefs(recording)
    terms = list(table.columns)
    significant = anova(recording.trials, recording.data, terms) < 1e-6
    np.testing.assert_array_equal(significant.T, table.to_numpy() != 0)
    found = [found_class(column, terms) for column in significant.T]
    assert found == recording.units["class"].tolist()
    assert sorted(found) == sorted(CLASSES * 20)


def test_anova_of_permuted_trials_finds_nothing(seed, rng):
    recording = make_recording(400, 50, random_state=seed)
    p_values = anova(recording.trials, rng.permutation(recording.data), ["task", "stimulus"])
    assert p_values.min() > 1e-6
    assert stats.kstest(p_values.ravel(), "uniform").pvalue > 1e-4


def test_condition_means_converge_to_the_true_patterns(seed):
    recording = make_recording(16_000, 10, noise_std=2.0, random_state=seed)
    means = condition_patterns(recording, ["task", "stimulus", "choice"]).patterns
    error = (means - recording.true_patterns) / (2.0 / np.sqrt(1000))
    assert np.abs(error).max() < 5
    assert 0.7 < error.std() < 1.3


def test_effect_size_is_in_standard_deviations_of_the_noise(seed):
    small = make_recording(16, 30, random_state=seed)
    large = make_recording(16, 30, noise_std=7.0, random_state=seed)
    np.testing.assert_allclose(coefs(large), 7 * coefs(small))
    counts = make_recording(16, 30, noise="poisson", baseline=49.0, random_state=seed)
    np.testing.assert_allclose(coefs(counts), coefs(large))
    assert (counts.units["noise_std"] == 7).all()


def residuals(recording):
    return recording.data - recording.true_patterns[recording.trials["condition"]]


def test_noise_of_one_common_factor(seed):
    recording = make_recording(20_000, 6, noise_correlation=0.3, noise_std=2.0, random_state=seed)
    covariance = np.cov(residuals(recording).T)
    expected = 4 * (0.3 + 0.7 * np.eye(6))
    np.testing.assert_allclose(covariance, expected, atol=4 * 5 * np.sqrt(2 / 20_000))


def test_noise_of_a_given_correlation(seed, rng):
    roots = rng.normal(size=(5, 8))
    covariance = roots @ roots.T
    wanted = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    recording = make_recording(20_000, 5, noise_correlation=wanted, random_state=seed)
    found = np.corrcoef(residuals(recording).T)
    np.testing.assert_allclose(found, wanted, atol=5 / np.sqrt(20_000))


@pytest.mark.parametrize("correlation", [0.0, 0.4])
def test_poisson_counts(correlation, seed):
    recording = make_recording(
        20_000, 3, noise="poisson", baseline=6.0, shares={"untuned": 1.0},
        noise_correlation=correlation, random_state=seed,
    )  # fmt: skip
    counts = recording.data
    np.testing.assert_array_equal(counts, counts.round())
    edges = np.arange(15)
    for column in counts.T:
        observed = np.bincount(np.minimum(column.astype(int), 14), minlength=15)
        expected = 20_000 * np.append(stats.poisson.pmf(edges[:-1], 6), stats.poisson.sf(13, 6))
        assert stats.chisquare(observed, expected).pvalue > 1e-5
    found = np.corrcoef(counts.T)[np.triu_indices(3, 1)]
    assert (np.abs(found - correlation) < 0.05).all()
    assert (found <= correlation + 5 / np.sqrt(20_000)).all()


def test_poisson_means_may_be_zero(seed):
    recording = make_recording(
        64, 5, noise="poisson", baseline=1.0, shares={"pure": 1.0}, n_tasks=1,
        factors={"stimulus": 2}, effect_size=0.8, noise_correlation=0.2, random_state=seed,
    )  # fmt: skip
    assert np.isfinite(recording.data).all()


def test_time_course(seed):
    weights = [0.0, 0.0, 1.0, 0.5]
    recording = make_recording(
        1600, 20, time_course=weights, bin_width=20, noise_correlation=0.5, random_state=seed
    )
    assert recording.data.shape == (1600, 4, 20)
    np.testing.assert_array_equal(recording.time, [10, 30, 50, 70])
    assert recording.bin_width == 20
    means = condition_patterns(recording, ["task", "stimulus", "choice"]).patterns
    expected = 10 + (recording.true_patterns - 10)[:, None, :] * np.array(weights)[:, None]
    assert np.abs(means - expected).max() < 6.5 / np.sqrt(100)
    noise = recording.data - (
        10
        + (recording.true_patterns - 10)[recording.trials["condition"]][:, None]
        * np.array(weights)[:, None]
    )
    across_units = np.corrcoef(noise[:, 0].T)[0, 1:]
    across_bins = [np.corrcoef(noise[:, 0, u], noise[:, 1, u])[0, 1] for u in range(20)]
    assert across_units.mean() > 0.35
    assert np.abs(np.mean(across_bins)) < 0.1


@pytest.mark.parametrize("time_course", [None, [0.0, 1.0]])
def test_long_form(time_course, seed):
    recording = make_recording(
        200, 12, simultaneous=False, time_course=time_course, random_state=seed
    )
    trials = recording.trials
    assert is_long(recording)
    assert list(trials.columns)[:2] == ["unit", "trial"]
    counts = trials.groupby("unit").size()
    assert len(counts) == 12
    assert counts.between(100, 200).all()
    assert counts.nunique() > 4
    assert recording.data.shape == (len(trials),) + (() if time_course is None else (2,))
    for _, rows in trials.groupby("unit"):
        assert rows["trial"].tolist() == list(range(len(rows)))
        assert np.ptp(np.bincount(rows["condition"], minlength=16)) <= 1


def test_long_form_has_the_same_truth_and_its_units_show_it(seed):
    long = make_recording(3200, 8, simultaneous=False, random_state=seed)
    both = make_recording(3200, 8, random_state=seed)
    assert long.units.equals(both.units)
    means = condition_patterns(long, ["task", "stimulus", "choice"]).patterns
    assert np.abs(means - long.true_patterns).max() < 6.5 / np.sqrt(100)


def test_populations_are_decoded_by_their_factors(seed, rng):
    recording = make_recording(320, 60, random_state=seed)
    for factor in ("task", "choice"):
        labels = recording.trials[factor] == recording.trials[factor].max()
        decoder = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        assert cross_val_score(decoder, recording.data, labels).mean() > 0.85
        permuted = rng.permutation(labels)
        assert cross_val_score(decoder, recording.data, permuted).mean() < 0.65


def test_one_factor_makes_no_mixed_units(seed):
    recording = make_recording(20, 30, n_tasks=1, factors={"stimulus": 5}, random_state=seed)
    assert list(recording.trials.columns) == ["stimulus", "condition"]
    assert recording.units["class"].value_counts().to_dict() == {"untuned": 15, "pure": 15}
    assert list(coefs(recording).columns) == ["stimulus"]


def test_many_factors(seed):
    factors = dict.fromkeys("abcd", 2)
    recording = make_recording(40, 100, factors=factors, random_state=seed)
    assert len(recording.conditions) == 32
    assert not recording.conditions.duplicated().any()
    assert len(coefs(recording).columns) == 5 + len(list(itertools.combinations("tabcd", 2)))


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"n_trials": 15}, "n_trials must be at least the number of conditions, 16, got 15"),
        ({"factors": {"task": 2}}, "factors must be named .* got 'task'"),
        ({"factors": {"a:b": 2}}, "without ':'.* got 'a:b'"),
        ({"factors": {3: 2}}, "factors must be named by strings .* got 3"),
        ({"factors": {"a": 1}}, "whole number of levels, 2 or more, got 1 for 'a'"),
        ({"factors": {"a": 2.0}}, "whole number of levels, 2 or more, got 2.0"),
        ({"factors": {}, "n_tasks": 1}, "factors is empty"),
        ({"shares": {"mixed": 1.0}}, "shares must be of the classes .* got 'mixed'"),
        ({"shares": {"pure": 0.5}}, "shares must lie between 0 and 1 and sum to 1"),
        ({"shares": {"pure": 1.5, "untuned": -0.5}}, "shares must lie between 0 and 1"),
        ({"shares": {"pure": "all"}}, "shares must lie between 0 and 1"),
        (
            {"shares": {"linear mixed": 1}, "n_tasks": 1, "factors": {"a": 2}},
            "shares has 'linear mixed' units, which need two factors",
        ),
        ({"noise": "poisson", "noise_std": 1.0}, "noise_std must be None for noise='poisson'"),
        ({"noise": "poisson", "baseline": 0.0}, "baseline must be above 0 for noise='poisson'"),
        (
            {"noise": "poisson", "baseline": 1.0, "effect_size": 2.0},
            "Poisson noise needs means of at least 0, got -",
        ),
        ({"noise_correlation": np.eye(4)}, r"matrix of shape \(100, 100\), got shape \(4, 4\)"),
        ({"noise_correlation": [[1, 0.5], [0, 1]], "n_units": 2}, "must be symmetric with ones"),
        ({"noise_correlation": [[1, 2], [2, 1]], "n_units": 2}, "positive semi-definite"),
        ({"noise_correlation": 0.1, "simultaneous": False}, "must be 0 where simultaneous=False"),
        ({"noise_correlation": 1.0}, "The 'noise_correlation' parameter of make_recording must"),
        ({"time_course": [0.0, np.nan]}, "time_course must hold one finite weight per bin"),
        ({"time_course": []}, "time_course must hold one finite weight per bin"),
        ({"tuning": "bell"}, "The 'tuning' parameter of make_recording must be"),
        ({"effect_size": 0}, "The 'effect_size' parameter of make_recording must be"),
    ],
)
def test_bad_parameters(kwargs, match):
    with pytest.raises(ValueError, match=match):
        make_recording(**kwargs)
