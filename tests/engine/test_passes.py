"""The hand-derived passes against autograd and against a plain forward pass."""

import itertools

import numpy as np
import pytest
import torch

from neuroselect._engine._batches import make_batches
from neuroselect._engine._init import draw_weights, fan_ins, truncate_rank
from neuroselect._engine._losses import LOSSES
from neuroselect._engine._passes import (
    Buffers,
    activity_gradient,
    backward,
    forward,
    make_inputs,
    output_delta,
)
from neuroselect._engine._spec import Job, NetworkSpec, TrainingSpec, Trials, Weights
from neuroselect._engine._stack import Stack
from neuroselect.curricula import Interleaved

FUNCTIONS = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
}


def plain_forward(network, weights, stimuli, task):
    """One network, layer by layer, as one would write it down. All hidden activities, output."""
    activity, values = torch.as_tensor(stimuli), []
    for k, (coefs, intercepts) in enumerate(zip(weights.coefs, weights.intercepts, strict=True)):
        z = activity @ coefs + intercepts
        if network.n_tasks and k == network.context_layer:
            z = z + network.context_scale * weights.context[task]
        last = k == len(weights.coefs) - 1
        activity = FUNCTIONS[network.output_activation if last else network.activation](z)
        values.append(activity)
    return values[:-1], values[-1]


def random_case(rng, *, hidden, n_outputs, context_layer, activation, output_activation, loss):
    network = NetworkSpec(
        3, 2, hidden, n_outputs, context_layer, 0.7, activation, output_activation
    )
    weights = [
        draw_weights(
            network,
            rng,
            init="fan_in",
            scales=[1.0] * network.n_weights,
            context_scale=1.0,
            bias=0.1,
        )
        for _ in range(3)
    ]
    trials = []
    for _ in range(3):
        if loss == "cross_entropy":
            target = rng.integers(n_outputs, size=8)
        else:
            target = rng.normal(size=(8, n_outputs))
        trials.append(Trials(rng.normal(size=(8, 3)), rng.integers(2, size=8), target))
    return network, weights, trials


def spec_for(network, loss):
    return TrainingSpec(
        network, loss, "sum", "sgd", None, 0.0, None, 1, Interleaved(), 8, (8,), "float64", "cpu"
    )


CASES = list(
    itertools.product(
        [((5,), 0), ((5, 4), 0), ((5, 4), 1), ((4, 3, 6), 2)],
        [(1, "squared_error"), (2, "squared_error"), (3, "cross_entropy")],
        ["relu", "tanh", "logistic", "identity"],
        ["identity", "tanh"],
    )
)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("shape", "target", "activation", "output_activation"), CASES)
def test_gradients_equal_autograd(shape, target, activation, output_activation, shared, seed):
    rng = np.random.default_rng(seed)
    (hidden, context_layer), (n_outputs, loss) = shape, target
    network, weights, trials = random_case(
        rng,
        hidden=hidden,
        n_outputs=n_outputs,
        context_layer=context_layer,
        activation=activation,
        output_activation=output_activation,
        loss=loss,
    )
    if shared:
        trials = [trials[0]] * 3
    spec = spec_for(network, loss)
    jobs = [Job(spec, t, w, 1.0, 0.0, None) for t, w in zip(trials, weights, strict=True)]
    batches = make_batches(jobs)
    assert batches.shared == shared
    stack = Stack(network, weights, shared=shared, dtype=torch.float64, gradients=True)
    buffers = Buffers(stack, 8)
    (batch,) = batches
    hidden_activity, output = forward(stack, batch.inputs, buffers)
    delta = output_delta(stack, LOSSES[loss].gradient(output, batch.target), output)
    backward(stack, batch.inputs, hidden_activity, delta, buffers)

    for b, (w, t) in enumerate(zip(weights, trials, strict=True)):
        free = Weights(
            tuple(torch.tensor(c, requires_grad=True) for c in w.coefs),
            tuple(torch.tensor(c, requires_grad=True) for c in w.intercepts),
            torch.tensor(w.context, requires_grad=True),
        )
        layers, expected = plain_forward(network, free, t.stimuli, t.task)
        if loss == "cross_entropy":
            total = torch.nn.functional.cross_entropy(
                expected, torch.as_tensor(t.target), reduction="sum"
            )
        else:
            total = 0.5 * ((expected - torch.as_tensor(t.target)) ** 2).sum()
        total.backward()
        torch.testing.assert_close(output[b], expected.detach())
        for got, want in zip(hidden_activity, layers, strict=True):
            torch.testing.assert_close(got[b], want.detach())
        for grads, coefs, intercepts in zip(
            stack.layer_grads, free.coefs, free.intercepts, strict=True
        ):
            torch.testing.assert_close(grads.coefs[b], coefs.grad)
            torch.testing.assert_close(grads.intercepts[b, 0], intercepts.grad)
        torch.testing.assert_close(stack.layer_grads[context_layer].context[b], free.context.grad)


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize(("n_outputs", "loss"), [(1, "squared_error"), (3, "cross_entropy")])
def test_activity_gradient_equals_autograd(layer, n_outputs, loss, rng):
    network, weights, trials = random_case(
        rng,
        hidden=(4, 3, 6),
        n_outputs=n_outputs,
        context_layer=1,
        activation="tanh",
        output_activation="identity",
        loss=loss,
    )
    stack = Stack(network, weights[:1], shared=True, dtype=torch.float64)
    stimuli, task, target = map(torch.as_tensor, trials[0][:3])
    hidden, output = forward(stack, make_inputs(network, stimuli, task))
    delta = output_delta(stack, LOSSES[loss].gradient(output, target), output)
    got = activity_gradient(stack, hidden, delta, layer)[0]

    tensors = Weights(
        tuple(map(torch.tensor, weights[0].coefs)),
        tuple(map(torch.tensor, weights[0].intercepts)),
        torch.tensor(weights[0].context),
    )
    free = stimuli.clone()
    layers, expected = plain_forward(network, tensors, free.requires_grad_(), task)
    layers[layer].retain_grad()
    LOSSES[loss].of_trials(expected, target).sum().backward()
    torch.testing.assert_close(got, layers[layer].grad)


def test_stack_returns_the_weights_it_was_given(rng):
    network, weights, _ = random_case(
        rng,
        hidden=(4, 3),
        n_outputs=2,
        context_layer=1,
        activation="relu",
        output_activation="identity",
        loss="squared_error",
    )
    for shared in (True, False):
        back = Stack(network, weights, shared=shared, dtype=torch.float64).unload()
        for got, want in zip(back, weights, strict=True):
            for a, b in zip(got.coefs + got.intercepts, want.coefs + want.intercepts, strict=True):
                np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(got.context, want.context)


def test_fan_in_counts_the_cue_where_it_enters():
    network = NetworkSpec(3, 2, (5, 4), 1, 1, 1.0, "relu", "identity")
    assert fan_ins(network) == [3, 7, 4]


@pytest.mark.parametrize(
    ("init", "spread"),
    [("normal", 0.5), ("fan_in", 0.5 / np.sqrt(400)), ("torch", 0.5 / np.sqrt(3 * 400))],
)
def test_spread_of_initial_weights(init, spread, seed):
    network = NetworkSpec(400, 0, (500,), 1, 0, 1.0, "relu", "identity")
    weights = draw_weights(
        network,
        np.random.default_rng(seed),
        init=init,
        scales=[0.5, 0.0],
        context_scale=1.0,
        bias=0.3,
    )
    # 200,000 draws: the standard error of the spread is below 0.2 %.
    assert weights.coefs[0].std() == pytest.approx(spread, rel=0.01)
    assert abs(weights.coefs[0].mean()) < 5 * spread / np.sqrt(weights.coefs[0].size)
    assert not weights.coefs[1].any()
    np.testing.assert_array_equal(weights.intercepts[0], 0.3)


def test_truncate_rank_keeps_the_norm_and_the_leading_directions(rng):
    matrix = rng.normal(size=(12, 9))
    low = truncate_rank(matrix, 3)
    assert np.linalg.matrix_rank(low) == 3
    assert np.linalg.norm(low) == pytest.approx(np.linalg.norm(matrix))
    u, _, vt = np.linalg.svd(matrix)
    _, s, _ = np.linalg.svd(low)
    np.testing.assert_allclose(np.abs(np.diag(u[:, :3].T @ low @ vt[:3].T)), s[:3])
    np.testing.assert_allclose(truncate_rank(matrix, 20), matrix)
