"""Measures of continual learning against matrices worked out by hand, and on networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone

from neuroselect import (
    ContextGatedClassifier,
    ContextGatedRegressor,
    MultiTaskCNNClassifier,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    fit_many,
)
from neuroselect.continual import (
    accuracy_matrix,
    backward_transfer,
    continual_measures,
    forgetting,
    forward_transfer,
    intransigence,
)
from neuroselect.curricula import Blocked
from neuroselect.datasets import make_context_blobs
from neuroselect.displays import ForgettingDisplay

# Three tasks, one after the other: task 0 rises once more before it falls.
MATRIX = np.array([[0.8, 0.4, 0.3], [0.9, 0.7, 0.5], [0.6, 0.65, 0.95]])
INITIAL = np.array([0.5, 0.5, 0.2])


def test_published_measures_by_hand():
    assert forgetting(MATRIX)[:2] == pytest.approx([0.3, 0.05])
    assert np.isnan(forgetting(MATRIX)[2])
    assert forgetting(MATRIX, reference="own")[:2] == pytest.approx([0.2, 0.05])
    assert backward_transfer(MATRIX) == pytest.approx((-0.2 - 0.05) / 2)
    assert forward_transfer(MATRIX, INITIAL) == pytest.approx((0.4 - 0.5 + 0.5 - 0.2) / 2)
    assert intransigence(MATRIX, [1, 0.9, 0.9]) == pytest.approx([0.2, 0.2, -0.05])


def test_a_task_that_comes_back_counts_from_its_last_phase():
    matrix = np.array([[0.9, 0.5], [0.6, 0.8], [0.85, 0.7]])
    order = [0, 1, 0]
    assert np.isnan(forgetting(matrix, order=order)[0])
    assert forgetting(matrix, order=order)[1] == pytest.approx(0.1)
    assert backward_transfer(matrix, order=order) == pytest.approx(-0.1)
    assert forward_transfer(matrix, [0.5, 0.4], order=order) == pytest.approx(0.1)
    assert intransigence(matrix, [0.9, 0.9], order=order) == pytest.approx([0.05, 0.1])


def test_a_task_that_is_never_trained_has_no_measures():
    matrix = np.array([[0.9, 0.5, 0.4], [0.6, 0.8, 0.5]])
    assert np.isnan(forgetting(matrix, order=[0, 1])[2])
    assert np.isnan(intransigence(matrix, [1, 1, 1], order=[0, 1])[2])
    assert forward_transfer(matrix, [0, 0.4, 0], order=[0, 1]) == pytest.approx(0.1)
    assert np.isnan(backward_transfer(matrix[:1], order=[0]))


@settings(max_examples=30, deadline=None)
@given(arrays(float, (4, 3, 3), elements=st.floats(0, 1)))
def test_properties(matrices):
    """Networks are independent; best is never below own; what was not lost is transfer."""
    best, own = forgetting(matrices), forgetting(matrices, reference="own")
    for k, matrix in enumerate(matrices):
        assert np.array_equal(best[k], forgetting(matrix), equal_nan=True)
    assert (best[:, :2] >= own[:, :2] - 1e-15).all()
    assert np.allclose(backward_transfer(matrices), -np.nanmean(own, axis=-1))
    kept = matrices.copy()
    kept[:, 1:] = kept[:, :1]
    assert (np.nan_to_num(forgetting(kept)) == 0).all()


@pytest.fixture(scope="module")
def blobs():
    X, y = make_context_blobs()
    return X, y, y > 0


def network(seed, **options):
    given = {"learning_rate_init": 0.02, "max_iter": 60, "curriculum": "blocked"}
    given |= {"record": "task_scores", "random_state": seed}
    return MultiTaskMLPClassifier((20,), **given | options)


def test_scores_are_those_of_networks_stopped_there(blobs, seed):
    """What is recorded after a phase is the score of a network whose training ended there."""
    X, _, side = blobs
    nets = fit_many([network(seed), network(seed + 1)], X, side)
    result = accuracy_matrix(nets)
    assert result.ends.tolist() == [30, 60]
    assert result.order.tolist() == [0, 1]
    assert result.matrix.shape == (2, 2, 2)
    assert np.allclose(result.matrix[:, 1], [net.score_by_task(X, side) for net in nets])
    stopped = network(seed, max_iter=30, curriculum=Blocked([0], 30)).fit(X, side)
    assert np.allclose(result.matrix[0, 0], stopped.score_by_task(X, side))
    assert np.allclose(result.initial[0], nets[0].history_["task_scores"][0])
    one = accuracy_matrix(nets[0])
    assert np.array_equal(one.matrix, result.matrix[0])


@pytest.mark.parametrize(
    "estimator",
    [
        MultiTaskMLP((8,)),
        MultiTaskMLPClassifier((8,)),
        ContextGatedRegressor((8,), gating="oja"),
        ContextGatedRegressor((8,), gating="learned", loss="expected_reward"),
        ContextGatedClassifier((8,), gating="random"),
        MultiTaskCNNClassifier((8,), conv_channels=(2,)),
    ],
    ids=lambda e: f"{type(e).__name__}-{getattr(e, 'gating', '')}",
)
def test_every_network_has_a_matrix(blobs, estimator, seed):
    """Alone and on the network axis: the last row is the score by task, in all of them."""
    X, y, side = blobs
    y = side if hasattr(estimator, "predict_proba") else y
    estimator.set_params(curriculum="blocked", record="task_scores", max_iter=4)
    nets = fit_many([clone(estimator).set_params(random_state=seed + k) for k in range(2)], X, y)
    result = accuracy_matrix(nets)
    assert result.matrix.shape == (2, 2, 2)
    assert np.allclose(result.matrix[:, -1], [net.score_by_task(X, y) for net in nets])
    untrained = clone(nets[1]).set_params(max_iter=2, curriculum=Blocked([0], 2)).fit(X, y)
    assert np.allclose(result.matrix[1, 0], untrained.score_by_task(X, y))
    table = continual_measures(nets)
    assert np.allclose(table["final"], result.matrix[:, -1].ravel())


def test_blocked_training_forgets_and_interleaved_does_not(blobs):
    X, _, side = blobs
    blocked = continual_measures(fit_many([network(k, max_iter=400) for k in range(5)], X, side))
    first = blocked[blocked["task"] == 0]
    assert first["forgetting"].mean() > 0.15
    assert (first["final"] - first["learned"]).to_numpy() == pytest.approx(
        first["backward_transfer"].to_numpy()
    )
    mixed = [network(k, max_iter=400, curriculum="interleaved") for k in range(5)]
    ends, order = [200, 400], [0, 1]
    table = continual_measures(fit_many(mixed, X, side), ends=ends, order=order)
    assert table.loc[table["task"] == 0, "forgetting"].mean() < 0.05
    joint = accuracy_matrix(fit_many(mixed, X, side), ends=ends).matrix[:, -1]
    assert (
        continual_measures(
            fit_many([network(k, max_iter=400) for k in range(5)], X, side), reference=joint
        )["intransigence"]
        .notna()
        .all()
    )


def test_orders_and_other_scores(blobs, seed):
    X, y, side = blobs
    back = network(seed, max_iter=30, curriculum=Blocked([1, 0, 1], 10)).fit(X, side)
    assert accuracy_matrix(back).ends.tolist() == [10, 20, 30]
    assert accuracy_matrix(back).order.tolist() == [1, 0, 1]
    one = network(seed, max_iter=10, curriculum=Blocked([1], 10)).fit(X, side)
    assert accuracy_matrix(one).order.tolist() == [1]
    regressor = MultiTaskMLP(
        (10,), max_iter=20, curriculum="blocked", record=("sign_accuracy", "task_losses"),
        random_state=seed,
    ).fit(X, y)  # fmt: skip
    assert np.array_equal(
        accuracy_matrix(regressor).matrix, regressor.history_["sign_accuracy"][[10, 20]]
    )
    losses = accuracy_matrix(regressor, score="task_losses").matrix
    assert np.array_equal(losses, -regressor.history_["task_losses"][[10, 20]])


def test_few_records_are_enough_if_they_are_the_right_ones(blobs, seed):
    X, _, side = blobs
    every = accuracy_matrix(network(seed).fit(X, side))
    few = accuracy_matrix(network(seed, record_every=[30, 60]).fit(X, side))
    assert np.array_equal(every.matrix, few.matrix)
    assert np.isnan(few.initial).all()
    with pytest.raises(ValueError, match=r"Train with record_every=\[0, 30, 60\]"):
        accuracy_matrix(network(seed, record_every=[0, 60]).fit(X, side))


def test_bad_networks(blobs):
    X, _, side = blobs
    with pytest.raises(ValueError, match=r"Fit the network with record='task_scores'"):
        accuracy_matrix(network(0, record=None).fit(X, side))
    with pytest.raises(ValueError, match="score must be one of"):
        accuracy_matrix(network(0).fit(X, side), score="r2")
    mixed = network(0, curriculum="interleaved").fit(X, side)
    with pytest.raises(ValueError, match=r"The phases of curriculum='interleaved' cannot be told"):
        accuracy_matrix(mixed)
    for ends in ([], [0.5], [[1]], [0]):
        with pytest.raises(ValueError, match="ends must hold the number of passes"):
            accuracy_matrix(mixed, ends=ends)
    with pytest.raises(ValueError, match="order must name one of the tasks"):
        accuracy_matrix(mixed, ends=[60], order=["A"])
    with pytest.raises(ValueError, match="order must name the task that each phase of ends"):
        continual_measures(mixed, ends=[60])
    with pytest.raises(ValueError, match="estimator is an empty list"):
        accuracy_matrix([])
    stopped = network(0, tol=1.0, n_iter_no_change=2).fit(X, side)
    with pytest.raises(ValueError, match="Set tol=None"):
        accuracy_matrix(stopped)
    other = network(0, curriculum=Blocked([1, 0])).fit(X, side)
    with pytest.raises(ValueError, match="The networks differ in their order"):
        accuracy_matrix([network(0).fit(X, side), other])


def test_bad_matrices():
    with pytest.raises(ValueError, match="matrix must have shape"):
        forgetting([0.1, 0.2])
    with pytest.raises(ValueError, match="matrix must hold scores, got infinite"):
        forgetting([[np.inf]])
    with pytest.raises(ValueError, match="order must be given where phases"):
        forgetting(np.ones((3, 2)))
    for order in ([0], [0, 1, 2], [0.0, 1.0, 0.0]):
        with pytest.raises(ValueError, match="order must hold, for each of the 3 phases"):
            forgetting(np.ones((3, 2)), order=order)
    with pytest.raises(ValueError, match="reference must be 'best' or 'own'"):
        forgetting(MATRIX, reference="first")
    with pytest.raises(ValueError, match="initial must have shape"):
        forward_transfer(MATRIX, [0.5])
    with pytest.raises(ValueError, match="reference must have shape"):
        intransigence(MATRIX, 1.0)


def test_display(blobs):
    X, _, side = blobs
    nets = fit_many([network(k, max_iter=200) for k in range(3)], X, side)
    display = ForgettingDisplay.from_networks(nets, task_names=["A", "B"], chance=0.5).plot()
    table = continual_measures(nets)
    lost = -table.loc[table["task"] == 0, "backward_transfer"].mean()
    assert display.lost_[0] == pytest.approx(lost)
    texts = [text.get_text() for text in display.ax_.texts]
    assert "B" in texts
    assert any(text.startswith("A (") for text in texts)
    assert display.ax_.get_xlim() == (0, 200)
    free = ForgettingDisplay([0, 1], np.ones((1, 2, 1)), ["A"], ends=[1]).plot()
    assert np.isnan(free.lost_).all()
    with pytest.raises(ValueError, match="scores must have shape"):
        ForgettingDisplay([0, 1], np.ones((1, 3, 1)), ["A"], ends=[1])
    with pytest.raises(ValueError, match="ends must be among the passes"):
        ForgettingDisplay([0, 1], np.ones((1, 2, 1)), ["A"], ends=[2])
    few = network(0, max_iter=200, record_every=[100, 200]).fit(X, side)
    with pytest.raises(ValueError, match="recorded after different passes"):
        ForgettingDisplay.from_networks([nets[0], few])
