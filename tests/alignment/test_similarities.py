"""CKA, canonical correlations and shape distances against slow definitions and theorems."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes, subspace_angles
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group

from neuroselect.alignment import (
    angular_distance,
    canonical_correlations,
    cca_similarity,
    linear_cka,
    procrustes_distance,
    procrustes_similarity,
    rsa_similarity,
)
from neuroselect.regime import representation_alignment

SIMILARITIES = [
    linear_cka,
    lambda *pair: linear_cka(*pair, debiased=True),
    cca_similarity,
    procrustes_similarity,
    rsa_similarity,
]
NAMES = ["cka", "debiased", "cca", "procrustes", "rsa"]


def slow_hsic(K, L, unbiased):
    """The estimators of HSIC written out, trials by trials."""
    n = len(K)
    if not unbiased:
        H = np.eye(n) - 1 / n
        return np.trace(K @ H @ L @ H) / (n - 1) ** 2
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    one = np.ones(n)
    first = np.trace(K @ L)
    second = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    third = 2 / (n - 2) * (one @ K @ L @ one)
    return (first + second - third) / (n * (n - 3))


def slow_cka(a, b, unbiased):
    K, L = a @ a.T, b @ b.T
    norm = slow_hsic(K, K, unbiased) * slow_hsic(L, L, unbiased)
    return slow_hsic(K, L, unbiased) / np.sqrt(norm)


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("shapes", [(12, 5, 7), (8, 20, 3), (9, 15, 30)])
def test_cka_is_its_definition(rng, shapes, debiased):
    n, p, q = shapes
    a, b = rng.normal(3, 1, (n, p)), rng.normal(-1, 1, (n, q))
    assert linear_cka(a, b, debiased=debiased) == pytest.approx(slow_cka(a, b, debiased), abs=1e-9)


def test_biased_cka_is_the_centred_representation_alignment(rng):
    a, b = rng.normal(size=(2, 20, 6))
    expected = representation_alignment(a, b, center=True)
    assert linear_cka(a, b) == pytest.approx(expected, abs=1e-12)


def test_unbiased_cka_averages_zero_on_unrelated_systems_and_the_biased_does_not(rng):
    values = {False: [], True: []}
    for _ in range(200):
        a, b = rng.normal(size=(15, 40)), rng.normal(size=(15, 40))
        for debiased, kept in values.items():
            kept.append(linear_cka(a, b, debiased=debiased))
    mean = np.mean(values[True])
    assert abs(mean) < 4 * np.std(values[True]) / np.sqrt(200)
    assert np.mean(values[False]) > 0.5


@pytest.mark.parametrize("similarity", SIMILARITIES, ids=NAMES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_invariances(similarity, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(30, 4)), rng.normal(size=(30, 6))
    turned = 2.5 * a @ ortho_group.rvs(4, random_state=seed % 2**31) + rng.normal(size=4)
    value = similarity(a, b)
    assert similarity(a, a) == pytest.approx(1, abs=1e-9)
    assert similarity(a, turned) == pytest.approx(1, abs=1e-9)
    assert similarity(turned, b) == pytest.approx(value, abs=1e-9)
    assert similarity(b, a) == pytest.approx(value, abs=1e-12)
    assert similarity(a[:, ::-1], b) == pytest.approx(value, abs=1e-9)
    assert value < 1


@pytest.mark.parametrize("similarity", SIMILARITIES, ids=NAMES)
def test_many_systems_at_once(similarity, rng):
    systems = [rng.normal(size=(25, p)) for p in (3, 5, 4)]
    square = similarity(systems)
    assert np.allclose(np.diag(square), 1)
    for i, j in combinations(range(3), 2):
        assert square[i, j] == square[j, i] == pytest.approx(similarity(systems[i], systems[j]))
    assert np.allclose(similarity(systems, systems[0])[1:], square[1:, 0], atol=1e-12)
    assert np.allclose(similarity(systems[0], systems)[1:], square[0, 1:], atol=1e-12)
    assert similarity(systems, systems[:2]).shape == (3, 2)


def test_rsa_is_a_correlation_of_distances_and_whitened_it_is_cka(rng):
    a, b = rng.normal(size=(12, 4)), rng.normal(size=(12, 9))
    expected = np.corrcoef(pdist(a), pdist(b))[0, 1]
    assert rsa_similarity(a, b) == pytest.approx(expected, abs=1e-12)
    whitened = rsa_similarity(a, b, metric="sqeuclidean", comparison="cosine_cov")
    assert whitened == pytest.approx(linear_cka(a, b), abs=1e-9)
    with pytest.raises(ValueError, match="comparison='bures_metric' is a distance"):
        rsa_similarity(a, b, comparison="bures_metric")
    with pytest.raises(ValueError, match="at least 3 conditions to be compared, got 2"):
        rsa_similarity(a[:2], b[:2])


def test_canonical_correlations_are_cosines_of_principal_angles(rng):
    a, b = rng.normal(2, 1, (40, 5)), rng.normal(size=(40, 3))
    expected = np.cos(subspace_angles(a - a.mean(0), b - b.mean(0)))
    assert np.allclose(canonical_correlations(a, b), np.sort(expected)[::-1], atol=1e-10)
    assert cca_similarity(a, b) == pytest.approx(expected.mean())


def test_svcca_leaves_small_components_out(rng):
    shared = rng.normal(size=(60, 2))
    a = np.hstack([10 * shared, 1e-3 * rng.normal(size=(60, 10))])
    b = np.hstack([10 * shared[:, ::-1], 1e-3 * rng.normal(size=(60, 10))])
    assert len(canonical_correlations(a, b, variance_kept=0.99)) == 2
    assert cca_similarity(a, b, variance_kept=0.99) > 0.999
    assert cca_similarity(a, b) < 0.9
    assert len(canonical_correlations(a, b, n_components=4)) == 4


def test_procrustes_against_scipy(rng):
    a, b = rng.normal(size=(2, 30, 4))
    a, b = ((x - x.mean(0)) / np.linalg.norm(x - x.mean(0)) for x in (a, b))
    turn, reached = orthogonal_procrustes(a, b)
    assert procrustes_similarity(a, b) == pytest.approx(reached, abs=1e-12)
    assert procrustes_distance(a, b) == pytest.approx(np.linalg.norm(a @ turn - b), abs=1e-12)
    assert procrustes_distance(3 * a, 3 * b, scale=False) == pytest.approx(
        3 * procrustes_distance(a, b)
    )
    assert angular_distance(a, b) == pytest.approx(np.arccos(reached), abs=1e-10)


@pytest.mark.parametrize("distance", [angular_distance, procrustes_distance])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_units=st.tuples(*[st.integers(1, 6)] * 3))
def test_distances_are_metrics(distance, seed, n_units):
    rng = np.random.default_rng(seed)
    systems = [rng.normal(size=(8, p)) for p in n_units]
    d = distance(systems)
    assert np.allclose(d, d.T)
    assert (np.diag(d) < 1e-9).all()
    assert d[0, 2] <= d[0, 1] + d[1, 2] + 1e-9


def test_distance_of_a_rotated_copy_is_zero_to_rounding(rng, seed):
    a = rng.normal(size=(30, 5))
    turned = a @ ortho_group.rvs(5, random_state=seed)
    wide = np.hstack([turned, np.zeros((30, 2))])
    assert angular_distance(a, wide) < 1e-12
    assert procrustes_distance(wide, a) < 1e-12


def test_a_constant_system_has_no_similarity(rng):
    a, flat = rng.normal(size=(12, 3)), np.full((12, 4), 0.1)
    assert np.isnan(linear_cka(a, flat))
    assert np.isnan(linear_cka(a, flat, debiased=True))
    assert np.isnan(procrustes_similarity(a, flat))
    assert np.isnan(angular_distance(flat, a))
    with pytest.raises(ValueError, match="constant over trials"):
        cca_similarity(a, flat)


def test_bad_input(rng):
    a, b = rng.normal(size=(10, 4)), rng.normal(size=(10, 6))
    with pytest.raises(ValueError, match="same trials in the same order, got 10 and 9"):
        linear_cka(a, b[:9])
    with pytest.raises(ValueError, match=r"a\[0\] and b\[1\] must have the same trials"):
        linear_cka([a, a], [a, a[:5]])
    with pytest.raises(ValueError, match="b must be given if a is one system"):
        procrustes_similarity(a)
    with pytest.raises(ValueError, match=r"a must have shape \(n_trials, n_units\), or hold"):
        linear_cka(a[0], b)
    with pytest.raises(ValueError, match="at least 2 trials and 1 unit"):
        linear_cka(a[:1], b[:1])
    with pytest.raises(ValueError, match="b must be finite, got 1 NaN"):
        linear_cka(a, np.where(b == b[0, 0], np.nan, b))
    with pytest.raises(ValueError, match="debiased=True needs at least 4 trials, got 3"):
        linear_cka(a[:3], b[:3], debiased=True)
    with pytest.raises(ValueError, match="4 and 6 components, in 10 trials"):
        cca_similarity(a, b)
    with pytest.raises(ValueError, match="variance_kept must be above 0 and at most 1"):
        cca_similarity(a, b, variance_kept=0)
    with pytest.raises(ValueError, match="n_components must be None or at least 1"):
        canonical_correlations(a, b, n_components=0)
