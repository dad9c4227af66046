"""Participation ratio and spectrum against closed forms and bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import ortho_group
from sklearn.decomposition import PCA

from neuroselect.geometry import explained_variance, participation_ratio

seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("n_units", [1, 2, 5])
def test_equal_variance_on_n_axes(n_units):
    activity = np.vstack([np.eye(n_units), -np.eye(n_units)])
    assert_allclose(participation_ratio(activity), n_units)
    assert_allclose(explained_variance(activity), np.full(n_units, 1 / n_units))


def test_known_spectrum(rng):
    variances = np.array([5.0, 3.0, 1.0, 0.5])
    axes = ortho_group.rvs(4, random_state=rng)
    scores = np.linalg.qr(np.column_stack([np.ones(30), rng.normal(size=(30, 4))]))[0][:, 1:]
    activity = scores * np.sqrt(variances) @ axes + rng.normal(size=4)
    assert_allclose(explained_variance(activity), variances / variances.sum())
    assert_allclose(participation_ratio(activity), variances.sum() ** 2 / (variances**2).sum())


@settings(max_examples=40, deadline=None)
@given(
    seed=seeds,
    n_trials=st.integers(2, 12),
    n_units=st.integers(2, 12),
    center=st.booleans(),
    scale=st.sampled_from([1e-150, 1e-3, 1.0, 1e150]),
)
def test_bounds_and_invariance(seed, n_trials, n_units, center, scale):
    rng = np.random.default_rng(seed)
    activity = rng.normal(size=(n_trials, n_units)) + 1
    ratio = participation_ratio(activity, center=center)
    assert 1 - 1e-12 <= ratio <= min(n_trials - center, n_units) + 1e-12

    rotation = ortho_group.rvs(n_units, random_state=seed)
    turned = scale * (activity @ rotation)[rng.permutation(n_trials)]
    same = participation_ratio(turned, center=center)
    assert_allclose(same, ratio, rtol=1e-9)

    shares = explained_variance(activity, center=center)
    assert shares.shape == (min(n_trials, n_units),)
    assert_allclose(shares.sum(), 1)
    assert (np.diff(shares) <= 0).all()
    assert_allclose(1 / (shares**2).sum(), ratio, rtol=1e-9)


def test_equals_pca(rng):
    activity = rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) + 3
    assert_allclose(explained_variance(activity), PCA().fit(activity).explained_variance_ratio_)


@pytest.mark.parametrize("center", [True, False])
def test_stacks_equal_the_loop(rng, center):
    activity = rng.normal(size=(3, 8, 5)) + 1
    for function in (participation_ratio, explained_variance):
        expected = [function(system, center=center) for system in activity]
        assert_allclose(function(activity, center=center), expected, rtol=1e-14)


def test_the_mean_counts_only_uncentred():
    activity = np.array([[10.0, 1.0], [10.0, -1.0]])
    assert participation_ratio(activity) == 1
    assert_allclose(participation_ratio(activity, center=False), (100 + 1) ** 2 / (100**2 + 1))


def test_no_variance_is_nan_without_warning():
    silent = np.zeros((5, 3))
    constant = np.full((5, 3), 0.1)  # whose mean is not 0.1 in floating point
    rounding = np.array([[0.3], [0.1 + 0.2]])
    for activity in (silent, constant, rounding):
        assert np.isnan(participation_ratio(activity))
        assert np.isnan(explained_variance(activity)).all()
    assert np.isnan(participation_ratio(silent, center=False))
    assert_allclose(participation_ratio(constant, center=False), 1)
    mixed = np.stack([silent, np.eye(5, 3)])
    assert np.isnan(participation_ratio(mixed)).tolist() == [True, False]


def test_silent_units_do_not_count(rng):
    activity = rng.normal(size=(20, 4))
    padded = np.hstack([activity, np.zeros((20, 30)), np.full((20, 2), 0.1)])
    assert_allclose(participation_ratio(padded), participation_ratio(activity), rtol=1e-12)


@pytest.mark.parametrize("function", [participation_ratio, explained_variance])
@pytest.mark.parametrize(
    ("activity", "match"),
    [
        (np.ones(3), r"activity must have shape .* got shape \(3,\)"),
        (np.ones((0, 3)), "at least one entry on each axis"),
        ([[1.0, np.nan], [0.0, 1.0]], "activity must be finite, got 1 NaN"),
    ],
)
def test_bad_input(function, activity, match):
    with pytest.raises(ValueError, match=match):
        function(activity)
