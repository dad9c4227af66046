"""Tangent kernels of estimators: finite differences, mixtures of networks, bad input."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from neuroselect import MultiTaskCNNClassifier, MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect.datasets import make_digit_tasks
from neuroselect.regime import kernel_alignment, tangent_kernel, tangent_kernel_alignment

MEASURES = [tangent_kernel, tangent_kernel_alignment]


@pytest.fixture
def trials(rng):
    X = rng.normal(size=(9, 4))
    X[:, -1] = rng.permutation([2, 2, 2, 5, 5, 5, 7, 7, 7])
    return X, rng.normal(size=(9, 2))


def numerical_kernel(network, X, output):
    """J J^T by central differences, one parameter at a time."""
    columns = []
    for array in (*network.coefs_, *network.intercepts_, network.context_coefs_):
        for place in np.ndindex(array.shape):
            value, sides = array[place], []
            for step in (1e-5, -1e-5):
                array[place] = value + step
                sides.append(output(X).ravel())
            array[place] = value
            columns.append((sides[0] - sides[1]) / 2e-5)
    return np.transpose(columns) @ columns


@pytest.mark.parametrize("context_layer", [0, 1])
def test_regressor_against_differences(context_layer, trials, seed):
    X, y = trials
    network = MultiTaskMLP(
        (5, 4),
        activation="tanh",
        output_activation="tanh",
        context_layer=context_layer,
        context_scale=0.6,
        random_state=seed,
    ).fit(X, y)
    want = numerical_kernel(network, X, network.predict)
    assert_allclose(tangent_kernel(network, X), want, rtol=1e-6, atol=1e-8)


def test_classifier_takes_what_enters_the_softmax(trials, seed):
    X, _ = trials
    network = MultiTaskMLPClassifier((5,), activation="tanh", random_state=seed)
    network.fit(X, list("abcabcabc"))
    kernel = tangent_kernel(network, X)
    assert kernel.shape == (27, 27)

    def logits(X):
        return network.activations(X) @ network.coefs_[-1] + network.intercepts_[-1]

    assert_allclose(kernel, numerical_kernel(network, X, logits), rtol=1e-6, atol=1e-8)


def test_initial_kernel_is_that_of_a_network_with_these_weights(trials, seed):
    X, y = trials
    network = MultiTaskMLP((5, 4), random_state=seed, bias_init=0.2, learning_rate_init=0.05)
    network.fit(X, y)
    kernel = tangent_kernel(network, X, initial=True)
    assert abs(kernel - tangent_kernel(network, X)).max() > 0.01
    network.coefs_, network.intercepts_ = network.initial_coefs_, network.initial_intercepts_
    network.context_coefs_ = network.initial_context_coefs_
    assert_allclose(kernel, tangent_kernel(network, X), rtol=1e-13)


def test_mixtures_equal_one_by_one(trials, seed):
    X, y = trials
    some = np.isin(X[:, -1], [2, 5])  # known to all networks, in the codes of each
    kinds = [
        {"hidden_layer_sizes": (6,)},
        {"hidden_layer_sizes": (5, 4), "context_layer": 1},
        {"hidden_layer_sizes": (6,), "task_column": None},
    ]
    networks = fit_many(
        [MultiTaskMLP(random_state=seed + k, **kind) for k in range(3) for kind in kinds], X, y
    )
    late = X[:, -1] != 2
    relabelled = X[late] - [0, 0, 0, 3]  # tasks 2 and 4
    networks.append(MultiTaskMLP((6,), random_state=seed).fit(relabelled, y[late]))
    other = X[some & (X[:, -1] == 2)]
    kernels, alignments = (measure(networks, other) for measure in MEASURES)
    assert kernels.shape == (10, 6, 6)
    for network, kernel, alignment in zip(networks, kernels, alignments, strict=True):
        assert_allclose(kernel, tangent_kernel(network, other), rtol=1e-11, atol=1e-12)
        assert_allclose(alignment, tangent_kernel_alignment(network, other), rtol=1e-11)


def test_alignment_is_the_cosine_of_the_kernels(trials, seed):
    X, y = trials
    networks = fit_many([MultiTaskMLP((6,), random_state=seed + k) for k in range(4)], X, y)
    want = kernel_alignment(tangent_kernel(networks, X, initial=True), tangent_kernel(networks, X))
    assert_allclose(tangent_kernel_alignment(networks, X), want, rtol=1e-12)
    assert isinstance(tangent_kernel_alignment(networks[0], X), float)


def test_alignment_of_architectures_with_different_outputs(trials, seed):
    X, y = trials
    networks = [MultiTaskMLP((6,), random_state=seed).fit(X, target) for target in (y, y[:, 0])]
    assert tangent_kernel_alignment(networks, X).shape == (2,)
    with pytest.raises(ValueError, match="same number of outputs to be stacked, got 2 and 1"):
        tangent_kernel(networks, X)


def test_kernel_without_direction_is_nan(trials):
    X, y = trials
    network = MultiTaskMLP((3,), output_activation="relu", bias_init=-100.0, max_iter=2)
    assert np.isnan(tangent_kernel_alignment(network.fit(X, y), X))


def test_single_precision_networks_have_double_kernels(trials, seed):
    X, y = trials
    network = MultiTaskMLP((6,), activation="tanh", random_state=seed).fit(X.astype("f4"), y)
    kernel = tangent_kernel(network, X.astype("f4"))
    assert kernel.dtype == np.float64
    assert_allclose(kernel, kernel.T, rtol=1e-13)


@pytest.mark.parametrize("measure", MEASURES)
def test_bad_networks(measure, trials):
    X, y = trials
    network = MultiTaskMLP((3,), max_iter=2).fit(X, y)
    with pytest.raises(TypeError, match=r"estimators\[1\] must be a fitted network .* got Linear"):
        measure([network, LinearRegression()], X)
    with pytest.raises(TypeError, match="estimators must be a fitted network"):
        measure("network", X)
    with pytest.raises(NotFittedError, match="not fitted"):
        measure(MultiTaskMLP(), X)
    with pytest.raises(ValueError, match="at least one fitted network"):
        measure([], X)
    with pytest.raises(ValueError, match="4 features"):
        measure(network, X[:, 1:])
    images, y = make_digit_tasks(n_trials=20, random_state=0)
    other = MultiTaskCNNClassifier(max_iter=1).fit(images, y)
    with pytest.raises(TypeError, match=r"must be a multi-layer perceptron.*Classifier has"):
        measure(other, images)


def test_importing_the_measures_loads_neither_torch_nor_matplotlib():
    code = "import neuroselect.regime, sys; print(*{m.split('.')[0] for m in sys.modules})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "matplotlib"} & set(out.stdout.split())
