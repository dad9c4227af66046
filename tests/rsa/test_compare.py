"""compare_rdms against rsatoolbox, SciPy and slow, obvious forms."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist, squareform
from scipy.stats import kendalltau, pearsonr, spearmanr

from neuroselect.datasets import fetch_92_images
from neuroselect.rsa import compare_rdms

METHODS = ["cosine", "corr", "spearman", "rho-a", "tau-a", "tau-b", "cosine_cov", "corr_cov"]
BURES = ["bures", "bures_metric"]


def draw(rng, n_rdms, n_conditions=9, n_channels=30):
    """Squared distances, one RDM with many ties."""
    patterns = rng.normal(size=(n_rdms, n_conditions, n_channels))
    rdms = np.array([pdist(system, "sqeuclidean") for system in patterns])
    rdms[0] = np.round(rdms[0] / 10) + 1
    return rdms


def covariance_of_pairs(sigma):
    """Squares of the covariances of all contrasts, pair by pair."""
    n = len(sigma)
    contrasts = np.array([np.eye(n)[i] - np.eye(n)[j] for i in range(n) for j in range(i + 1, n)])
    return (contrasts @ sigma @ contrasts.T) ** 2


def slow_whitened(a, b, sigma, keep, centre):
    weights = np.linalg.inv(covariance_of_pairs(sigma)[np.ix_(keep, keep)])
    a, b = (x[keep] - centre * x[keep].mean() for x in (a, b))
    return a @ weights @ b / np.sqrt((a @ weights @ a) * (b @ weights @ b))


def slow_bures(a, b):
    centring = np.eye(len(squareform(a))) - 1 / len(squareform(a))
    A, B = (-centring @ squareform(x) @ centring / 2 for x in (a, b))
    # Eigenvalues of A B are those of A^(1/2) B A^(1/2).
    shared = np.sqrt(np.maximum(np.sort(np.linalg.eigvals(A @ B).real)[1:], 0)).sum()
    return shared / np.sqrt(np.trace(A) * np.trace(B)), np.trace(A) + np.trace(B) - 2 * shared


@pytest.mark.parametrize("method", METHODS + BURES)
def test_equals_rsatoolbox(rng, method):
    compare = pytest.importorskip("rsatoolbox.rdm.compare").compare
    a, b = draw(rng, 5), draw(rng, 3)
    expected = compare(a, b, method)
    # Its Bures similarity takes roots of eigenvalues that are 0 but for rounding.
    tolerance = 1e-6 if method in BURES else 1e-12
    assert_allclose(compare_rdms(a, b, method), expected, atol=tolerance)


@pytest.mark.parametrize("method", METHODS[:6])
def test_equals_scipy(rng, method):
    a, b = draw(rng, 4, n_conditions=13), draw(rng, 3, n_conditions=13)
    slow = {
        "cosine": lambda x, y: x @ y / np.sqrt((x @ x) * (y @ y)),
        "corr": lambda x, y: pearsonr(x, y).statistic,
        "spearman": lambda x, y: spearmanr(x, y).statistic,
        "rho-a": slow_rho_a,
        "tau-a": slow_tau_a,
        "tau-b": lambda x, y: kendalltau(x, y).statistic,
    }[method]
    expected = [[slow(x, y) for y in b] for x in a]
    assert_allclose(compare_rdms(a, b, method), expected, atol=1e-13)


def slow_tau_a(x, y):
    signs = [np.sign(z[:, None] - z) for z in (x, y)]
    return (signs[0] * signs[1]).sum() / (len(x) * (len(x) - 1))


def slow_rho_a(x, y):
    """Spearman's coefficient is 1 - 6 sum(d^2) / (n^3 - n) without ties; its mean over orders
    of the ties replaces ranks by their means in the sum of products."""
    n = len(x)
    ranks = [(z[:, None] > z).sum(1) + ((z[:, None] == z).sum(1) + 1) / 2 for z in (x, y)]
    return 12 / (n**3 - n) * (ranks[0] @ ranks[1] - n * (n + 1) ** 2 / 4)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), n_conditions=st.integers(3, 24), levels=st.integers(2, 10_000)
)
def test_tau_a_counts_every_pair_of_pairs(seed, n_conditions, levels):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(levels, size=(2, 2, n_conditions * (n_conditions - 1) // 2)).astype(float)
    expected = [[slow_tau_a(x, y) for y in b] for x in a]
    assert_allclose(compare_rdms(a, b, "tau-a"), expected, atol=1e-14)


def test_tau_a_of_many_pairs(rng):
    a, b = rng.normal(size=(1, 130 * 129 // 2)), rng.integers(40, size=(1, 130 * 129 // 2))
    tied = kendalltau(a[0], b[0]).statistic
    pairs, ties = a.size * (a.size - 1) / 2, np.bincount(b[0])
    shrink = np.sqrt((pairs - (ties * (ties - 1) / 2).sum()) / pairs)
    assert compare_rdms(a, b, "tau-a").item() == pytest.approx(tied * shrink, abs=1e-13)


@pytest.mark.parametrize("method", ["cosine_cov", "corr_cov"])
@pytest.mark.parametrize("gaps", [0, 3])
def test_whitening_by_the_covariance_of_all_pairs(rng, method, gaps):
    a, b = draw(rng, 3), draw(rng, 2)
    sigma = np.cov(rng.normal(size=(9, 30)))
    keep = np.ones(36, dtype=bool)
    if gaps:
        keep[rng.choice(36, gaps, replace=False)] = False
        a[:, ~keep] = np.nan
    for given_sigma, full in ((None, np.eye(9)), (sigma, sigma), (sigma[0, 0] + np.arange(9),) * 2):
        full = np.diag(full) if np.ndim(full) == 1 else full
        expected = [[slow_whitened(x, y, full, keep, method == "corr_cov") for y in b] for x in a]
        got = compare_rdms(a, b, method, sigma_k=given_sigma, missing="drop")
        assert_allclose(got, expected, atol=1e-10)


def test_whitened_cosine_is_centred_kernel_alignment(rng):
    X, Y = rng.normal(size=(2, 10, 6))
    a, b = (pdist(Z, "sqeuclidean") for Z in (X, Y))
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    cka = np.sum((X.T @ Y) ** 2) / np.sqrt(np.sum((X.T @ X) ** 2) * np.sum((Y.T @ Y) ** 2))
    assert compare_rdms(a, b, "cosine_cov").item() == pytest.approx(cka, abs=1e-13)


@pytest.mark.parametrize("n_channels", [2, 30])
def test_bures(rng, n_channels):
    a, b = draw(rng, 3, n_channels=n_channels)[1:], draw(rng, 4, n_channels=n_channels)[1:]
    expected = np.array([[slow_bures(x, y) for y in b] for x in a])
    for k, method in enumerate(BURES):
        assert_allclose(compare_rdms(a, b, method), expected[..., k], rtol=1e-6)
    itself = compare_rdms(a, 3 * a, "bures")
    assert_allclose(np.diagonal(itself), 1, atol=1e-12)
    roots = (1 - np.sqrt(3)) ** 2 * a.sum(axis=1) / 9  # of traces, 1 and 3 times one another
    assert_allclose(np.diagonal(compare_rdms(a, 3 * a, "bures_metric")), roots, rtol=1e-10)


def test_bures_of_commuting_products_is_exact(rng):
    basis = np.linalg.qr(np.hstack([np.ones((8, 1)), rng.normal(size=(8, 7))]))[0][:, 1:]
    spectra = rng.uniform(0.1, 3, size=(2, 7))
    rdms = [pdist(basis * np.sqrt(values), "sqeuclidean") for values in spectra]
    shared = np.sqrt(np.prod(spectra, axis=0)).sum()
    expected = shared / np.sqrt(np.prod(spectra.sum(axis=1)))
    assert compare_rdms(*rdms, "bures").item() == pytest.approx(expected, abs=1e-13)


def test_bures_of_signed_rdms_clips_negative_eigenvalues(rng):
    a, b = rng.normal(size=(2, 36)) + 1
    centring = np.eye(9) - 1 / 9
    A, B = (-centring @ squareform(x) @ centring / 2 for x in (a, b))
    values, vectors = np.linalg.eigh(A)
    root = vectors @ np.diag(np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ B @ root), 0)).sum()
    expected = np.trace(A) + np.trace(B) - 2 * shared
    assert compare_rdms(a, b, "bures_metric").item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("method", ["corr", "spearman"])
def test_partial_correlation(rng, method):
    a, b, controls = draw(rng, 4), draw(rng, 3), draw(rng, 2)
    got = compare_rdms(a, b, method, partial=controls)
    prepare = (lambda x: spearman_ranks(x)) if method == "spearman" else (lambda x: x)
    design = np.column_stack([np.ones(36), *(prepare(c) for c in controls)])

    def left(x):
        return prepare(x) - design @ np.linalg.lstsq(design, prepare(x), rcond=None)[0]

    expected = [[pearsonr(left(x), left(y)).statistic for y in b] for x in a]
    assert_allclose(got, expected, atol=1e-12)
    dependent = [*controls, controls[0] - 2 * controls[1] + 3] if method == "corr" else controls
    assert_allclose(compare_rdms(a, b, method, partial=dependent), expected, atol=1e-10)


def spearman_ranks(x):
    return (x[:, None] > x).sum(1) + (x[:, None] == x).sum(1) / 2


def test_partial_pingouin(rng):
    pingouin = pytest.importorskip("pingouin")
    import pandas as pd

    a, b, c = rng.normal(size=(3, 36)) + rng.normal(size=36)
    table = pd.DataFrame({"a": a, "b": b, "c": c})
    expected = pingouin.partial_corr(table, "a", "b", "c")["r"].iloc[0]
    assert compare_rdms(a, b, "corr", partial=c).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", METHODS + BURES)
def test_symmetric_and_1_for_itself(rng, method):
    a, b = draw(rng, 4)[1:], draw(rng, 3)[1:]
    assert_allclose(compare_rdms(a, b, method), compare_rdms(b, a, method).T, atol=1e-10)
    own = np.diagonal(compare_rdms(a, a, method))
    assert_allclose(own, 0 if method == "bures_metric" else 1, atol=1e-10)


@pytest.mark.parametrize("method", METHODS + BURES)
def test_chunks_and_orders_do_not_matter_and_inputs_stay(rng, method):
    a, b = np.asfortranarray(draw(rng, 7)), draw(rng, 5)
    kept = a.copy(), b.copy()
    expected = compare_rdms(a, b, method)
    assert_allclose(compare_rdms(a, b, method, chunk_bytes=1), expected, atol=1e-12)
    assert_allclose(compare_rdms(a[::-1], b[::-1], method)[::-1, ::-1], expected, atol=1e-12)
    assert_allclose(compare_rdms(a[2], b[1].tolist(), method), expected[2:3, 1:2], atol=1e-12)
    assert_array_equal(a, kept[0])
    assert_array_equal(b, kept[1])


@pytest.mark.parametrize("method", METHODS)
def test_missing_pairs_are_dropped_by_position(rng, method):
    """Equal numbers of NaN at different places: what only counts them compares wrong pairs."""
    a, b = draw(rng, 3), draw(rng, 2)
    a[1, 4] = np.nan
    b[:, 7] = np.nan
    got = compare_rdms(a, b, method, missing="drop")
    if method.endswith("_cov"):
        keep = np.isin(np.arange(36), [4, 7], invert=True)
        expected = slow_whitened(a[0], b[1], np.eye(9), keep, method == "corr_cov")
        assert got[0, 1] == pytest.approx(expected, abs=1e-10)
    else:
        kept = [np.delete(x, [4, 7], axis=1) for x in (a, b)]
        padded = [np.pad(x, [(0, 0), (0, 2)], constant_values=np.nan) for x in kept]
        assert_array_equal(got, compare_rdms(*padded, method, missing="drop"))
    with pytest.raises(ValueError, match="a must be finite, but RDM 1, pair 4 is NaN"):
        compare_rdms(a, b, method)


def test_a_missing_condition_is_as_good_as_none(rng):
    a, b = draw(rng, 3), draw(rng, 2)
    squares = [np.array([squareform(x) for x in rdms]) for rdms in (a, b)]
    without = [[squareform(square[1:, 1:]) for square in s] for s in squares]
    a[:, :8] = np.nan
    for method in METHODS:
        got = compare_rdms(a, b, method, missing="drop")
        assert_allclose(got, compare_rdms(*without, method), atol=1e-10)


def test_null_is_centred_and_effects_are_found(rng):
    """Conditions in random order: coefficients of correlation average 0."""
    rdm = draw(rng, 2, n_conditions=12)[1]
    square = squareform(rdm)
    orders = (rng.permutation(12) for _ in range(400))
    shuffled = np.array([squareform(square[np.ix_(p, p)]) for p in orders])
    noisy = rdm + rng.normal(size=(20, len(rdm)))
    for method in ("corr", "spearman", "rho-a", "tau-a", "tau-b"):
        null = compare_rdms(shuffled, rdm, method)[:, 0]
        assert abs(null.mean()) < 4.5 * null.std() / np.sqrt(len(null))
        assert compare_rdms(noisy, rdm, method).min() > np.quantile(null, 0.99)


def test_92_images(data_folder):
    compare = pytest.importorskip("rsatoolbox.rdm.compare").compare
    images = fetch_92_images(data_home=data_folder)
    for method in ("cosine", "corr", "spearman", "rho-a", "tau-a", "cosine_cov", "corr_cov"):
        got = compare_rdms(images.brain_rdms, images.model_rdms, method)
        expected = compare(images.brain_rdms, images.model_rdms, method)
        assert_allclose(got, expected, atol=1e-10)
        named = dict(zip(images.model_names, got.T, strict=True))
        assert (named["monkeyIT"] > 0).all()
    assert (compare_rdms(images.brain_rdms, images.model_rdms, "corr")[:, 2] > 0.1).all()


def test_memory_is_bounded():
    """2,000 RDMs with 4 models: what is added to input and output is a few chunks."""
    rng = np.random.default_rng(0)
    a, b = rng.random((2000, 1225)), rng.random((4, 1225))
    for method in ("spearman", "tau-a", "cosine_cov"):
        tracemalloc.start()
        compare_rdms(a[:400] if method == "tau-a" else a, b, method, chunk_bytes=2**20)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2 * a.nbytes + 20 * 2**20, method


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"method": "pearson"}, "method must be one of .* got 'pearson'"),
        ({"missing": "omit"}, "missing must be one of .* got 'omit'"),
        ({"sigma_k": np.eye(9)}, "sigma_k is for method 'cosine_cov' and 'corr_cov', got 'cosine'"),
        ({"partial": np.ones(36)}, "partial is for method 'corr' and 'spearman'"),
        ({"b": np.ones((2, 28))}, "got 36 pairs in a, 28 pairs in b"),
        ({"a": np.ones((2, 35)), "b": np.ones(35)}, "a must be condensed RDMs .* got 35"),
        ({"a": np.ones((2, 9, 9))}, r"a must hold condensed RDMs.*got shape \(2, 9, 9\)"),
        ({"a": [["x"] * 36]}, "a must hold condensed RDMs of real numbers"),
        ({"b": np.zeros((2, 36))}, "'cosine' is undefined for an RDM that is 0: RDM 0 of b"),
        ({"b": np.full(36, 0.1), "method": "corr"}, "RDM that is constant: RDM 0 of b"),
        ({"b": np.full(36, 0.1), "method": "corr_cov"}, "RDM that is constant: RDM 0 of b"),
        ({"b": np.zeros(36), "method": "bures"}, "RDM that is 0 or less on average"),
        ({"b": np.full(36, np.inf)}, "b must be finite, but RDM 0, pair 0 is infinite"),
        ({"b": np.full(36, np.nan), "missing": "drop"}, "share 0 of 36 pairs"),
        ({"chunk_bytes": 0}, "chunk_bytes must be a number of bytes > 0"),
        ({"method": "cosine_cov", "sigma_k": np.eye(8)}, r"of the 9 conditions.*got shape \(8, 8"),
        ({"method": "cosine_cov", "sigma_k": -np.eye(9)}, "symmetric and positive definite"),
        ({"method": "cosine_cov", "sigma_k": np.triu(np.ones((9, 9)))}, "symmetric and positive"),
    ],
)
def test_bad_input(rng, change, match):
    arguments = {"a": draw(rng, 3), "b": draw(rng, 2)} | change
    with pytest.raises(ValueError, match=match):
        compare_rdms(**arguments)


def test_bures_needs_all_pairs(rng):
    a, b = draw(rng, 3), draw(rng, 2)
    a[0, 3] = np.nan
    with pytest.raises(ValueError, match="'bures' needs all pairs of conditions, but 1 of 36"):
        compare_rdms(a, b, "bures", missing="drop")


def test_partial_that_leaves_nothing(rng):
    a, b = draw(rng, 3), draw(rng, 2)
    with pytest.raises(ValueError, match="explains RDM 2 of a altogether"):
        compare_rdms(a, b, "corr", partial=2 * a[2] + 1)
