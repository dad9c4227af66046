"""Parallelism score against a plain loop, its biases, and bad input."""

import itertools

import numpy as np
import pytest

from neuroselect.geometry import parallelism_score, subspace_angle
from neuroselect.geometry._parallelism import _pairings, cross_validated, parallelism
from neuroselect.recordings import make_container


def slow_parallelism(means, side):
    """Best mean cosine over all pairings, one pair of vectors after the other."""
    first, second = np.flatnonzero(~side), np.flatnonzero(side)
    best = -np.inf
    for order in itertools.permutations(second):
        vectors = [means[b] - means[a] for a, b in zip(first, order, strict=True)]
        cosines = [
            np.cos(np.radians(subspace_angle(v, w, directed=True)))
            for v, w in itertools.combinations(vectors, 2)
        ]
        best = max(best, np.mean(cosines))
    return best


@pytest.mark.parametrize("n_conditions", [4, 6, 8])
def test_equals_a_loop_over_pairings(rng, n_conditions):
    means = rng.normal(size=(n_conditions, 5)) + 10.0
    result = parallelism_score(means, np.arange(n_conditions), n_null=2, random_state=0)
    expected = [slow_parallelism(means, side) for side in result.dichotomies]
    np.testing.assert_allclose(result.scores, expected, rtol=1e-9)
    assert result.null.shape == (2, len(expected))


def square(rng, signal, n_trials, n_units=40):
    axes = rng.normal(size=(2, n_units))
    axes *= signal / np.linalg.norm(axes, axis=1, keepdims=True)
    code = np.repeat(np.arange(4), n_trials)
    activity = (code // 2)[:, None] * axes[0] + (code % 2)[:, None] * axes[1]
    return activity + rng.normal(size=activity.shape), {"a": code // 2, "b": code % 2}


def test_noise_attenuates_and_cross_validation_corrects(rng):
    n_trials, n_units, signal = 20, 40, 2.0
    plain, corrected = [], []
    for _ in range(50):
        activity, conditions = square(rng, signal, n_trials, n_units)
        plain.append(parallelism_score(activity, conditions, "a", n_null=0).scores[0])
        sums = parallelism_score(
            activity, conditions, "a", n_null=0, cross_validate=True, n_resamples=2, random_state=0
        )
        corrected.append(sums.scores[0])
    noise = 2 * n_units / n_trials  # of a coding vector, summed over units
    # The mean of a ratio is close to, not at, the ratio of the means.
    assert np.mean(plain) == pytest.approx(signal**2 / (signal**2 + noise), abs=0.06)
    assert abs(np.mean(corrected) - 1) < 4 * np.std(corrected) / np.sqrt(50) + 0.05


def test_cross_validation_has_no_bias_on_pure_noise(rng):
    """Numerator and denominator average 0; the plain score is above 0 by the maximum."""
    trials = 10.0 + rng.normal(size=(400, 6, 8, 10))
    pairings = [_pairings(np.array([0, 0, 0, 1, 1, 1], dtype=bool))]
    for sums in cross_validated(trials, pairings)[..., 0]:
        assert abs(sums.mean()) < 4 * sums.std() / np.sqrt(400)
    plain = parallelism(trials.mean(axis=2), pairings)[:, 0]
    assert plain.mean() > 5 * plain.std() / np.sqrt(400)
    code = np.repeat(np.arange(6), 8)
    scores = [
        parallelism_score(
            each.reshape(48, 10), code, [0, 0, 0, 1, 1, 1], n_null=5, cross_validate=True
        )
        for each in trials[:12]
    ]
    without = [result for result in scores if np.isnan(result.scores[0])]
    assert without  # no squared length is left in about half of them
    assert np.isnan(without[0].p_values[0])


def test_p_values(rng):
    activity, conditions = square(rng, 3.0, 20)
    options = {"n_null": 99, "random_state": 0}
    for cross_validate in (False, True):
        result = parallelism_score(
            activity, conditions, "a", cross_validate=cross_validate, **options
        )
        assert result.p_values[0] < 0.05
    places = rng.normal(size=(120, 4, 10))
    p = [
        parallelism_score(each, np.arange(4), [0, 0, 1, 1], n_null=19, random_state=k).p_values[0]
        for k, each in enumerate(places)
    ]
    assert abs(np.mean(p) - 0.525) < 4 * np.sqrt(1 / 12 / 120)


def test_standardize_and_recordings(rng):
    activity, conditions = square(rng, 3.0, 20)
    scaled = activity * rng.uniform(0.1, 10, activity.shape[1])
    a, b = (
        parallelism_score(each, conditions, n_null=3, standardize=True, random_state=0)
        for each in (activity, scaled)
    )
    np.testing.assert_allclose(a.scores, b.scores)
    np.testing.assert_allclose(a.null, b.null)
    unit, trial = (axis.ravel() for axis in np.indices(activity.T.shape))
    cells = make_container(
        activity.T.ravel(), {"unit": unit, "a": conditions["a"][trial], "b": conditions["b"][trial]}
    )
    for options in ({}, {"standardize": True}):
        together = parallelism_score(activity, conditions, n_null=0, **options)
        apart = parallelism_score(cells, ["a", "b"], n_null=0, **options)
        np.testing.assert_allclose(apart.scores, together.scores)


@pytest.mark.parametrize(
    ("conditions", "options", "message"),
    [
        ([0, 1, 2, 3], {"dichotomies": [0, 0, 0, 1]}, "at least 2 conditions"),
        ([0, 1, 2, 3], {"dichotomies": [0, 0, 0, 0]}, "leaves a class empty"),
        ([0, 0, 1, 1], {}, "at least 2 conditions, one to hold out"),
        ([0, 1, 2, 3], {"cross_validate": True}, "at least 4 trials"),
    ],
)
def test_bad_input(conditions, options, message):
    with pytest.raises(ValueError, match=message):
        parallelism_score(np.eye(4), conditions, **options)


def test_sides_must_be_equal():
    with pytest.raises(ValueError, match="equally many, up to 7, but 'dichotomy 0' has 3 and 2"):
        parallelism_score(np.eye(5), np.arange(5), [0, 0, 0, 1, 1])
    with pytest.raises(ValueError, match="up to 7, but 'dichotomy 0' has 8 and 8"):
        parallelism_score(np.eye(16), np.arange(16), [[0] * 8 + [1] * 8])
