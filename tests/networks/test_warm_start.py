"""Training that goes on: two fits are one, and so are so many single passes."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from neuroselect import MultiTaskCNNClassifier, MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect.consolidation import EWC, SynapticIntelligence
from neuroselect.curricula import Biased, Blocked, Interleaved, Replay, Resampled
from neuroselect.datasets import make_context_blobs

X, Y = make_context_blobs()
LABELS = np.digitize(Y, [-0.5, 0.5])
SOLVERS = [
    {"solver": "adam", "learning_rate_init": 0.01},
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.9},
]
CURRICULA = [
    Interleaved(),
    Resampled(),
    Blocked(),
    Blocked(order=[1, 0, 1]),
    Replay(every=2),
    Biased([[0.9, 0.1], [0.2, 0.8]]),
    Biased(lambda progress: [1 - progress, progress]),
]
RULES = [EWC(0.5), EWC(0.5, anchors="last", n_samples=9), SynapticIntelligence(0.5, damping=0.01)]


def as_recorded(task, *, batch_size, max_iter, rng):
    """Every pass in the order of the trials."""
    starts = np.arange(batch_size or len(task), len(task), batch_size or len(task))
    return (np.split(np.arange(len(task)), starts) for _ in range(max_iter))


def target_of(net):
    return Y if isinstance(net, MultiTaskMLP) else LABELS


def weights_of(net):
    return [a for part in net._weights() for a in (part if isinstance(part, tuple) else [part])]


def assert_same(a, b, atol=0.0):
    for p, q in zip(weights_of(a), weights_of(b), strict=True):
        assert p.dtype == q.dtype
        np.testing.assert_allclose(p, q, atol=atol, rtol=0)
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, atol=atol, rtol=0)
    assert a.n_iter_ == b.n_iter_
    for p, q in zip(a.initial_coefs_, b.initial_coefs_, strict=True):
        np.testing.assert_array_equal(p, q)


def passes_of(net, n, **first):
    """As many calls to `partial_fit`."""
    first = dict(first)
    if not isinstance(net, MultiTaskMLP):
        first["classes"] = np.unique(LABELS)
    for _ in range(n):
        net.partial_fit(X, target_of(net), **first)
        first = {}
    return net


# -- two fits are one ------------------------------------------------------------------


@pytest.mark.parametrize("cls", [MultiTaskMLP, MultiTaskMLPClassifier])
@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("solver", SOLVERS, ids=str)
@pytest.mark.parametrize("curriculum", ["interleaved", "resampled"])
def test_two_fits_are_one(cls, batch_size, solver, curriculum, seed):
    settings = {**solver, "batch_size": batch_size, "curriculum": curriculum, "random_state": seed}
    net = cls((6, 5), record=["task_losses", "weight_distances"], **settings)
    y = target_of(net)
    whole = clone(net).set_params(max_iter=7).fit(X, y)
    net.set_params(max_iter=3, warm_start=True).fit(X, y)
    assert net.n_iter_ == 3
    net.set_params(max_iter=4).fit(X, y)
    assert_same(net, whole)
    np.testing.assert_array_equal(net.history_.passes, range(8))
    for name in ("task_losses", "weight_distances"):
        np.testing.assert_array_equal(net.history_[name], whole.history_[name])


def test_two_fits_are_one_where_descent_leaves_the_space_of_weights():
    net = MultiTaskMLP((9,), solver="sgd", batch_size=None, learning_rate_init=0.05, random_state=0)
    whole = clone(net).set_params(max_iter=300).fit(X, Y)
    net.set_params(max_iter=100, warm_start=True).fit(X, Y).set_params(max_iter=200).fit(X, Y)
    assert_same(net, whole, atol=1e-10)


def test_float32():
    net = MultiTaskMLP((6,), batch_size=7, max_iter=6, random_state=0)
    whole = net.fit(X.astype("float32"), Y)
    halves = clone(net).set_params(max_iter=3, warm_start=True)
    assert_same(halves.fit(X.astype("float32"), Y).fit(X.astype("float32"), Y), whole)


def test_a_network_that_was_pickled_goes_on():
    net = MultiTaskMLP((6,), batch_size=7, max_iter=3, random_state=0, warm_start=True)
    whole = clone(net).set_params(max_iter=6).fit(X, Y)
    assert_same(pickle.loads(pickle.dumps(net.fit(X, Y))).fit(X, Y), whole)


def test_the_seed_is_that_of_the_first_fit():
    net = MultiTaskMLP((6,), batch_size=7, max_iter=3, warm_start=True, random_state=None).fit(X, Y)
    other = pickle.loads(pickle.dumps(net))
    assert_same(net.fit(X, Y), other.fit(X, Y))


@pytest.mark.parametrize("checkpoint", [False, True])
def test_networks_of_fit_many_go_on(tmp_path, checkpoint):
    nets = [
        MultiTaskMLP((6, 5), batch_size=7, max_iter=3, warm_start=True, random_state=k, **solver)
        for k, solver in enumerate(2 * SOLVERS)
    ]
    rule = {"consolidation": RULES[2], "curriculum": "blocked"}
    nets += [clone(net).set_params(max_iter=4, **rule) for net in nets[:3]]
    folder = {"checkpoint": tmp_path} if checkpoint else {}
    fit_many(nets, X, Y, **folder)
    for many, net in zip(fit_many(nets, X, Y, **folder), nets, strict=True):
        assert not hasattr(net, "coefs_")
        one = clone(net).fit(X, Y)
        assert_same(many, one, atol=1e-12)
        assert_same(many.fit(X, Y), one.fit(X, Y), atol=1e-12)


def test_without_warm_start_training_begins_anew():
    net = MultiTaskMLP((6,), batch_size=7, max_iter=3, random_state=0)
    once = clone(net).fit(X, Y)
    assert_same(net.fit(X, Y).fit(X, Y), once)
    assert_same(clone(net).set_params(warm_start=True).fit(X, Y), once)
    passes_of(net, 2)
    assert net.n_iter_ == 5
    assert_same(net.fit(X, Y), once)


def test_a_changed_step_size_changes_steps_not_the_velocity():
    # v = momentum * v + gradient, weights -= rate * v: the velocity knows no rate.
    net = MultiTaskMLP(
        (3,), solver="sgd", momentum=0.5, batch_size=None, random_state=0, max_iter=1
    )
    net.set_params(warm_start=True, activation="tanh", learning_rate_init=0.1).fit(X, Y)
    start, one = net.initial_coefs_[1], net.coefs_[1].copy()
    net.set_params(learning_rate_init=0.3)
    plain = pickle.loads(pickle.dumps(net)).set_params(momentum=0.0).fit(X, Y).coefs_[1]
    velocity = (start - one) / 0.1
    np.testing.assert_allclose(net.fit(X, Y).coefs_[1], plain - 0.3 * 0.5 * velocity, atol=1e-12)


def test_another_solver_starts_afresh():
    net = MultiTaskMLP((6,), batch_size=7, max_iter=2, solver="sgd", random_state=0)
    net.set_params(activation="tanh").fit(X, Y)
    net.set_params(warm_start=True, solver="adam", learning_rate_init=1e-2, max_iter=1)
    before = net.coefs_[1].copy()
    net.set_params(batch_size=None).fit(X, Y)
    # Adam's first step is its step size, whatever the gradient.
    np.testing.assert_allclose(np.abs(net.coefs_[1] - before), 1e-2, rtol=1e-3)


# -- so many single passes are one fit --------------------------------------------------


@pytest.mark.parametrize("curriculum", [*CURRICULA, as_recorded], ids=str)
@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("cls", [MultiTaskMLP, MultiTaskMLPClassifier])
def test_single_passes_are_a_fit(cls, batch_size, curriculum, seed):
    net = cls((6,), curriculum=curriculum, batch_size=batch_size, max_iter=5, random_state=seed)
    net.set_params(record="task_scores", record_every=3)
    whole = clone(net).fit(X, target_of(net))
    passes_of(net, 5)
    assert_same(net, whole)
    np.testing.assert_array_equal(net.history_.passes, [0, 3, 5])
    np.testing.assert_array_equal(net.history_.task_scores, whole.history_.task_scores)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("solver", SOLVERS[::2], ids=str)
def test_consolidation_goes_on(rule, solver):
    net = MultiTaskMLP((6, 5), curriculum=Blocked(order=[1, 0, 1]), batch_size=7, max_iter=6)
    net.set_params(consolidation=rule, random_state=0, **solver)
    whole = clone(net).fit(X, Y)
    assert_same(passes_of(clone(net), 6), whole)
    # The plan again: its last block gives way to the first, of the same task.
    assert_same(passes_of(clone(net), 12), whole.set_params(warm_start=True).fit(X, Y))


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_plan_that_begins_again_consolidates_its_last_task(rule):
    # Twice A, B and once A, B, A, B are the same blocks.
    rule = rule if getattr(rule, "n_samples", None) is None else EWC(0.5, anchors="last")
    net = MultiTaskMLP((6,), batch_size=None, consolidation=rule, random_state=0)
    once = clone(net).set_params(curriculum=Blocked(order=[0, 1, 0, 1]), max_iter=8).fit(X, Y)
    twice = clone(net).set_params(curriculum=Blocked(order=[0, 1]), max_iter=4, warm_start=True)
    assert_same(twice.fit(X, Y).fit(X, Y), once, atol=1e-12)


def test_a_plan_that_begins_again_is_drawn_afresh():
    net = MultiTaskMLP((4,), curriculum="blocked", batch_size=7, max_iter=2, random_state=0)
    plans = []

    def spy(task, *, batch_size, max_iter, rng):
        plan = list(Blocked()(task, batch_size=batch_size, max_iter=max_iter, rng=rng))
        plans.append([np.concatenate(steps) for steps in plan])
        return plan

    net.set_params(curriculum=spy, warm_start=True).fit(X, Y)
    first = plans.pop(0)
    del plans[:]
    net.fit(X, Y)
    again, second = plans[:2]
    np.testing.assert_array_equal(first, again)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(np.sort(a), np.sort(b))
        assert (a != b).any()


def test_passes_on_other_trials():
    # Full batch: the trials of a call are all that it sees.
    net = MultiTaskMLP((6,), solver="sgd", momentum=0.5, batch_size=None, random_state=0)
    net.partial_fit(X[:20], Y[:20], tasks=[0, 1]).partial_fit(X[20:], Y[20:], tasks=[1, 0])
    assert net.n_iter_ == 2
    np.testing.assert_array_equal(net.tasks_, [0, 1])
    initial_loss = 0.5 * np.mean((Y[:20] - _start(net, X[:20])) ** 2)
    assert net.loss_curve_[0] == pytest.approx(initial_loss)


def _start(net, X):
    """Output of the network before training."""
    cue = np.eye(2)[X[:, -1].astype(int)] @ net.initial_context_coefs_
    hidden = np.maximum(X[:, :-1] @ net.initial_coefs_[0] + cue + net.initial_intercepts_[0], 0)
    return (hidden @ net.initial_coefs_[1] + net.initial_intercepts_[1])[:, 0]


def test_classes_and_named_tasks_of_later_calls():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X[:, :-1]).add_prefix("pixel")
    frame["garden"] = np.where(X[:, -1] == 0, "north", "south")
    side = np.array(["left", "middle", "right"])[LABELS]
    net = MultiTaskMLPClassifier((6,), task_column="garden", random_state=0)
    net.partial_fit(frame[:25], side[:25], classes=sorted(set(side)), tasks=["south", "north"])
    net.partial_fit(frame[25:30], side[25:30])
    assert net.tasks_.tolist() == ["north", "south"]
    assert net.classes_.tolist() == ["left", "middle", "right"]
    assert net.predict_proba(frame).shape == (50, 3)


def test_sample_weights_of_a_pass():
    weight = np.linspace(0.1, 2, 50)
    net = MultiTaskMLP((6,), max_iter=3, batch_size=7, random_state=0)
    whole = clone(net).fit(X, Y, weight)
    for _ in range(3):
        net.partial_fit(X, Y, weight)
    assert_same(net, whole)


def test_convolutional_networks_go_on():
    digits = load_digits()
    images = np.column_stack([digits.data[:60] / 16, np.arange(60) % 2])
    classes = digits.target[:60] % 2
    net = MultiTaskCNNClassifier((5,), conv_channels=(2, 3), batch_size=20, random_state=0)
    net.set_params(max_iter=4, record=["weight_distances", "activations"])
    whole = clone(net).fit(images, classes)
    halves = clone(net).set_params(max_iter=2, warm_start=True).fit(images, classes)
    single = clone(net)
    for _ in range(4):
        single.partial_fit(images, classes, classes=[0, 1])
    for other in (halves.fit(images, classes), single):
        assert_same(other, whole)
        for p, q in zip(other.initial_conv_coefs_, whole.initial_conv_coefs_, strict=True):
            np.testing.assert_array_equal(p, q)
        for name in ("weight_distances", "activations"):
            np.testing.assert_array_equal(other.history_[name], whole.history_[name])


# -- recording -------------------------------------------------------------------------


def test_a_history_goes_on_or_begins_anew():
    net = MultiTaskMLP((4,), max_iter=3, warm_start=True, record="task_losses", record_every=2)
    net.fit(X, Y).fit(X, Y)
    np.testing.assert_array_equal(net.history_.passes, [0, 2, 3, 4, 6])
    net.set_params(record=["task_losses", "weight_norms"]).fit(X, Y)
    np.testing.assert_array_equal(net.history_.passes, [6, 8, 9])
    net.set_params(record=None).fit(X, Y)
    assert not hasattr(net, "history_")


def test_chosen_passes_count_through():
    net = MultiTaskMLP((4,), max_iter=3, warm_start=True, record="weight_norms")
    net.set_params(record_every=[0, 2]).fit(X, Y)
    net.set_params(record_every=[0, 2, 5]).fit(X, Y)
    np.testing.assert_array_equal(net.history_.passes, [0, 2, 5])
    assert net.history_.to_frame()["pass"].tolist() == [0, 2, 5]
    late = MultiTaskMLP((4,), max_iter=3, record="weight_norms", record_every=[2])
    assert late.partial_fit(X, Y).history_.weight_norms.shape == (0, 3)
    assert late.partial_fit(X, Y).history_.weight_norms.shape == (1, 3)


# -- errors ----------------------------------------------------------------------------


@pytest.fixture
def trained():
    return MultiTaskMLPClassifier((6,), max_iter=2, warm_start=True, random_state=0).fit(X, LABELS)


def test_another_architecture(trained):
    before = trained.n_iter_
    with pytest.raises(ValueError, match=r"hidden_layer_sizes was \(6,\), is \(7,\)\. Set this"):
        trained.set_params(hidden_layer_sizes=(7,)).fit(X, LABELS)
    trained.set_params(hidden_layer_sizes=(6,), activation="tanh", context_scale=2)
    with pytest.raises(ValueError, match=r"context_scale was 1\.0, is 2\.0, activation was relu"):
        trained.partial_fit(X, LABELS)
    assert trained.n_iter_ == before


def test_other_features(trained):
    with pytest.raises(ValueError, match="X has 25 features, but MultiTaskMLPClassifier is expect"):
        trained.fit(X[:, 1:], LABELS)
    assert trained.n_features_in_ == 26


def test_other_tasks(trained):
    other = X.copy()
    other[:3, -1] = 7
    with pytest.raises(
        ValueError, match=r"not there in fit: 7\. Known .*partial_fit\(\.\.\., task"
    ):
        trained.fit(other, LABELS)
    with pytest.raises(
        ValueError, match=r"tasks are fixed by the first call: \[0, 1\]; got \[0, 7"
    ):
        trained.partial_fit(other, LABELS, tasks=[0, 7])
    np.testing.assert_array_equal(trained.tasks_, [0, 1])


def test_other_classes(trained):
    with pytest.raises(ValueError, match=r"classes that were not there when training began: \[9\]"):
        trained.fit(X, np.where(LABELS == 1, 9, LABELS))
    with pytest.raises(ValueError, match=r"classes are fixed by the first call: \[0, 1, 2\]; got"):
        trained.partial_fit(X, LABELS, classes=[0, 1])


def test_other_outputs():
    net = MultiTaskMLP((4,), max_iter=1).fit(X, Y)
    for y in (np.c_[Y, Y], Y[:, None]):
        with pytest.raises(
            ValueError, match=r"the 1 output\(s\) that it began with, but y has sha"
        ):
            net.partial_fit(X, y)


def test_first_calls():
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        MultiTaskMLPClassifier().partial_fit(X, LABELS)
    with pytest.raises(ValueError, match=r"y holds classes .*: \[2\]\. Known classes: \[0, 1\]"):
        MultiTaskMLPClassifier().partial_fit(X, LABELS, classes=[0, 1])
    with pytest.raises(ValueError, match=r"holds codes that were not there in fit: 1\. Known"):
        MultiTaskMLP().partial_fit(X, Y, tasks=[0, 2])
    with pytest.raises(ValueError, match="tasks were given, but task_column is None"):
        MultiTaskMLP(task_column=None).partial_fit(X, Y, tasks=[0])
    with pytest.raises(ValueError, match=r"tasks must hold the code of each task, shape \(n_tasks"):
        MultiTaskMLP().partial_fit(X, Y, tasks=0)


def test_the_first_call_learns_like_scikit_learn():
    ours = MultiTaskMLPClassifier(task_column=None).partial_fit(X, LABELS, classes=[2, 0, 1, 5])
    theirs = MLPClassifier().partial_fit(X, LABELS, classes=[2, 0, 1, 5])
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)


def test_activity_of_other_trials():
    net = MultiTaskMLP((4,), record="activations").partial_fit(X, Y)
    with pytest.raises(ValueError, match="is of 50 trials so far, and X has 30"):
        net.partial_fit(X[:30], Y[:30])
    assert net.n_iter_ == 1


def test_a_step_that_diverges_keeps_the_network():
    net = MultiTaskMLP((4,), solver="sgd", max_iter=50, warm_start=True, random_state=0)
    net.set_params(activation="identity").fit(X, Y)
    before = net.coefs_[0].copy()
    with pytest.raises(ValueError, match="ended with weights that are not finite"):
        net.set_params(learning_rate_init=1e6).fit(X, Y)
    np.testing.assert_array_equal(net.coefs_[0], before)
    assert net.n_iter_ == len(net.loss_curve_) == 50
