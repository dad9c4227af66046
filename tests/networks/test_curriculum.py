"""Networks trained in the order that a curriculum gives."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect.curricula import Biased, Blocked, Interleaved, Replay, Resampled
from neuroselect.datasets import make_context_blobs

X, Y = make_context_blobs()


def as_recorded(task, *, batch_size, max_iter, rng):
    """Every pass in the order of the trials."""
    starts = np.arange(batch_size or len(task), len(task), batch_size or len(task))
    return (np.split(np.arange(len(task)), starts) for _ in range(max_iter))


def by_hand(net, X, y, steps, rate):
    """Descend along the gradient of each step's mean loss, one linear layer at a time."""
    w, v = (c.copy() for c in net.initial_coefs_)
    b, c = (i.copy() for i in net.initial_intercepts_)
    u = net.initial_context_coefs_.copy()
    cue = np.eye(2)[X[:, -1].astype(int)]
    for rows in steps:
        s, k = X[rows, :-1], cue[rows]
        h = np.tanh(s @ w + k @ u + b)
        error = (h @ v + c - y[rows, None]) / len(rows)
        d = (error @ v.T) * (1 - h**2)
        v, c = v - rate * h.T @ error, c - rate * error.sum(0)
        w, u, b = w - rate * s.T @ d, u - rate * k.T @ d, b - rate * d.sum(0)
    return w, v


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize(
    "curriculum",
    [Interleaved(), Resampled(), Blocked(order=[1, 0]), Replay(every=3), Biased(), as_recorded],
)
def test_training_follows_the_curriculum(curriculum, batch_size):
    net = MultiTaskMLP(
        (6,),
        activation="tanh",
        solver="sgd",
        learning_rate_init=0.1,
        batch_size=batch_size,
        max_iter=4,
        curriculum=curriculum,
        random_state=3,
    ).fit(X, Y)
    job_seed = np.random.RandomState(3).randint(np.iinfo(np.int32).max)
    order = np.random.SeedSequence(job_seed).spawn(2)[1]
    passes = curriculum(
        X[:, -1], batch_size=batch_size, max_iter=4, rng=np.random.default_rng(order)
    )
    w, v = by_hand(net, X, Y, [rows for steps in passes for rows in steps], 0.1)
    np.testing.assert_allclose(net.coefs_[0], w, atol=1e-12)
    np.testing.assert_allclose(net.coefs_[1], v, atol=1e-12)


def test_names_are_the_default_objects():
    settings = {"batch_size": 9, "max_iter": 6, "random_state": 0}
    for name, curriculum in {
        "interleaved": Interleaved(),
        "resampled": Resampled(),
        "blocked": Blocked(),
        "replay": Replay(),
        "biased": Biased(),
    }.items():
        by_name = MultiTaskMLP((4,), curriculum=name, **settings).fit(X, Y)
        by_object = MultiTaskMLP((4,), curriculum=curriculum, **settings).fit(X, Y)
        np.testing.assert_array_equal(by_name.coefs_[0], by_object.coefs_[0])


def test_fit_many_equals_the_loop_with_any_curriculum(seed):
    curricula = ["interleaved", "blocked", Blocked(order=[1, 0]), Replay(every=2), Biased()]
    curricula += [as_recorded, "resampled"]
    settings = {"batch_size": 6, "max_iter": 4}
    estimators = [
        cls((5, 4), curriculum=curriculum, random_state=seed + k, **settings)
        for cls in (MultiTaskMLP, MultiTaskMLPClassifier)
        for curriculum in curricula
        for k in range(2)
    ]
    labels = np.sign(Y)
    for many, estimator in zip(fit_many(estimators, X, labels), estimators, strict=True):
        one = clone(estimator).fit(X, labels)
        np.testing.assert_allclose(many.coefs_[0], one.coefs_[0], atol=1e-12)
        np.testing.assert_allclose(many.loss_curve_, one.loss_curve_, atol=1e-12)


def test_blocks_of_unequal_length_beside_each_other():
    rng = np.random.default_rng(0)
    rows = [np.sort(rng.permutation(50)[:30]) for _ in range(6)]
    estimators = [
        MultiTaskMLP((5,), curriculum="blocked", batch_size=4, max_iter=4, random_state=k)
        for k in range(6)
    ]
    fitted = fit_many(estimators, X, Y, indices=rows)
    for many, estimator, own in zip(fitted, estimators, rows, strict=True):
        one = clone(estimator).fit(X[own], Y[own])
        np.testing.assert_allclose(many.coefs_[0], one.coefs_[0], atol=1e-12)


def test_blocked_training_forgets_and_interleaved_does_not():
    settings = {
        "learning_rate_init": 0.02,
        "context_scale": 0.3,
        "batch_size": 5,
        "max_iter": 60,
    }
    scores = {}
    for curriculum in ("interleaved", "blocked"):
        nets = [
            MultiTaskMLP((30,), curriculum=curriculum, random_state=k, **settings) for k in range(5)
        ]
        fitted = fit_many(nets, X, Y)
        scores[curriculum] = np.mean([net.score_by_task(X, Y) for net in fitted], axis=0)
    assert (scores["interleaved"] > 0.9).all()
    assert scores["blocked"][1] > 0.9
    assert scores["blocked"][0] < scores["interleaved"][0] - 0.3


def test_curriculum_in_a_grid():
    grid = {"curriculum": ["interleaved", Replay(every=4)]}
    net = MultiTaskMLP((4,), max_iter=3, batch_size=8, random_state=0)
    search = GridSearchCV(net, grid, cv=3).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_loss_curve_counts_what_a_pass_shows():
    # One step per pass at a vanishing rate: the loss of the task shown, undivided by the rest.
    net = MultiTaskMLP(
        (4,), curriculum=Blocked(passes=1), max_iter=2, learning_rate_init=1e-12, random_state=0
    ).fit(X, Y)
    expected = [
        0.5 * np.mean((net.predict(X[half]) - Y[half]) ** 2)
        for half in (slice(0, 25), slice(25, 50))
    ]
    np.testing.assert_allclose(net.loss_curve_, expected, rtol=1e-8)


# -- errors ----------------------------------------------------------------------------


def test_unknown_task_in_the_order():
    with pytest.raises(ValueError, match=r"order names tasks that are not there: 2"):
        MultiTaskMLP((4,), curriculum=Blocked(order=[0, 2])).fit(X, Y)


def test_a_callable_that_yields_nonsense():
    def too_far(task, *, batch_size, max_iter, rng):
        return ([np.array([len(task)])] for _ in range(max_iter))

    def too_many(task, *, batch_size, max_iter, rng):
        return ([np.arange(len(task))] for _ in range(max_iter + 1))

    def too_few(task, *, batch_size, max_iter, rng):
        return iter(())

    with pytest.raises(ValueError, match="names trial 50, but trials are numbered from 0 to 49"):
        MultiTaskMLP((4,), curriculum=too_far).fit(X, Y)
    with pytest.raises(ValueError, match="yields more than max_iter=3 passes"):
        MultiTaskMLP((4,), curriculum=too_many, max_iter=3).fit(X, Y)
    with pytest.raises(ValueError, match="stopped after 0 of max_iter=3 passes"):
        MultiTaskMLP((4,), curriculum=too_few, max_iter=3).fit(X, Y)
