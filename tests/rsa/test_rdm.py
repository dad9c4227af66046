"""condensed_rdms against SciPy, rsatoolbox, closed forms and theorems."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist, squareform
from scipy.stats import ortho_group

from neuroselect.rsa import RDMTransformer, condensed_rdms, cross_run_rdms
from neuroselect.rsa._differences import torch_product

METRICS = ["euclidean", "sqeuclidean", "correlation", "cosine"]
EVERY = [*METRICS, "mahalanobis", "poisson"]
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


@pytest.mark.parametrize("metric", [*EVERY, "crossnobis", "poisson_cv"])
@exact
@given(seed=seeds)
def test_permuting_conditions_permutes_pairs(metric, seed):
    """So that the square form is symmetric; where two conditions are the same it is 0."""
    patterns = abs(draw(seed, n_systems=4))
    order = np.random.default_rng(seed).permutation(patterns.shape[1])
    before = squareform(condensed_rdms(patterns, metric)[0])
    after = squareform(condensed_rdms(patterns[:, order], metric)[0])
    assert_allclose(after, before[np.ix_(order, order)], rtol=1e-10, atol=1e-13)
    patterns[:, 2] = patterns[:, 5]
    assert squareform(condensed_rdms(patterns, metric)[0])[2, 5] == 0


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


@pytest.mark.parametrize("metric", [*EVERY, "crossnobis", "poisson_cv"])
def test_memory_layouts(rng, metric):
    """Fortran order, steps, read-only and single precision."""
    patterns = rng.gamma(2, size=(4, 3, 6, 5)).astype(np.float32)
    patterns = patterns if metric in ("crossnobis", "poisson_cv") else patterns[:, 0]
    expected = condensed_rdms(patterns.astype(np.float64), metric)
    forms = [
        np.asfortranarray(patterns),
        patterns[::-1][::-1],
        np.repeat(patterns, 2, -1)[..., ::2],
    ]
    frozen = patterns.copy()
    frozen.flags.writeable = False
    for form in [*forms, frozen, patterns.tolist()]:
        kept = np.array(form)
        assert_allclose(condensed_rdms(form, metric), expected, rtol=1e-10, atol=1e-14)
        assert_array_equal(form, kept)


@pytest.mark.parametrize(
    ("metric", "change"),
    [
        ("mahalanobis", {"noise": np.diag([1.0, 2, 3, 4, 5])}),
        ("crossnobis", {"noise": np.diag([1.0, 2, 3, 4, 5])}),
        ("crossnobis", {"noise": "diagonal"}),
        ("crossnobis", {"noise": "ledoit_wolf"}),
        ("poisson", {"prior_lambda": 3.0}),
        ("poisson", {"prior_weight": 0.5}),
        ("poisson_cv", {"prior_lambda": 3.0}),
        ("poisson_cv", {"prior_weight": 0.5}),
    ],
)
def test_no_argument_is_ignored(rng, metric, change):
    patterns = rng.gamma(2, size=(4, 3, 6, 5))
    patterns = patterns if metric in ("crossnobis", "poisson_cv") else patterns[:, 0]
    plain, changed = condensed_rdms(patterns, metric), condensed_rdms(patterns, metric, **change)
    assert (abs(plain - changed) > 1e-6 * abs(plain)).all()
    transformer = RDMTransformer(metric, **change)
    assert_array_equal(transformer.fit_transform(patterns), changed)


def test_rsatoolbox_squares_and_divides_by_channels(rng):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    patterns = rng.normal(size=(3, 6, 10))
    datasets = [rsatoolbox.data.Dataset(system) for system in patterns]

    def theirs(method):
        return rsatoolbox.rdm.calc_rdm(datasets, method=method).dissimilarities

    assert_allclose(theirs("euclidean"), condensed_rdms(patterns, "sqeuclidean") / 10, rtol=1e-12)
    assert_allclose(theirs("correlation"), condensed_rdms(patterns, "correlation"), atol=1e-14)


def draw_precision(rng, n_channels=5):
    return np.linalg.inv(np.cov(rng.normal(size=(n_channels, 40))))


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_mahalanobis_equals_scipy(rng, offset):
    patterns = offset + rng.normal(size=(3, 7, 5))
    noise = np.array([draw_precision(rng) for _ in range(3)])
    expected = [pdist(x, "mahalanobis", VI=VI) for x, VI in zip(patterns, noise, strict=True)]
    tolerance = 1e-12 * (1 + offset)
    assert_allclose(condensed_rdms(patterns, "mahalanobis", noise=noise), expected, rtol=tolerance)
    common = condensed_rdms(patterns, "mahalanobis", noise=noise[0], chunk_bytes=1)
    assert_allclose(common[0], expected[0], rtol=tolerance)
    assert_allclose(
        condensed_rdms(patterns, "mahalanobis"), condensed_rdms(patterns), rtol=tolerance
    )


def test_rsatoolbox_squares_mahalanobis_distances(rng):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    patterns, noise = rng.normal(size=(6, 5)), draw_precision(rng)
    theirs = rsatoolbox.rdm.calc_rdm(
        rsatoolbox.data.Dataset(patterns), method="mahalanobis", noise=noise
    )
    ours = condensed_rdms(patterns, "mahalanobis", noise=noise) ** 2 / 5
    assert_allclose(theirs.dissimilarities, ours, rtol=1e-10)


@pytest.mark.parametrize("prior", [(1.0, 0.1), (2.5, 1.0), (1.0, 0.0)])
def test_poisson(rng, prior):
    """Mean over channels of both Kullback-Leibler divergences; rsatoolbox's, too."""
    rsatoolbox = pytest.importorskip("rsatoolbox")
    rates = rng.gamma(2, 3, size=(6, 5))
    rates[3] = rates[2] * (1 + 1e-7)  # nearly the same
    names = dict(zip(("prior_lambda", "prior_weight"), prior, strict=True))
    shrunk = (rates + prior[0] * prior[1]) / (1 + prior[1])
    expected = [
        np.mean(a * np.log(a / b) - a + b) + np.mean(b * np.log(b / a) - b + a)
        for k, a in enumerate(shrunk)
        for b in shrunk[k + 1 :]
    ]
    got = condensed_rdms(rates, "poisson", **names)[0]
    assert_allclose(got, expected, rtol=1e-10, atol=1e-14)
    assert (got > 0).all()
    dataset = rsatoolbox.data.Dataset(rates)
    theirs = rsatoolbox.rdm.calc_rdm(dataset, method="poisson", **names)
    assert_allclose(got, theirs.dissimilarities[0], atol=1e-12)


def test_poisson_of_nearly_equal_rates_keeps_its_digits(rng):
    rates = rng.uniform(3, 6, size=5)
    rates = np.stack([rates, rates * (1 + 1e-6), rates * 50])
    difference = rates[0] * 1e-6 / 1.1
    expected = np.mean(difference * np.log1p(difference / ((rates[0] + 0.1) / 1.1)))
    assert condensed_rdms(rates, "poisson")[0, 0] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("metric", ["euclidean", "mahalanobis"])
@exact
@given(seed=seeds)
def test_triangle_inequality(metric, seed):
    rng = np.random.default_rng(seed)
    noise = draw_precision(rng) if metric == "mahalanobis" else None
    rdm = squareform(condensed_rdms(draw(seed)[0], metric, noise=noise)[0])
    detours = (rdm[:, :, np.newaxis] + rdm[np.newaxis]).min(axis=1)  # from i over j to k
    assert (rdm <= detours + 1e-12).all()


@pytest.mark.parametrize("metric", EVERY)
@pytest.mark.parametrize("tile_bytes", [1, 32 * 9, 32 * 25, 2**20])
def test_tiles_do_not_matter(rng, metric, tile_bytes):
    patterns = abs(rng.normal(size=(1, 23, 4)))
    patterns[0, 19] = patterns[0, 2]
    expected = condensed_rdms(patterns, metric)
    got = condensed_rdms(patterns, metric, chunk_bytes=tile_bytes)
    assert_allclose(got, expected, rtol=1e-12, atol=1e-15)
    assert squareform(got[0])[2, 19] == 0


@pytest.mark.parametrize("metric", EVERY)
def test_missing_patterns(rng, metric):
    patterns = abs(rng.normal(size=(5, 6, 4)))
    expected = condensed_rdms(patterns, metric)
    patterns[1, 2, 3] = patterns[4, 0] = np.nan
    patterns[3] = np.nan
    got = condensed_rdms(patterns, metric, missing="nan")
    for system, gone in enumerate([[], [2], [], range(6), [0]]):
        square, complete = squareform(got[system]), squareform(expected[system])
        there = np.setdiff1d(np.arange(6), list(gone))
        inner = np.ix_(there, there)
        assert_allclose(square[inner], complete[inner], rtol=1e-10, atol=1e-14)
        assert np.isnan(got[system]).sum() == 15 - len(there) * (len(there) - 1) // 2
    with pytest.raises(ValueError, match="system 1, condition 2, channel 3 is NaN"):
        condensed_rdms(patterns, metric)
    patterns[0, 0, 0] = np.inf
    with pytest.raises(ValueError, match="system 0, condition 0, channel 0 is infinite"):
        condensed_rdms(patterns, metric, missing="nan")


def test_torch_gives_the_same(rng, monkeypatch):
    torch = pytest.importorskip("torch")
    patterns = rng.normal(size=(2, 40, 6))
    expected = condensed_rdms(patterns)
    with monkeypatch.context() as patch:  # the products of a device, on the CPU
        on_torch = partial(torch_product, device="cpu")
        patch.setattr("neuroselect.rsa._rdm.product_on", lambda device: on_torch)
        for chunk_bytes in (2**22, 2**14):
            got = condensed_rdms(patterns, device="cuda", chunk_bytes=chunk_bytes)
            assert_allclose(got, expected, rtol=1e-12)
    assert_array_equal(condensed_rdms(patterns, device="auto", chunk_bytes=2**16), expected)
    if torch.cuda.is_available():
        assert_allclose(condensed_rdms(patterns, device="cuda"), expected, rtol=1e-12)
    else:
        with pytest.raises(ValueError, match="device='cuda' is not available here"):
            condensed_rdms(patterns, device="cuda")


def test_a_large_rdm_in_bounded_memory():
    """2,000 conditions: beside 16 MB of result and a copy of the patterns, a few MB."""
    patterns = np.random.default_rng(0).normal(size=(2000, 100))
    tracemalloc.start()
    rdm = condensed_rdms(patterns, chunk_bytes=2**20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < rdm.nbytes + 2 * patterns.nbytes + 6 * 2**20
    pairs = np.random.default_rng(1).integers(2000, size=(50, 2))
    for i, j in np.sort(pairs[pairs[:, 0] != pairs[:, 1]]):
        place = i * 2000 - i * (i + 1) // 2 + j - i - 1
        assert rdm[0, place] == pytest.approx(np.linalg.norm(patterns[i] - patterns[j]))


@pytest.mark.parametrize("metric", ["sqeuclidean", "correlation", "mahalanobis", "poisson"])
def test_cross_run_rdms(rng, metric):
    """Every condition of one run with every one of a later run, mean over pairs of runs."""
    patterns = rng.gamma(2, size=(2, 3, 4, 5))
    got = cross_run_rdms(patterns, metric)
    expected = np.zeros((2, 4, 4))
    for system, i, j in np.ndindex(2, 4, 4):
        for first, second in ((0, 1), (0, 2), (1, 2)):
            pair = patterns[system, [first, second], [i, j]]
            expected[system, i, j] += condensed_rdms(pair, metric).item() / 3
    assert_allclose(got, expected, rtol=1e-10)
    assert abs(got - got.transpose(0, 2, 1)).max() > 1e-3
    assert_allclose(cross_run_rdms(patterns[1], metric)[0], got[1], rtol=1e-10)


def test_the_diagonal_of_a_cross_run_rdm_is_the_smallest_if_patterns_are_reliable(rng):
    signal, noise = rng.normal(size=(6, 40)), rng.normal(size=(300, 4, 6, 40))
    rdm = cross_run_rdms(signal + 0.3 * noise[0], "correlation")[0]
    assert (rdm.argmin(axis=0) == np.arange(6)).all()
    assert (rdm.argmin(axis=1) == np.arange(6)).all()
    none = cross_run_rdms(noise, "correlation")
    diagonal = np.diagonal(none, axis1=1, axis2=2).mean(axis=1)
    elsewhere = none.sum(axis=(1, 2)) - 6 * diagonal
    difference = diagonal - elsewhere / 30
    assert abs(difference.mean()) < 4.5 * difference.std() / np.sqrt(300)


def test_cross_run_rdms_with_gaps(rng):
    patterns = rng.normal(size=(3, 4, 5))
    patterns[0, 1] = patterns[2, 3, 0] = patterns[:, 2] = np.nan
    got = cross_run_rdms(patterns, "sqeuclidean", missing="nan")[0]
    row = np.mean([np.sum((patterns[1, 1] - patterns[2, 0]) ** 2)])
    assert got[1, 0] == pytest.approx(row)
    assert np.isnan(got[2]).all()
    assert np.isnan(got[:, 2]).all()
    assert np.isnan(got[1, 3])  # neither run 0 before nor run 2 after has the pattern
    assert np.isfinite(got).sum() == 8
    with pytest.raises(ValueError, match="must be finite"):
        cross_run_rdms(patterns)


@pytest.mark.parametrize(
    ("shape", "metric", "match"),
    [
        ((1, 4, 5), "cosine", "at least 2 runs and 2 conditions"),
        ((3, 1, 5), "cosine", "at least 2 runs and 2 conditions"),
        ((4, 5), "cosine", r"must have shape \(n_systems, n_runs"),
        ((3, 4, 5), "crossnobis", "metric must not be cross-validated, got 'crossnobis'"),
        ((3, 4, 5), "cityblock", "metric must be one of"),
    ],
)
def test_cross_run_bad_input(rng, shape, metric, match):
    with pytest.raises(ValueError, match=match):
        cross_run_rdms(rng.normal(size=shape), metric)


def test_negative_rates(rng):
    rates = rng.uniform(1, 2, size=(3, 4, 5))
    rates[2, 1, 3] = -0.5
    with pytest.raises(ValueError, match=r"condition 1, channel 3 of system 2 is -0.5 \(1 such"):
        condensed_rdms(rates, "poisson", chunk_bytes=1)
    rates[2, 1, 3] = 0
    assert np.isfinite(condensed_rdms(rates, "poisson")).all()
    with pytest.raises(ValueError, match="nor 0 without a prior"):
        condensed_rdms(rates, "poisson", prior_weight=0)


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
