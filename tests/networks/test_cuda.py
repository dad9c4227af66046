"""Training on a CUDA device gives the CPU's networks."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

from neuroselect import (
    ContextGatedRegressor,
    MultiTaskCNNClassifier,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    fit_many,
)
from neuroselect.consolidation import EWC, SynapticIntelligence
from neuroselect.datasets import make_context_blobs, make_digit_tasks
from neuroselect.model_selection import BatchedGridSearchCV

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("cls", [MultiTaskMLP, MultiTaskMLPClassifier])
def test_same_networks_as_on_the_cpu(cls, solver, batch_size):
    X, y = make_context_blobs()
    y = y if cls is MultiTaskMLP else np.sign(y)
    settings = {"solver": solver, "batch_size": batch_size, "max_iter": 20, "random_state": 0}
    cpu = cls((9, 8), context_layer=-1, **settings).fit(X, y)
    gpu = cls((9, 8), context_layer=-1, device="cuda", **settings).fit(X, y)
    assert gpu.device_ == "cuda"
    np.testing.assert_array_equal(gpu.initial_coefs_[0], cpu.initial_coefs_[0])
    for a, b in zip(gpu.coefs_, cpu.coefs_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)
    back = pickle.loads(pickle.dumps(gpu))
    np.testing.assert_allclose(back.activations(X, 0), cpu.activations(X, 0), atol=1e-9)


def test_fit_many_on_cuda_equals_the_loop():
    X, y = make_context_blobs()
    estimators = [MultiTaskMLP((20,), device="cuda", random_state=k, max_iter=30) for k in range(5)]
    for many, one in zip(fit_many(estimators, X, y), estimators, strict=True):
        np.testing.assert_allclose(many.coefs_[0], one.fit(X, y).coefs_[0], atol=1e-9)


@pytest.mark.parametrize("gating", ["learned", "random", "oja", "oja_all"])
def test_gated_networks_as_on_the_cpu(gating):
    X, y = make_context_blobs()
    settings = {"gating": gating, "center_inputs": True, "sluggishness": 0.3, "max_iter": 5}
    for batch_size in (1, 7):
        cpu = ContextGatedRegressor((9, 8), batch_size=batch_size, random_state=0, **settings)
        gpu = clone(cpu).set_params(device="cuda").fit(X, y)
        for a, b in zip(gpu.coefs_, cpu.fit(X, y).coefs_, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-9)
        np.testing.assert_allclose(gpu.predict(X), cpu.predict(X), atol=1e-9)


@pytest.mark.parametrize("rule", [EWC(1.0, n_samples=9), SynapticIntelligence()])
def test_consolidation_as_on_the_cpu(rule):
    X, y = make_context_blobs()
    settings = {"batch_size": 7, "max_iter": 10, "curriculum": "blocked", "random_state": 0}
    cpu = MultiTaskMLP((9, 8), consolidation=rule, context_layer=-1, **settings)
    gpu = clone(cpu).set_params(device="cuda").fit(X, y)
    for a, b in zip(gpu.coefs_, cpu.fit(X, y).coefs_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


@pytest.mark.parametrize("curriculum", ["interleaved", "blocked"])
def test_convolutional_networks(curriculum):
    X, y = make_digit_tasks(n_trials=160, random_state=0)
    settings = {"batch_size": 50, "max_iter": 4, "curriculum": curriculum}
    if curriculum == "blocked":
        settings["consolidation"] = EWC()
    cpu = [MultiTaskCNNClassifier(random_state=k, **settings).fit(X, y) for k in range(3)]
    gpu = fit_many([clone(net).set_params(device="cuda") for net in cpu], X, y)
    for a, b in zip(gpu, cpu, strict=True):
        for got, want in zip(a.conv_coefs_ + a.coefs_, b.conv_coefs_ + b.coefs_, strict=True):
            np.testing.assert_allclose(got, want, atol=1e-9)
        for layer in range(3):
            H = a.activations(X, layer)
            np.testing.assert_allclose(H, b.activations(X, layer), atol=1e-9)
            np.testing.assert_allclose(a.readout(H, X, layer), b.predict_proba(X), atol=1e-9)


@pytest.mark.parametrize("batch_size", [None, 7])
def test_recording_stopping_and_going_on_as_on_the_cpu(batch_size):
    X, y = make_context_blobs()
    names = ["task_losses", "task_scores", "sign_accuracy", "weight_norms", "weight_distances"]
    cpu = MultiTaskMLP((9, 8), batch_size=batch_size, max_iter=200, learning_rate_init=0.02)
    cpu.set_params(record=[*names, "activations"], record_every=10, tol=0.01, n_iter_no_change=3)
    cpu.set_params(warm_start=True)
    nets = [clone(cpu).set_params(random_state=k) for k in range(3)]
    on_gpu = fit_many([clone(net).set_params(device="cuda") for net in nets], X, y)
    for gpu, net in zip(on_gpu, nets, strict=True):
        for _ in range(2):
            net.fit(X, y)
            if gpu.n_iter_ < net.n_iter_:
                gpu.fit(X, y)
            assert gpu.n_iter_ == net.n_iter_
            np.testing.assert_array_equal(gpu.history_.passes, net.history_.passes)
            for name in (*names, "activations"):
                np.testing.assert_allclose(gpu.history_[name], net.history_[name], atol=1e-8)
            np.testing.assert_allclose(gpu.coefs_[0], net.coefs_[0], atol=1e-8)


def test_a_grid_that_mixes_devices():
    X, y = make_context_blobs()
    networks = [
        MultiTaskMLP((9,), device=device, max_iter=20, random_state=k)
        for k in range(2)
        for device in ("cpu", "cuda")
    ]
    fitted = fit_many(networks, X, y)
    assert [net.device_ for net in fitted] == ["cpu", "cuda"] * 2
    search = BatchedGridSearchCV(networks[0], {"device": ["cpu", "cuda"]}, cv=3).fit(X, y)
    for a, b in ((fitted[0], fitted[1]), (fitted[2], fitted[3])):
        np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], atol=1e-9)
    np.testing.assert_allclose(*search.cv_results_["mean_test_score"], atol=1e-9)
