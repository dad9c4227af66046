"""Context gating against a slow loop, and as a user meets it."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.special import expit
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils import check_random_state

from neuroselect import (
    BatchedGridSearchCV,
    ContextGatedClassifier,
    ContextGatedRegressor,
    LesionSelectivity,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    fit_many,
)
from neuroselect.consolidation import EWC, SynapticIntelligence
from neuroselect.curricula import get_curriculum
from neuroselect.datasets import make_context_blobs
from neuroselect.regime import lazy_loss_curve, tangent_kernel
from neuroselect.selectivity import group_lesion_scores

X, REWARD = make_context_blobs(normalize=False)
SIDE = np.where(REWARD < 0, "left", "right")
GATINGS = ["none", "learned", "random", "manual", "oja", "oja_all"]
# One trial per step, as in Flesch et al. (2023).
TRIAL_BY_TRIAL = {
    "init": "normal", "init_scale": 0.01, "output_init_scale": 0.1, "bias_init": 0.1,
    "loss": "expected_reward", "solver": "sgd", "batch_size": 1, "learning_rate_init": 0.03,
}  # fmt: skip


# -- a slow loop in NumPy, one network, one trial after the other ----------------------


def shown_trials(net, task):
    """Trials in the order in which the network sees them."""
    seed = check_random_state(net.random_state).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[1])
    curriculum = get_curriculum(net.curriculum)
    passes = curriculum(task, batch_size=net.batch_size, max_iter=net.max_iter, rng=rng)
    return [int(step[0]) for steps in passes for step in steps]


def oja(W, x, rate):
    """One update of the weights (n_inputs, n_units), unit by unit."""
    W = W.copy()
    for j in range(W.shape[1]):
        u = W[:, j] @ x
        W[:, j] = W[:, j] + rate * u * (x - u * W[:, j])
    return W


def slow_loop(net, X, y):
    """Weights after training from the initial weights of a fitted network of one layer."""
    stimuli, task = X[:, :-1], X[:, -1].astype(int)
    cue = net.context_scale * np.eye(2)[task]
    if net.center_inputs:
        stimuli, cue_means = stimuli - stimuli.mean(0), cue.mean(0)
    else:
        cue_means = np.zeros(2)
    W, C = net.initial_coefs_[0].copy(), net.initial_context_coefs_.copy()
    b, w = net.initial_intercepts_[0].copy(), net.initial_coefs_[1][:, 0].copy()
    c, rate, signal = net.initial_intercepts_[1][0], net.learning_rate_init, None
    G = np.zeros((2, len(b)))
    for t in shown_trials(net, task):
        now = np.eye(2)[task[t]]
        a = net.sluggishness
        signal = now if signal is None else a * now + (1 - a) * signal
        x, k = stimuli[t], net.context_scale * signal - cue_means
        before = np.maximum(x @ W + k @ C + b, 0)
        gate = np.ones(len(b))
        if net.gating == "random":
            gate = signal @ net.gates_
        elif net.gating == "learned":
            gate = expit(signal @ G)
        h = gate * before
        output = h @ w + c
        p = expit(output)
        slope = -p * (1 - p) * y[t] if net.loss == "expected_reward" else output - y[t]
        at_h = slope * w
        at_z = at_h * gate * (before > 0)
        at_gate = at_h * before * gate * (1 - gate)
        w, c = w - rate * slope * h, c - rate * slope
        W, C, b = W - rate * np.outer(x, at_z), C - rate * np.outer(k, at_z), b - rate * at_z
        if net.gating == "learned":
            G = G - rate * np.outer(signal, at_gate)
        elif net.gating == "oja":
            C = oja(C, k, net.hebbian_rate)
        elif net.gating == "oja_all":
            both = oja(np.vstack([W, C]), np.concatenate([x, k]), net.hebbian_rate)
            W, C = both[:-2], both[-2:]
    return W, C, b, w, c, G


SETTINGS = [
    {"curriculum": "blocked"},
    {"curriculum": "interleaved", "sluggishness": 0.1},
    {"curriculum": "blocked", "center_inputs": True, "loss": "squared_error"},
    {"curriculum": "interleaved", "center_inputs": True, "sluggishness": 0.6, "context_scale": 2},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("gating", GATINGS)
def test_training_is_that_of_the_slow_loop(gating, settings, seed):
    net = ContextGatedRegressor(
        (9,), gating=gating, max_iter=8, random_state=seed, hebbian_rate=0.02, gate_share=0.4,
        **{**TRIAL_BY_TRIAL, **settings},
    ).fit(X, REWARD)  # fmt: skip
    W, C, b, w, c, G = slow_loop(net, X, REWARD)
    np.testing.assert_allclose(net.coefs_[0], W, rtol=0, atol=1e-10)
    np.testing.assert_allclose(net.context_coefs_, C, rtol=0, atol=1e-10)
    np.testing.assert_allclose(net.intercepts_[0], b, rtol=0, atol=1e-10)
    np.testing.assert_allclose(net.coefs_[1][:, 0], w, rtol=0, atol=1e-10)
    np.testing.assert_allclose(net.intercepts_[1][0], c, rtol=0, atol=1e-10)
    assert abs(net.coefs_[0] - net.initial_coefs_[0]).max() > 1e-3
    if gating == "learned":
        np.testing.assert_allclose(net.gate_coefs_, G, rtol=0, atol=1e-10)
        np.testing.assert_allclose(net.gates_, expit(G), rtol=0, atol=1e-10)
        assert abs(G).max() > 1e-4


# -- what each gating does -------------------------------------------------------------

SHORT = {"max_iter": 8, "random_state": 0, "learning_rate_init": 0.02, "batch_size": 5}


def plain_activity(net, X, layer=0):
    """Activity of the first layer before gates, as one would write it down."""
    stimuli, task = X[:, :-1], X[:, -1].astype(int)
    cue = net.context_scale * np.eye(len(net.tasks_))[task]
    if net.center_inputs:
        stimuli, cue = stimuli - net.input_means_[:25], cue - net.input_means_[25:]
    z = stimuli @ net.coefs_[0] + cue @ net.context_coefs_ + net.intercepts_[0]
    return np.maximum(z, 0)


@pytest.mark.parametrize("cls", [ContextGatedRegressor, ContextGatedClassifier])
def test_without_gates_it_is_the_network_without_gates(cls, seed):
    y, plain = (REWARD, MultiTaskMLP) if cls is ContextGatedRegressor else (SIDE, None)
    plain = plain or MultiTaskMLPClassifier
    settings = {**SHORT, "random_state": seed}
    expected = plain((7, 6), **settings).fit(X, y)
    for own in ({"gating": "none"}, {"gating": "oja", "hebbian_rate": 0.0}):
        assert_same(cls((7, 6), **own, **settings).fit(X, y), expected)
    # One network's initial weights are those of any gating.
    other = cls((7, 6), gating="learned", **settings).fit(X, y)
    np.testing.assert_array_equal(other.initial_coefs_[1], expected.initial_coefs_[1])
    assert not hasattr(expected, "gates_")


@pytest.mark.parametrize("n_units", [7, 20])
@pytest.mark.parametrize("share", [0.01, 0.25, 1.0])
def test_random_gates_are_a_fixed_share(n_units, share, seed):
    settings = {"gating": "random", "gate_share": share, **SHORT, "random_state": seed}
    net = ContextGatedRegressor((n_units,), alpha=0.1, **settings).fit(X, REWARD)
    assert set(np.unique(net.gates_)) <= {0, 1}
    np.testing.assert_array_equal(net.gates_.sum(1), max(1, round(share * n_units)))
    np.testing.assert_allclose(
        net.activations(X), plain_activity(net, X) * net.gates_[X[:, -1].astype(int)], atol=1e-14
    )
    before = net.gates_
    np.testing.assert_array_equal(net.partial_fit(X, REWARD).gates_, before)


def test_random_gates_differ_between_tasks_and_networks():
    settings = {"gating": "random", "gate_share": 0.5, "max_iter": 1}
    nets = [ContextGatedRegressor((40,), random_state=k, **settings) for k in range(30)]
    gates = np.array([net.gates_ for net in fit_many(nets, X, REWARD)])
    assert len(np.unique(gates.reshape(30, -1), axis=0)) == 30
    assert 0.35 < (gates[:, 0] == gates[:, 1]).mean() < 0.65
    assert (gates.mean((0, 1)) > 0.1).all()


def test_learned_gates_start_half_open_and_multiply_the_activity(seed):
    net = ContextGatedRegressor((9,), **{**SHORT, "random_state": seed}).fit(X, REWARD)
    assert net.gates_.shape == (2, 9)
    np.testing.assert_array_equal(net.initial_gate_coefs_, 0)
    np.testing.assert_allclose(net.gates_, expit(net.gate_coefs_), atol=1e-15)
    assert abs(net.gates_ - 0.5).max() > 0.01
    np.testing.assert_allclose(
        net.activations(X), plain_activity(net, X) * net.gates_[X[:, -1].astype(int)], atol=1e-14
    )


def test_learned_gates_alone_can_tell_the_tasks_apart():
    # No cue beside the gates: they have to do it.
    net = ContextGatedRegressor((60,), context_scale=0, learning_rate_init=0.02, max_iter=400)
    net.set_params(random_state=0).fit(X, REWARD)
    assert net.score_by_task(X, REWARD).min() > 0.8
    np.testing.assert_array_equal(net.context_coefs_, net.initial_context_coefs_)
    blind = clone(net).set_params(gating="none").fit(X, REWARD)
    assert blind.score_by_task(X, REWARD).min() < 0.7


def test_manual_context_weights_alternate_and_are_opposite():
    net = ContextGatedRegressor((7,), gating="manual", **SHORT).fit(X, REWARD)
    np.testing.assert_array_equal(net.initial_context_coefs_[0], [1, -1, 1, -1, 1, -1, 1])
    np.testing.assert_array_equal(net.initial_context_coefs_[1], -net.initial_context_coefs_[0])
    assert not np.array_equal(net.context_coefs_, net.initial_context_coefs_)
    net.set_params(context_init_scale=3).fit(X, REWARD)
    assert set(np.unique(net.initial_context_coefs_)) == {-3, 3}
    given = np.ones((2, 7))
    net.set_params(context_coefs_init=given).fit(X, REWARD)
    np.testing.assert_array_equal(net.initial_context_coefs_, given)


def test_manual_gating_of_three_tasks_gives_each_unit_one():
    three = np.vstack([X, X[:25]])
    three[50:, -1] = 2
    net = ContextGatedRegressor((7,), gating="manual", **SHORT)
    net.fit(three, np.concatenate([REWARD, REWARD[25:]]))
    expected = 2.0 * np.array([np.arange(7) % 3 == t for t in range(3)]) - 1
    np.testing.assert_array_equal(net.initial_context_coefs_, expected)


# -- Oja's rule ------------------------------------------------------------------------

HEBBIAN_ONLY = {"learning_rate_init": 1e-12, "solver": "sgd", "center_inputs": True}


def test_oja_ends_where_one_context_excites_and_the_other_inhibits(seed):
    net = ContextGatedRegressor(
        (40,), gating="oja", hebbian_rate=0.1, max_iter=40, batch_size=1, random_state=seed,
        **HEBBIAN_ONLY,
    ).fit(X, REWARD)  # fmt: skip
    signs = np.sign(net.context_coefs_[0])
    expected = np.outer([1, -1], signs) / np.sqrt(2)
    np.testing.assert_allclose(net.context_coefs_, expected, atol=1e-6)
    assert 5 < (signs > 0).sum() < 35
    np.testing.assert_allclose(net.coefs_[0], net.initial_coefs_[0], atol=1e-8)


def test_oja_on_all_inputs_ends_in_their_first_component():
    stretched = X * np.append(np.linspace(2, 0.5, 25), 1)  # one component is the largest
    net = ContextGatedRegressor(
        (10,), gating="oja_all", hebbian_rate=0.2, max_iter=1500, batch_size=None,
        random_state=0, context_scale=0.5, **HEBBIAN_ONLY,
    ).fit(stretched, REWARD)  # fmt: skip
    inputs = np.hstack([stretched[:, :-1], 0.5 * np.eye(2)[X[:, -1].astype(int)]])
    first = np.linalg.svd(inputs - inputs.mean(0))[2][0]
    weights = np.vstack([net.coefs_[0], net.context_coefs_])
    signs = np.sign(first @ weights)
    np.testing.assert_allclose(weights, np.outer(first, signs), atol=1e-6)


def test_oja_of_a_batch_is_the_mean_or_the_sum_over_its_trials(rng):
    weight = rng.integers(0, 3, size=50)
    settings = {"gating": "oja", "hebbian_rate": 0.01, "max_iter": 1, "batch_size": None}
    settings |= {**HEBBIAN_ONLY, "center_inputs": False, "random_state": 0}
    net = ContextGatedRegressor((6,), **settings)
    for reduction, n in (("mean", weight.sum()), ("sum", weight.sum() / 50)):
        net.set_params(reduction=reduction).fit(X, REWARD, weight)
        W = net.initial_context_coefs_
        changes = [oja(W, np.eye(2)[int(t)], 0.01) - W for t in X[:, -1]]
        expected = W + np.tensordot(weight, changes, 1) / n
        np.testing.assert_allclose(net.context_coefs_, expected, atol=1e-9)


def test_oja_of_a_later_layer(rng):
    settings = {**HEBBIAN_ONLY, "max_iter": 1, "batch_size": 50, "hebbian_rate": 0.1}
    for gating in ("oja", "oja_all"):
        net = ContextGatedRegressor((6, 5), gating=gating, context_layer=-1, **settings)
        net.set_params(random_state=0).fit(X, REWARD)
        cue = np.eye(2)[X[:, -1].astype(int)] - 0.5
        start = [net.initial_coefs_[0], net.initial_intercepts_[0]]
        below = np.maximum((X[:, :-1] - X[:, :-1].mean(0)) @ start[0] + start[1], 0)
        W = net.initial_context_coefs_
        inputs = cue
        if gating == "oja_all":
            W, inputs = np.vstack([net.initial_coefs_[1], W]), np.hstack([below, cue])
        expected = W + np.mean([oja(W, x, 0.1) - W for x in inputs], 0)
        np.testing.assert_allclose(net.context_coefs_, expected[-2:], atol=1e-9)
        coefs = expected[:-2] if gating == "oja_all" else net.initial_coefs_[1]
        np.testing.assert_allclose(net.coefs_[1], coefs, atol=1e-9)


# -- the network axis ------------------------------------------------------------------


def parts_of(net):
    parts = [*net.coefs_, *net.intercepts_, net.context_coefs_, net.loss_curve_]
    return parts + [getattr(net, name) for name in ("gates_", "input_means_") if hasattr(net, name)]


def assert_same(a, b, atol=0.0):
    assert a.n_iter_ == b.n_iter_
    for p, q in zip(parts_of(a), parts_of(b), strict=True):
        assert p.dtype == q.dtype
        np.testing.assert_allclose(p, q, atol=atol, rtol=0)


def mixture(seed, **settings):
    """Networks of every gating, each with rates of its own."""
    return [
        ContextGatedRegressor(
            (11,), gating=gating, max_iter=4, random_state=seed + k, hebbian_rate=0.01 * (k + 1),
            sluggishness=sluggishness, center_inputs=k % 2 == 0,
            **{**TRIAL_BY_TRIAL, "learning_rate_init": 0.02 + 0.01 * k, **settings},
        )
        for gating in GATINGS for k, sluggishness in enumerate((0.05, 1.0))
    ]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {"curriculum": "blocked"},
        {"batch_size": None, "learning_rate_init": 0.02, "hidden_layer_sizes": (6, 5)},
        {"batch_size": 7, "solver": "adam", "activation": "tanh", "context_layer": -1},
    ],
    ids=str,
)
def test_networks_trained_together_are_those_trained_alone(settings, seed):
    nets = mixture(seed)
    if settings.get("solver") == "adam":
        settings = {**settings, "learning_rate_init": 0.01}
    nets = [net.set_params(**settings) for net in nets]
    rng = np.random.default_rng(seed)
    rows = [None if k % 4 else rng.permutation(50)[:40] for k in range(len(nets))]
    for net, own, alone in zip(fit_many(nets, X, REWARD, indices=rows), rows, nets, strict=True):
        own = slice(None) if own is None else own
        assert_same(net, alone.fit(X[own], REWARD[own]), atol=1e-10)


def test_classifiers_trained_together_are_those_trained_alone(seed):
    nets = [
        ContextGatedClassifier((8,), gating=g, center_inputs=True, sluggishness=0.3, **SHORT)
        for g in GATINGS
    ]
    for net, alone in zip(fit_many(nets, X, SIDE), nets, strict=True):
        assert_same(net, alone.fit(X, SIDE), atol=1e-10)
        assert net.predict_proba(X).shape == (50, 2)


def test_gated_networks_share_stacks():
    from neuroselect._engine._chunks import make_chunks

    nets = [
        ContextGatedRegressor(
            (8,), gating="oja", hebbian_rate=rate, sluggishness=a, batch_size=1, center_inputs=True
        )
        for rate in (0.01, 0.1) for a in (0.1, 0.5)
    ]  # fmt: skip
    jobs = [net._make_job(net._read_trials(X[k:], REWARD[k:])) for k, net in enumerate(nets)]
    assert len({job.spec for job in jobs}) == 4  # other numbers of trials
    jobs = [net._make_job(net._read_trials(X[:40], REWARD[:40])) for net in nets]
    assert make_chunks(jobs) == [[0, 1, 2, 3]]


def test_checkpoint_keeps_gates_and_the_task_signal(tmp_path):
    nets = mixture(0)
    fitted = fit_many(nets, X, REWARD, checkpoint=tmp_path)
    again = fit_many(nets, X, REWARD, checkpoint=tmp_path)
    for a, b in zip(fitted, again, strict=True):
        assert_same(a, b)
        assert_same(a.partial_fit(X, REWARD), b.partial_fit(X, REWARD))


def test_searches_agree(seed):
    grid = {"gating": GATINGS, "center_inputs": [False, True]}
    net = ContextGatedRegressor((6,), loss="expected_reward", **{**SHORT, "random_state": seed})
    folds = KFold(2, shuffle=True, random_state=seed)
    loop = GridSearchCV(net, grid, cv=folds).fit(X, REWARD)
    batched = BatchedGridSearchCV(net, grid, cv=folds).fit(X, REWARD)
    np.testing.assert_allclose(
        batched.cv_results_["mean_test_score"], loop.cv_results_["mean_test_score"], atol=1e-10
    )
    assert batched.best_params_ == loop.best_params_


# -- training that goes on -------------------------------------------------------------


@pytest.mark.parametrize("gating", GATINGS)
def test_two_fits_are_one(gating, seed):
    settings = {"gating": gating, "center_inputs": True, "sluggishness": 0.05, **TRIAL_BY_TRIAL}
    net = ContextGatedRegressor((6,), max_iter=7, random_state=seed, **settings)
    expected = net.fit(X, REWARD)
    other = clone(net).set_params(max_iter=3, warm_start=True).fit(X, REWARD)
    other = pickle.loads(pickle.dumps(other)).set_params(max_iter=4).fit(X, REWARD)
    assert_same(other, expected)
    single = clone(net)
    for _ in range(7):
        single.partial_fit(X, REWARD)
    assert_same(single, expected)


def test_networks_that_stop_keep_the_task_signal_of_then(seed):
    settings = {**TRIAL_BY_TRIAL, "batch_size": 5, "sluggishness": 0.02, "tol": 1e-3}
    nets = [
        ContextGatedRegressor((9,), n_iter_no_change=2, random_state=seed, max_iter=40, **settings)
        for _ in range(3)
    ]
    for net, rate in zip(nets, (1e-4, 0.1, 0.3), strict=True):
        net.set_params(learning_rate_init=rate)
    fitted = fit_many(nets, X, REWARD)
    assert len({net.n_iter_ for net in fitted}) > 1
    assert min(net.n_iter_ for net in fitted) < 40
    for net, start in zip(fitted, nets, strict=True):
        alone = clone(start).set_params(tol=None, max_iter=net.n_iter_).fit(X, REWARD)
        assert_same(net, alone, atol=1e-10)
        signal = net._optimizer["signal"]
        np.testing.assert_allclose(signal, alone._optimizer["signal"], atol=1e-12)
        assert abs(signal - np.round(signal)).max() > 0.01


def test_the_first_call_decides_the_means(rng):
    net = ContextGatedRegressor((6,), center_inputs=True, **SHORT)
    net.partial_fit(X[:30], REWARD[:30], tasks=[0, 1])
    share = np.bincount(X[:30, -1].astype(int)) / 30
    np.testing.assert_allclose(net.input_means_, [*X[:30, :-1].mean(0), *share], atol=1e-14)
    np.testing.assert_array_equal(net.partial_fit(X, REWARD).input_means_[25:], share)
    with pytest.raises(ValueError, match="center_inputs is False now"):
        net.set_params(center_inputs=False).partial_fit(X, REWARD)
    assert not hasattr(net.fit(X, REWARD), "input_means_")
    with pytest.raises(ValueError, match="gating was learned, is None"):
        net.set_params(gating="none").partial_fit(X, REWARD)


def test_gating_by_oja_may_begin_later(seed):
    net = ContextGatedRegressor((6,), gating="none", **{**SHORT, "random_state": seed})
    net.fit(X, REWARD).set_params(gating="oja", warm_start=True).fit(X, REWARD)
    assert net.n_iter_ == 16


# -- weights of trials, tasks and dtypes -----------------------------------------------


@pytest.mark.parametrize("gating", GATINGS)
def test_integer_weights_are_repeats(gating, rng):
    weight = rng.integers(0, 3, size=50)
    net = ContextGatedRegressor((6,), gating=gating, center_inputs=True, hebbian_rate=0.01)
    net.set_params(batch_size=None, max_iter=20, random_state=0)
    weighted = clone(net).fit(X, REWARD, sample_weight=weight)
    rows = np.repeat(np.arange(50), weight)
    assert_same(weighted, net.fit(X[rows], REWARD[rows]), atol=1e-10)


@pytest.mark.parametrize("gating", GATINGS)
def test_without_a_task_column_there_is_nothing_to_gate(gating):
    net = ContextGatedRegressor((6,), gating=gating, task_column=None, sluggishness=0.1, **SHORT)
    net.set_params(center_inputs=True).fit(X, REWARD)
    assert not hasattr(net, "gates_")
    assert net.input_means_.shape == (26,)
    plain = clone(net).set_params(gating="none").fit(X, REWARD)
    assert_same(net, plain)


@pytest.mark.parametrize("gating", GATINGS)
def test_single_precision_stays_single(gating):
    net = ContextGatedRegressor((6,), gating=gating, center_inputs=True, sluggishness=0.5, **SHORT)
    net.fit(X.astype(np.float32), REWARD)
    double = clone(net).fit(X, REWARD)
    assert {part.dtype for part in [*net.coefs_, net.context_coefs_]} == {np.dtype(np.float32)}
    assert net.predict(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(net.coefs_[0], double.coefs_[0], atol=1e-4)


def test_weight_decay_holds_for_learned_gates(seed):
    settings = {"solver": "sgd", "batch_size": None, "learning_rate_init": 0.1, "alpha": 0.5}
    net = ContextGatedRegressor((6,), random_state=seed, max_iter=20, **settings).fit(X, REWARD)
    free = pickle.loads(pickle.dumps(net)).set_params(alpha=0.0)
    before = net.gate_coefs_
    difference = net.partial_fit(X, REWARD).gate_coefs_ - free.partial_fit(X, REWARD).gate_coefs_
    np.testing.assert_allclose(difference, -0.1 * 0.5 * before, atol=1e-14)
    assert abs(before).max() > 1e-3


def test_tasks_may_have_names():
    frame = pd.DataFrame(X[:, :-1], columns=[f"pixel{k}" for k in range(25)])
    frame.insert(3, "garden", np.where(X[:, -1] == 0, "north", "south"))
    settings = {"center_inputs": True, "sluggishness": 0.3, **SHORT}
    net = ContextGatedRegressor((6,), task_column="garden", **settings).fit(frame, REWARD)
    assert net.tasks_.tolist() == ["north", "south"]
    expected = ContextGatedRegressor((6,), **settings).fit(X, REWARD)
    assert_same(net, expected)
    np.testing.assert_array_equal(net.predict(frame), expected.predict(X))
    data = skops.io.dumps(net)
    unknown = skops.io.get_untrusted_types(data=data)
    for copy in (pickle.loads(pickle.dumps(net)), skops.io.loads(data, trusted=unknown)):
        np.testing.assert_array_equal(copy.predict(frame), net.predict(frame))
        assert_same(copy.partial_fit(frame, REWARD), clone_trained(net, frame))


def clone_trained(net, frame):
    """The network after one more pass, itself unchanged."""
    return pickle.loads(pickle.dumps(net)).partial_fit(frame, REWARD)


def test_centred_networks_do_not_see_a_shift(rng):
    net = ContextGatedRegressor((6,), center_inputs=True, **SHORT)
    shifted = X + np.append(rng.normal(size=25), 0)
    a, b = clone(net).fit(X, REWARD), net.fit(shifted, REWARD)
    np.testing.assert_allclose(a.predict(X), b.predict(shifted), atol=1e-10)


# -- using the network -----------------------------------------------------------------


@pytest.mark.parametrize("context_layer", [0, 1, -1])
@pytest.mark.parametrize("gating", GATINGS)
def test_readout_of_the_activations_is_the_output(gating, context_layer):
    settings = {"gating": gating, "context_layer": context_layer, "center_inputs": True}
    net = ContextGatedRegressor((6, 5, 4), activation="tanh", **settings, **SHORT).fit(X, REWARD)
    classifier = ContextGatedClassifier((6, 5, 4), **settings, **SHORT).fit(X, SIDE)
    for layer in (0, 1, 2, -1):
        np.testing.assert_allclose(
            net.readout(net.activations(X, layer), X, layer), net.predict(X), atol=1e-14
        )
        np.testing.assert_allclose(
            classifier.readout(classifier.activations(X, layer), X, layer),
            classifier.predict_proba(X),
            atol=1e-14,
        )
    np.testing.assert_array_equal(net.transform(X), net.activations(X))
    assert net.get_feature_names_out()[0] == "contextgatedregressor0"


@pytest.mark.parametrize("gating", ["learned", "random", "oja"])
def test_importance_of_gated_units(gating, seed):
    net = ContextGatedRegressor(
        (6, 5), gating=gating, gate_share=0.5, context_layer=-1, center_inputs=True,
        **{**TRIAL_BY_TRIAL, "init_scale": 0.5}, max_iter=4, random_state=seed,
    ).fit(X, REWARD)  # fmt: skip
    task, intact = X[:, -1], -expit(net.predict(X)) * REWARD
    for layer in (0, -1):
        units = LesionSelectivity(net, layer=layer, threshold=0.0, prefit=True).fit(X, REWARD)
        H = net.activations(X, layer)
        for j in range(H.shape[1]):
            lesioned = np.where(np.arange(H.shape[1]) == j, 0, H)
            change = -expit(net.readout(lesioned, X, layer)) * REWARD - intact
            expected = [np.mean(change[task == t] ** 2) for t in (0, 1)]
            np.testing.assert_allclose(units.importances_[j], expected, atol=1e-14)
        sets = np.eye(H.shape[1], dtype=bool)
        scores = group_lesion_scores(net, X, REWARD, sets, layer=layer)
        np.testing.assert_allclose(scores.intact_scores, net.score_by_task(X, REWARD))
    if gating == "random":
        assert (units.importances_[net.gates_.T == 0] == 0).all()
    columns = LesionSelectivity(net, layer="input", threshold=0.0, prefit=True).fit(X, REWARD)
    without = X.copy()
    without[:, 7] = 0
    change = -expit(net.predict(without)) * REWARD - intact
    expected = [np.mean(change[task == t] ** 2) for t in (0, 1)]
    np.testing.assert_allclose(columns.importances_[7], expected, atol=1e-14)


def test_choices_by_reward(rng):
    net = ContextGatedRegressor((9,), loss="expected_reward", **SHORT).fit(X, REWARD)
    output = net.predict(X)
    p = net.choice_probability(X)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-output)), atol=1e-15)
    np.testing.assert_allclose(
        net.set_params(batch_size=None, max_iter=1).fit(X, REWARD).loss_curve_,
        [-np.mean(REWARD / (1 + np.exp(-fresh_output(net))))],
        atol=1e-12,
    )
    output, counted = net.predict(X), REWARD != 0
    right = (output > 0) == (REWARD > 0)
    assert net.score(X, REWARD) == pytest.approx(right[counted].mean())
    weight = rng.uniform(size=50)
    expected = np.average(right[counted], weights=weight[counted])
    assert net.score(X, REWARD, weight) == pytest.approx(expected)
    task = X[:, -1]
    expected = [right[counted & (task == t)].mean() for t in (0, 1)]
    np.testing.assert_allclose(net.score_by_task(X, REWARD), expected)
    assert np.isnan(net.score(X, 0 * REWARD))


def fresh_output(net):
    """Output before training."""
    start = clone(net).set_params(learning_rate_init=1e-300, solver="sgd").fit(X, REWARD)
    return start.predict(X)


@pytest.mark.parametrize("cls", [ContextGatedRegressor, ContextGatedClassifier])
def test_what_is_recorded_is_with_the_task_itself(cls, seed):
    y = REWARD if cls is ContextGatedRegressor else SIDE
    names = ["task_scores", "task_losses", "activations", "weight_norms"]
    net = cls((9,), sluggishness=0.1, record=names, **{**SHORT, "random_state": seed})
    if cls is ContextGatedRegressor:
        net.set_params(loss="expected_reward", record=[*names, "sign_accuracy"])
    history = net.fit(X, y).history_
    np.testing.assert_allclose(history.task_scores[-1], net.score_by_task(X, y), atol=1e-12)
    np.testing.assert_allclose(history.activations[-1], net.activations(X), atol=1e-12)
    if cls is ContextGatedRegressor:
        np.testing.assert_array_equal(history.sign_accuracy, history.task_scores)
        losses = -net.choice_probability(X) * y
        expected = [losses[X[:, -1] == t].mean() for t in (0, 1)]
        np.testing.assert_allclose(history.task_losses[-1], expected, atol=1e-12)


@pytest.mark.parametrize("consolidation", [EWC(300.0), SynapticIntelligence(5.0)], ids=str)
def test_consolidation_holds_what_the_first_task_needs(consolidation, seed):
    settings = {"curriculum": "blocked", "max_iter": 60, "batch_size": 5, "random_state": seed}
    settings |= {"learning_rate_init": 0.01, "loss": "expected_reward"}
    net = ContextGatedRegressor((30,), gating="learned", **settings)
    free = net.fit(X, REWARD).score_by_task(X, REWARD)
    held = net.set_params(consolidation=consolidation).fit(X, REWARD)
    assert held.score_by_task(X, REWARD)[0] > free[0] + 0.15


def test_tangent_kernel_is_of_the_network_as_it_is(seed):
    # By finite differences along the gradient: J J^T = J (d theta), d theta = J^T e_k.
    settings = {"center_inputs": True, "solver": "sgd", "batch_size": None, "max_iter": 1}
    rate = 1e-7
    for gating in ("learned", "random", "manual"):
        net = ContextGatedRegressor((8,), gating=gating, activation="tanh", **settings)
        net.set_params(learning_rate_init=rate, random_state=seed, reduction="sum").fit(X, REWARD)
        before = fresh_output(net)
        moved = (net.predict(X) - before) / rate
        kernel = tangent_kernel(net, X, initial=True)
        np.testing.assert_allclose(moved, kernel @ (REWARD - before), atol=1e-3)


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"gating": "sigmoid"}, "The 'gating' parameter"),
        ({"sluggishness": 0.0}, "The 'sluggishness' parameter"),
        ({"sluggishness": 1.5}, "The 'sluggishness' parameter"),
        ({"hebbian_rate": -0.1}, "The 'hebbian_rate' parameter"),
        ({"gate_share": 0.0}, "The 'gate_share' parameter"),
        ({"center_inputs": "yes"}, "The 'center_inputs' parameter"),
        ({"loss": "cross_entropy"}, "The 'loss' parameter"),
    ],
)
def test_wrong_parameters(wrong, message):
    with pytest.raises(ValueError, match=message):
        ContextGatedRegressor(**wrong).fit(X, REWARD)


def test_hebbian_steps_that_are_too_large_are_told_of():
    net = ContextGatedRegressor((5,), gating="oja_all", hebbian_rate=50.0, max_iter=20)
    with pytest.raises(ValueError, match="lower hebbian_rate=50"):
        net.set_params(random_state=0).fit(X, REWARD)


def test_the_lazy_prediction_is_of_descent_alone():
    settings = {"solver": "sgd", "batch_size": None, "max_iter": 2, "random_state": 0}
    net = ContextGatedRegressor((5,), gating="oja", **settings).fit(X, REWARD)
    with pytest.raises(ValueError, match="Hebbian rule beside it, gating='oja'"):
        lazy_loss_curve(net, X, REWARD)
    net = ContextGatedRegressor((200,), gating="learned", learning_rate_init=1e-4, **settings)
    net.fit(X, REWARD)
    np.testing.assert_allclose(lazy_loss_curve(net, X, REWARD), net.loss_curve_, rtol=1e-3)
    net.set_params(sluggishness=0.5).fit(X, REWARD)
    with pytest.raises(ValueError, match="with sluggishness=1; this network has"):
        lazy_loss_curve(net, X, REWARD)


def test_fisher_information_of_predicted_classes_needs_classes():
    net = ContextGatedRegressor(loss="expected_reward", curriculum="blocked")
    with pytest.raises(ValueError, match=r"no classes \(loss='expected_reward'\)"):
        net.set_params(consolidation=EWC(1.0, fisher="predicted")).fit(X, REWARD)
