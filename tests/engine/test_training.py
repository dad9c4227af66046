"""Training against plain PyTorch, and the order of batches."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from neuroselect import MultiTaskMLP
from neuroselect._engine._batches import make_batches
from neuroselect._engine._chunks import make_chunks, network_bytes
from neuroselect._engine._spec import Job, NetworkSpec, TrainingSpec, Trials, Weights
from neuroselect.curricula import Interleaved
from neuroselect.datasets import make_context_blobs


def torch_training(net, X, y, *, optimiser, reduction, n_steps, weight=None):
    """Train ``net``'s initial weights with autograd and a stock optimiser, full batch."""
    stimuli = torch.as_tensor(np.column_stack([X[:, :-1], np.eye(2)[X[:, -1].astype(int)]]))
    first = np.vstack([net.initial_coefs_[0], net.initial_context_coefs_])
    coefs = [torch.tensor(c, requires_grad=True) for c in [first, *net.initial_coefs_[1:]]]
    intercepts = [torch.tensor(c, requires_grad=True) for c in net.initial_intercepts_]
    target = torch.as_tensor(y.reshape(len(y), -1))
    weight = torch.ones(len(y)) if weight is None else torch.as_tensor(weight / weight.mean())
    step = optimiser([{"params": coefs}, {"params": intercepts, "weight_decay": 0.0}])
    curve = []
    for _ in range(n_steps):
        step.zero_grad()
        h = stimuli
        for k, (c, b) in enumerate(zip(coefs, intercepts, strict=True)):
            h = h @ c + b
            h = torch.relu(h) if k < len(coefs) - 1 else h
        loss = (0.5 * ((h - target) ** 2).sum(1) * weight).sum()
        loss = loss / len(y) if reduction == "mean" else loss
        loss.backward()
        step.step()
        curve.append(loss.item())
    return [c.detach().numpy() for c in coefs], [b.detach().numpy() for b in intercepts], curve


OPTIMISERS = {
    "sgd": (
        {"solver": "sgd", "learning_rate_init": 0.05},
        lambda p: torch.optim.SGD(p, lr=0.05),
    ),
    "momentum": (
        {"solver": "sgd", "learning_rate_init": 0.02, "momentum": 0.9},
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9),
    ),
    "decay": (
        {"solver": "sgd", "learning_rate_init": 0.05, "alpha": 0.1},
        lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.1),
    ),
    "adam": (
        {"solver": "adam", "learning_rate_init": 0.01},
        lambda p: torch.optim.Adam(p, lr=0.01),
    ),
    "adam, decay": (
        {"solver": "adam", "learning_rate_init": 0.01, "alpha": 0.1},
        lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1),
    ),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("hidden", [(7,), (6, 5)])
def test_training_equals_plain_torch(name, hidden, weighted, seed):
    parameters, optimiser = OPTIMISERS[name]
    X, y = make_context_blobs()
    y = np.column_stack([y, np.cos(y)]) if weighted else y
    weight = np.random.default_rng(seed).uniform(size=len(y)) if weighted else None
    net = MultiTaskMLP(hidden, max_iter=30, random_state=seed, **parameters)
    net.fit(X, y, sample_weight=weight)
    coefs, intercepts, curve = torch_training(
        net, X, y, optimiser=optimiser, reduction="mean", n_steps=30, weight=weight
    )
    got = [np.vstack([net.coefs_[0], net.context_coefs_]), *net.coefs_[1:]]
    for a, b in zip(got + net.intercepts_, coefs + intercepts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(net.loss_curve_, curve, rtol=1e-10)


def published_training(X, y, coefs, intercepts, context, n_steps, rate=0.005):
    """The paper's update as a plain NumPy loop; returns the loss before each update."""
    cue = np.eye(2)[X[:, -1].astype(int)] / np.sqrt(50)
    stimuli, y = X[:, :-1], y[:, None]
    (w, v), (b, c), u = coefs, intercepts, context
    losses = []
    for _ in range(n_steps):
        z = stimuli @ w + cue @ u + b
        h = np.maximum(z, 0)
        error = h @ v + c - y
        losses.append(0.5 * (error**2).sum())
        d = (error @ v.T) * (z > 0)
        v, c = v - rate * h.T @ error, c - rate * error.sum(0)
        w, u, b = w - rate * stimuli.T @ d, u - rate * cue.T @ d, b - rate * d.sum(0)
    return np.array(losses)


def published_network(**parameters):
    rng = np.random.RandomState(0)
    w, u, v = (s * rng.randn(*n) for s, n in ((0.01, (100, 25)), (0.5, (100, 2)), (0.01, (1, 100))))
    settings = {
        "hidden_layer_sizes": (100,),
        "context_scale": 1 / np.sqrt(50),
        "bias_init": 0.1,
        "coefs_init": [w.T, v.T],
        "context_coefs_init": u.T,
        "reduction": "sum",
        "solver": "sgd",
        "learning_rate_init": 0.005,
        "batch_size": None,
        "max_iter": 10_000,
    }
    return MultiTaskMLP(**{**settings, **parameters})


def test_loss_trajectory_of_the_paper():
    X, y = make_context_blobs()
    net = published_network().fit(X, y)
    printed = {
        1: 50.194553,
        2: 50.038022,
        10: 49.992752,
        100: 49.841606,
        500: 29.293295,
        1000: 4.9892177,
        5000: 0.26067091,
        10000: 0.034751175,
    }
    for update, loss in printed.items():
        assert net.loss_curve_[update - 1] == pytest.approx(loss, rel=1e-7), update
    loop = published_training(
        X,
        y,
        net.initial_coefs_,
        net.initial_intercepts_,
        net.initial_context_coefs_,
        3000,
    )
    np.testing.assert_allclose(net.loss_curve_[:3000], loop, rtol=1e-9)


def test_single_precision_starts_like_double_precision():
    X, y = make_context_blobs()
    single = published_network(max_iter=100).fit(X.astype(np.float32), y)
    double = published_network(max_iter=100).fit(X, y)
    assert single.coefs_[0].dtype == single.loss_curve_.dtype == np.float32
    # float32 trajectories part after long training: compare the beginning only.
    np.testing.assert_allclose(single.loss_curve_, double.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(single.coefs_[0], double.coefs_[0], atol=1e-4)


# -- batches ---------------------------------------------------------------------------


def jobs_for(n_networks, n_trials, batch_size, *, own=False, seed=0):
    network = NetworkSpec(1, 0, (3,), 1, 0, 1.0, "relu", "identity")
    spec = TrainingSpec(
        network=network,
        loss="squared_error",
        reduction="mean",
        solver="sgd",
        learning_rate=None,
        momentum=0.0,
        batch_size=batch_size,
        max_iter=2,
        curriculum=Interleaved(),
        n_trials=n_trials,
        task_counts=(),
        dtype="float64",
        device="cpu",
    )

    def trials(k):
        rows = np.arange(n_trials, dtype=float)[:, None] + 1000 * k * own
        return Trials(rows, np.zeros(n_trials, dtype=int), rows)

    shared = trials(0)
    weights = Weights((np.zeros((1, 3)), np.zeros((3, 1))), (np.zeros(3), np.zeros(1)), None)
    seeds = np.random.SeedSequence(seed).spawn(n_networks)
    return [
        Job(spec, trials(k) if own else shared, weights, 1.0, 0.0, s) for k, s in enumerate(seeds)
    ]


@settings(deadline=None, max_examples=50)
@given(
    n_networks=st.integers(1, 4),
    n_trials=st.integers(2, 30),
    batch_size=st.integers(1, 29),
    own=st.booleans(),
    seed=st.integers(0, 100),
)
def test_a_pass_visits_every_trial_once(n_networks, n_trials, batch_size, own, seed):
    batch_size = min(batch_size, n_trials - 1)
    jobs = jobs_for(n_networks, n_trials, batch_size, own=own, seed=seed)
    batches = make_batches(jobs)
    for _ in range(2):
        parts = list(batches)
        assert len(parts) == -(-n_trials // batch_size)
        seen = torch.cat([part.target for part in parts], 1)[..., 0].numpy()
        assert [part.n_trials for part in parts[:-1]] == [batch_size] * (len(parts) - 1)
        for row, job in zip(seen, jobs, strict=True):
            np.testing.assert_array_equal(np.sort(row), job.trials.target[:, 0])


def test_networks_and_passes_have_their_own_orders():
    batches = make_batches(jobs_for(3, 100, 10))
    orders = [torch.cat([p.target for p in batches], 1)[..., 0].numpy() for _ in range(2)]
    rows = np.vstack(orders)
    assert len(np.unique(rows, axis=0)) == 6


@settings(deadline=None, max_examples=50)
@given(
    sizes=st.lists(st.integers(0, 2), min_size=1, max_size=40),
    chunk_bytes=st.integers(1, 100_000),
)
def test_chunks_hold_every_job_once_and_do_not_mix(sizes, chunk_bytes):
    variants = [jobs_for(1, 10 + k, None)[0] for k in range(3)]
    jobs = [variants[k] for k in sizes]
    chunks = make_chunks(jobs, chunk_bytes)
    assert sorted(k for chunk in chunks for k in chunk) == list(range(len(jobs)))
    for chunk in chunks:
        assert len({jobs[k].spec for k in chunk}) == 1
        bytes_ = len(chunk) * network_bytes(jobs[chunk[0]].spec, own_trials=False)
        assert len(chunk) == 1 or bytes_ <= chunk_bytes
    for variant in variants:  # two processes get equally many, unless each trains alone
        n_own = [len(chunk) for chunk in chunks if jobs[chunk[0]] is variant]
        assert len(n_own) <= 1 or len(n_own) % 2 == 0 or set(n_own) == {1}


def test_seeds_of_weights_and_of_order_are_independent():
    X, y = make_context_blobs()
    base = MultiTaskMLP((5,), max_iter=1, random_state=3, init="normal")
    scaled = clone(base).set_params(init_scale=0.1, batch_size=7)
    a, b = base.fit(X, y), scaled.fit(X, y)
    np.testing.assert_allclose(b.initial_coefs_[0], 0.1 * a.initial_coefs_[0])
