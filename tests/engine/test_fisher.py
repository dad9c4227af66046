"""Diagonal Fisher information against autograd, trial by trial."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from neuroselect._engine import _consolidation
from neuroselect._engine._batches import Batch
from neuroselect._engine._consolidation import diagonal_fisher
from neuroselect._engine._passes import make_inputs
from neuroselect._engine._spec import ConvSpec, NetworkSpec, Weights
from neuroselect._engine._stack import Stack

N_NETWORKS, N_TRIALS = 3, 10
ACTIVATE = {"relu": torch.relu, "tanh": torch.tanh, "identity": lambda z: z}


def random_weights(network, rng):
    sizes = network.sizes
    return Weights(
        tuple(rng.standard_normal(pair) for pair in pairwise(sizes)),
        tuple(rng.standard_normal(n) for n in sizes[1:]),
        rng.standard_normal((network.n_tasks, sizes[network.context_layer + 1])),
    )


def output_of(network, parameters, stimulus, task):
    """Output of one network for one trial."""
    n = network.n_weights
    coefs, intercepts, context = parameters[:n], parameters[n : 2 * n], parameters[-1]
    h = stimulus
    for k in range(n):
        z = h @ coefs[k] + intercepts[k]
        if k == network.context_layer:
            z = z + network.context_scale * context[task]
        h = ACTIVATE[network.activation if k < n - 1 else network.output_activation](z)
    return h


def squared_gradient(scalar, parameters):
    return [g**2 for g in torch.autograd.grad(scalar, parameters, retain_graph=True)]


def slow_fisher(network, weights, stimuli, task, target, trial_weights, loss, kind):
    """Mean over trials of expected squared gradients of the log likelihood."""
    arrays = [*weights.coefs, *weights.intercepts, weights.context]
    parameters = [torch.tensor(a, requires_grad=True) for a in arrays]
    total = [torch.zeros_like(p) for p in parameters]
    for s, t, y, w in zip(stimuli, task, target, trial_weights, strict=True):
        out = output_of(network, parameters, s, t)
        if loss == "squared_error":
            if kind == "empirical":
                terms = [(1.0, 0.5 * ((out - y) ** 2).sum())]
            else:
                terms = [(1.0, o) for o in out]
        else:
            log_p = torch.log_softmax(out, 0)
            classes = {"empirical": [y], "predicted": [out.argmax()]}.get(kind, range(len(out)))
            terms = [(log_p[c].exp().item() if kind == "true" else 1.0, log_p[c]) for c in classes]
        for probability, term in terms:
            for sum_, g in zip(total, squared_gradient(term, parameters), strict=True):
                sum_ += w * probability * g
    return [t / sum(trial_weights) for t in total]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("context_layer", [0, 1])
@pytest.mark.parametrize("activations", [("tanh", "identity"), ("relu", "tanh")])
@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("squared_error", "true"),
        ("squared_error", "empirical"),
        ("cross_entropy", "true"),
        ("cross_entropy", "empirical"),
        ("cross_entropy", "predicted"),
    ],
)
def test_fisher_equals_autograd(loss, kind, activations, context_layer, weighted, monkeypatch):
    monkeypatch.setattr(_consolidation, "BLOCK_TRIALS", 4)
    rng = np.random.default_rng(5)
    network = NetworkSpec(4, 2, (5, 3), 3, context_layer, 0.7, *activations)
    weights = [random_weights(network, rng) for _ in range(N_NETWORKS)]
    stimuli = torch.tensor(rng.standard_normal((N_NETWORKS, N_TRIALS, 4)))
    task = torch.tensor(rng.integers(2, size=(N_NETWORKS, N_TRIALS)))
    target = torch.tensor(rng.standard_normal((N_NETWORKS, N_TRIALS, 3)))
    if loss == "cross_entropy":
        target = torch.tensor(rng.integers(3, size=(N_NETWORKS, N_TRIALS)))
    trial_weights = torch.tensor(rng.uniform(size=(N_NETWORKS, N_TRIALS)))
    stack = Stack(network, weights, shared=False, dtype=torch.float64)
    batch = Batch(make_inputs(network, stimuli, task), target, trial_weights if weighted else None)
    scale = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    with torch.inference_mode():
        flat = diagonal_fisher(stack, batch, loss=loss, kind=kind, scale=scale[:, None, None])
    _, layers = stack.views(flat)
    if not weighted:
        trial_weights = torch.ones_like(trial_weights)
    for b in range(N_NETWORKS):
        expected = slow_fisher(
            network, weights[b], stimuli[b], task[b], target[b], trial_weights[b], loss, kind
        )
        got = [layer.coefs[b] for layer in layers] + [layer.intercepts[b, 0] for layer in layers]
        got.append(layers[context_layer].context[b])
        for a, e in zip(got, expected, strict=True):
            torch.testing.assert_close(a, scale[b] * e, rtol=1e-10, atol=1e-12)


def test_trials_without_weight_make_no_fisher():
    network = NetworkSpec(2, 0, (3,), 1, 0, 1.0, "relu", "identity")
    weights = random_weights(network, np.random.default_rng(0))
    stack = Stack(network, [weights], shared=False, dtype=torch.float64)
    inputs = make_inputs(network, torch.ones(1, 5, 2, dtype=torch.float64), None)
    nothing = torch.zeros(1, 5, dtype=torch.float64)
    batch = Batch(inputs, nothing[..., None], nothing)
    scale = torch.ones(1, 1, 1, dtype=torch.float64)
    fisher = diagonal_fisher(stack, batch, loss="squared_error", kind="true", scale=scale)
    assert not fisher.any()


def convolved(network, parameters, stimulus, task):
    """Output of one convolutional network for one trial; kernels come first."""
    conv = network.conv
    height, width, n_channels = conv.image
    h = stimulus.reshape(1, height, width, n_channels).permute(0, 3, 1, 2)
    for k in range(conv.n_layers):
        coefs, intercepts = parameters[k], parameters[conv.n_layers + k]
        z = torch.nn.functional.conv2d(h, coefs, intercepts, padding=conv.padding)
        h = torch.nn.functional.max_pool2d(ACTIVATE[network.activation](z), conv.pool)
    return output_of(network, parameters[2 * conv.n_layers :], h.flatten(), task)


@pytest.mark.parametrize("context_layer", [0, 1])
@pytest.mark.parametrize("pool", [1, 2])
@pytest.mark.parametrize("kind", ["true", "empirical", "predicted"])
def test_fisher_of_convolutional_layers_equals_autograd(kind, pool, context_layer, monkeypatch):
    monkeypatch.setattr(_consolidation, "CONV_TRIALS", 4)
    rng = np.random.default_rng(5)
    conv = ConvSpec((6, 7, 2), (2, 3), 3, 1, pool)
    network = NetworkSpec(
        conv.n_features, 2, (5, 3), 3, context_layer, 0.7, "tanh", "identity", conv
    )
    weights = []
    for _ in range(N_NETWORKS):
        kernels = tuple(rng.standard_normal(s) / 3 for s in [(2, 2, 3, 3), (3, 2, 3, 3)])
        dense = random_weights(network, rng)
        coefs = (dense.coefs[0] / 9, *dense.coefs[1:])
        intercepts = tuple(rng.standard_normal(n) for n in (2, 3))
        weights.append(dense._replace(coefs=coefs, conv_coefs=kernels, conv_intercepts=intercepts))
    stimuli = torch.tensor(rng.standard_normal((N_NETWORKS, N_TRIALS, conv.n_pixels)))
    task = torch.tensor(rng.integers(2, size=(N_NETWORKS, N_TRIALS)))
    target = torch.tensor(rng.integers(3, size=(N_NETWORKS, N_TRIALS)))
    trial_weights = torch.tensor(rng.uniform(size=(N_NETWORKS, N_TRIALS)))
    stack = Stack(network, weights, shared=False, dtype=torch.float64)
    batch = Batch(make_inputs(network, stimuli, task), target, trial_weights)
    scale = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)[:, None, None]
    with torch.inference_mode():
        flat = diagonal_fisher(stack, batch, loss="cross_entropy", kind=kind, scale=scale)
    (_, dense), kernels = stack.views(flat), stack.conv_views(flat)
    for b in range(N_NETWORKS):
        w, expected = weights[b], None
        arrays = [*w.conv_coefs, *w.conv_intercepts, *w.coefs, *w.intercepts, w.context]
        parameters = [torch.tensor(a, requires_grad=True) for a in arrays]
        expected = [torch.zeros_like(p) for p in parameters]
        for s, t, y, share in zip(stimuli[b], task[b], target[b], trial_weights[b], strict=True):
            log_p = torch.log_softmax(convolved(network, parameters, s, t), 0)
            classes = {"empirical": [y], "predicted": [log_p.argmax()]}.get(kind, range(3))
            for c in classes:
                probability = log_p[c].exp().item() if kind == "true" else 1.0
                for e, g in zip(expected, squared_gradient(log_p[c], parameters), strict=True):
                    e += share * probability * g / trial_weights[b].sum()
        got = [layer.coefs[b].view(w.conv_coefs[k].shape) for k, layer in enumerate(kernels)]
        got += [layer.intercepts[b, :, 0] for layer in kernels]
        got += [layer.coefs[b] for layer in dense] + [layer.intercepts[b, 0] for layer in dense]
        got.append(dense[context_layer].context[b])
        for a, e in zip(got, expected, strict=True):
            torch.testing.assert_close(a, scale[b, 0, 0] * e, rtol=1e-10, atol=1e-13)
