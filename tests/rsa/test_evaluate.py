"""Inference on models: rsatoolbox, slow samples, simulated nulls and effects."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kstest, spearmanr

from neuroselect.datasets import fetch_92_images
from neuroselect.rsa import compare_rdms, evaluate, model_comparison, noise_ceiling
from neuroselect.rsa._evaluation_tables import corrected_p_values
from neuroselect.rsa._resampling import draw_counts, generalized_variance, pair_weights, subsets
from neuroselect.rsa._similarities import ResampledSimilarities, WeightedSimilarities

FAST = ["cosine", "corr"]
SLOW = ["spearman", "rho-a", "tau-a", "cosine_cov", "corr_cov"]


def random_rdms(rng, n, n_conditions=8):
    return rng.uniform(0.5, 1.5, size=(n, n_conditions * (n_conditions - 1) // 2))


def as_rsatoolbox(rdms, **descriptors):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    return rsatoolbox.rdm.RDMs(rdms, rdm_descriptors=descriptors or None)


@pytest.mark.parametrize("comparison", FAST + SLOW)
@pytest.mark.filterwarnings("ignore:Noise ceiling for tau")
def test_point_estimates_are_those_of_rsatoolbox(rng, comparison):
    from rsatoolbox.inference import boot_noise_ceiling, eval_fixed
    from rsatoolbox.model import ModelFixed

    models, rdms = random_rdms(rng, 3), random_rdms(rng, 6)
    rdms += models[0]
    reference = eval_fixed(
        [ModelFixed(str(k), m) for k, m in enumerate(models)],
        as_rsatoolbox(rdms),
        method=comparison,
    )
    table = evaluate(models, rdms, comparison=comparison, n_samples=3, random_state=0)
    assert np.allclose(table["estimate"], reference.get_means(), atol=1e-10)
    assert np.allclose(table[["ceiling_low", "ceiling_high"]], reference.noise_ceiling, atol=1e-10)
    sessions = np.repeat([3, 1, 7], 2)
    expected = boot_noise_ceiling(as_rsatoolbox(rdms, s=sessions), comparison, "s")
    assert np.allclose(noise_ceiling(rdms, comparison, subjects=sessions), expected, atol=1e-10)


@pytest.mark.parametrize("comparison", FAST)
def test_92_images_as_in_rsatoolbox(data_folder, comparison):
    from rsatoolbox.inference import eval_fixed
    from rsatoolbox.model import ModelFixed

    images = fetch_92_images(data_home=data_folder)
    reference = eval_fixed(
        [ModelFixed(n, m) for n, m in zip(images.model_names, images.model_rdms, strict=True)],
        as_rsatoolbox(images.brain_rdms), method=comparison,
    )  # fmt: skip
    result = model_comparison(
        images.model_rdms, images.brain_rdms, names=images.model_names, comparison=comparison,
        subjects=images.brain["subject"], resample="both", n_samples=200, n_permutations=200,
        random_state=0,
    )  # fmt: skip
    table = result.table
    assert np.allclose(table["estimate"], reference.get_means(), atol=1e-10)
    alone = noise_ceiling(images.brain_rdms, comparison)
    assert np.allclose(alone, reference.noise_ceiling, atol=1e-10)
    assert table["ceiling_low"].iloc[0] < alone[0]  # sessions of one subject are alike
    assert table["p_permutation"].idxmin() in ("animacy", "FaceBodyManmadeNatobj", "monkeyIT")
    assert table.loc["animacy", "p_permutation"] == 1 / 201
    assert result.per_subject.shape == (8, 4)


@pytest.mark.parametrize("comparison", FAST)
def test_samples_are_those_of_rsatoolbox(rng, comparison):
    """Weights of conditions against RDMs that are cut out and compared."""
    from rsatoolbox.inference import boot_noise_ceiling
    from rsatoolbox.rdm import compare

    models, rdms = random_rdms(rng, 2), random_rdms(rng, 4)
    counts = draw_counts(8, 3, 4, np.random.RandomState(0))
    similarities = WeightedSimilarities(models[:, None], rdms, comparison)
    ((_, table, among),) = similarities.blocks(counts, among_rdms=True)
    for k, sample in enumerate(counts):
        drawn = np.repeat(np.arange(8), sample)
        cut = [as_rsatoolbox(x).subsample_pattern("index", drawn) for x in (models, rdms)]
        assert np.allclose(table[k, :, 0], compare(*cut, method=comparison), atol=1e-10)
        assert np.allclose(among[k], compare(cut[1], cut[1], method=comparison), atol=1e-10)
        given = model_comparison(models, rdms, comparison=comparison, n_samples=2, random_state=0)
        assert given.ceiling == pytest.approx(boot_noise_ceiling(as_rsatoolbox(rdms), comparison))


@pytest.mark.parametrize("comparison", [*FAST, *SLOW, "bures"])
def test_fast_and_laid_out_samples_agree_with_a_slow_loop(rng, comparison):
    models, rdms = random_rdms(rng, 2, 6), random_rdms(rng, 3, 6)
    counts = draw_counts(6, 4, 3, np.random.RandomState(1))
    similarities = ResampledSimilarities(models[:, None], rdms, comparison)
    tables = np.concatenate([table for _, table, _ in similarities.blocks(counts)])
    if comparison in FAST:
        weighted = WeightedSimilarities(models[:, None], rdms, comparison)
        ((_, table, _),) = weighted.blocks(counts, among_rdms=False)
        assert np.allclose(table, tables, atol=1e-12)
    if comparison == "spearman":
        for sample, found in zip(counts, tables, strict=True):
            drawn = np.repeat(np.arange(6), sample)
            kept = [(i, j) for i, j in combinations(drawn, 2) if i != j]
            position = {pair: k for k, pair in enumerate(combinations(range(6), 2))}
            chosen = [position[min(p), max(p)] for p in kept]
            expected = [[spearmanr(m[chosen], d[chosen])[0] for d in rdms] for m in models]
            assert np.allclose(found[:, 0], expected)


def test_pair_weights_count_pairs_of_different_conditions():
    counts = np.array([[2, 0, 1], [1, 1, 1]])
    assert pair_weights(counts).tolist() == [[0, 2, 0], [1, 1, 1]]


def test_few_members_are_drawn_again(seed):
    counts = draw_counts(3, 200, 2, np.random.RandomState(seed))
    assert (counts.sum(axis=1) == 3).all()
    assert (np.count_nonzero(counts, axis=1) >= 2).all()


def test_dual_bootstrap_is_the_published_one(rng):
    from rsatoolbox.util.inference_util import _dual_bootstrap

    both, subjects, conditions = rng.uniform(1, 2, size=(3, 40))
    both += 2
    given = {("subjects",): subjects, ("conditions",): conditions}
    given[("subjects", "conditions")] = both
    found = generalized_variance(given, {"subjects": 9, "conditions": 30})
    expected = _dual_bootstrap(np.stack([both, subjects, conditions]), 9, 30)
    inside = expected > np.maximum(9 / 8 * subjects, 30 / 29 * conditions)
    assert np.allclose(found[inside], expected[inside])


def test_three_crossed_factors_are_each_counted_once(rng):
    """The variance of the mean of a crossed array, with all interactions."""
    sizes = {"networks": 7, "subjects": 8, "conditions": 9}
    shape = tuple(sizes.values())
    parts = list(subsets(tuple(sizes)))
    estimates, means = [], []
    for _ in range(150):
        array = np.zeros(shape)
        for part in parts:
            array = array + rng.normal(size=[n if f in part else 1 for f, n in sizes.items()])
        draws = {f: draw_counts(n, 60, 1, np.random.RandomState(rng.integers(2**31))) / n
                 for f, n in sizes.items()}  # fmt: skip
        variances = {}
        for part in parts:
            weights = [draws[f] if f in part else np.full((60, n), 1 / n) for f, n in sizes.items()]
            variances[part] = np.einsum("na,nb,nc,abc->n", *weights, array, optimize=True).var(
                ddof=1
            )
        estimates.append(generalized_variance(variances, sizes))
        means.append(array.mean())
    truth = sum(1 / np.prod([sizes[f] for f in part]) for part in parts)
    error = np.std(estimates) / np.sqrt(150)
    assert abs(np.mean(estimates) - truth) < 4 * error + 0.03 * truth
    assert np.var(means) == pytest.approx(truth, rel=0.6)
    assert np.var(means) < np.mean(variances[parts[-1]]) * 3


def test_p_values_of_pairs_are_uniform_if_models_are_equally_good(rng):
    """Subjects differ in which of two models they follow; on average in neither."""
    models = random_rdms(rng, 2, 7)
    models -= models.mean(axis=1, keepdims=True)
    p_pair, p_permuted, p_zero = [], [], []
    for k in range(150):
        rdms = rng.normal(size=(12, 1)) * models[0] + rng.normal(size=(12, 1)) * models[1]
        rdms += rng.normal(size=rdms.shape) * 0.3
        other = model_comparison(
            models, rdms, comparison="corr", n_samples=150, random_state=k, noise_ceiling=False
        )
        p_pair.append(other.pairwise["p"].iloc[0])
        unrelated = evaluate(
            random_rdms(rng, 1, 7), rdms, comparison="corr", n_samples=2, n_permutations=39,
            random_state=k, noise_ceiling=False,
        )  # fmt: skip
        p_permuted.append(unrelated["p_permutation"].iloc[0] - rng.uniform(0, 1 / 40))
        noise = evaluate(
            models[:1], rng.normal(size=(12, 21)), comparison="corr", n_samples=150, random_state=k,
            noise_ceiling=False,
        )  # fmt: skip
        p_zero.append(noise["p_zero"].iloc[0])
    assert kstest(p_zero, "uniform").pvalue > 1e-3
    assert kstest(p_pair, "uniform").pvalue > 1e-3
    assert kstest(p_permuted, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("resample", ["subjects", "conditions", "both", "networks", "all"])
def test_the_true_model_is_found(rng, resample):
    truth = rng.uniform(size=(1, 66))
    networks = np.concatenate([truth, rng.uniform(size=(1, 66))])[:, None]
    networks = networks + 0.1 * rng.normal(size=(2, 5, 66))
    rdms = truth + 0.2 * rng.normal(size=(10, 66))
    result = model_comparison(
        networks, rdms, names=["true", "false"], resample=resample, comparison="corr",
        n_samples=300, n_permutations=99, random_state=0,
    )  # fmt: skip
    table = result.table
    assert table.loc["true", "p_vs_false"] < 0.05  # 4 degrees of freedom at the least
    assert table.loc["true", "p_zero"] < 0.05
    assert table.loc["true", "p_permutation"] == 0.01
    assert (table["ci_low"] < table["estimate"]).all()
    assert (table["estimate"] < table["ci_high"]).all()
    assert np.isnan(table.loc["true", "p_vs_true"])
    assert result.per_network.shape == (2, 5)
    assert np.allclose(result.per_subject.mean(axis=1), table["estimate"])
    assert result.pairwise["difference"].iloc[0] == pytest.approx(-np.diff(table["estimate"])[0])
    assert result.samples.shape == (300, 2)
    smallest = {"subjects": 10, "conditions": 12, "both": 10, "networks": 5, "all": 5}
    assert result.dof == smallest[resample] - 1


def test_resampling_more_factors_is_less_sure(rng):
    truth = rng.uniform(size=(2, 1, 45))
    networks = truth + 0.3 * rng.normal(size=(2, 4, 45))
    rdms = truth[0] + 0.3 * rng.normal(size=(8, 45))
    errors = {
        r: evaluate(networks, rdms, resample=r, comparison="corr", random_state=0)["standard_error"]
        for r in ("subjects", "both", "all")
    }
    assert (errors["subjects"] <= errors["both"] + 1e-12).all()
    assert (errors["both"] < 1.2 * errors["all"]).all()


def test_slow_comparisons_give_the_same_kind_of_table(rng):
    truth = random_rdms(rng, 2, 7)
    rdms = truth[0] + 0.2 * rng.normal(size=(6, 21))
    for comparison in ("spearman", "cosine_cov"):
        table = evaluate(
            truth, rdms, resample="both", comparison=comparison, n_samples=30, random_state=0,
            n_permutations=39,
        )  # fmt: skip
        assert table["estimate"].iloc[0] > table["estimate"].iloc[1]
        assert (table["standard_error"] > 0).all()
        assert np.isfinite(table["p_ceiling"]).all()
    diagonal = np.linspace(1, 2, 7)
    weighted = evaluate(
        truth, rdms, resample="conditions", comparison="corr_cov", sigma_k=diagonal, n_samples=10,
        random_state=0,
    )  # fmt: skip
    plain = evaluate(truth, rdms, resample="conditions", comparison="corr_cov", n_samples=10,
                     random_state=0)  # fmt: skip
    assert (weighted["estimate"] != plain["estimate"]).all()


def test_the_ceiling_holds_the_true_model(rng):
    """On average, as bounds of a noisy estimate."""
    found = []
    for _ in range(60):
        truth = random_rdms(rng, 1, 8)
        rdms = truth + 0.3 * rng.normal(size=(8, 28))
        lower, upper = noise_ceiling(rdms, "corr")
        found.append((lower, compare_rdms(truth, rdms, "corr").mean(), upper))
    lower, true, upper = np.mean(found, axis=0)
    assert lower < true < upper


def test_identical_models_do_not_differ(rng):
    model = random_rdms(rng, 1)
    rdms = model + 0.1 * rng.normal(size=(5, 28))
    table = evaluate(np.vstack([model, model]), rdms, random_state=0)
    assert table.loc["model_0", "p_vs_model_1"] == 1


def test_same_seed_same_table_and_inputs_are_left_alone(rng):
    models, rdms = random_rdms(rng, 2), random_rdms(rng, 5)
    before = models.copy(), rdms.copy()
    first = evaluate(models, rdms, resample="both", random_state=3)
    again = evaluate(models, rdms, resample=("conditions", "subjects"), random_state=3)
    assert first.equals(again)
    assert np.array_equal(models, before[0])
    assert np.array_equal(rdms, before[1])
    assert not first.equals(evaluate(models, rdms, resample="both", random_state=4))


def test_corrections_of_p_values():
    p = np.array([0.01, 0.04, 0.03])
    assert corrected_p_values(p, "bonferroni") == pytest.approx([0.03, 0.12, 0.09])
    assert corrected_p_values(p, "holm") == pytest.approx([0.03, 0.06, 0.06])
    assert corrected_p_values(p, "fdr_bh") == pytest.approx([0.03, 0.04, 0.04])
    assert corrected_p_values(p, None) == pytest.approx(p)


BAD = [
    ({"models": np.ones((2, 5))}, "models must have shape"),
    ({"names": ["a"]}, "names must be 2 different names"),
    ({"names": ["a", "a"]}, "names must be 2 different names"),
    ({"models": {"a": np.ones(6)}, "names": ["b"]}, "names must be None for models that have"),
    ({"models": {"a": np.ones(6), "b": np.ones((2, 6))}}, "models must have one shape"),
    ({"subjects": [1, 2]}, r"subjects must have shape \(4,\)"),
    ({"subjects": [1, 1, 1, 1]}, "noise_ceiling=True needs RDMs of two subjects"),
    ({"resample": "rats"}, "resample must be one of"),
    ({"resample": ()}, "resample must be one of"),
    ({"resample": "networks"}, "draws networks, of which it needs at least 2, got 1. Pass models"),
    ({"comparison": "bures_metric"}, "comparison must be one of"),
    ({"comparison": "corr", "sigma_k": np.ones(4)}, "sigma_k is for comparison in"),
    ({"n_samples": 1}, "n_samples must be at least 2"),
    ({"confidence": 1}, "confidence must lie between 0 and 1"),
    ({"correction": "none"}, "correction must be one of"),
    ({"n_permutations": -1}, "n_permutations must be 0 or more"),
    ({"rdms": np.ones((4, 5))}, "condensed RDMs with n_conditions"),
    ({"rdms": np.ones((4, 1))}, "at least 3 conditions, got 1 pairs"),
    ({"rdms": np.ones((1, 2, 6))}, r"rdms must have shape \(n_rdms, n_pairs\)"),
    ({"rdms": np.full((4, 6), np.nan)}, "rdms must be finite, got 24 NaN"),
    ({"models": np.full((2, 6), np.inf)}, "models must be finite, got 12 NaN or infinite"),
    ({"models": np.ones((2, 6)), "comparison": "corr"}, "constant"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input(rng, change, message):
    given = {"models": random_rdms(rng, 2, 4), "rdms": random_rdms(rng, 4, 4)} | change
    if change.get("subjects") == [1, 1, 1, 1]:
        given["resample"] = "conditions"
    with pytest.raises(ValueError, match=message):
        evaluate(given.pop("models"), given.pop("rdms"), **given)


def test_a_ceiling_needs_two_subjects(rng):
    with pytest.raises(ValueError, match="rdms must be of two subjects at least"):
        noise_ceiling(random_rdms(rng, 1))
    with pytest.raises(ValueError, match="draws subjects, of which it needs at least 2, got 1"):
        evaluate(random_rdms(rng, 2), random_rdms(rng, 1), noise_ceiling=False)


def test_members_that_are_always_all_drawn_have_no_variance(rng):
    """Two subjects of which both are needed, three conditions: all samples would be alike."""
    models, rdms = random_rdms(rng, 2), random_rdms(rng, 2)
    with pytest.raises(ValueError, match=r"at least 3, got 2\. Two are enough"):
        evaluate(models, rdms)
    with pytest.raises(ValueError, match="draws conditions, of which it needs at least 4, got 3"):
        evaluate(models[:, :3], rdms[:, :3], resample="conditions")
    both = model_comparison(models, rdms, comparison="corr", n_samples=4000, noise_ceiling=False,
                            random_state=0)  # fmt: skip
    error = both.per_subject.std(axis=1, ddof=1) / np.sqrt(2)
    assert np.allclose(both.table["standard_error"], error, rtol=0.1)


def test_models_by_name(rng):
    models, rdms = random_rdms(rng, 2), random_rdms(rng, 4)
    given = evaluate(dict(zip("ab", models, strict=True)), rdms, random_state=0)
    assert given.equals(evaluate(models, rdms, names=["a", "b"], random_state=0))
