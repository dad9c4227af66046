"""Shattering dimensionality against a plain loop, and the exact count of dichotomies."""

import itertools

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.svm import SVC

from neuroselect.geometry import separable_dichotomies, shattering_dimensionality
from neuroselect.geometry._decoders import ridge_decisions
from neuroselect.geometry._shattering import _accuracies
from neuroselect.geometry._trials import zscored
from neuroselect.recordings import make_container

CUBE = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))


def test_cross_validation_equals_a_loop(rng):
    trials = rng.normal(size=(5, 7, 6)) + rng.normal(size=(5, 1, 6))  # conditions, trials, units
    sides = np.array([[0, 1, 0, 1, 1], [1, 0, 0, 0, 0]], dtype=bool)
    scores = _accuracies(trials[None], sides, 3, ridge_decisions)[0]
    fold = np.arange(7) % 3
    for side, score in zip(sides, scores, strict=True):
        predicted = np.empty((5, 7), dtype=bool)
        for k in range(3):
            train, test = zscored(
                trials[:, fold != k].reshape(-1, 6), trials[:, fold == k].reshape(-1, 6)
            )
            decoder = RidgeClassifier(alpha=6, class_weight="balanced")
            decoder.fit(train, np.repeat(side, np.sum(fold != k)))
            predicted[:, fold == k] = decoder.predict(test).reshape(5, -1)
        expected = balanced_accuracy_score(np.repeat(side, 7), predicted.ravel())
        assert score == pytest.approx(expected, abs=1e-12)


def cube_trials(rng, patterns, n_trials=20, noise=0.4):
    code = np.repeat(np.arange(len(patterns)), n_trials)
    return patterns[code] + noise * rng.normal(size=(len(code), patterns.shape[1])), code


def test_mixed_selectivity_raises_it(rng):
    options = {"n_permutations": 39, "n_resamples": 1, "random_state": 0}
    pure = shattering_dimensionality(*cube_trials(rng, CUBE @ rng.normal(size=(3, 12))), **options)
    mixed = shattering_dimensionality(*cube_trials(rng, rng.normal(size=(8, 12))), **options)
    assert len(pure.scores) == 35
    assert pure.score == pytest.approx(pure.scores.mean())
    assert 0.5 < pure.score < mixed.score
    assert mixed.score > 0.9
    assert mixed.p_value == 1 / 40
    assert mixed.share_above_null == 1.0
    assert pure.share_above_null < 1.0  # some dichotomies of the cube are at chance for a line
    assert list(mixed.to_frame()["score"]) == list(mixed.scores)


def test_below_chance_is_not_decodable(rng):
    """Exclusive or of pure units is decoded below chance: one-sided p-values stay large."""
    code = np.repeat(np.arange(4), 6)
    corners = 6 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    activity = corners[code] + rng.normal(size=(24, 2))
    result = shattering_dimensionality(activity, code, n_permutations=50, random_state=0)
    xor = (result.dichotomies == [False, True, True, False]).all(axis=1)
    assert result.p_values[xor][0] > 0.05
    assert result.p_values[~xor].max() < 0.05
    assert result.share_above_null == pytest.approx(2 / 3)


def test_any_classifier(rng):
    code = np.repeat(np.arange(4), 15)
    corners = 8 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    activity = corners[code] + rng.normal(size=(60, 2))
    options = {"n_permutations": 2, "n_resamples": 1, "n_splits": 3, "random_state": 0}
    curved = shattering_dimensionality(activity, code, estimator=SVC(C=10), **options)
    straight = shattering_dimensionality(
        activity, code, estimator=LogisticRegression(), n_jobs=1, **options
    )
    assert curved.scores.min() > 0.9
    assert straight.scores.min() < 0.7
    assert curved.null.shape == (2, 3)


def test_units_not_recorded_together(rng):
    patterns = rng.normal(size=(4, 30))
    unit, code = (axis.ravel() for axis in np.indices((30, 40)))
    code = code % 4
    rates = patterns[code, unit] + 0.8 * rng.normal(size=len(unit))
    kept = rng.permutation(len(unit))[: len(unit) - 40]
    cells = make_container(rates[kept], {"unit": unit[kept], "condition": code[kept]})
    options = {"n_splits": 2, "n_trials": 4, "n_permutations": 30, "random_state": 0}
    result = shattering_dimensionality(cells, "condition", n_resamples=2, **options)
    assert result.score > 0.9
    assert result.p_value < 0.05
    assert abs(result.null.mean() - 0.5) < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_splits": 4}, "n_splits=4 folds need as many trials per condition, but there are 3"),
        ({"dichotomies": [0, 0, 0, 0]}, "leaves a class empty"),
        ({"n_splits": 1}, "n_splits"),
    ],
)
def test_bad_input(options, message):
    activity = np.arange(24.0).reshape(12, 2)
    with pytest.raises(ValueError, match=message):
        shattering_dimensionality(activity, np.repeat(np.arange(4), 3), **options)
    with pytest.raises(ValueError, match="activity must be finite"):
        shattering_dimensionality(activity * np.nan, np.repeat(np.arange(4), 3))
    with pytest.raises(ValueError, match="at least 2 trials"):
        shattering_dimensionality(activity, np.arange(12))
    with pytest.raises(ValueError, match="at least 2 different conditions"):
        shattering_dimensionality(activity, np.zeros(12))


def test_vertices_of_a_cube():
    result = separable_dichotomies(CUBE)
    assert (result.n_implementable, result.n_labellings) == (104, 256)
    assert (result.n_balanced_implementable, result.n_balanced) == (7, 35)
    assert result.dimensionality == pytest.approx(np.log2(104))


def test_linear_mixing_changes_nothing_and_products_raise_the_count(rng):
    mixed = CUBE @ rng.normal(size=(3, 11)) + rng.normal(size=11)
    assert separable_dichotomies(mixed).n_implementable == 104
    products = np.column_stack([CUBE, CUBE[:, 0] * CUBE[:, 1]])
    assert 104 < separable_dichotomies(products).n_implementable < 256
    assert separable_dichotomies(rng.normal(size=(8, 7))).n_implementable == 256


@pytest.mark.parametrize(("n_points", "n_dims"), [(5, 2), (6, 2), (6, 3), (7, 1)])
def test_points_in_general_position(rng, n_points, n_dims):
    """Cover (1965): twice the sum of binomial coefficients."""
    from scipy.special import comb

    expected = 2 * sum(comb(n_points - 1, k, exact=True) for k in range(n_dims + 1))
    points = rng.normal(size=(n_points, n_dims)) * 1e-6 + 5.0
    assert separable_dichotomies(points).n_implementable == expected


def test_equal_patterns_are_never_apart():
    result = separable_dichotomies([[0.1, 3.0], [0.1, 3.0], [2.0, 3.0]])
    assert result.n_implementable == 4
    assert not result.separable[(result.dichotomies[:, 0] != result.dichotomies[:, 1])].any()
    assert separable_dichotomies(np.ones((3, 2))).n_implementable == 2


def test_bad_patterns():
    with pytest.raises(ValueError, match=r"2 to 16 conditions, got shape \(1, 3\)"):
        separable_dichotomies([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match=r"got shape \(17, 2\)"):
        separable_dichotomies(np.ones((17, 2)))
    with pytest.raises(ValueError, match="patterns must be finite, but condition 0, unit 1 is NaN"):
        separable_dichotomies([[1.0, np.nan], [0.0, 0.0]])
