"""Predicted lazy training: matrix exponentials, steps in a loop, and trained networks."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import expm

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect.curricula import Interleaved
from neuroselect.datasets import make_context_blobs
from neuroselect.regime import lazy_dynamics, lazy_loss_curve, tangent_kernel

DESCENT = {"solver": "sgd", "batch_size": None}


@pytest.fixture
def kernels(rng):
    jacobian = rng.normal(size=(3, 6, 4))  # rank 4 of 6: two modes never move
    return jacobian @ jacobian.swapaxes(1, 2), rng.normal(size=(3, 6))


def test_dynamics_equal_matrix_exponentials(kernels):
    times = [0.0, 0.1, 0.7, 30.0]
    got = lazy_dynamics(*kernels, times)
    assert got.shape == (3, 6, 4)
    for kernel, residual, path in zip(*kernels, got, strict=True):
        want = np.transpose([expm(-kernel * t) @ residual for t in times])
        assert_allclose(path, want, rtol=1e-9, atol=1e-10)
        assert_allclose(lazy_dynamics(kernel, residual, times), path, rtol=1e-11, atol=1e-12)


def test_dynamics_share_what_has_no_network_axis(kernels):
    (kernel, *_), residuals = kernels
    got = lazy_dynamics(kernel, residuals, [0.2])
    for residual, path in zip(residuals, got, strict=True):
        assert_allclose(lazy_dynamics(kernel, residual, [0.2]), path, rtol=1e-11, atol=1e-12)
    got = lazy_dynamics(kernels[0], residuals[0], [0.2])
    for kernel, path in zip(kernels[0], got, strict=True):
        assert_allclose(lazy_dynamics(kernel, residuals[0], [0.2]), path, rtol=1e-11, atol=1e-12)


def test_modes_without_gradient_stay_however_long(kernels):
    (kernel, *_), (residual, *_) = kernels
    left = lazy_dynamics(kernel, residual, [1e18])[:, 0]
    assert_allclose(kernel @ left, 0, atol=1e-9)
    null = np.linalg.eigh(kernel)[1][:, :2]
    assert_allclose(left, null @ null.T @ residual, rtol=1e-8, atol=1e-9)


def test_bad_dynamics(kernels):
    (kernel, *_), (residual, *_) = kernels
    with pytest.raises(ValueError, match=r"residual must have shape .* got \(5,\)"):
        lazy_dynamics(kernel, residual[:5], [1.0])
    with pytest.raises(ValueError, match=r"residual must have shape .* got \(2, 6\)"):
        lazy_dynamics(kernels[0], kernels[1][:2], [1.0])
    with pytest.raises(ValueError, match="residual must be finite"):
        lazy_dynamics(kernel, residual * np.nan, [1.0])
    for times in (1.0, [-1.0], [np.inf]):
        with pytest.raises(ValueError, match="times must be a list of finite numbers"):
            lazy_dynamics(kernel, residual, times)
    with pytest.raises(ValueError, match=r"positive semi-definite.*eigenvalue"):
        lazy_dynamics(-kernel, residual, [1.0])
    with pytest.raises(ValueError, match="symmetric"):
        lazy_dynamics(np.triu(kernel), residual, [1.0])
    with pytest.raises(ValueError, match=r"kernel must have shape \(n, n\)"):
        lazy_dynamics(kernel[None, None], residual, [1.0])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_curve_is_descent_step_by_step(n_outputs, reduction, rng, seed):
    X = np.column_stack([rng.normal(size=(12, 3)), np.arange(12) % 2])
    y = rng.normal(size=(12, n_outputs)).squeeze()
    rate = 0.02 if reduction == "mean" else 0.002
    network = MultiTaskMLP(
        (7, 5), reduction=reduction, learning_rate_init=rate, random_state=seed, **DESCENT
    ).fit(X, y)
    kernel = tangent_kernel(network, X, initial=True)
    start = MultiTaskMLP(
        (7, 5), learning_rate_init=1e-300, max_iter=1, random_state=seed, **DESCENT
    ).fit(X, y)
    residual = (start.predict(X) - y).ravel()
    share, want = 1 / 12 if reduction == "mean" else 1.0, []
    for _ in range(50):
        want.append(0.5 * share * residual @ residual)
        residual = residual - rate * share * kernel @ residual
    got = lazy_loss_curve(network, X, y, n_iter=50)
    assert_allclose(got, want, rtol=1e-10)
    # Where training starts, it is the network's.
    assert_allclose(got[0], network.loss_curve_[0], rtol=1e-12)
    assert_allclose(got[1], network.loss_curve_[1], rtol=0.02)


def test_lazy_networks_follow_the_prediction_and_rich_ones_leave_it(seed):
    X, y = make_context_blobs()
    lazy = {"init_scale": 2, "output_init_scale": 0.02, "learning_rate_init": 0.001}
    rich = {"init_scale": 0.01, "context_init_scale": 0.5, "learning_rate_init": 0.1}
    kinds = [{"hidden_layer_sizes": 1000, "max_iter": 800, **lazy}]
    kinds += [{"hidden_layer_sizes": 100, "max_iter": 2000, **rich}]
    for kind, learned in zip(kinds, (0.2, 0.5), strict=True):
        networks = [
            MultiTaskMLP(init="normal", random_state=seed + k, **kind, **DESCENT) for k in range(3)
        ]
        networks = fit_many(networks, X, y)
        actual = np.array([network.loss_curve_ for network in networks])
        predicted = lazy_loss_curve(networks, X, y)
        assert np.all(actual[:, -1] < learned * actual[:, 0])
        if kind["max_iter"] == 800:
            assert_allclose(predicted, actual, rtol=0.02)
        else:  # the small kernel at the start promises next to nothing
            assert np.all(predicted[:, -1] > 0.95 * actual[:, 0])


def test_too_large_a_step_grows_without_bound(rng):
    X = np.column_stack([rng.normal(size=(8, 3)), np.arange(8) % 2])
    y = rng.normal(size=8)
    network = MultiTaskMLP((5,), max_iter=1, learning_rate_init=50.0, **DESCENT).fit(X, y)
    curve = lazy_loss_curve(network, X, y, n_iter=2000)
    assert curve[1] > curve[0]
    assert np.isinf(curve[-1])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"solver": "adam"}, "solver='sgd'; this network has solver='adam'"),
        ({"momentum": 0.9}, "momentum=0; this network has momentum=0.9"),
        ({"alpha": 0.1}, "alpha=0; this network has alpha=0.1"),
        ({"batch_size": 3}, "full-batch.*batch_size=3 for 8 trials"),
        ({"curriculum": "blocked"}, "curriculum='blocked'. Use curriculum='interleaved'"),
    ],
)
def test_other_training_is_refused(change, match, rng):
    X = np.column_stack([rng.normal(size=(8, 3)), np.arange(8) % 2])
    y = rng.normal(size=8)
    network = MultiTaskMLP((5,), max_iter=2, **(DESCENT | change)).fit(X, y)
    with pytest.raises(ValueError, match=match):
        lazy_loss_curve(network, X, y)


def test_bad_input_to_the_curve(rng):
    X = np.column_stack([rng.normal(size=(8, 3)), np.arange(8) % 2])
    y = rng.normal(size=8)
    network = MultiTaskMLP((5,), max_iter=2, curriculum=Interleaved(), **DESCENT).fit(X, y)
    assert lazy_loss_curve(network, X, y[:, None]).shape == (2,)
    longer = MultiTaskMLP((5,), max_iter=3, **DESCENT).fit(X, y)
    with pytest.raises(ValueError, match=r"different numbers of passes, \[2, 3\].*n_iter"):
        lazy_loss_curve([network, longer], X, y)
    assert lazy_loss_curve([network, longer], X, y, n_iter=4).shape == (2, 4)
    for n_iter in (0, 2.5):
        with pytest.raises(ValueError, match=f"n_iter must be an integer.*got {n_iter}"):
            lazy_loss_curve(network, X, y, n_iter=n_iter)
    with pytest.raises(ValueError, match=r"1 output\(s\) for each of the 8 trials.*\(8, 2\)"):
        lazy_loss_curve(network, X, np.ones((8, 2)))
    with pytest.raises(ValueError, match=r"1 output\(s\) for each of the 8 trials.*\(7,\)"):
        lazy_loss_curve(network, X, y[:7])
    with pytest.raises(ValueError, match="X and y must be what the network was fitted on"):
        lazy_loss_curve(network, X, y + 1)
    classifier = MultiTaskMLPClassifier((5,), max_iter=2, **DESCENT).fit(X, y > 0)
    with pytest.raises(ValueError, match="loss='squared_error'; this network has loss='cross_e"):
        lazy_loss_curve(classifier, X, y > 0)
