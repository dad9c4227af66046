"""Networks that stop by themselves, alone and in a stack."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect.datasets import make_context_blobs

X, Y = make_context_blobs()
LABELS = np.digitize(Y, [-0.5, 0.5])
SETTINGS = {"learning_rate_init": 0.02, "max_iter": 400, "tol": 1e-3, "n_iter_no_change": 3}


def stop_by_hand(curve, tol, n_iter_no_change):
    """Number of passes until the loss has not improved for too long."""
    best, n_worse = np.inf, 0
    for n_passes, loss in enumerate(curve, start=1):
        n_worse = 0 if loss <= best - tol else n_worse + 1
        best = min(best, loss)
        if n_worse > n_iter_no_change:
            return n_passes
    return len(curve)


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("cls", [MultiTaskMLP, MultiTaskMLPClassifier])
def test_a_network_stops_where_its_loss_stops_falling(cls, batch_size, seed):
    y = Y if cls is MultiTaskMLP else LABELS
    net = cls((12,), batch_size=batch_size, random_state=seed, **SETTINGS).fit(X, y)
    free = clone(net).set_params(tol=None).fit(X, y)
    n_passes = stop_by_hand(free.loss_curve_, 1e-3, 3)
    assert 4 < n_passes < 400
    assert net.n_iter_ == n_passes
    np.testing.assert_array_equal(net.loss_curve_, free.loss_curve_[:n_passes])
    short = clone(net).set_params(tol=None, max_iter=n_passes).fit(X, y)
    for a, b in zip(net.coefs_, short.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("tol", [1e-2, 1e-4])
@pytest.mark.parametrize("n_iter_no_change", [1, 5])
def test_stops_with_scikit_learn(tol, n_iter_no_change):
    ours = MultiTaskMLP((5,), task_column=None, activation="tanh", solver="sgd", batch_size=None)
    ours.set_params(learning_rate_init=0.1, max_iter=3000, random_state=0)
    ours.set_params(tol=tol, n_iter_no_change=n_iter_no_change).fit(X, Y)

    class SameStart(MLPRegressor):
        def _init_coef(self, fan_in, fan_out, dtype):
            layer = 0 if fan_in == X.shape[1] else 1
            return ours.initial_coefs_[layer].copy(), np.zeros(fan_out)

    theirs = SameStart(
        hidden_layer_sizes=(5,),
        activation="tanh",
        solver="sgd",
        alpha=0,
        batch_size=50,
        learning_rate_init=0.1,
        momentum=0,
        max_iter=3000,
        tol=tol,
        n_iter_no_change=n_iter_no_change,
    )
    theirs.fit(X, Y)
    assert 2 < theirs.n_iter_ < 3000
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-10)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"batch_size": 7},
        {"batch_size": 7, "hidden_layer_sizes": (6, 5), "activation": "tanh"},
        {"batch_size": None, "solver": "sgd", "learning_rate_init": 0.2},
        {"batch_size": 7, "solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.5},
        {"batch_size": 7, "curriculum": "blocked"},
    ],
    ids=str,
)
def test_networks_of_a_stack_stop_one_by_one(tmp_path, changes):
    net = MultiTaskMLP((12,), warm_start=True, **SETTINGS).set_params(**changes)
    net.set_params(record=["task_scores", "activations"], record_every=10)
    nets = [clone(net).set_params(random_state=k, init_scale=1 + k / 5) for k in range(6)]
    fitted = fit_many(nets, X, Y, checkpoint=tmp_path)
    kept = fit_many(nets, X, Y, checkpoint=tmp_path)
    assert len({one.n_iter_ for one in fitted}) > 2
    for many, again, single in zip(fitted, kept, nets, strict=True):
        one = clone(single).fit(X, Y)
        for other in (many, again):
            assert other.n_iter_ == one.n_iter_ == len(other.loss_curve_)
            np.testing.assert_allclose(other.loss_curve_, one.loss_curve_, atol=1e-12)
            np.testing.assert_allclose(other.coefs_[0], one.coefs_[0], atol=1e-12)
            np.testing.assert_array_equal(other.history_.passes, one.history_.passes)
            for name in ("task_scores", "activations"):
                np.testing.assert_allclose(other.history_[name], one.history_[name], atol=1e-12)
        # The solver's state is that of the stop, too.
        one.set_params(tol=None, max_iter=4).fit(X, Y)
        for other in (many, again):
            other.set_params(tol=None, max_iter=4).fit(X, Y)
            np.testing.assert_allclose(other.coefs_[0], one.coefs_[0], atol=1e-12)


def test_the_last_record_is_that_of_the_stop():
    net = MultiTaskMLP((12,), record=["task_scores", "activations"], random_state=0, **SETTINGS)
    net.set_params(record_every=10).fit(X, Y)
    assert net.n_iter_ % 10
    expected = [*range(0, net.n_iter_, 10), net.n_iter_]
    np.testing.assert_array_equal(net.history_.passes, expected)
    np.testing.assert_allclose(net.history_.task_scores[-1], net.score_by_task(X, Y), atol=1e-12)
    np.testing.assert_allclose(net.history_.activations[-1], net.activations(X), atol=1e-12)
    chosen = clone(net).set_params(record_every=[5, 400]).fit(X, Y)
    np.testing.assert_array_equal(chosen.history_.passes, [5])


def test_never_stops_without_tol():
    net = MultiTaskMLP((3,), learning_rate_init=1e-15, max_iter=30, n_iter_no_change=1)
    assert net.fit(X, Y).n_iter_ == 30
    assert net.set_params(tol=1e-9).fit(X, Y).n_iter_ == 3


def test_each_fit_counts_anew():
    net = MultiTaskMLP((12,), warm_start=True, random_state=0, **SETTINGS).fit(X, Y)
    first = net.n_iter_
    net.fit(X, Y)
    assert net.n_iter_ - first == stop_by_hand(net.loss_curve_[first:], 1e-3, 3)
    assert net.n_iter_ - first > 3


def test_a_single_pass_does_not_count():
    net = MultiTaskMLP((3,), learning_rate_init=1e-15, tol=1.0, n_iter_no_change=1, max_iter=9)
    for _ in range(5):
        net.partial_fit(X, Y)
    assert net.n_iter_ == 5


def test_a_diverged_network_stops_and_says_so():
    net = MultiTaskMLP((6,), solver="sgd", activation="identity", random_state=0)
    net.set_params(learning_rate_init=1e3, max_iter=5000)
    passes = []

    def counted(task, *, batch_size, max_iter, rng):
        for number in range(max_iter):
            passes.append(number)
            yield [np.arange(len(task))]

    with pytest.raises(ValueError, match="weights that are not finite"):
        net.set_params(curriculum=counted, tol=1e-4, n_iter_no_change=200).fit(X, Y)
    assert len(passes) < 1000


@pytest.mark.filterwarnings("error", category=ConvergenceWarning)
def test_passes_that_are_through_are_told_by_their_number():
    net = MultiTaskMLP((6,), tol=1e-9, max_iter=3, random_state=0).fit(X, Y)
    assert net.n_iter_ == 3


@pytest.mark.parametrize("change", [{"tol": -1.0}, {"n_iter_no_change": 0}])
def test_out_of_range(change):
    with pytest.raises(ValueError, match=f"The '{next(iter(change))}' parameter of MultiTaskMLP"):
        MultiTaskMLP(**change).fit(X, Y)
