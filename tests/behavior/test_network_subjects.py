"""Networks as subjects: their choice matrices, and parameters recovered from choices."""

import numpy as np
import pytest
from scipy.special import expit

from neuroselect import ContextGatedRegressor, MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect.behavior import (
    choice_rdm_betas,
    choice_slopes,
    congruency_effect,
    fit_network_parameter,
    network_choice_matrices,
)
from neuroselect.behavior._network_objective import NetworkObjective
from neuroselect.datasets import make_context_blobs


@pytest.fixture(scope="module")
def blobs():
    return make_context_blobs(return_X_y=False, normalize=False)


def gated(**options):
    given = {
        "gating": "none", "context_scale": 5, "init": "normal", "init_scale": 0.01,
        "output_init_scale": 0.1, "bias_init": 0.1, "loss": "expected_reward", "solver": "sgd",
        "batch_size": 1, "learning_rate_init": 0.2, "max_iter": 60,
    }  # fmt: skip
    return ContextGatedRegressor((40,), **given | options)


def test_cells_are_those_of_a_slow_loop(blobs, seed):
    net = gated(random_state=seed, max_iter=3).fit(blobs.data, blobs.target)
    p = net.choice_probability(blobs.data)
    given = blobs.conditions
    found = network_choice_matrices(net, blobs.data, given, reward=blobs.target)
    assert found.shape == (1, 2, 5, 5)
    for row, value in zip(given.to_dict("records"), p, strict=True):
        # Rewards of the blobs fall with the level: both axes are turned.
        cell = int(row["task"]), int(2 - row["leafiness"]), int(2 - row["branchiness"])
        assert found[0][cell] == value
    plain = network_choice_matrices(net, blobs.data, given)
    assert np.array_equal(plain[:, :, ::-1, ::-1], found)


def test_any_network_can_choose(blobs):
    X, y, given = blobs.data, blobs.target, blobs.conditions
    regressor = MultiTaskMLP((10,), learning_rate_init=0.02, random_state=0).fit(X, y)
    found = network_choice_matrices(regressor, X, given)
    assert found.sum() == pytest.approx(expit(regressor.predict(X)).sum())
    classifier = MultiTaskMLPClassifier((10,), random_state=0).fit(X, y > 0)
    found = network_choice_matrices(classifier, X, given)
    assert found.sum() == pytest.approx(classifier.predict_proba(X)[:, 1].sum())


def test_a_network_that_learned_the_rules_is_a_subject_who_did(blobs):
    nets = fit_many(
        [gated(random_state=k, max_iter=200) for k in range(3)], blobs.data, blobs.target
    )
    m = network_choice_matrices(nets, blobs.data, blobs.conditions, reward=blobs.target)
    slopes, betas = choice_slopes(m), choice_rdm_betas(m)
    assert (slopes[:, 0] > 4 * abs(slopes[:, 1])).all()
    assert (abs(congruency_effect(m)) < 0.15).all()
    assert (betas[:, 0] > betas[:, 1]).all()
    sluggish = fit_many(
        [gated(random_state=k, max_iter=200, sluggishness=0.02) for k in range(3)],
        blobs.data,
        blobs.target,
    )
    m = network_choice_matrices(sluggish, blobs.data, blobs.conditions, reward=blobs.target)
    betas = choice_rdm_betas(m)
    assert (betas[:, 1] > betas[:, 0]).all()
    assert (congruency_effect(m) > 0.3).all()


@pytest.mark.parametrize(
    ("parameter", "values", "truth"),
    [
        ("sluggishness", [0.05, 0.3, 1.0], 0.05),
        ("sluggishness", [0.05, 0.3, 1.0], 0.3),
        ("init_scale", [0.01, 1.0], 1.0),
    ],
)
def test_parameters_are_recovered(blobs, seed, parameter, values, truth):
    """Choices drawn from other networks of a known value."""
    rng = np.random.default_rng(seed)
    X, y, given = blobs.data, blobs.target, blobs.conditions
    slower = {"learning_rate_init": 0.1, "max_iter": 150}
    people = [gated(random_state=1000 + seed + k, **slower, **{parameter: truth}) for k in range(8)]
    p = network_choice_matrices(fit_many(people, X, y), X, given, reward=y)
    choices = rng.binomial(12, 0.05 + 0.9 * p) / 12
    result = fit_network_parameter(
        gated(**slower), parameter, values, X, y, given, choices, counts=12, n_networks=8,
        n_bootstrap=50, lapse=0.05, random_state=seed,
    )  # fmt: skip
    assert result.group_best == truth
    assert result.group_interval[0] <= truth <= result.group_interval[1]
    assert np.mean(result.best == truth) > 0.2  # one subject alone says less than the group
    assert result.intervals.shape == (8, 2)
    low, high = result.intervals.T
    assert np.mean((low <= truth) & (truth <= high)) > 0.6
    assert np.array_equal(result.table[["low", "high"]], result.intervals)
    assert result.grid.tolist() == values
    assert result.matrices.shape == (len(values), 8, 2, 5, 5)
    assert (result.table["margin"] >= 0).all()
    assert result.table["objective"].to_numpy() == pytest.approx(result.objective.max(axis=1))
    squares = fit_network_parameter(
        gated(max_iter=2), parameter, values, X, y, given, choices, n_networks=2, n_bootstrap=2,
        lapse=0, random_state=seed,
    )  # fmt: skip
    predicted = squares.matrices.mean(axis=1)
    slow = [[-((c - p) ** 2).sum() for p in predicted] for c in choices]
    assert np.allclose(squares.objective, slow)


def test_binomial_likelihood_is_its_definition(blobs, rng):
    X, y, given = blobs.data, blobs.target, blobs.conditions
    choices = rng.integers(0, 5, size=(2, 2, 5, 5)) / 4
    result = fit_network_parameter(
        gated(max_iter=2), "sluggishness", [0.5], X, y, given, choices, counts=4, n_networks=2,
        n_bootstrap=1, random_state=0,
    )  # fmt: skip
    p = 0.01 + 0.98 * result.matrices[0]
    for c, found in zip(choices, result.objective[:, 0], strict=True):
        each = [np.prod(q ** (4 * c) * (1 - q) ** (4 - 4 * c)) for q in p]
        assert found == pytest.approx(np.log(np.mean(each)))


@pytest.mark.parametrize("kind", ["binomial", "squared_error"])
def test_bootstrap_draws_are_those_of_a_slow_loop(kind, rng):
    """Networks and cells that are drawn twice count twice."""
    choices = rng.integers(0, 5, size=(3, 2, 4, 4)) / 4
    matrices = rng.random((5, 6, 2, 4, 4))
    score = NetworkObjective(kind, choices, np.full(choices.shape, 4.0), 0.1, matrices)
    networks, cells = rng.integers(6, size=6), rng.integers(32, size=32)
    found = score(networks, np.bincount(cells, minlength=32).astype(float))
    p = 0.1 + 0.8 * matrices.reshape(5, 6, 32)[:, :, cells][:, networks]
    for c, row in zip(choices.reshape(3, 32)[:, cells], found, strict=True):
        if kind == "binomial":
            each = (p ** (4 * c) * (1 - p) ** (4 - 4 * c)).prod(axis=-1)
            slow = np.log(each.mean(axis=1))
        else:
            slow = -((c - p.mean(axis=1)) ** 2).sum(axis=-1)
        assert row == pytest.approx(slow)


def test_intervals_are_as_wide_as_what_is_known(rng):
    """One value where choices tell it in every cell, all values where they tell nothing."""
    values = np.array([0.1, 0.5, 0.9])
    matrices = np.tile(values[:, None, None, None, None], (1, 4, 2, 5, 5))
    choices = np.concatenate([np.full((1, 2, 5, 5), 0.5), rng.random((1, 2, 5, 5)).round()])
    score = NetworkObjective("squared_error", choices, None, 0.0, matrices)
    _, subjects = score.bootstrap(200, np.random.RandomState(0))
    assert (subjects[:, 0] == 1).all()
    alike = np.tile(rng.random((1, 1, 2, 5, 5)), (3, 4, 1, 1, 1))
    alike = alike + 0.01 * rng.standard_normal((3, 4, 2, 5, 5))
    score = NetworkObjective("squared_error", choices, None, 0.0, alike)
    _, subjects = score.bootstrap(200, np.random.RandomState(0))
    assert len(np.unique(subjects[:, 1])) > 1


BAD = [
    ({"parameter": "slug"}, "parameter must be one of the estimator's, got 'slug'"),
    ({"values": []}, "values must be a list of different numbers"),
    ({"values": [1.0, 1.0]}, "values must be a list of different numbers"),
    ({"objective": "binomial"}, "objective='binomial' needs counts"),
    ({"objective": "likely"}, "objective must be one of"),
    ({"lapse": 0.5}, r"lapse must be at least 0 and below 0\.5"),
    ({"n_networks": 0}, "n_networks and n_bootstrap must be at least 1"),
    ({"counts": np.ones(3)}, "counts must broadcast"),
    ({"counts": 0}, "counts must be positive"),
    ({"choices": np.ones((1, 2, 4, 4))}, "choices must have the grid of conditions"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_fits(blobs, change, message):
    given = {"parameter": "sluggishness", "values": [1.0], "choices": np.full((1, 2, 5, 5), 0.5)}
    given |= change
    with pytest.raises(ValueError, match=message):
        fit_network_parameter(
            gated(max_iter=1), given.pop("parameter"), given.pop("values"), blobs.data,
            blobs.target, blobs.conditions, given.pop("choices"), **{"n_networks": 1} | given,
        )  # fmt: skip


def test_bad_choices(blobs):
    X, given = blobs.data, blobs.conditions
    net = gated(max_iter=1, random_state=0).fit(X, blobs.target)
    with pytest.raises(ValueError, match="networks is an empty list"):
        network_choice_matrices([], X, given)
    with pytest.raises(ValueError, match="features must name two columns"):
        network_choice_matrices(net, X, given, ["leafiness", "colour"])
    with pytest.raises(ValueError, match="must hold two tasks"):
        network_choice_matrices(net, X, given.assign(task=0))
    with pytest.raises(ValueError, match="have no trial"):
        network_choice_matrices(net, X[1:], given.iloc[1:])
    with pytest.raises(ValueError, match=r"reward must have shape \(50,\)"):
        network_choice_matrices(net, X, given, reward=[1, 2])
    with pytest.raises(ValueError, match="neither rises nor falls with 'leafiness'"):
        network_choice_matrices(net, X, given, reward=np.zeros(50))
    three = MultiTaskMLPClassifier((5,), max_iter=1).fit(X, np.sign(blobs.target))
    with pytest.raises(ValueError, match="must have two classes, reject and accept, got 3"):
        network_choice_matrices(three, X, given)
