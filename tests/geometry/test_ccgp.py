"""Cross-condition generalisation against plain loops, planted geometries and bad input."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.preprocessing import StandardScaler

from neuroselect.geometry import cross_condition_generalization, subspace_angle
from neuroselect.geometry._centroid_null import random_axes, random_centroids, relocated
from neuroselect.geometry._dichotomies import balanced_dichotomies
from neuroselect.recordings import make_container

CUBE = np.array(list(itertools.product([0, 1], repeat=3)))
NAMES = ["context", "value", "action"]


def factorised(rng, n_trials=12, n_units=20, noise=1.0, interaction=0.0):
    """Trials of 8 conditions with one axis per variable, and random places on top."""
    conditions = np.repeat(CUBE, n_trials, axis=0)
    axes = rng.normal(size=(3, n_units))
    places = interaction * rng.normal(size=(8, n_units))
    activity = (2 * conditions - 1) @ axes + np.repeat(places, n_trials, axis=0)
    activity += noise * rng.normal(size=activity.shape)
    return activity, pd.DataFrame(conditions, columns=NAMES)


def slow_ccgp(activity, code, side, make_estimator):
    """One fit for each choice of two conditions."""
    accuracies = []
    for i, j in itertools.product(np.flatnonzero(side), np.flatnonzero(~side)):
        test = np.isin(code, [i, j])
        scaler = StandardScaler().fit(activity[~test])
        decoder = make_estimator().fit(scaler.transform(activity[~test]), side[code[~test]])
        accuracies.append(decoder.score(scaler.transform(activity[test]), side[code[test]]))
    return np.mean(accuracies)


@pytest.mark.parametrize("n_units", [7, 90], ids=["primal", "dual"])
def test_equals_one_fit_per_choice(rng, n_units):
    activity, conditions = factorised(rng, 8, n_units, noise=4.0, interaction=1.0)
    activity = 3.0 * activity + 100.0
    code = np.repeat(np.arange(8), 8)
    result = cross_condition_generalization(activity, conditions, n_null=0)
    assert result.scores.shape == (35,)
    some = rng.choice(35, 4, replace=False)

    def ridge():
        return RidgeClassifier(alpha=n_units, class_weight="balanced")

    expected = [slow_ccgp(activity, code, result.dichotomies[k], ridge) for k in some]
    np.testing.assert_allclose(result.scores[some], expected, atol=1e-12)


def test_sides_of_unequal_size_and_any_classifier(rng):
    activity, conditions = factorised(rng, 6, 10, noise=3.0)
    code = np.repeat(np.arange(8), 6)
    side = np.array([1, 1, 0, 0, 0, 0, 1, 0], dtype=bool)
    for estimator, make in [
        (None, lambda: RidgeClassifier(alpha=10, class_weight="balanced")),
        (LogisticRegression(C=0.1), lambda: LogisticRegression(C=0.1)),
    ]:
        result = cross_condition_generalization(
            activity, conditions, {"odd": side}, estimator=estimator, n_null=0
        )
        assert result.names == ["odd"]
        np.testing.assert_allclose(result.scores, slow_ccgp(activity, code, side, make))


def test_null_of_any_classifier_is_that_of_the_closed_form(rng):
    activity, conditions = factorised(rng, 5, 6, noise=2.0)
    options = {"dichotomies": ["value"], "n_null": 3, "random_state": 5}
    ours = cross_condition_generalization(activity, conditions, **options)
    ridge = RidgeClassifier(alpha=6, class_weight="balanced")
    theirs = cross_condition_generalization(activity, conditions, estimator=ridge, **options)
    np.testing.assert_allclose(ours.null, theirs.null)
    assert ours.null.shape == (3, 1)


def test_abstract_variables_generalise_and_random_places_do_not(rng):
    activity, conditions = factorised(rng)
    result = cross_condition_generalization(
        activity, conditions, NAMES, n_null=99, random_state=rng.integers(1000)
    )
    assert (result.scores > 0.9).all()
    assert (result.p_values <= 0.05).all()
    places = rng.normal(size=(8, 20))[np.repeat(np.arange(8), 12)]
    shuffled = places + 0.3 * rng.normal(size=places.shape)
    result = cross_condition_generalization(shuffled, conditions, NAMES, n_null=99, random_state=0)
    assert result.null.std() > 0.1  # random places generalise a lot, in either direction
    assert result.p_values.mean() > 0.02


def test_reversed_code_is_below_the_null(rng):
    sign = np.array([1, -1, -1, 1])  # value reverses with context: exclusive or
    code = np.repeat(np.arange(4), 20)
    activity = sign[code, None] * rng.normal(size=15) + 0.5 * rng.normal(size=(80, 15))
    conditions = {"context": code // 2, "value": code % 2}
    options = {"dichotomies": "value", "n_null": 99, "random_state": 0}
    below = cross_condition_generalization(activity, conditions, alternative="less", **options)
    above = cross_condition_generalization(activity, conditions, **options)
    both = cross_condition_generalization(activity, conditions, alternative="two-sided", **options)
    assert below.scores[0] < 0.35  # 0 if a context is held out, .5 if a diagonal is
    assert below.p_values[0] + above.p_values[0] >= 1.01
    assert above.p_values[0] > 0.7
    assert both.p_values[0] == pytest.approx(min(1, 2 * min(below.p_values[0], above.p_values[0])))


def test_invariances(rng):
    activity, conditions = factorised(rng, noise=3.0)
    options = {"dichotomies": NAMES, "n_null": 20, "random_state": 1}
    result = cross_condition_generalization(activity, conditions, **options)
    scaled = activity * rng.uniform(0.1, 10, 20) + rng.normal(size=20)
    again = cross_condition_generalization(scaled, conditions, **options)
    np.testing.assert_allclose(again.scores, result.scores)
    np.testing.assert_allclose(again.null, result.null)
    order = rng.permutation(len(activity))
    moved = cross_condition_generalization(activity[order], conditions.iloc[order], **options)
    np.testing.assert_allclose(moved.scores, result.scores)


def test_unequal_counts_are_drawn_and_repeat_with_the_seed(rng):
    activity, conditions = factorised(rng, noise=3.0)
    kept = np.r_[0:90]  # the last condition has 6 trials
    options = {"dichotomies": NAMES, "n_null": 5, "n_resamples": 3, "random_state": 7}
    first = cross_condition_generalization(activity[kept], conditions.iloc[kept], **options)
    second = cross_condition_generalization(activity[kept], conditions.iloc[kept], **options)
    np.testing.assert_array_equal(first.null, second.null)
    np.testing.assert_array_equal(first.scores, second.scores)
    other = cross_condition_generalization(
        activity[kept], conditions.iloc[kept], **{**options, "random_state": 8}
    )
    assert (other.scores != first.scores).any()


def test_units_not_recorded_together(rng):
    activity, conditions = factorised(rng, n_trials=10, n_units=15)
    parts = []
    for unit in range(15):  # trials of units in another order, and not equally many
        rows = rng.permutation(80)[: 80 - rng.integers(0, 4)]
        parts.append(conditions.iloc[rows].assign(unit=unit, rate=activity[rows, unit]))
    table = pd.concat(parts, ignore_index=True)
    cells = make_container(table["rate"].to_numpy(), table.drop(columns="rate"))
    result = cross_condition_generalization(cells, NAMES, ["value"], n_null=50, random_state=0)
    assert result.scores[0] > 0.9
    assert result.p_values[0] < 0.05


def test_null_keeps_variance_and_decodability(rng):
    centroids = rng.normal(size=(6, 9)) + 4.0
    drawn = random_centroids(centroids, 50, rng)
    np.testing.assert_allclose(drawn.mean(axis=1), np.tile(centroids.mean(axis=0), (50, 1)))
    spread = ((drawn - drawn.mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2))
    np.testing.assert_allclose(spread, ((centroids - centroids.mean(axis=0)) ** 2).sum())
    assert abs(np.cos(np.radians(subspace_angle(drawn[0, 0], drawn[1, 0])))) < 1
    residuals = rng.normal(size=(6, 4, 9))
    residuals -= residuals.mean(axis=1, keepdims=True)
    axes = random_axes(drawn.shape, rng)
    moved = relocated(residuals, drawn, axes)
    np.testing.assert_allclose(moved.mean(axis=2), drawn)
    for b, c in [(0, 0), (3, 5)]:
        np.testing.assert_allclose(moved[b, c] - drawn[b, c], residuals[c][:, axes[b, c]])
    assert (axes[:, 0] != axes[:, 1]).any()


@pytest.mark.parametrize(("n", "count"), [(2, 1), (3, 3), (4, 3), (5, 10), (6, 10), (8, 35)])
def test_balanced_dichotomies(n, count):
    sides = balanced_dichotomies(n)
    assert len(np.unique(sides, axis=0)) == len(sides) == count
    assert not sides[:, 0].any()
    assert set(np.minimum(sides.sum(axis=1), (~sides).sum(axis=1))) == {n // 2}


def test_table_and_names(rng):
    activity, conditions = factorised(rng, 3, 5)
    result = cross_condition_generalization(activity, conditions, n_null=4, random_state=0)
    table = result.to_frame()
    assert list(table) == ["dichotomy", "score", "null_mean", "null_std", "p_value"]
    assert set(NAMES) < set(table["dichotomy"])
    row = table.set_index("dichotomy").loc["value"]
    named = cross_condition_generalization(activity, conditions, "value", n_null=0)
    assert row["score"] == named.scores[0]
    assert np.isnan(named.p_values).all()
    assert named.to_frame()["null_mean"].isna().all()


@pytest.mark.parametrize("estimator", [None, LogisticRegression()])
def test_patterns_without_noise(rng, estimator):
    """One trial a condition, as a network has: training conditions are all that there is."""
    signed = 2 * CUBE - 1
    patterns = signed @ rng.normal(size=(3, 20)) + 0.1 * rng.normal(size=(8, 20))
    sides = {"one": signed[:, 0] > 0, "of all": signed.prod(axis=1) > 0}
    result = cross_condition_generalization(
        patterns, np.arange(8), sides, estimator=estimator, n_null=9, random_state=0
    )
    decoder = estimator or RidgeClassifier(alpha=20, class_weight="balanced")
    expected = [slow_ccgp(patterns, np.arange(8), s, lambda: decoder) for s in sides.values()]
    assert result.scores == pytest.approx(expected)
    assert result.scores[0] > 0.8 > result.scores[1]
    assert 0.1 < result.null.mean() < 0.9


LABELS = np.repeat(np.arange(4), 3)
GOOD = np.arange(24.0).reshape(12, 2) % 7


@pytest.mark.parametrize(
    ("activity", "conditions", "options", "message"),
    [
        (GOOD, LABELS * 0, {}, "at least 2 different conditions, got 1"),
        (np.where(GOOD == 3, np.nan, GOOD), LABELS, {}, "activity must be finite, but trial"),
        (GOOD, LABELS, {"dichotomies": [[1, 1, 1, 1]]}, "leaves a class empty: all 4 conditions"),
        (GOOD, LABELS, {"dichotomies": [0, 1, 1, 1]}, "at least 2 conditions, one to hold out"),
        (GOOD, LABELS, {"dichotomies": [0, 1, 1]}, r"each of the 4 conditions.*got shape \(1, 3\)"),
        (GOOD, LABELS, {"dichotomies": [0, 1, 2, 1]}, "must be boolean labellings"),
        (GOOD, LABELS, {"dichotomies": "task"}, "dichotomies must be 'all', columns.*got 'task'"),
        (GOOD, LABELS, {"dichotomies": "condition"}, "must have 2 values, 'condition' has 4"),
        (GOOD, LABELS, {"n_trials": 5}, "n_trials must be from 1 to 3.* got 5"),
        (GOOD, LABELS[:11], {}, "one entry per trial of activity, got 11 for 12"),
        (GOOD[:, 0], LABELS, {}, r"activity must be numbers of shape.*got shape \(12,\)"),
        (GOOD, GOOD, {}, r"conditions must be labels.*got shape \(12, 2\)"),
        (GOOD, None, {}, "conditions must hold the condition of each trial"),
        (GOOD, "task", {}, "names of columns need a recording"),
        (GOOD, {"unit": LABELS}, {}, "must not have a column 'unit'"),
        (GOOD, LABELS, {"estimator": 3}, "estimator"),
        (GOOD, LABELS, {"alternative": "more"}, "alternative"),
    ],
)
def test_bad_input(activity, conditions, options, message):
    with pytest.raises(ValueError, match=message):
        cross_condition_generalization(activity, conditions, **options)


def test_bad_recordings():
    times = make_container(np.zeros((4, 2, 3)), {"side": [0, 0, 1, 1]}, time=[0, 10])
    with pytest.raises(ValueError, match="no time axis, or one bin, got 2"):
        cross_condition_generalization(times, "side")
    with pytest.raises(ValueError, match="must name columns of the trials of the recording"):
        cross_condition_generalization(times, np.array([0, 0, 1, 1]))
    cells = make_container(np.arange(5.0), {"unit": [0, 0, 0, 0, 1], "side": [0, 1, 0, 1, 1]})
    with pytest.raises(
        ValueError, match=r"1 trial of every unit, but \{'side': 0\} has 0 of unit 1"
    ):
        cross_condition_generalization(cells, "side")
    with pytest.raises(ValueError, match="30 conditions have 77558760 balanced dichotomies"):
        cross_condition_generalization(np.ones((60, 1)), np.repeat(np.arange(30), 2))


def test_one_bin_is_as_no_time(rng):
    activity, conditions = factorised(rng, 3, 5)
    plain = cross_condition_generalization(activity, conditions, n_null=0)
    bins = make_container(activity[:, None], conditions, time=[50.0])
    np.testing.assert_array_equal(
        cross_condition_generalization(bins, NAMES, n_null=0).scores, plain.scores
    )
