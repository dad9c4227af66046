"""Networks that are held back from forgetting, against objectives written out in torch."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect.consolidation import EWC, SynapticIntelligence
from neuroselect.curricula import Biased, Blocked, Interleaved, Replay, Resampled
from neuroselect.datasets import make_context_blobs

X, Y = make_context_blobs()
X = X * np.r_[np.full(25, 5.0), 1.0]
LABELS = np.digitize(Y, [-0.5, 0.5])
RULES = [
    EWC(0.5),
    EWC(3.0, fisher="empirical"),
    EWC(0.5, anchors="last"),
    EWC(2.0, fisher="empirical", anchors="last"),
    SynapticIntelligence(0.5, damping=0.01),
]
ORDER = Blocked(order=[1, 0, 1], passes=(3, 2, 3))


# -- the slow way ----------------------------------------------------------------------


class SlowNetwork:
    """One hidden tanh layer, parameters as a list of leaf tensors."""

    def __init__(self, net):
        arrays = [*net.initial_coefs_, *net.initial_intercepts_, net.initial_context_coefs_]
        self.parameters = [torch.tensor(a, requires_grad=True) for a in arrays]
        self.classes = isinstance(net, MultiTaskMLPClassifier)

    def output(self, rows):
        w, v, b, c, u = self.parameters
        cue = torch.as_tensor(np.eye(2)[X[rows, -1].astype(int)])
        return torch.tanh(torch.as_tensor(X[rows, :-1]) @ w + cue @ u + b) @ v + c

    def losses(self, rows):
        out = self.output(rows)
        if self.classes:
            target = torch.as_tensor(LABELS[rows])
            return torch.nn.functional.cross_entropy(out, target, reduction="none")
        return 0.5 * (out[:, 0] - torch.as_tensor(Y[rows])) ** 2

    def gradients(self, scalar):
        return torch.autograd.grad(scalar, self.parameters)

    def copy(self):
        return [p.detach().clone() for p in self.parameters]

    def fisher(self, rows, kind):
        total = [torch.zeros_like(p) for p in self.parameters]
        for row in rows:
            if kind == "empirical":
                terms = [(1.0, lambda r: self.losses(r)[0])]
            elif not self.classes:
                terms = [(1.0, lambda r: self.output(r)[0, 0])]
            else:
                p = torch.softmax(self.output([row])[0], 0).tolist()
                if kind == "predicted":
                    p = [float(q == max(p)) for q in p]
                terms = [
                    (q, lambda r, k=k: torch.log_softmax(self.output(r)[0], 0)[k])
                    for k, q in enumerate(p)
                ]
            for probability, term in terms:
                for t, g in zip(total, self.gradients(term([row])), strict=True):
                    t += probability * g**2 / len(rows)
        return total


def weighted_distance(importance, parameters, anchor):
    parts = zip(importance, parameters, anchor, strict=True)
    return sum((f * (p - a) ** 2).sum() for f, p, a in parts)


def train_slowly(net, curriculum, rule, batch_size, optimiser, alpha):
    """Minimise the objective as it is written in the docstrings."""
    slow = SlowNetwork(net)
    step = optimiser(slow.parameters)
    seed = np.random.RandomState(net.random_state).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[1])
    passes = curriculum(X[:, -1], batch_size=batch_size, max_iter=net.max_iter, rng=rng)
    ewc = isinstance(rule, EWC)
    penalties, shown, last = [], [], None
    omega = [torch.zeros_like(p) for p in slow.parameters]
    path, start = [torch.zeros_like(p) for p in slow.parameters], slow.copy()
    for steps in passes:
        task = X[steps[0][0], -1]
        if last is not None and task != last:
            ended = np.flatnonzero(X[:, -1] == last)
            shown = ended if not len(shown) else np.union1d(shown, ended)
            anchor = slow.copy()
            if ewc and rule.anchors == "each":
                penalties.append((0.5, slow.fisher(ended, rule.fisher), anchor))
            elif ewc:
                penalties = [(0.5, slow.fisher(shown, rule.fisher), anchor)]
            else:
                omega = [
                    (o + g / ((a - s) ** 2 + rule.damping)).clamp(min=0)
                    for o, g, a, s in zip(omega, path, anchor, start, strict=True)
                ]
                path, start = [torch.zeros_like(p) for p in path], anchor
                penalties = [(1.0, omega, anchor)]
        last = task
        for rows in steps:
            before, of_task = slow.copy(), slow.gradients(slow.losses(rows).mean())
            objective = slow.losses(rows).mean()
            decayed = [slow.parameters[0], slow.parameters[1], slow.parameters[4]]
            objective = objective + alpha / 2 * sum((p**2).sum() for p in decayed)
            for factor, importance, anchor in penalties:
                distance = weighted_distance(importance, slow.parameters, anchor)
                objective = objective + factor * rule.strength * distance
            step.zero_grad()
            objective.backward()
            step.step()
            for g, d, b, p in zip(path, of_task, before, slow.copy(), strict=True):
                g -= d * (p - b)
    return [p.numpy() for p in slow.copy()]


OPTIMISERS = {
    "sgd": (
        {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.5, "alpha": 0.01},
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5),
    ),
    "adam": (
        {"solver": "adam", "learning_rate_init": 0.01},
        lambda p: torch.optim.Adam(p, lr=0.01),
    ),
}


def all_weights(net):
    return [*net.coefs_, *net.intercepts_, net.context_coefs_]


CASES = [(cls, rule) for cls in (MultiTaskMLP, MultiTaskMLPClassifier) for rule in RULES]


@pytest.mark.parametrize("solver", OPTIMISERS)
@pytest.mark.parametrize(
    ("cls", "rule"), [*CASES, (MultiTaskMLPClassifier, EWC(1.0, fisher="predicted"))]
)
def test_training_minimises_the_objective(cls, rule, solver):
    parameters, optimiser = OPTIMISERS[solver]
    y = LABELS if cls is MultiTaskMLPClassifier else Y
    settings = {"activation": "tanh", "batch_size": 7, "max_iter": 8, "random_state": 2}
    net = cls((4,), curriculum=ORDER, consolidation=rule, **settings, **parameters).fit(X, y)
    slow = train_slowly(net, ORDER, rule, 7, optimiser, parameters.get("alpha", 0))
    free = clone(net).set_params(consolidation=None).fit(X, y)
    for a, b in zip(all_weights(net), slow, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    assert max(np.abs(a - b).max() for a, b in zip(all_weights(free), slow, strict=True)) > 1e-4


def test_replayed_steps_count_in_the_path():
    rule, curriculum = SynapticIntelligence(0.5), Replay(every=2, order=[0, 1, 0])
    parameters, optimiser = OPTIMISERS["sgd"]
    net = MultiTaskMLP(
        (4,), activation="tanh", batch_size=7, max_iter=6, random_state=1,
        curriculum=curriculum, consolidation=rule, **parameters,
    ).fit(X, Y)  # fmt: skip
    slow = train_slowly(net, curriculum, rule, 7, optimiser, parameters["alpha"])
    for a, b in zip(all_weights(net), slow, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


# -- stacks ----------------------------------------------------------------------------


def test_fit_many_equals_the_loop(seed):
    rules = [None, *RULES, EWC(0.5, n_samples=4), EWC(0.5, fisher="predicted", n_samples=7)]
    estimators = [
        MultiTaskMLPClassifier(
            (5, 4),
            context_layer=1,
            batch_size=batch_size,
            max_iter=5,
            solver=solver,
            learning_rate_init=0.02 * (1 + k * (solver == "sgd")),
            curriculum=curriculum,
            consolidation=rule,
            random_state=seed + k,
        )
        for rule in rules
        for solver, batch_size, curriculum in (
            ("adam", 6, Replay(every=3)),
            ("sgd", None, Blocked(order=[1, 0, 1])),
        )
        for k in range(2)
    ]
    for many, estimator in zip(fit_many(estimators, X, LABELS), estimators, strict=True):
        one = clone(estimator).fit(X, LABELS)
        for a, b in zip(all_weights(many), all_weights(one), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-10)
        np.testing.assert_allclose(many.loss_curve_, one.loss_curve_, atol=1e-10)


def test_networks_with_trials_of_their_own():
    rng = np.random.default_rng(0)
    rows = [np.sort(np.r_[rng.permutation(25)[:14], 25 + rng.permutation(25)[:n]]) for n in (9, 9)]
    estimators = [
        MultiTaskMLP(
            (5,), batch_size=4, max_iter=4, curriculum="blocked", consolidation=rule, random_state=0
        )
        for rule in (EWC(1.0, n_samples=5), EWC(1.0), SynapticIntelligence())
    ]
    twice = [e for e in estimators for _ in rows]
    fitted = fit_many(twice, X, Y, indices=rows * len(estimators))
    for many, estimator, own in zip(fitted, twice, rows * len(estimators), strict=True):
        one = clone(estimator).fit(X[own], Y[own])
        np.testing.assert_allclose(many.coefs_[0], one.coefs_[0], atol=1e-10)


# -- what parameters do ----------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("cls", [EWC, SynapticIntelligence])
def test_no_strength_is_no_consolidation(cls, solver, seed):
    net = MultiTaskMLP(
        (6,), batch_size=8, max_iter=6, solver=solver, curriculum="blocked", random_state=seed
    )
    free = clone(net).fit(X, Y)
    held = net.set_params(consolidation=cls(strength=0)).fit(X, Y)
    for a, b in zip(all_weights(held), all_weights(free), strict=True):
        np.testing.assert_array_equal(a, b)


def test_strength_holds_the_outputs_of_the_first_task(seed):
    settings = {"learning_rate_init": 2e-3, "batch_size": 5, "random_state": seed}
    first = MultiTaskMLP((8,), curriculum=Blocked(order=[0]), max_iter=30, **settings).fit(X, Y)
    blocks = Blocked(order=[0, 1], passes=(30, 30))
    moved = []
    for strength in (0, 1, 100):
        net = MultiTaskMLP(
            (8,), curriculum=blocks, max_iter=60, consolidation=EWC(strength), **settings
        ).fit(X, Y)
        moved.append(np.abs(net.predict(X[:25]) - first.predict(X[:25])).mean())
    assert moved[2] < moved[1] < moved[0]
    assert moved[2] < 0.5 * moved[0]


def test_weights_that_the_first_task_does_not_use_stay_free():
    # Task 1's cue is off in task 0: its weights have no Fisher information there.
    settings = {"solver": "sgd", "learning_rate_init": 1e-8, "batch_size": None, "max_iter": 2}
    nets = [
        MultiTaskMLP(
            (6,), bias_init=0.1, curriculum="blocked", consolidation=rule, random_state=0,
            **settings,
        ).fit(X, Y)
        for rule in (None, EWC(1e7))
    ]  # fmt: skip
    free, held = (net.context_coefs_ - net.initial_context_coefs_ for net in nets)
    assert np.abs(held[1]).max() > 0
    np.testing.assert_array_equal(held[1], free[1])


def test_a_sample_of_equal_trials_tells_all():
    X_same = X.copy()
    X_same[:25] = X_same[0]
    net = MultiTaskMLP(
        (5,), batch_size=8, max_iter=6, curriculum="blocked", consolidation=EWC(1.0), random_state=0
    )
    full = clone(net).fit(X_same, Y)
    few = clone(net).set_params(consolidation=EWC(1.0, n_samples=2)).fit(X_same, Y)
    np.testing.assert_allclose(few.coefs_[0], full.coefs_[0], atol=1e-12)
    # Of different trials, a sample tells something else; one too large is everything.
    full, few, many = (
        clone(net).set_params(consolidation=EWC(1.0, n_samples=n)).fit(X, Y) for n in (None, 2, 25)
    )
    assert np.abs(few.coefs_[0] - full.coefs_[0]).max() > 1e-6
    np.testing.assert_array_equal(many.coefs_[0], full.coefs_[0])


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_weight_is_as_many_trials(rule, seed):
    # The same weights in either task: the mean weight of a block is that of all trials.
    weight = np.tile(np.random.default_rng(seed).integers(1, 4, 25), 2)
    net = MultiTaskMLP(
        (5,), batch_size=None, max_iter=8, learning_rate_init=0.02, curriculum="blocked",
        consolidation=rule, random_state=seed,
    )  # fmt: skip
    weighted = clone(net).fit(X, Y, sample_weight=weight)
    repeated = clone(net).fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight))
    for a, b in zip(all_weights(weighted), all_weights(repeated), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


def test_loss_curve_is_without_penalty():
    settings = {"solver": "sgd", "learning_rate_init": 0.05, "batch_size": None, "random_state": 0}
    held = MultiTaskMLP(
        (5,), curriculum=Blocked(passes=(3, 2)), max_iter=5, consolidation=EWC(5.0), **settings
    ).fit(X, Y)
    shorter = clone(held).set_params(curriculum=Blocked(passes=(3, 1)), max_iter=4).fit(X, Y)
    loss = 0.5 * np.mean((shorter.predict(X[25:]) - Y[25:]) ** 2)
    assert held.loss_curve_[-1] == pytest.approx(loss, rel=1e-10)


# -- behaviour -------------------------------------------------------------------------


def test_consolidation_keeps_the_first_task():
    settings = {"learning_rate_init": 0.02, "batch_size": 5, "max_iter": 120}
    scores = {}
    rules = {"none": None, "ewc": EWC(30.0), "si": SynapticIntelligence()}
    X_blobs, y_blobs = make_context_blobs()
    for name, rule in rules.items():
        nets = [
            MultiTaskMLP(
                (60,), curriculum="blocked", consolidation=rule, random_state=k, **settings
            )
            for k in range(8)
        ]
        fitted = fit_many(nets, X_blobs, y_blobs)
        scores[name] = np.mean([net.score_by_task(X_blobs, y_blobs) for net in fitted], axis=0)
    for name in rules:
        assert scores[name][1] > 0.9
    assert scores["ewc"][0] > scores["none"][0] + 0.3
    assert scores["si"][0] > scores["none"][0] + 0.3


# -- as a scikit-learn parameter -------------------------------------------------------


def test_clone_pickle_and_grid():
    net = MultiTaskMLP(
        (4,), max_iter=4, batch_size=8, curriculum="blocked", consolidation=EWC(2), random_state=0
    )
    assert net.get_params()["consolidation"] == EWC(2)
    fitted = pickle.loads(pickle.dumps(clone(net).fit(X, Y)))
    np.testing.assert_array_equal(fitted.coefs_[0], net.fit(X, Y).coefs_[0])
    grid = {"consolidation": [None, EWC(1), EWC(100), SynapticIntelligence()]}
    order = np.random.default_rng(0).permutation(50)
    search = GridSearchCV(net, grid, cv=2).fit(X[order], Y[order])
    assert len(set(search.cv_results_["mean_test_score"])) == 4
    assert search.cv_results_["param_consolidation"][1] == EWC(1)


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [EWC(), SynapticIntelligence()])
@pytest.mark.parametrize(
    "curriculum",
    [
        "interleaved", "resampled", "biased", Interleaved(), Resampled(), Biased(),
        lambda task, **settings: None,
    ],
)  # fmt: skip
def test_curriculum_without_blocks(curriculum, rule):
    net = MultiTaskMLP((4,), curriculum=curriculum, consolidation=rule)
    message = r"consolidation=\w+\(.*\) needs a curriculum that shows the tasks in blocks"
    with pytest.raises(ValueError, match=message):
        net.fit(X, Y)
    with pytest.raises(ValueError, match=message):
        fit_many([net], X, Y)


def test_without_tasks():
    net = MultiTaskMLP((4,), task_column=None, curriculum="blocked", consolidation=EWC())
    with pytest.raises(ValueError, match="protects earlier tasks, but task_column is None"):
        net.fit(X, Y)


def test_only_one_task():
    net = MultiTaskMLP((4,), curriculum=Blocked(order=[1]), consolidation=EWC())
    with pytest.raises(ValueError, match=r"acts when the task changes, but .* shows one task only"):
        net.fit(X, Y)


def test_predicted_label_of_a_regressor():
    net = MultiTaskMLP((4,), curriculum="blocked", consolidation=EWC.published())
    with pytest.raises(ValueError, match="fisher='predicted' takes the most probable class"):
        net.fit(X, Y)


@pytest.mark.parametrize("given", ["ewc", EWC, 3.0])
def test_not_an_object(given):
    with pytest.raises(ValueError, match=r"'consolidation' parameter .* must be an instance of"):
        MultiTaskMLP((4,), curriculum="blocked", consolidation=given).fit(X, Y)


def test_a_penalty_too_strong_for_descent_is_named():
    net = MultiTaskMLP(
        (4,), solver="sgd", curriculum="blocked", consolidation=EWC(1e9), random_state=0
    )
    with pytest.raises(ValueError, match=r"lower the strength of consolidation=EWC\(strength=10"):
        net.fit(X, Y)
