"""condensed_rdms against SciPy, rsatoolbox, closed forms and theorems."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group

from neuroselect.rsa import condensed_rdms

METRICS = ["euclidean", "sqeuclidean", "correlation", "cosine"]
seeds = st.integers(0, 2**32 - 1)
exact = settings(max_examples=30, deadline=None)


def scipy_rdms(patterns, metric="euclidean"):
    return np.array([pdist(system, metric) for system in patterns])


def draw(seed, n_systems=3, n_conditions=7, n_channels=5):
    return np.random.default_rng(seed).normal(size=(n_systems, n_conditions, n_channels))


@pytest.mark.parametrize("metric", METRICS)
@exact
@given(
    seed=seeds,
    n_systems=st.integers(1, 4),
    n_conditions=st.integers(2, 9),
    n_channels=st.integers(3, 30),
    offset=st.sampled_from([0.0, 1.0, 1e3]),
    spread=st.sampled_from([1e-3, 1.0, 1e3]),
)
def test_equals_scipy(metric, seed, n_systems, n_conditions, n_channels, offset, spread):
    patterns = offset + spread * draw(seed, n_systems, n_conditions, n_channels)
    rdms = condensed_rdms(patterns, metric)
    relative = 1e-12 if metric.endswith("euclidean") else 0
    assert_allclose(rdms, scipy_rdms(patterns, metric), rtol=relative, atol=1e-14 * (not relative))


@pytest.mark.parametrize("n_channels", [1, 2, 100, 20_000])
@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-7, 1e-3, 1e-2, 0.03, 0.1])
def test_near_duplicate_conditions(rng, n_channels, gap):
    patterns = rng.normal(size=(4, 6, n_channels)) + 10
    patterns[:, 3] = patterns[:, 0] + gap * rng.normal(size=(4, n_channels))
    patterns[:, 5] += 1e4  # an outlier makes all others near one another
    expected = scipy_rdms(patterns)
    for metric, distances in (("euclidean", expected), ("sqeuclidean", expected**2)):
        assert_allclose(condensed_rdms(patterns, metric), distances, rtol=1e-12, atol=0)


def test_identical_conditions_are_exactly_zero_apart(rng):
    patterns = np.repeat(rng.normal(size=(2, 1, 40)) + 0.1, 5, axis=1)
    for metric in METRICS:
        assert_array_equal(condensed_rdms(patterns, metric), 0)


@pytest.mark.parametrize("angle", [1e-7, 1e-4, 1e-2, 1.0, 3.0])
def test_small_angles_are_more_exact_than_one_minus_cosine(angle):
    plane = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]) / np.sqrt([[2.0], [6.0]])
    patterns = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]]) @ plane
    distance = 2 * np.sin(angle / 2) ** 2
    for metric in ("cosine", "correlation"):  # the plane is orthogonal to (1, 1, 1)
        got = condensed_rdms(patterns, metric)[0, 0]
        assert abs(got - distance) < 2e-15 * np.sqrt(distance)


def test_proportional_patterns_and_opposite_patterns(rng):
    pattern = rng.normal(size=30)
    rdm = condensed_rdms([pattern, 3 * pattern + 5, -pattern], "correlation")
    assert_allclose(rdm, [[0, 2, 2]], atol=1e-14)
    assert (rdm >= 0).all()


@pytest.mark.parametrize("metric", METRICS)
@exact
@given(seed=seeds)
def test_permuting_channels_changes_nothing(metric, seed):
    patterns = draw(seed)
    order = np.random.default_rng(seed).permutation(patterns.shape[2])
    permuted = condensed_rdms(patterns[:, :, order], metric)
    assert_allclose(permuted, condensed_rdms(patterns, metric), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine"])
@exact
@given(seed=seeds)
def test_rotating_channels_changes_nothing(metric, seed):
    patterns = draw(seed)
    rotation = ortho_group.rvs(patterns.shape[2], random_state=seed)
    assert_allclose(
        condensed_rdms(patterns @ rotation, metric),
        condensed_rdms(patterns, metric),
        rtol=1e-12,
        atol=1e-14,
    )


@exact
@given(seed=seeds, scale=st.floats(1e-6, 1e6))
def test_scaling(seed, scale):
    patterns = draw(seed)
    for metric, factor in zip(METRICS, [scale, scale**2, 1, 1], strict=True):
        scaled = condensed_rdms(scale * patterns, metric)
        assert_allclose(scaled, factor * condensed_rdms(patterns, metric), rtol=1e-11)


@exact
@given(seed=seeds)
def test_permuting_conditions_permutes_pairs(seed):
    patterns = draw(seed)
    order = np.random.default_rng(seed).permutation(patterns.shape[1])
    assert_allclose(condensed_rdms(patterns[:, order]), scipy_rdms(patterns[:, order]), rtol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_chunks_do_not_matter(rng, metric):
    patterns = rng.normal(size=(11, 6, 4))
    patterns[:, 1] = patterns[:, 0]
    expected = condensed_rdms(patterns, metric)
    for chunk_bytes in (1, 3000, 2**30):
        got = condensed_rdms(patterns, metric, chunk_bytes=chunk_bytes)
        assert_allclose(got, expected, rtol=1e-13, atol=1e-15)


def test_input_forms(rng):
    system = rng.integers(-5, 5, size=(4, 3))
    expected = pdist(system)[np.newaxis]
    kept = system.copy()
    assert_allclose(condensed_rdms(system), expected, rtol=1e-14)
    assert_allclose(condensed_rdms(system.tolist()), expected, rtol=1e-14)
    assert_allclose(condensed_rdms(system.astype(np.float32)[::-1]), scipy_rdms([system[::-1]]))
    assert condensed_rdms(system.astype(np.float32)).dtype == np.float64
    assert condensed_rdms(np.empty((0, 4, 3))).shape == (0, 6)
    assert_array_equal(system, kept)


def test_rsatoolbox_squares_and_divides_by_channels(rng):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    patterns = rng.normal(size=(3, 6, 10))
    datasets = [rsatoolbox.data.Dataset(system) for system in patterns]

    def theirs(method):
        return rsatoolbox.rdm.calc_rdm(datasets, method=method).dissimilarities

    assert_allclose(theirs("euclidean"), condensed_rdms(patterns, "sqeuclidean") / 10, rtol=1e-12)
    assert_allclose(theirs("correlation"), condensed_rdms(patterns, "correlation"), atol=1e-14)


@pytest.mark.parametrize(
    ("patterns", "metric", "match"),
    [
        (np.ones(3), "euclidean", r"patterns must have shape .* got shape \(3,\)"),
        (np.ones((2, 1, 3)), "euclidean", "at least 2 conditions"),
        (np.ones((2, 3, 0)), "euclidean", "1 channel"),
        (np.ones((2, 3), dtype=complex), "euclidean", "must be real numbers.*complex128"),
        ([["a", "b"], ["c", "d"]], "euclidean", "must be real numbers"),
        (np.ones((2, 3)), "cityblock", "metric must be one of .* got 'cityblock'"),
    ],
)
def test_bad_input(patterns, metric, match):
    with pytest.raises(ValueError, match=match):
        condensed_rdms(patterns, metric)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_patterns_are_located(rng, value):
    patterns = rng.normal(size=(9, 3, 4))
    patterns[7, 2, 1] = value
    with pytest.raises(ValueError, match=r"system 7, condition 2, channel 1 is (NaN|infinite)"):
        condensed_rdms(patterns, chunk_bytes=1)


@pytest.mark.parametrize(("metric", "value"), [("correlation", 0.1), ("cosine", 0.0)])
def test_undefined_patterns_are_located(rng, metric, value):
    patterns = rng.normal(size=(9, 3, 7))
    patterns[5, 2] = value
    with pytest.raises(ValueError, match=r"undefined .* condition 2 of system 5"):
        condensed_rdms(patterns, metric, chunk_bytes=1)
    assert np.isfinite(condensed_rdms(patterns)).all()


def test_finite_values_whose_sum_overflows_are_no_error():
    assert_array_equal(condensed_rdms(np.full((100, 2, 1), 1e307)), np.zeros((100, 1)))
