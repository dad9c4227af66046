"""Geo-topological RDMs, against loops that follow the definition."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist, squareform
from sklearn.pipeline import make_pipeline

from neuroselect.rsa import GeoTopologicalTransformer, RDMTransformer, condensed_rdms
from neuroselect.rsa._geo_topological import scaled_ranks


def slow_ranks(rdm):
    below = [sum(other < d for other in rdm) for d in rdm]
    equal = [sum(other == d for other in rdm) for d in rdm]
    return [(b + (e - 1) / 2) / (len(rdm) - 1) for b, e in zip(below, equal, strict=True)]


def slow_ramp(rdm, lower, upper):
    ranks = slow_ranks(rdm)
    low, high = np.quantile(ranks, lower), np.quantile(ranks, upper)
    out = []
    for r in ranks:
        if r <= low:
            out.append(0.0)
        elif r >= high:
            out.append(1.0)
        else:
            out.append((r - low) / (high - low))
    return out


def slow_paths(rdm, n_neighbors=None, edge_quantile=None):
    """Floyd and Warshall."""
    square = squareform(rdm)
    n = len(square)
    length = np.full((n, n), np.inf)
    for i in range(n):
        length[i, i] = 0
        others = sorted(square[i, j] for j in range(n) if j != i)
        for j in range(n):
            if edge_quantile is not None:
                keep = square[i, j] <= np.quantile(rdm, edge_quantile)
            else:
                keep = square[i, j] <= others[min(n_neighbors, n - 1) - 1]
            if keep and i != j:
                length[i, j] = length[j, i] = square[i, j]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                length[i, j] = min(length[i, j], length[i, k] + length[k, j])
    return squareform(length, checks=False)


@pytest.fixture
def rdms(rng):
    rdms = condensed_rdms(rng.normal(size=(4, 7, 3)))
    rdms[1] = rdms[1].round()  # ties
    rdms[2, :3] = 0
    return rdms


@pytest.mark.parametrize(("lower", "upper"), [(0, 1), (0.2, 0.8), (0.3, 0.35), (0, 0.5), (0.4, 1)])
def test_ramp(rdms, lower, upper):
    before = rdms.copy()
    result = GeoTopologicalTransformer(lower, upper).fit_transform(rdms)
    assert_allclose(result, [slow_ramp(rdm, lower, upper) for rdm in rdms], atol=1e-12)
    assert_array_equal(rdms, before)


def test_limits(rdms):
    ranks = GeoTopologicalTransformer(0, 1).fit_transform(rdms[[0, 3]])
    assert_allclose(ranks, [slow_ranks(rdm) for rdm in rdms[[0, 3]]])
    for quantile in (0, 0.3, 0.7, 1):
        binary = GeoTopologicalTransformer(quantile, quantile).fit_transform(rdms)
        thresholds = [np.quantile(slow_ranks(rdm), quantile) for rdm in rdms]
        expected = [np.array(slow_ranks(r)) > t for r, t in zip(rdms, thresholds, strict=True)]
        assert_array_equal(binary, np.array(expected, dtype=float))
        near = GeoTopologicalTransformer(max(quantile - 1e-9, 0), quantile).fit_transform(rdms[:1])
        assert_array_equal(near[near > 0], 1)
    assert not GeoTopologicalTransformer().fit_transform(np.ones((1, 6))).any()


@pytest.mark.parametrize("edges", [{"n_neighbors": 2}, {"n_neighbors": 50}, {"edge_quantile": 0.4}])
def test_geodesic(rdms, edges):
    result = GeoTopologicalTransformer(0.1, 0.9, **edges).fit_transform(rdms)
    expected = [slow_ramp(slow_paths(rdm, **edges).round(12), 0.1, 0.9) for rdm in rdms]
    assert_allclose(result, expected, atol=1e-9)


def test_geodesic_unrolls_a_spiral():
    angle = np.linspace(0.5, 4.5, 60) * np.pi
    points = np.column_stack([angle * np.cos(angle), angle * np.sin(angle)])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = scaled_ranks(pdist(np.r_[0, np.cumsum(steps)][:, np.newaxis])[np.newaxis])[0]
    straight, rolled = (
        GeoTopologicalTransformer(0, 1, n_neighbors=k).fit_transform(pdist(points)[np.newaxis])[0]
        for k in (None, 2)
    )
    assert np.corrcoef(rolled, along)[0, 1] > 0.99 > 0.7 > np.corrcoef(straight, along)[0, 1]


def test_no_path_is_farthest():
    points = np.array([0.0, 1.0, 3.0, 100.0, 101.5, 103.0])[:, np.newaxis]
    rdm = pdist(points)[np.newaxis]
    result = squareform(GeoTopologicalTransformer(0, 1, n_neighbors=1).fit_transform(rdm)[0])
    assert_array_equal(result[:3, 3:], result.max())
    assert result[:3, :3].max() < result.max()


def test_a_step_of_a_pipeline(rng):
    patterns = rng.normal(size=(3, 5, 4))
    steps = make_pipeline(RDMTransformer(), GeoTopologicalTransformer(0.2, 0.6))
    result = steps.fit_transform(patterns)
    expected = [slow_ramp(rdm, 0.2, 0.6) for rdm in condensed_rdms(patterns)]
    assert_allclose(result, expected, atol=1e-12)
    assert steps.get_feature_names_out()[:2].tolist() == ["rdm_0_1", "rdm_0_2"]
    monotone = GeoTopologicalTransformer(0.2, 0.6).fit_transform(condensed_rdms(patterns) ** 3)
    assert_allclose(monotone, result)


@pytest.mark.parametrize(
    ("options", "X", "match"),
    [
        ({"lower": 0.8, "upper": 0.2}, np.ones((1, 3)), "lower=0.8 and upper=0.2"),
        ({"lower": -1}, np.ones((1, 3)), "'lower' parameter"),
        (
            {"n_neighbors": 2, "edge_quantile": 0.5},
            np.ones((1, 3)),
            "two ways to choose edges, got n_neighbors=2 and edge_quantile=0.5",
        ),
        ({"n_neighbors": 2}, np.ones((1, 4)), "X must be condensed RDMs .* got 4"),
        ({"n_neighbors": 2}, -np.ones((1, 3)), "the RDM of system 0 has -1"),
        ({}, [[1.0, np.nan, 2.0]], "system 0, pair 1 is NaN"),
    ],
)
def test_bad_input(options, X, match):
    with pytest.raises(ValueError, match=match):
        GeoTopologicalTransformer(**options).fit(X)
