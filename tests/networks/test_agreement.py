"""Networks of a stack after long training are those of single fits, however the stack is cut."""

import numpy as np
import pytest
from sklearn.base import clone

from neuroselect import MultiTaskMLP, fit_many
from neuroselect._engine._chunks import network_bytes
from neuroselect.datasets import make_arithmetic_tasks, make_context_blobs

STIMULUS_SCALES = (0.01, 0.1, 0.2, 0.3, 0.4, 1.0, 2.0, 3.0)
CONTEXT_SCALES = (0.5, 0.5, 0.5, 0.5, 0.5, 0.8, 1.35, 1.5)


def rich_to_lazy(max_iter):
    """Full-batch descent at the edge of stability, one network per scale of the weights."""
    return [
        MultiTaskMLP(
            (100,),
            init="normal",
            init_scale=scale,
            context_init_scale=context,
            output_init_scale=0.01,
            bias_init=0.1,
            context_scale=1 / np.sqrt(50),
            reduction="sum",
            solver="sgd",
            learning_rate_init=0.005,
            batch_size=None,
            max_iter=max_iter,
            random_state=k,
        )
        for k, (scale, context) in enumerate(zip(STIMULUS_SCALES, CONTEXT_SCALES, strict=True))
    ]


def deep(n_networks):
    """1,000 steps of Adam in batches of 10, each network on trials of its own."""
    draws = [make_arithmetic_tasks(1000, random_state=k) for k in range(n_networks)]
    X, y = np.vstack([d[0] for d in draws]), np.concatenate([d[1] for d in draws])
    rows = [np.arange(1000) + 1000 * k for k in range(n_networks)]
    networks = [
        MultiTaskMLP((100,) * 4, batch_size=10, max_iter=10, random_state=k)
        for k in range(n_networks)
    ]
    return networks, X, y, rows


def bytes_of(n_networks, network, X, y):
    """Size of a stack of some networks."""
    network = clone(network)
    job = network._make_job(network._read_trials(X, y))
    return n_networks * network_bytes(job.spec, own_trials=False)


def parameters_of(network):
    parts = [*network.coefs_, *network.intercepts_, network.context_coefs_]
    return np.concatenate([np.ravel(part) for part in parts])


def assert_close(fitted, expected, atol):
    for a, b in zip(fitted, expected, strict=True):
        np.testing.assert_allclose(parameters_of(a), parameters_of(b), rtol=0, atol=atol)
        np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=0, atol=atol)


@pytest.mark.slow
def test_ten_thousand_updates_at_the_edge_of_stability():
    X, y = make_context_blobs()
    networks = rich_to_lazy(10_000)
    alone = [clone(network).fit(X, y) for network in networks]
    size = bytes_of(5, networks[0], X, y)  # two stacks of four
    assert_close(fit_many(networks, X, y, chunk_bytes=size, n_jobs=2), alone, 1e-9)


@pytest.mark.slow
def test_a_thousand_steps_of_adam():
    networks, X, y, rows = deep(6)
    alone = [clone(net).fit(X[own], y[own]) for net, own in zip(networks, rows, strict=True)]
    size = bytes_of(4, networks[0], X[:1000], y[:1000])  # two stacks of three
    cut = fit_many(networks, X, y, indices=rows, chunk_bytes=size, n_jobs=2)
    assert_close(cut, alone, 1e-10)


@pytest.mark.parametrize("n_per_stack", [1, 3])
def test_processes_change_no_bit_in_single_precision(n_per_stack):
    # Long enough for a difference in the last bit to show.
    X, y = make_context_blobs()
    X = X.astype(np.float32)
    networks = rich_to_lazy(1000)
    size = bytes_of(n_per_stack, networks[0], X, y)
    one = fit_many(networks, X, y, chunk_bytes=size)
    assert one[0].coefs_[0].dtype == np.float32
    assert_close(fit_many(networks, X, y, chunk_bytes=size, n_jobs=2), one, 0)


def test_processes_change_no_bit_of_minibatch_training_in_single_precision():
    networks, X, y, rows = deep(4)
    networks = [network.set_params(max_iter=2) for network in networks]
    X = X.astype(np.float32)
    settings = {"indices": rows, "chunk_bytes": bytes_of(2, networks[0], X[:1000], y[:1000])}
    one = fit_many(networks, X, y, **settings)
    assert one[0].coefs_[0].dtype == np.float32
    assert_close(fit_many(networks, X, y, n_jobs=2, **settings), one, 0)
