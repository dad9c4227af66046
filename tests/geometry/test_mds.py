"""classical_mds: exact for Euclidean distances, deterministic in sign."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist, squareform
from sklearn.decomposition import PCA

from neuroselect.geometry import classical_mds


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_conditions=st.integers(4, 15))
def test_euclidean_distances_come_back(seed, n_conditions):
    points = np.random.default_rng(seed).normal(size=(n_conditions, 3))
    rdm = pdist(points)
    coordinates, explained = classical_mds(rdm, 3)
    assert_allclose(pdist(coordinates), rdm, atol=1e-9)
    assert_allclose(coordinates.mean(axis=0), 0, atol=1e-12)
    assert_allclose(explained.sum(), 1)
    assert (np.diff(explained) <= 0).all()
    pca = PCA(3).fit(points)
    assert_allclose(abs(coordinates), abs(pca.transform(points)), atol=1e-7)
    assert_allclose(explained, pca.explained_variance_ratio_)


def test_share_of_summed_squared_distances(rng):
    rdm = pdist(rng.normal(size=(10, 6)))
    for n_components in (1, 2, 4):
        coordinates, explained = classical_mds(rdm, n_components)
        kept = (pdist(coordinates) ** 2).sum() / (rdm**2).sum()
        assert_allclose(explained.sum(), kept)


def test_square_equals_condensed(rng):
    rdm = pdist(rng.normal(size=(7, 4)))
    for one, other in zip(classical_mds(rdm), classical_mds(squareform(rdm)), strict=True):
        assert_array_equal(one, other)


def test_signs_survive_rounding():
    points = np.array(list(itertools.product([-2, -1, 0, 1, 2], [-0.5, 0, 0.5])), dtype=float)
    rdm = pdist(points)
    expected, _ = classical_mds(rdm, 2)
    assert expected[abs(expected).argmax(axis=0), [0, 1]].min() > 0
    for seed in range(20):
        noise = 1 + 1e-14 * np.random.default_rng(seed).normal(size=rdm.shape)
        assert_allclose(classical_mds(rdm * noise, 2)[0], expected, atol=1e-10)


def test_distances_that_are_not_euclidean():
    # Three conditions 2 apart, and one 1 away from each: nearer than any plane allows.
    rdm = np.array([[0, 2, 2, 1], [2, 0, 2, 1], [2, 2, 0, 1], [1, 1, 1, 0]], dtype=float)
    coordinates, explained = classical_mds(rdm, 3)
    assert explained.sum() < 0.99
    assert_array_equal(coordinates[:, 2], 0)
    assert_array_equal(explained[2], 0)


def test_squared_distances(rng):
    rdm = pdist(rng.normal(size=(7, 4)))
    for one, other in zip(classical_mds(rdm**2, squared=True), classical_mds(rdm), strict=True):
        assert_allclose(one, other, atol=1e-9)


def test_signed_distances_of_noise_have_no_map_of_their_own(rng):
    """Unbiased distances scatter around 0, and eigenvalues with them: both signs alike."""
    signed = squareform(rng.normal(size=1225))
    coordinates, explained = classical_mds(signed, 49, squared=True)
    share = explained.sum()
    assert 0.35 < share < 0.65
    centring = np.eye(50) - 1 / 50
    eigenvalues = np.linalg.eigvalsh(-centring @ signed @ centring / 2)
    kept = np.maximum(eigenvalues[::-1][:49], 0)
    assert_allclose(explained, kept / abs(eigenvalues).sum(), atol=1e-12)
    assert_allclose((coordinates**2).sum(axis=0), kept, atol=1e-9)


def test_missing_dimensions_and_identical_conditions():
    coordinates, explained = classical_mds(pdist(np.arange(4.0)[:, np.newaxis]), 3)
    assert_allclose(explained, [1, 0, 0], atol=1e-12)
    assert_array_equal(coordinates[:, 1:], 0)
    coordinates, explained = classical_mds(np.zeros(6), 2)
    assert_array_equal(coordinates, np.zeros((4, 2)))
    assert_array_equal(explained, [0, 0])


@pytest.mark.parametrize(
    ("rdm", "n_components", "match"),
    [
        (np.ones(5), 2, "5 entries, which is no number of pairs"),
        (np.ones(0), 1, "0 entries"),
        (np.ones((3, 2)), 2, r"got shape \(3, 2\)"),
        (np.ones((3, 3)), 2, "zeros on its diagonal"),
        (np.triu(np.ones((3, 3)), 1), 2, "symmetric"),
        (np.ones(6), 4, "n_components must be between 1 and 3, .* got 4"),
        (np.ones(6), 0, "n_components must be between 1 and 3, .* got 0"),
        ([1.0, np.nan, 1.0], 2, "finite distances"),
        ([1.0, -1.0, 1.0], 2, "at least 0, got -1.* squared=True"),
    ],
)
def test_bad_input(rdm, n_components, match):
    with pytest.raises(ValueError, match=match):
        classical_mds(rdm, n_components)
