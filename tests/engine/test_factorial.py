"""Descent in the space of stimuli and cues against descent in the space of weights."""

import numpy as np
import pytest

from neuroselect import MultiTaskMLP, fit_many
from neuroselect._engine import _train
from neuroselect._engine._factorial import REFRESH, FactorialDescent, stimulus_grid
from neuroselect.datasets import make_context_blobs


def trials_of(n_tasks, rng, n_stimuli=12, n_features=9):
    """Every stimulus once in every task, in any order."""
    stimuli = rng.standard_normal((n_stimuli, n_features)) / 3
    task = np.repeat(np.arange(n_tasks), n_stimuli)
    X = np.column_stack([np.tile(stimuli, (n_tasks, 1)), task])
    return rng.permutation(X), rng.standard_normal(len(X))


def descent(**changes):
    net = MultiTaskMLP((7,), solver="sgd", batch_size=None, learning_rate_init=0.05)
    return net.set_params(**{"context_scale": 0.6, **changes})


def steps_taken(monkeypatch, net, X, y, **fit):
    """Fit; return the network and the classes of the steps that trained it."""
    made, make = [], _train._make_step

    def spy(*args):
        made.append(make(*args))
        return made[-1]

    monkeypatch.setattr(_train, "_make_step", spy)
    return net.fit(X, y, **fit), [type(step) for step in made]


@pytest.mark.parametrize("n_tasks", [2, 3])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_both_spaces_give_the_same_network(monkeypatch, n_tasks, reduction, weighted, seed):
    rng = np.random.default_rng(seed)
    X, y = trials_of(n_tasks, rng)
    weight = rng.uniform(0.1, 1, len(y)) if weighted else None
    net = descent(reduction=reduction, learning_rate_init=0.005, random_state=seed)
    net.set_params(max_iter=2 * REFRESH + 10)
    fast, steps = steps_taken(monkeypatch, net, X, y, sample_weight=weight)
    assert steps == [FactorialDescent]
    monkeypatch.undo()
    monkeypatch.setattr(_train, "stimulus_grid", lambda *_: None)
    slow = descent(**net.get_params()).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(fast.loss_curve_, slow.loss_curve_, rtol=1e-10)
    for a, b in zip(fast._weights(), slow._weights(), strict=True):
        for of_fast, of_slow in zip(a, b, strict=True):
            np.testing.assert_allclose(of_fast, of_slow, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    "change",
    [
        {"solver": "adam"},
        {"momentum": 0.5},
        {"alpha": 0.1},
        {"activation": "tanh"},
        {"output_activation": "relu"},
        {"hidden_layer_sizes": (7, 5)},
        {"batch_size": 5},
        {"curriculum": "blocked"},
    ],
)
def test_other_networks_are_trained_in_the_space_of_weights(monkeypatch, change):
    X, y = trials_of(2, np.random.default_rng(0))
    net = descent(max_iter=3, random_state=0, **change)
    _, steps = steps_taken(monkeypatch, net, X, y)
    assert steps == [_train._Step]


@pytest.mark.parametrize(
    "spoil", ["one trial missing", "one trial twice", "two targets", "one task"]
)
def test_other_designs_are_trained_in_the_space_of_weights(monkeypatch, spoil):
    rng = np.random.default_rng(0)
    X, y = trials_of(2, rng)
    if spoil == "one trial missing":
        X, y = X[1:], y[1:]
    elif spoil == "one trial twice":
        X, y = np.vstack([X, X[:2]]), np.append(y, y[:2])
    elif spoil == "two targets":
        y = np.column_stack([y, y])
    else:
        X[:, -1] = 0
    _, steps = steps_taken(monkeypatch, descent(max_iter=3, random_state=0), X, y)
    assert steps == [_train._Step]


def test_many_stimuli_are_left_to_the_weights():
    X, y = trials_of(2, np.random.default_rng(0), n_stimuli=19, n_features=9)
    net = descent()
    job = net._make_job(net._read_trials(X, y))
    batches = _train.make_batches([job])
    assert stimulus_grid([job], batches) is None
    X, y = trials_of(2, np.random.default_rng(0), n_stimuli=18, n_features=9)
    job = net._make_job(net._read_trials(X, y))
    grid = stimulus_grid([job], batches)
    assert grid.shape == (2, 18)
    shown = X[grid]
    assert (shown[..., -1] == [[0], [1]]).all()
    np.testing.assert_array_equal(shown[0, :, :-1], shown[1, :, :-1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_is_the_same_in_any_company(dtype):
    X, y = (a.astype(dtype) for a in make_context_blobs())
    nets = [
        descent(hidden_layer_sizes=(11,), reduction="sum", learning_rate_init=0.005)
        .set_params(init="normal", init_scale=s, max_iter=REFRESH + 50, random_state=k)
        for k, s in enumerate([0.01, 0.1, 0.3, 1, 3] * 5)
    ]  # fmt: skip
    many = fit_many(nets, X, y)
    for k in (0, 7, 24):
        (one,) = fit_many([nets[k]], X, y)
        np.testing.assert_array_equal(one.coefs_[0], many[k].coefs_[0])
        np.testing.assert_array_equal(one.loss_curve_, many[k].loss_curve_)
