"""What is recorded during training, against networks that were trained just so far."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import KFold

from neuroselect import BatchedGridSearchCV, MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect._engine import _record
from neuroselect.datasets import make_context_blobs
from neuroselect.networks import _history

X, Y = make_context_blobs()
X = X * np.r_[np.full(25, 5.0), 1.0]
LABELS = np.digitize(Y, [-0.5, 0.5])
NAMES = ["task_losses", "task_scores", "weight_norms", "weight_distances", "activations"]
QUICK = {"learning_rate_init": 0.02, "max_iter": 4, "random_state": 0}


def target_of(net):
    return LABELS if isinstance(net, MultiTaskMLPClassifier) else Y


def states(net, y, sample_weight=None):
    """The network after each pass, trained anew every time; None before training."""
    others = [clone(net).set_params(record=None, max_iter=p) for p in range(1, net.max_iter + 1)]
    return [None] + [other.fit(X, y, sample_weight) for other in others]


def weights_of(net, start=False):
    if start:
        return [*net.initial_coefs_, net.initial_context_coefs_]
    return [*net.coefs_, net.context_coefs_]


def losses_by_hand(net, y, weight):
    """Weighted mean of each task's loss, with scikit-learn's cross entropy."""
    losses = []
    for task in (0, 1):
        rows = X[:, -1] == task
        if isinstance(net, MultiTaskMLPClassifier):
            p = net.predict_proba(X[rows])
            losses.append(log_loss(y[rows], p, labels=net.classes_, sample_weight=weight[rows]))
        else:
            error = 0.5 * (net.predict(X[rows]) - y[rows]) ** 2
            losses.append(np.average(error, weights=weight[rows]))
    return losses


# -- what is recorded ------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("cls", [MultiTaskMLP, MultiTaskMLPClassifier])
def test_records_are_the_networks_after_so_many_passes(cls, batch_size, weighted, seed):
    net = cls((6, 5), batch_size=batch_size, record=NAMES, context_layer=-1, **QUICK)
    net.set_params(random_state=seed)
    y = target_of(net)
    weight = np.random.default_rng(seed).uniform(0.1, 3, 50) if weighted else np.ones(50)
    history = net.fit(X, y, weight).history_
    np.testing.assert_array_equal(history.passes, range(5))
    np.testing.assert_array_equal(history.tasks, [0, 1])
    assert history.layers == ["0", "1", "2", "context"]
    assert history.activations.shape == (5, 50, 5)
    for number, state in enumerate(states(net, y, weight)):
        if state is None:
            expected = [np.linalg.norm(w) for w in weights_of(net, start=True)]
            np.testing.assert_array_equal(history.weight_distances[0], 0)
        else:
            expected = [np.linalg.norm(w) for w in weights_of(state)]
            pairs = zip(weights_of(state), weights_of(net, start=True), strict=True)
            distances = [np.linalg.norm(now - then) for now, then in pairs]
            np.testing.assert_allclose(history.weight_distances[number], distances, atol=1e-10)
            scores = state.score_by_task(X, y, weight)
            np.testing.assert_allclose(history.task_scores[number], scores, atol=1e-10)
            losses = losses_by_hand(state, y, weight)
            np.testing.assert_allclose(history.task_losses[number], losses, atol=1e-10)
            activity = state.activations(X)
            np.testing.assert_allclose(history.activations[number], activity, atol=1e-10)
        np.testing.assert_allclose(history.weight_norms[number], expected, atol=1e-10)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_one_hidden_layer_in_full_batch(solver):
    # Plain descent on a full design keeps its weights elsewhere while it trains.
    net = MultiTaskMLP((8,), solver=solver, batch_size=None, record=NAMES, **QUICK).fit(X, Y)
    for number, state in enumerate(states(net, Y)[1:], start=1):
        norms = [np.linalg.norm(w) for w in weights_of(state)]
        np.testing.assert_allclose(net.history_.weight_norms[number], norms, atol=1e-12)
        activity = net.history_.activations[number]
        np.testing.assert_allclose(activity, state.activations(X), atol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_losses_of_tasks_make_up_the_loss_curve(reduction):
    # In full batch the loss of a pass is that of the weights before it.
    rows = np.r_[0:25, 25:33]
    weight = np.linspace(0.2, 2, len(rows))
    net = MultiTaskMLP((6,), reduction=reduction, solver="sgd", record="task_losses", max_iter=5)
    net.fit(X[rows], Y[rows], weight)
    share = weight / weight.sum()
    of_task = np.array([share[:25].sum(), share[25:].sum()])
    losses = net.history_.task_losses[:-1]
    total = losses.sum(1) if reduction == "sum" else losses @ of_task
    np.testing.assert_allclose(total, net.loss_curve_, rtol=1e-10)


def test_several_outputs():
    targets = np.c_[Y, Y**2, np.cos(Y)]
    net = MultiTaskMLP((6,), record=["task_scores", "sign_accuracy"], **QUICK).fit(X, targets)
    history, output = net.history_, net.predict(X)
    for task in (0, 1):
        rows = X[:, -1] == task
        assert history.task_scores[-1, task] == pytest.approx(r2_score(targets[rows], output[rows]))
        there = targets[rows] != 0
        right = np.sign(output[rows])[there] == np.sign(targets[rows])[there]
        assert history.sign_accuracy[-1, task] == pytest.approx(right.mean())


def test_sign_accuracy_leaves_out_targets_of_zero():
    net = MultiTaskMLP((20,), record="sign_accuracy", learning_rate_init=0.02, random_state=0)
    history = net.fit(X, Y).history_
    for task in (0, 1):
        rows = (X[:, -1] == task) & (Y != 0)
        assert rows.sum() == 20
        expected = accuracy_score(Y[rows] > 0, net.predict(X[rows]) > 0)
        assert history.sign_accuracy[-1, task] == expected
    assert history.sign_accuracy[0].min() < 1
    assert (history.sign_accuracy[-1] == 1).all()


def test_scores_at_the_edges_are_those_of_scikit_learn():
    # A task with a constant target, one that is met exactly, one of a single trial.
    X_own = np.c_[np.eye(6), [0, 0, 0, 1, 1, 2]]
    y_own = np.array([3.0, 3.0, 3.0, 0.0, 0.0, 1.0])
    net = MultiTaskMLP((3,), init_scale=0, record=NAMES[:2], record_every=[0], max_iter=1)
    scores = net.fit(X_own, y_own).history_.task_scores[0]
    assert scores[0] == r2_score([3, 3], [0, 0]) == 0
    assert scores[1] == r2_score([0, 0], [0, 0]) == 1
    assert np.isnan(scores[2])
    np.testing.assert_allclose(net.history_.task_losses[0], [4.5, 0, 0.5])


def test_a_task_without_weight_has_no_measures():
    weight = (X[:, -1] == 1).astype(float)
    net = MultiTaskMLP((4,), record=[*NAMES, "sign_accuracy"], **QUICK).fit(X, Y, weight)
    for name in ("task_losses", "task_scores", "sign_accuracy"):
        assert np.isnan(net.history_[name][:, 0]).all()
        assert np.isfinite(net.history_[name][:, 1]).all()


def test_one_task_without_a_cue():
    net = MultiTaskMLP((4,), task_column=None, record=NAMES, **QUICK).fit(X[:25, :-1], Y[:25])
    assert net.history_.layers == ["0", "1"]
    assert net.history_.weight_norms.shape == (5, 2)
    score = net.score(X[:25, :-1], Y[:25])
    np.testing.assert_allclose(net.history_.task_scores[-1], [score], atol=1e-12)


@pytest.mark.parametrize("batch_size", [None, 7])
def test_any_blocks_of_trials(monkeypatch, batch_size):
    net = MultiTaskMLP((6, 5), batch_size=batch_size, record=NAMES, **QUICK)
    whole = clone(net).fit(X, Y).history_
    monkeypatch.setattr(_record, "BLOCK_TRIALS", 7)
    for name, values in clone(net).fit(X, Y).history_.items():
        if name != "layers":
            np.testing.assert_allclose(values, whole[name], atol=1e-12)


def test_recording_changes_nothing():
    changes = [{"batch_size": 7}, {"batch_size": None}, {"curriculum": "blocked"}]
    changes += [{"solver": "sgd", "hidden_layer_sizes": (9,), "batch_size": None}]
    for settings in changes:
        for dtype in ("float32", "float64"):
            net = MultiTaskMLP((6, 5), **QUICK).set_params(**settings)
            silent = net.fit(X.astype(dtype), Y)
            watched = clone(net).set_params(record=NAMES).fit(X.astype(dtype), Y)
            for a, b in zip(silent.coefs_, watched.coefs_, strict=True):
                np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(silent.loss_curve_, watched.loss_curve_)
            assert watched.history_.activations.dtype == dtype
            assert watched.history_.task_losses.dtype == np.float64


# -- when ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (1, [0, 1, 2, 3, 4, 5, 6, 7]),
        (3, [0, 3, 6, 7]),
        (7, [0, 7]),
        (100, [0, 7]),
        ([5], [5]),
        ((7, 0, 2, 2), [0, 2, 7]),
        (np.array([1, 6]), [1, 6]),
    ],
)
def test_recorded_passes(every, expected):
    net = MultiTaskMLP((4,), record=NAMES, max_iter=7, random_state=0)
    all_passes = net.fit(X, Y).history_
    history = clone(net).set_params(record_every=every).fit(X, Y).history_
    np.testing.assert_array_equal(history.passes, expected)
    for name in NAMES:
        np.testing.assert_array_equal(history[name], all_passes[name][expected])


# -- many networks ---------------------------------------------------------------------


def assert_same_history(a, b, atol=1e-10):
    assert a.keys() == b.keys()
    assert a.layers == b.layers
    for name in a.keys() - {"layers"}:
        np.testing.assert_allclose(a[name], b[name], atol=atol, err_msg=name)


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_fit_many_records_what_the_loop_records(batch_size, n_jobs):
    networks = [
        cls((6, 5), batch_size=batch_size, record=NAMES, record_every=every, **QUICK)
        for cls in (MultiTaskMLP, MultiTaskMLPClassifier)
        for every in (1, 3)
        for _ in range(3)
    ]
    networks = [net.set_params(random_state=k) for k, net in enumerate(networks)]
    networks.append(clone(networks[0]).set_params(record=None))
    shared = [None] * len(networks)
    own = [np.random.default_rng(k).permutation(50)[:30] for k in range(len(networks))]
    for indices in (shared, own):
        labels = np.sign(Y)
        fitted = fit_many(networks, X, labels, indices=indices, n_jobs=n_jobs)
        for many, net, rows in zip(fitted[:-1], networks[:-1], indices, strict=False):
            rows = slice(None) if rows is None else rows
            one = clone(net).fit(X[rows], labels[rows])
            assert_same_history(many.history_, one.history_)
        assert not hasattr(fitted[-1], "history_")


def test_grid_search_keeps_the_history_of_the_best():
    net = MultiTaskMLP((6,), record="task_scores", **QUICK)
    search = BatchedGridSearchCV(
        net, {"init_scale": [0.1, 1]}, cv=KFold(2, shuffle=True, random_state=0)
    ).fit(X, Y)
    best = search.best_estimator_
    expected = best.score_by_task(X, Y)
    np.testing.assert_allclose(best.history_.task_scores[-1], expected, atol=1e-12)


@pytest.mark.parametrize("chunk_bytes", [1, "auto"])
def test_checkpoints_keep_histories(tmp_path, chunk_bytes):
    networks = [
        MultiTaskMLP((6,), record=[*NAMES, "sign_accuracy"], record_every=3, **QUICK)
        for _ in range(3)
    ]
    first = fit_many(networks, X, Y, checkpoint=tmp_path, chunk_bytes=chunk_bytes)
    again = fit_many(networks, X, Y, checkpoint=tmp_path, chunk_bytes=chunk_bytes)
    for a, b in zip(first, again, strict=True):
        assert_same_history(a.history_, b.history_, atol=0)
        assert {k: v.dtype for k, v in a.history_.items() if k != "layers"} == {
            k: v.dtype for k, v in b.history_.items() if k != "layers"
        }
    changed = [net.set_params(record_every=2) for net in networks]
    with pytest.raises(ValueError, match="holds another sweep"):
        fit_many(changed, X, Y, checkpoint=tmp_path, chunk_bytes=chunk_bytes)


# -- the history as an object ----------------------------------------------------------


def test_table():
    tasks = np.where(X[:, -1] == 0, "north", "south").astype(object)
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X[:, :-1]).add_prefix("pixel").assign(garden=tasks)
    net = MultiTaskMLP((4,), task_column="garden", record=NAMES, record_every=2, **QUICK)
    history = net.fit(frame, Y).history_
    table = history.to_frame()
    assert table.columns.tolist() == [
        "pass",
        *("task_loss_north", "task_loss_south", "task_score_north", "task_score_south"),
        *("weight_norm_0", "weight_norm_1", "weight_norm_context"),
        *("weight_distance_0", "weight_distance_1", "weight_distance_context"),
    ]
    assert table["pass"].tolist() == [0, 2, 4]
    np.testing.assert_array_equal(table["task_score_south"], history.task_scores[:, 1])
    np.testing.assert_array_equal(table["weight_norm_context"], history.weight_norms[:, 2])


def test_histories_are_pickled_and_not_cloned():
    net = MultiTaskMLP((4,), record=NAMES, **QUICK).fit(X, Y)
    back = pickle.loads(pickle.dumps(net))
    assert type(back.history_) is type(net.history_)
    assert_same_history(back.history_, net.history_, atol=0)
    assert not hasattr(clone(net), "history_")
    with pytest.raises(NotFittedError):
        _ = clone(net).history_


def test_fitted_again_without_recording():
    net = MultiTaskMLP((4,), record=NAMES, **QUICK).fit(X, Y)
    net.set_params(record=None).fit(X, Y)
    with pytest.raises(AttributeError, match=r"no history_\. Set record, such as record='task"):
        _ = net.history_


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize("record", [["task_losses", "weights"], [], ["loss"]])
def test_unknown_names(record):
    with pytest.raises(ValueError, match=r"record must be None, one or several of 'task_losses', "):
        MultiTaskMLP((4,), record=record).fit(X, Y)


def test_an_unknown_name():
    with pytest.raises(ValueError, match="The 'record' parameter of MultiTaskMLP must be a str"):
        MultiTaskMLP((4,), record="weights").fit(X, Y)


def test_signs_of_classes():
    with pytest.raises(ValueError, match=r"record='sign_accuracy' compares .* Record 'task_sco"):
        MultiTaskMLPClassifier((4,), record=["sign_accuracy"]).fit(X, LABELS)


@pytest.mark.parametrize("every", [[0, 5], [-1], [], [1.5], [True, False]])
def test_passes_out_of_range(every):
    with pytest.raises(ValueError, match=r"record_every must be .* from 0 .* to 4 .*; got"):
        MultiTaskMLP((4,), record="task_losses", record_every=every, **QUICK).fit(X, Y)


def test_every_zeroth_pass():
    with pytest.raises(ValueError, match="The 'record_every' parameter of MultiTaskMLP"):
        MultiTaskMLP((4,), record="task_losses", record_every=0).fit(X, Y)


def test_more_activity_than_memory(monkeypatch):
    monkeypatch.setattr(_history, "MAX_BYTES", 5 * 50 * 6 * 8)
    net = MultiTaskMLP((9, 6), record="activations", **QUICK)
    net.fit(X, Y)
    fit_many([net], X, Y)
    with pytest.raises(ValueError, match=r"GiB of activity, .* record_every=\[0, 4\], or train"):
        fit_many([net, net], X, Y)
    with pytest.raises(ValueError, match=r"would hold 0\.0 GiB"):
        net.set_params(max_iter=5).fit(X, Y)
    net.set_params(record_every=[0, 5]).fit(X, Y)
