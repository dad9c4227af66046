"""Lesions of a stack against networks whose units are clamped one by one, and autograd."""

import itertools

import numpy as np
import pytest
import torch

from neuroselect._engine import _lesion
from neuroselect._engine._init import draw_weights
from neuroselect._engine._lesion import METHODS, loss_changes
from neuroselect._engine._passes import make_inputs
from neuroselect._engine._spec import NetworkSpec
from neuroselect._engine._stack import Stack

FUNCTIONS = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
}
SHAPES = [((5,), 0), ((5, 4), 0), ((5, 4), 1), ((4, 3, 6), 0), ((4, 3, 6), 2)]
OUTPUTS = [(1, "squared_error"), (2, "squared_error"), (3, "cross_entropy")]
CASES = [
    (shape, output, *functions, layer)
    for shape, output in itertools.product(SHAPES, OUTPUTS)
    for functions in [("relu", "identity"), ("tanh", "logistic"), ("relu", "relu")]
    for layer in range(len(shape[0]))
]


def random_networks(rng, shape, output, activation, output_activation, n_networks=3):
    (hidden, context_layer), (n_outputs, _) = shape, output
    network = NetworkSpec(
        3, 2, hidden, n_outputs, context_layer, 0.7, activation, output_activation
    )
    scales = [1.0] * network.n_weights
    settings = {"init": "fan_in", "scales": scales, "context_scale": 1.0, "bias": 0.1}
    return network, [draw_weights(network, rng, **settings) for _ in range(n_networks)]


def random_trials(rng, output, n_trials=11, axes=()):
    n_outputs, loss = output
    stimuli = rng.normal(size=(*axes, n_trials, 3))
    task = rng.integers(2, size=(*axes, n_trials))
    if loss == "cross_entropy":
        return stimuli, task, rng.integers(n_outputs, size=(*axes, n_trials))
    return stimuli, task, rng.normal(size=(*axes, n_trials, n_outputs))


def loss_with(network, weights, stimuli, task, target, loss, replace):
    """Loss of each trial of one network; ``replace(layer, activity)`` edits what is carried on."""
    activity = torch.as_tensor(stimuli)
    for k, (coefs, intercepts) in enumerate(zip(weights.coefs, weights.intercepts, strict=True)):
        z = activity @ torch.as_tensor(coefs) + torch.as_tensor(intercepts)
        if k == network.context_layer:
            z = z + network.context_scale * torch.as_tensor(weights.context[task])
        last = k == len(weights.coefs) - 1
        activity = FUNCTIONS[network.output_activation if last else network.activation](z)
        if not last:
            activity = replace(k, activity)
    if loss == "cross_entropy":
        return torch.nn.functional.cross_entropy(
            activity, torch.as_tensor(target), reduction="none"
        )
    return 0.5 * ((activity - torch.as_tensor(target)) ** 2).sum(-1)


def one_by_one(network, weights, stimuli, task, target, loss, layer, value):
    """Loss with each unit of a layer clamped in turn: (n_units, n_trials)."""

    def clamp(unit):
        def replace(k, activity):
            if k != layer or unit is None:
                return activity
            activity = activity.clone()
            activity[:, unit] = torch.tensor(np.broadcast_to(value, activity.shape)[:, unit])
            return activity

        return loss_with(network, weights, stimuli, task, target, loss, replace).numpy()

    return clamp(None), np.stack([clamp(unit) for unit in range(network.hidden[layer])])


def stacked_losses(method, network, weights, trials, loss, layer, value, shared=True):
    stimuli, task, target = (torch.as_tensor(a) for a in trials)
    stack = Stack(network, weights, shared=shared, dtype=torch.float64)
    inputs = make_inputs(network, stimuli, task)
    intact, lesioned = METHODS[method](
        stack, inputs, target, loss, layer, torch.as_tensor(value, dtype=torch.float64)
    )
    return intact.numpy(), lesioned.numpy()


@pytest.fixture(params=[2**18, 25], ids=["one block", "many blocks"])
def block_values(request, monkeypatch):
    monkeypatch.setitem(_lesion.BLOCK_VALUES, "cpu", request.param)


@pytest.mark.usefixtures("block_values")
@pytest.mark.parametrize(("shape", "output", "activation", "output_activation", "layer"), CASES)
def test_lesions_equal_units_clamped_one_by_one(
    rng, shape, output, activation, output_activation, layer
):
    network, weights = random_networks(rng, shape, output, activation, output_activation)
    trials = random_trials(rng, output)
    for value in (0.0, rng.normal(size=(11, network.hidden[layer]))):
        intact, lesioned = stacked_losses(
            "lesion", network, weights, trials, output[1], layer, value
        )
        assert intact.shape == (3, 11)
        assert lesioned.shape == (3, network.hidden[layer], 11)
        for b, own in enumerate(weights):
            slow = one_by_one(network, own, *trials, output[1], layer, value)
            np.testing.assert_allclose(intact[b], slow[0], rtol=0, atol=1e-12)
            np.testing.assert_allclose(lesioned[b], slow[1], rtol=0, atol=1e-12)


@pytest.mark.usefixtures("block_values")
@pytest.mark.parametrize("method", ["lesion", "taylor"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_networks_with_trials_of_their_own(rng, method, output):
    network, weights = random_networks(rng, SHAPES[-1], output, "relu", "identity")
    trials = random_trials(rng, output, axes=(3,))
    value = rng.normal(size=(3, 1, network.hidden[1]))
    args = (output[1], 1)
    together = stacked_losses(method, network, weights, trials, *args, value, shared=False)
    for b, own in enumerate(weights):
        alone = stacked_losses(method, network, [own], tuple(a[b] for a in trials), *args, value[b])
        for fast, slow in zip(together, alone, strict=True):
            np.testing.assert_allclose(fast[b], slow[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("shape", "output", "activation", "output_activation", "layer"), CASES)
def test_first_order_losses_equal_autograd(
    rng, shape, output, activation, output_activation, layer
):
    network, weights = random_networks(rng, shape, output, activation, output_activation)
    trials = random_trials(rng, output)
    value = rng.normal(size=network.hidden[layer])
    intact, lesioned = stacked_losses("taylor", network, weights, trials, output[1], layer, value)
    for b, own in enumerate(weights):
        kept = {}

        def replace(k, activity, kept=kept):
            if k == layer:
                kept["h"] = activity = activity.detach().requires_grad_()
            return activity

        loss = loss_with(network, own, *trials, output[1], replace)
        # Trials do not interact: the gradient of the sum is that of each trial.
        (gradient,) = torch.autograd.grad(loss.sum(), kept["h"])
        terms = (torch.as_tensor(value) - kept["h"].detach()) * gradient
        np.testing.assert_allclose(intact[b], loss.detach(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(lesioned[b], (loss.detach() + terms.T), rtol=0, atol=1e-12)


@pytest.mark.usefixtures("block_values")
def test_a_unit_at_its_lesion_value_changes_nothing_at_all(rng):
    network, (weights, other) = random_networks(
        rng, SHAPES[-1], OUTPUTS[0], "relu", "identity", n_networks=2
    )
    weights.coefs[0][:, 1], weights.intercepts[0][1] = 0, -1  # a dead unit
    trials = random_trials(rng, OUTPUTS[0])
    intact, lesioned = stacked_losses(
        "lesion", network, [weights, other], trials, "squared_error", 0, 0.0
    )
    np.testing.assert_array_equal(lesioned[0, 1], intact[0])
    assert np.ptp(lesioned[1, 1] - intact[1]) > 0


def test_a_layer_without_any_activity(rng):
    network, (weights,) = random_networks(
        rng, SHAPES[1], OUTPUTS[0], "relu", "identity", n_networks=1
    )
    weights.coefs[0][:], weights.intercepts[0][:], weights.context[:] = 0, -1, 0
    trials = random_trials(rng, OUTPUTS[0])
    intact, lesioned = stacked_losses("lesion", network, [weights], trials, "squared_error", 0, 0.0)
    np.testing.assert_array_equal(lesioned, np.repeat(intact[:, None], 5, axis=1))


@pytest.mark.parametrize("method", ["lesion", "taylor"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_blocks_of_trials_join_seamlessly(rng, monkeypatch, method, dtype):
    output = OUTPUTS[2]
    network, weights = random_networks(rng, SHAPES[-1], output, "relu", "identity")
    stimuli, task, target = random_trials(rng, output, n_trials=50)
    args = (network, weights, stimuli.astype(dtype), task, target)
    settings = {"loss": "cross_entropy", "layer": 0, "method": method}
    settings["value"] = rng.normal(size=(50, 4))
    ((rows, whole),) = loss_changes(*args, **settings)
    assert (rows, whole.shape, whole.dtype) == (slice(0, rows.stop), (3, 4, 50), np.float64)
    monkeypatch.setattr(_lesion, "TRIAL_BYTES", 3000)
    parts = list(loss_changes(*args, **settings))
    assert len(parts) > 3
    joined = np.concatenate([change for _, change in parts], axis=2)
    atol = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(joined, whole, rtol=0, atol=atol)


def test_the_last_hidden_layer_needs_no_further_pass(rng, monkeypatch):
    network, weights = random_networks(rng, SHAPES[-1], OUTPUTS[1], "relu", "identity")
    called = []

    def counting(stack, k, *args):
        called.append(k)
        return affine(stack, k, *args)

    affine = _lesion.affine
    monkeypatch.setattr(_lesion, "affine", counting)
    monkeypatch.setitem(_lesion.BLOCK_VALUES, "cpu", 25)
    trials = random_trials(rng, OUTPUTS[1])
    stacked_losses("lesion", network, weights, trials, "squared_error", 2, 0.0)
    assert called == [3]
    called.clear()
    stacked_losses("lesion", network, weights, trials, "squared_error", 1, 0.0)
    assert called[0] == 2
    assert set(called[1:]) == {3}
