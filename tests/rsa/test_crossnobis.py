"""Cross-validated dissimilarities: slow loops, rsatoolbox, pure noise, missing cells."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ortho_group
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from neuroselect.datasets import fetch_haxby_slice, make_patterns
from neuroselect.geometry import classical_mds
from neuroselect.rsa import (
    RDMRegression,
    RDMTransformer,
    condensed_rdms,
    noise_precision,
    trial_rdms,
)

SHAPE = (3, 5, 6, 8)  # systems, runs, conditions, channels


@pytest.fixture
def patterns(rng):
    return 4 + rng.normal(size=SHAPE) + rng.normal(size=(3, 1, 6, 8))


@pytest.fixture
def precision(rng):
    return np.linalg.inv(np.cov(rng.normal(size=(8, 40))))


def slow_crossnobis(runs, precision):
    """Leave one run out, pair by pair: difference there, difference in the others' mean."""
    n_runs, n_conditions, n_channels = runs.shape
    values = []
    for i, j in itertools.combinations(range(n_conditions), 2):
        folds = []
        for run in range(n_runs):
            others = np.delete(runs, run, axis=0).mean(axis=0)
            folds.append((others[i] - others[j]) @ precision @ (runs[run, i] - runs[run, j]))
        values.append(np.mean(folds) / n_channels)
    return np.array(values)


def slow_poisson_cv(runs, prior_lambda, prior_weight):
    runs = (runs + prior_lambda * prior_weight) / (1 + prior_weight)
    values = []
    for i, j in itertools.combinations(range(runs.shape[1]), 2):
        folds = []
        for run in range(len(runs)):
            others = np.delete(runs, run, axis=0).mean(axis=0)
            logs = np.log(runs[run, i]) - np.log(runs[run, j])
            folds.append(np.mean((others[i] - others[j]) * logs))
        values.append(np.mean(folds))
    return np.array(values)


def rsatoolbox_rdm(runs, method, **kwargs):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    n_runs, n_conditions, n_channels = runs.shape
    labels = {
        "condition": [f"c{k:02}" for k in range(n_conditions)] * n_runs,
        "run": np.repeat([f"r{k:02}" for k in range(n_runs)], n_conditions),
    }
    dataset = rsatoolbox.data.Dataset(runs.reshape(-1, n_channels), obs_descriptors=labels)
    rdm = rsatoolbox.rdm.calc_rdm(
        dataset, method=method, descriptor="condition", cv_descriptor="run", **kwargs
    )
    return rdm.dissimilarities[0]


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_slow_loop(patterns, precision, offset):
    for noise, matrix in ((None, np.eye(8)), (precision, precision)):
        got = condensed_rdms(patterns + offset, "crossnobis", noise=noise)
        expected = [slow_crossnobis(runs, matrix) for runs in patterns]
        assert_allclose(got, expected, atol=1e-12 * (1 + offset))
    assert (got < 0).any() or (got > 0).all()


@pytest.mark.parametrize("prior", [(1.0, 0.1), (3.0, 0.5)])
def test_poisson_slow_loop(rng, prior):
    rates = rng.poisson(4, size=SHAPE).astype(float)
    names = dict(zip(("prior_lambda", "prior_weight"), prior, strict=True))
    got = condensed_rdms(rates, "poisson_cv", **names)
    assert_allclose(got, [slow_poisson_cv(runs, *prior) for runs in rates], atol=1e-12)


@pytest.mark.parametrize("given_noise", ["none", "one", "per run"])
def test_equals_rsatoolbox(rng, patterns, precision, given_noise):
    own = np.array([np.linalg.inv(np.cov(rng.normal(size=(8, 40)))) for _ in range(5)])
    ours = {"none": None, "one": precision, "per run": own}[given_noise]
    theirs = list(own) if given_noise == "per run" else ours
    got = condensed_rdms(patterns, "crossnobis", noise=ours)
    expected = [rsatoolbox_rdm(runs, "crossnobis", noise=theirs) for runs in patterns]
    assert_allclose(got, expected, atol=1e-10)


def test_rsatoolbox_keeps_the_last_fold_of_poisson_only(rng):
    """Its loop over folds ends with the RDM of the last; the mean over them is ours."""
    runs = rng.poisson(4, size=(3, 6, 8)).astype(float)
    folds = [
        rsatoolbox_rdm(np.roll(runs, shift, axis=0), "poisson_cv") for shift in range(len(runs))
    ]
    assert_allclose(condensed_rdms(runs, "poisson_cv")[0], np.mean(folds, axis=0), atol=1e-12)


def test_with_rsatoolbox_precision_of_shrunk_correlations(rng):
    """Precision of residuals and crossnobis, as a user of rsatoolbox would do both."""
    pytest.importorskip("rsatoolbox")
    from rsatoolbox.data.noise import prec_from_residuals

    residuals, runs = rng.normal(size=(60, 8)), rng.normal(size=(5, 6, 8))
    theirs = prec_from_residuals(residuals, method="shrinkage_diag")
    got = condensed_rdms(runs, "crossnobis", noise=theirs)[0]
    assert_allclose(got, rsatoolbox_rdm(runs, "crossnobis", noise=theirs), atol=1e-10 * got.std())


@pytest.mark.parametrize("metric", ["crossnobis", "poisson_cv"])
def test_missing_cells(rng, metric):
    """The mean over the ordered pairs of runs that have both conditions, by hand."""
    runs = rng.poisson(5, size=(5, 6, 8)).astype(float)
    gaps = [(0, 1), (2, 1), (3, 4), (0, 0), (1, 0), (2, 0), (3, 0)]  # condition 0: one run left
    for run, condition in gaps:
        runs[run, condition, 3] = np.nan
    got = condensed_rdms(np.stack([runs, np.ones_like(runs)]), metric, missing="nan")[0]
    logs = np.log((runs + 0.1) / 1.1) if metric == "poisson_cv" else runs
    left = runs / 1.1 if metric == "poisson_cv" else runs
    there = ~np.isnan(runs).any(axis=2)
    for k, (i, j) in enumerate(itertools.combinations(range(6), 2)):
        both = np.flatnonzero(there[:, i] & there[:, j])
        values = [
            np.mean((left[r, i] - left[r, j]) * (logs[s, i] - logs[s, j]))
            for r, s in itertools.permutations(both, 2)
        ]
        expected = np.mean(values) if values else np.nan
        assert_allclose(got[k], expected, atol=1e-12)
        assert np.isnan(got[k]) == (i == 0)
    with pytest.raises(ValueError, match="system 0, run 0, condition 0, channel 3 is NaN"):
        condensed_rdms(runs, metric)


@pytest.mark.parametrize("metric", ["crossnobis", "poisson_cv"])
def test_complete_patterns_give_the_same_on_both_ways(rng, metric):
    runs = rng.poisson(5, size=(2, 5, 6, 8)).astype(float)
    expected = condensed_rdms(runs, metric)
    with_gap = np.concatenate([runs, runs[:1]])
    with_gap[2, 0, 5] = np.nan
    got = condensed_rdms(with_gap, metric, missing="nan", chunk_bytes=2**20)
    assert_allclose(got[:2], expected, atol=1e-12)


def test_noise_per_system_and_run(rng, patterns):
    shape = (3, 5, 8, 8)
    roots = rng.normal(size=shape) + 3 * np.eye(8)
    noise = roots @ np.swapaxes(roots, -1, -2)
    for own in (noise, noise[:, :1]):
        together = condensed_rdms(patterns, "crossnobis", noise=own)
        for k in range(3):
            alone = condensed_rdms(patterns[k], "crossnobis", noise=own[k : k + 1])
            assert_allclose(together[k], alone[0], rtol=1e-10)
        assert_allclose(
            condensed_rdms(patterns, "crossnobis", noise=own, chunk_bytes=1), together, rtol=1e-10
        )
    same = np.repeat(noise[:1, :1], 5, axis=1)[0]
    assert_allclose(
        condensed_rdms(patterns, "crossnobis", noise=same),
        condensed_rdms(patterns, "crossnobis", noise=same[0]),
        atol=1e-10,
    )


def test_noise_estimated_from_the_patterns(patterns):
    """What is common to a run or to a condition is no noise."""
    got = condensed_rdms(patterns, "crossnobis", noise="ledoit_wolf")
    shifted = patterns + np.arange(5)[:, None, None] * np.linspace(-1, 1, 8)
    assert_allclose(condensed_rdms(shifted, "crossnobis", noise="ledoit_wolf"), got, atol=1e-9)
    for runs, rdm in zip(patterns, got, strict=True):
        residuals = runs - runs.mean(axis=0)
        residuals -= residuals.mean(axis=1, keepdims=True)
        precision = noise_precision(residuals.reshape(-1, 8), dof=4 * 5)
        assert_allclose(condensed_rdms(runs, "crossnobis", noise=precision)[0], rdm, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_rotation_permutation_and_offsets_of_runs(seed):
    rng = np.random.default_rng(seed)
    patterns = rng.normal(size=SHAPE)
    expected = condensed_rdms(patterns, "crossnobis")
    rotation = ortho_group.rvs(8, random_state=seed)
    offsets = rng.normal(size=(3, 5, 1, 8))
    order = rng.permutation(5)
    for changed in (patterns @ rotation, patterns + offsets, patterns[:, order]):
        assert_allclose(condensed_rdms(changed, "crossnobis"), expected, atol=1e-12)
    transform = rng.normal(size=(8, 8)) + 4 * np.eye(8)  # of channels and their noise
    noise = transform @ transform.T
    whitened = condensed_rdms(patterns @ transform, "crossnobis")
    assert_allclose(condensed_rdms(patterns, "crossnobis", noise=noise), whitened, atol=1e-10)


def test_a_condition_far_away_costs_no_digits(rng):
    patterns = rng.normal(size=SHAPE)
    patterns[:, :, 5] += 1e6
    got = condensed_rdms(patterns, "crossnobis")
    expected = [slow_crossnobis(runs, np.eye(8)) for runs in patterns]
    near = [k for k, pair in enumerate(itertools.combinations(range(6), 2)) if 5 not in pair]
    assert_allclose(got[:, near], np.array(expected)[:, near], atol=1e-10)
    assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize("noise", [None, "per trial"])
def test_unbiased_on_pure_noise_and_right_on_a_signal(rng, noise):
    """2,000 systems: means within 4.5 standard errors of 0, and of the true distances."""
    mixing = 0.2 * rng.normal(size=(8, 8)) + np.eye(8)
    data = rng.normal(size=(2000, 4, 5, 8)) @ mixing
    precision = np.linalg.inv(mixing.T @ mixing) if noise else None
    pure = condensed_rdms(data, "crossnobis", noise=precision)
    of_noise = pure.std(axis=0) / np.sqrt(len(pure))
    assert (abs(pure.mean(axis=0)) < 4.5 * of_noise).all()
    assert ((pure < 0).mean(axis=0) > 0.3).all()  # signed
    signal = rng.normal(size=(5, 8))
    found = condensed_rdms(data + signal, "crossnobis", noise=precision)
    true = condensed_rdms(signal, "mahalanobis", noise=precision)[0] ** 2 / 8
    standard_error = found.std(axis=0) / np.sqrt(len(found))
    assert (abs(found.mean(axis=0) - true) < 4.5 * standard_error).all()
    biased = condensed_rdms(data.mean(axis=1), "mahalanobis", noise=precision)
    assert (biased**2 / 8).mean() > 10 * of_noise.max()


def test_poisson_is_unbiased_without_a_difference(rng):
    rates = rng.uniform(2, 8, size=8)
    data = rng.poisson(rates, size=(2000, 4, 5, 8)).astype(float)
    values = condensed_rdms(data, "poisson_cv")
    assert (abs(values.mean(axis=0)) < 4.5 * values.std(axis=0) / np.sqrt(2000)).all()
    assert (condensed_rdms(data.mean(axis=1), "poisson") > 0).all()


def test_simulated_voxels_with_a_known_rdm(seed):
    fmri = make_patterns(
        8, n_runs=10, n_repeats=2, noise_std=0.5, grid_shape=(8, 8), random_state=seed
    )
    trials = fmri.trials
    result = trial_rdms(fmri.data, trials["condition"], trials["run"], metric="crossnobis")
    assert np.corrcoef(result.rdms[0], fmri.true_distances)[0, 1] > 0.9
    assert abs(result.rdms.mean() / fmri.true_distances.mean() - 1) < 0.15


def test_transformer(patterns, precision):
    expected = condensed_rdms(patterns, "crossnobis", noise=precision)
    transformer = RDMTransformer("crossnobis", noise=precision).fit(patterns)
    assert_array_equal(transformer.transform(patterns), expected)
    layout = transformer.n_runs_, transformer.n_conditions_, transformer.n_channels_
    assert (layout, transformer.n_features_in_) == ((5, 6, 8), 240)
    flat = RDMTransformer("crossnobis", n_runs=5, n_conditions=6, noise=precision)
    assert_array_equal(flat.fit_transform(patterns.reshape(3, -1)), expected)
    assert len(flat.get_feature_names_out()) == 15
    one_channel = RDMTransformer("crossnobis", n_runs=5).fit(patterns.reshape(3, -1))
    assert (one_channel.n_conditions_, one_channel.n_channels_) == (48, 1)
    for row, runs in zip(expected, patterns, strict=True):
        assert_allclose(transformer.transform(runs[np.newaxis])[0], row, rtol=1e-12)
    pipeline = make_pipeline(clone(transformer), RDMRegression({"m": np.arange(15.0)}))
    betas = RDMRegression({"m": np.arange(15.0)}).fit_transform(expected)
    assert_array_equal(pipeline.fit_transform(patterns), betas)
    patterns[1, 2, 3] = np.nan
    gaps = RDMTransformer("crossnobis", missing="nan").fit_transform(patterns)
    assert np.isfinite(gaps).all()


@pytest.mark.parametrize(
    ("parameters", "shape", "match"),
    [
        ({}, (3, 1, 6, 8), "cross-validated and needs patterns of at least 2 runs, got 1"),
        ({}, (3, 240), "at least 2 runs, got None"),
        ({}, (3, 6, 8), r"got 3 axes.*X\[np.newaxis\]"),
        ({"n_runs": 4}, (3, 5, 6, 8), "n_runs=4, but X holds 5 runs"),
        ({"n_conditions": 5}, (3, 5, 6, 8), "n_conditions=5, but X holds 6 conditions .* third"),
        ({"n_runs": 7}, (3, 12), "12 features of X cannot be split .* n_runs=7 runs"),
        (
            {"metric": "euclidean", "n_runs": 2},
            (3, 12),
            "metric='euclidean' takes no runs",
        ),
        ({"noise": np.eye(3)}, (3, 5, 6, 8), r"of shape .*\(8, 8\) for all.*got shape \(3, 3\)"),
        ({"noise": "lasso"}, (3, 5, 6, 8), r"noise for metric 'crossnobis' must be \['led"),
        ({"missing": "drop"}, (3, 5, 6, 8), "'missing' parameter of RDMTransformer must be"),
    ],
)
def test_transformer_bad_layouts(parameters, shape, match):
    X = np.arange(np.prod(shape), dtype=float).reshape(shape)
    with pytest.raises(ValueError, match=match):
        RDMTransformer(**({"metric": "crossnobis"} | parameters)).fit(X)


def test_transformer_remembers_runs(patterns):
    transformer = RDMTransformer("crossnobis").fit(patterns)
    with pytest.raises(ValueError, match="X has 4 runs, but RDMTransformer was fitted with 5"):
        transformer.transform(patterns[:, :4].repeat(2, axis=3)[..., :10])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"patterns": np.ones((1, 6, 8))}, "needs patterns of at least 2 runs, got 1"),
        ({"patterns": np.ones((5, 1, 8))}, "at least 2 conditions and 1 channel"),
        ({"patterns": np.ones((6, 8))}, r"\(n_systems, n_runs, n_conditions, n_channels\)"),
        ({"noise": np.ones(8)}, r"noise .* of shape \(8, 8\) for all, \(5, 8, 8\) per run"),
        ({"noise": -np.eye(8)}, "noise must be a precision matrix, symmetric and positive def"),
        ({"noise": np.triu(np.ones((8, 8)))}, "noise must be a precision matrix, symmetric"),
        ({"noise": np.full((8, 8), np.nan)}, "noise must be finite, but row 0, column 0 is NaN"),
        ({"noise": "full"}, "singular in all runs.*2 degrees"),
        ({"metric": "euclidean", "noise": np.eye(8)}, "noise is for metric 'mahalanobis' and"),
        ({"metric": "poisson_cv", "noise": np.eye(8)}, "noise is for metric 'mahalanobis' and"),
        ({"missing": "drop"}, "missing must be 'raise' or 'nan'"),
        ({"prior_weight": -1}, "prior_weight must be a finite number >= 0, got -1"),
        ({"device": "tpu"}, "device must be one of .* got 'tpu'"),
    ],
)
def test_bad_input(rng, change, match):
    arguments = {"patterns": rng.normal(size=(5, 6, 8)), "metric": "crossnobis"} | change
    if isinstance(change.get("noise"), str):
        arguments["patterns"] = arguments["patterns"][:3, :2]
    with pytest.raises(ValueError, match=match):
        condensed_rdms(**arguments)


def test_noise_from_patterns_needs_all_of_them(patterns):
    patterns[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="noise='diagonal' is estimated from the patterns of all"):
        condensed_rdms(patterns, "crossnobis", noise="diagonal", missing="nan")


@pytest.fixture(scope="module")
def haxby(data_folder):
    """Detrended within runs; a volume is a trial."""
    pytest.importorskip("nibabel")
    fmri = fetch_haxby_slice(data_home=data_folder)
    data, trials = fmri.data.astype(float), fmri.trials
    for run in range(12):
        rows = np.flatnonzero(trials["run"] == run)
        time = np.linspace(-1, 1, len(rows))
        trend = np.polynomial.legendre.legvander(time, 2)
        data[rows] -= trend @ np.linalg.lstsq(trend, data[rows], rcond=None)[0]
    data /= data.std(axis=0)
    shown = (trials["category"] != "rest").to_numpy()
    return data[shown], trials[shown].reset_index(drop=True)


def block_means(data, trials):
    names = np.unique(trials["category"])
    rows = [[(trials["run"] == r) & (trials["category"] == n) for n in names] for r in range(12)]
    return np.array([[data[row].mean(axis=0) for row in run] for run in rows])


def test_fmri_categories(haxby):
    """Eight categories in twelve runs: all pairs apart, faces, houses and objects in the map."""
    data, trials = haxby
    result = trial_rdms(
        data, trials["category"], trials["run"], metric="crossnobis", noise="ledoit_wolf"
    )
    names = list(result.conditions["condition"])
    rdm, noise = result.rdms[0], result.noise
    assert (rdm > 0).all()
    assert (result.counts == 9).all()
    expected = rsatoolbox_rdm(
        np.array(
            [
                [
                    data[(trials["run"] == r) & (trials["category"] == name)].mean(0)
                    for name in names
                ]
                for r in range(12)
            ]
        ),
        "crossnobis",
        noise=noise,
    )
    assert_allclose(rdm, expected, atol=1e-10 * rdm.std())
    points, _ = classical_mds(rdm, n_components=2, squared=True)
    groups = {"face": ["face", "cat"], "house": ["house"]}
    groups["object"] = [name for name in names if name not in ("face", "cat", "house")]
    where = {key: points[[names.index(n) for n in group]] for key, group in groups.items()}
    centres = {key: place.mean(axis=0) for key, place in where.items()}
    spread = np.linalg.norm(where["object"] - centres["object"], axis=1).mean()
    for first, second in itertools.combinations(groups, 2):
        assert np.linalg.norm(centres[first] - centres[second]) > spread


def test_fmri_shuffled_within_runs_is_near_zero(haxby, rng):
    """Blocks, not volumes, are exchangeable: their labels permuted within each run."""
    data, trials = haxby
    blocks = block_means(data, trials)
    true = condensed_rdms(blocks, "crossnobis")[0]
    orders = np.array([[rng.permutation(8) for _ in range(12)] for _ in range(200)])
    null = condensed_rdms(blocks[np.arange(12)[:, None], orders], "crossnobis")
    assert abs(null.mean(axis=1).mean()) < 0.1 * true.mean()
    assert true.mean() > null.mean(axis=1).max()
