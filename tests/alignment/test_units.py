"""Units matched, predicted and clustered across systems; alignment of systems tested."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.model_selection import GridSearchCV, cross_val_score

from neuroselect import MultiTaskMLP, fit_many
from neuroselect.alignment import (
    ProcrustesAlignment,
    UnitMatching,
    alignment_test,
    linear_cka,
    match_units,
    procrustes_similarity,
    shared_clusters,
    sparse_prediction,
    unit_correlations,
)
from neuroselect.datasets import make_context_blobs


@pytest.fixture
def pair(rng):
    """Two systems that see four latent variables, with noise of their own."""
    latent = rng.normal(size=(120, 4))
    return [latent + 0.4 * rng.normal(size=latent.shape) for _ in range(2)]


def test_correlations_are_pearsons(rng):
    a, b = rng.normal(5, 1, (20, 3)), rng.normal(size=(20, 4))
    expected = np.corrcoef(a.T, b.T)[:3, 3:]
    assert np.allclose(unit_correlations(a, b), expected, atol=1e-12)


def test_one_to_one_is_the_best_of_all_assignments(rng):
    a, b = rng.normal(size=(2, 30, 5))
    c = unit_correlations(a, b)
    best = max(c[range(5), list(order)].sum() for order in permutations(range(5)))
    matching = UnitMatching().fit(a, b)
    assert matching.correlations_.sum() == pytest.approx(best)
    semi = UnitMatching("semi").fit(a, b)
    assert np.allclose(semi.correlations_, c.max(axis=1))
    assert semi.correlations_.sum() >= best
    assert semi.score(a, b) == pytest.approx(c.max(axis=1).mean())
    mirrored = UnitMatching(absolute=True).fit(a, -a)
    assert np.allclose(mirrored.correlations_, -1)
    assert mirrored.score(a, -a) == pytest.approx(1)


def test_permuted_self_is_found_and_silent_units_are_left_out(rng, seed):
    a = rng.normal(size=(40, 6))
    a[:, 2] = 0.1
    order = np.random.default_rng(seed).permutation(6)
    result = match_units(a, a[:, order], random_state=seed)
    assert result.n_silent == (1, 1)
    assert result.score == pytest.approx(1)
    found = dict(result.pairs.tolist())
    assert found == {unit: list(order).index(unit) for unit in (0, 1, 3, 4, 5)}


def test_a_match_is_scored_on_other_trials(rng, seed):
    """Best of many pairs of noise: high where it was chosen, nothing elsewhere."""
    a, b = rng.normal(size=(2, 60, 50))
    result = match_units(a, b, method="semi", random_state=seed, n_permutations=30)
    assert result.train_correlations.mean() > 0.3
    assert abs(result.score) < 0.15
    assert (np.diff(result.curve) <= 0).all()
    assert result.p_value == (1 + np.sum(result.null >= result.score)) / 31


def test_matching_of_systems_with_shared_units_beats_the_null(pair, seed):
    result = match_units(*pair, n_permutations=99, random_state=seed)
    assert result.p_value == 0.01
    assert sorted(result.pairs[:, 0]) == [0, 1, 2, 3]
    assert (result.pairs[:, 0] == result.pairs[:, 1]).all()


def test_trials_of_a_stimulus_stay_together(rng, seed):
    stimulus = np.repeat(np.arange(10), 3)
    a = rng.normal(size=(10, 2))[stimulus]
    result = match_units(a, a, groups=stimulus, n_permutations=5, random_state=seed)
    assert result.score == pytest.approx(1)
    with pytest.raises(ValueError, match="groups of different size cannot be shuffled"):
        match_units(a, a, groups=np.maximum(stimulus, 1), n_permutations=5)
    with pytest.raises(ValueError, match=r"groups must have shape \(30,\)"):
        match_units(a, a, groups=stimulus[:5])


def test_networks_against_untrained_ones(seed):
    """Two networks match better than shuffled trials; so do untrained ones."""
    X, y = make_context_blobs()
    nets = [MultiTaskMLP((20,), max_iter=300, random_state=2 * seed + k) for k in range(2)]
    trained = [net.activations(X) for net in fit_many(nets, X, y)]
    first = [MultiTaskMLP((20,), max_iter=1, learning_rate_init=1e-12, random_state=2 * seed + k)
             for k in range(2)]  # fmt: skip
    untrained = [net.activations(X) for net in fit_many(first, X, y)]
    result = match_units(*trained, baseline=untrained, n_permutations=50, random_state=seed)
    assert result.p_value < 0.05
    assert result.baseline_score > result.null.mean() + 2 * result.null.std()


def test_bad_matches(rng):
    a, b = rng.normal(size=(2, 8, 3))
    with pytest.raises(ValueError, match="All units of y are constant"):
        UnitMatching().fit(a, np.ones((8, 2)))
    with pytest.raises(ValueError, match="y must have the 3 units that it had in fit, got 2"):
        UnitMatching().fit(a, b).score(a, b[:, :2])
    with pytest.raises(ValueError, match=r"test_size=0\.01 must leave trials"):
        match_units(a, b, test_size=0.01)
    with pytest.raises(ValueError, match="at least 2 trials to choose on and 2 to score on"):
        match_units(a, b, test_size=0.125)
    with pytest.raises(ValueError, match="baseline must be a pair"):
        match_units(a, b, baseline=[a])
    with pytest.raises(ValueError, match=r"baseline\[1\] must have the 8 trials"):
        match_units(a, b, baseline=[a, b[:5]])
    assert np.isnan(UnitMatching().fit(a, b).score(np.ones((3, 3)), b[:3]))


def test_procrustes_alignment_generalises_where_there_is_something_shared(pair, rng):
    X, Y = pair
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    good = cross_val_score(ProcrustesAlignment(), X, 3 * Y @ turn)
    assert good.min() > 0.5
    assert cross_val_score(ProcrustesAlignment(), X, Y[rng.permutation(120)]).max() < 0.2
    model = ProcrustesAlignment(scale=False).fit(X, Y)
    assert np.allclose(model.rotation_ @ model.rotation_.T, np.eye(4))
    assert model.scale_ == 1
    wide = ProcrustesAlignment().fit(X, np.hstack([Y, Y]))
    assert np.allclose(wide.rotation_ @ wide.rotation_.T, np.eye(4))
    narrow = ProcrustesAlignment().fit(X, Y[:, :2])
    assert np.allclose(narrow.rotation_.T @ narrow.rotation_, np.eye(2))
    assert narrow.score(X, Y[:, :2]) > 0.5
    with pytest.raises(ValueError, match="X is constant over trials"):
        ProcrustesAlignment().fit(np.ones((5, 2)), Y[:5])


def test_scale_is_the_least_squares_factor(pair):
    X, Y = pair
    model = ProcrustesAlignment().fit(X, Y[:, :2])
    aligned = (X - X.mean(0)) @ model.rotation_
    target = Y[:, :2] - Y[:, :2].mean(0)
    assert model.scale_ == pytest.approx(np.sum(aligned * target) / np.sum(aligned**2))


def test_a_search_takes_the_better_alignment(pair):
    X, Y = pair
    search = GridSearchCV(UnitMatching(), {"absolute": [False, True]}).fit(X, np.abs(Y))
    means = dict(zip((False, True), search.cv_results_["mean_test_score"], strict=True))
    assert search.best_score_ == max(means.values())


def test_sparse_prediction_finds_the_inputs(rng, seed):
    a = rng.normal(size=(400, 10))
    a[:, 9] = 1.0
    b = np.column_stack([a[:, 0] + a[:, 1], a[:, 2] - a[:, 3] + 0.1 * rng.normal(size=400)])
    b = np.column_stack([b, np.zeros(400)])
    result = sparse_prediction(a, b, alphas=[0.05, 1.5], random_state=seed)
    assert result.alphas.tolist() == [1.5, 0.05]
    assert result.n_silent == (1, 1)
    assert result.n_inputs[0, :2].tolist() == [0, 0]
    assert np.isnan(result.r2[:, 2]).all()
    assert (result.r2[1, :2] > 0.9).all()
    assert set(np.flatnonzero(abs(result.coefs[1, :, 0]) > 0.3)) == {0, 1}
    assert set(np.flatnonzero(abs(result.coefs[1, :, 1]) > 0.3)) == {2, 3}
    assert np.allclose(result.table["error"], 1 - result.table["r2"])
    default = sparse_prediction(a, b, random_state=seed)
    assert (np.diff(np.nansum(default.n_inputs, axis=1)) >= -1).all()
    shuffled = sparse_prediction(a, b[rng.permutation(400)], alphas=[0.05], random_state=seed)
    assert shuffled.r2[0, :2].max() < 0.1
    for alphas in ([], [0.0], [[1.0]], [np.nan]):
        with pytest.raises(ValueError, match="alphas must be a list of positive numbers"):
            sparse_prediction(a, b, alphas=alphas)
    with pytest.raises(ValueError, match="All units of b are constant"):
        sparse_prediction(a, np.ones((400, 2)))


def test_shared_clusters_are_found(rng, seed):
    latent = rng.normal(size=(150, 3))
    a = latent[:, [0, 0, 0, 1, 1, 1]] + 0.4 * rng.normal(size=(150, 6))
    b = latent[:, [0, 0, 0, 2, 2, 2]] + 0.4 * rng.normal(size=(150, 6))
    a = np.column_stack([a, np.zeros(150)])
    result = shared_clusters(a, b, 3, random_state=seed)
    assert result.labels_a[-1] == -1
    sizes = sorted(result.table[["n_a", "n_b"]].to_numpy().tolist())
    assert sizes == [[0, 3], [3, 0], [3, 3]]
    assert sorted(result.table["balance"]) == [0, 0, 1]
    assert result.score > 0.4
    unrelated = shared_clusters(a, b[rng.permutation(150)], 3, random_state=seed)
    assert not unrelated.score > 0.2
    with pytest.raises(ValueError, match="n_clusters must be from 1 to the 12 units"):
        shared_clusters(a, b, 13)


def test_p_values_are_uniform_on_unrelated_systems(rng):
    """Twenty trials, and a measure with ties among none of its values."""
    p = [
        alignment_test(
            linear_cka, rng.normal(size=(20, 3)), rng.normal(size=(20, 4)),
            n_permutations=39, random_state=k,
        ).p_value
        for k in range(200)
    ]  # fmt: skip
    spread = np.asarray(p) - rng.uniform(0, 1 / 40, size=200)  # p-values are multiples of 1/40
    assert kstest(spread, "uniform").pvalue > 1e-3


def test_alignment_is_found_by_any_measure(pair, seed):
    for measure in (linear_cka, procrustes_similarity):
        result = alignment_test(measure, *pair, n_permutations=50, random_state=seed, baseline=pair)
        assert result.p_value == 1 / 51
        assert result.z > 3
        assert result.baseline_score == result.score
    distance = alignment_test(
        lambda a, b: 1 - linear_cka(a, b),
        *pair,
        n_permutations=50,
        greater_is_better=False,
        random_state=seed,
    )
    assert distance.p_value == 1 / 51
    with pytest.raises(ValueError, match="n_permutations must be at least 1"):
        alignment_test(linear_cka, *pair, n_permutations=0)
