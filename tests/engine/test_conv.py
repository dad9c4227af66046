"""Convolutional layers against autograd and torch's own convolution and pooling."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, cross_entropy, max_pool2d

from neuroselect._engine._batches import make_batches
from neuroselect._engine._conv import ConvFront
from neuroselect._engine._init import draw_weights
from neuroselect._engine._losses import LOSSES
from neuroselect._engine._passes import Buffers, backward, forward, output_delta
from neuroselect._engine._spec import ConvSpec, Job, NetworkSpec, TrainingSpec, Trials
from neuroselect._engine._stack import Stack
from neuroselect.curricula import Interleaved

N_NETWORKS, N_TRIALS, N_CLASSES = 3, 7, 3
FUNCTIONS = {"relu": torch.relu, "tanh": torch.tanh, "identity": lambda z: z}
SHAPES = [
    # image, channels, kernel, padding, pool
    ((9, 9, 1), (2, 3), 3, 1, 2),
    ((12, 10, 2), (3, 2), 3, 0, 2),
    ((8, 7, 3), (2,), 2, 0, 3),
    ((6, 5, 1), (2, 2, 3), 3, 1, 1),
    ((1, 9, 1), (4,), 3, 2, 1),
    ((7, 7, 1), (3,), 1, 0, 2),
]


def plain_forward(network, weights, stimuli, task):
    """One network, in torch's words: maps, dense activities, logits."""
    conv = network.conv
    height, width, n_channels = conv.image
    h = stimuli.reshape(-1, height, width, n_channels).permute(0, 3, 1, 2)
    act, maps, hidden = FUNCTIONS[network.activation], [], []
    for coefs, intercepts in zip(weights.conv_coefs, weights.conv_intercepts, strict=True):
        h = max_pool2d(act(conv2d(h, coefs, intercepts, padding=conv.padding)), conv.pool)
        maps.append(h)
    h = h.flatten(1)
    for k, (coefs, intercepts) in enumerate(zip(weights.coefs, weights.intercepts, strict=True)):
        z = h @ coefs + intercepts
        if k == network.context_layer:
            z = z + network.context_scale * weights.context[task]
        h = z if k == network.n_weights - 1 else act(z)
        hidden.append(h)
    return maps, hidden[:-1], h


def as_tensors(weights, requires_grad=False):
    def leaf(array):
        return torch.tensor(array, requires_grad=requires_grad)

    return type(weights)(
        *(tuple(map(leaf, part)) if isinstance(part, tuple) else leaf(part) for part in weights)
    )


def random_case(rng, shape, *, activation="relu", context_layer=0, blank=False):
    conv = ConvSpec(*shape)
    network = NetworkSpec(
        conv.n_features, 2, (5, 4), N_CLASSES, context_layer, 0.7, activation, "identity", conv
    )
    weights = [
        draw_weights(
            network,
            rng,
            init="torch",
            scales=[2.0] * (network.n_conv + network.n_weights),
            context_scale=1.0,
            bias=0.1,
        )
        for _ in range(N_NETWORKS)
    ]
    trials = []
    for _ in range(N_NETWORKS):
        stimuli = rng.normal(size=(N_TRIALS, conv.n_pixels))
        if blank:  # equal values everywhere in what is pooled
            stimuli[:, rng.random(conv.n_pixels) < 0.8] = 0
            stimuli[0] = 0
        task, target = rng.integers(2, size=N_TRIALS), rng.integers(N_CLASSES, size=N_TRIALS)
        trials.append(Trials(stimuli, task, target))
    return network, weights, trials


def batch_of(network, weights, trials):
    spec = TrainingSpec(
        network, "cross_entropy", "sum", "sgd", None, 0.0, None, 1, Interleaved(), N_TRIALS,
        (), "float64", "cpu",
    )  # fmt: skip
    jobs = [Job(spec, t, w, 1.0, 0.0, None) for t, w in zip(trials, weights, strict=True)]
    (batch,) = make_batches(jobs)
    return batch


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("blank", [True, False])
@pytest.mark.parametrize(("activation", "context_layer"), [("relu", 0), ("tanh", 1)])
@pytest.mark.parametrize("shape", SHAPES)
def test_passes_equal_autograd(shape, activation, context_layer, blank, shared, seed):
    rng = np.random.default_rng(seed)
    network, weights, trials = random_case(
        rng, shape, activation=activation, context_layer=context_layer, blank=blank
    )
    trials = [trials[0]] * N_NETWORKS if shared else trials
    stack = Stack(network, weights, shared=shared, dtype=torch.float64, gradients=True)
    batch, buffers = batch_of(network, weights, trials), Buffers(stack, N_TRIALS)
    for _ in range(2):  # memory is used again
        hidden, output = forward(stack, batch.inputs, buffers)
        delta = LOSSES["cross_entropy"].gradient(output, batch.target)
        backward(stack, batch.inputs, hidden, output_delta(stack, delta, output), buffers)

    for b, (w, t) in enumerate(zip(weights, trials, strict=True)):
        free = as_tensors(w, requires_grad=True)
        maps, layers, logits = plain_forward(network, free, torch.tensor(t.stimuli), t.task)
        cross_entropy(logits, torch.tensor(t.target), reduction="sum").backward()
        torch.testing.assert_close(output[b], logits.detach())
        for got, want in zip(hidden, layers, strict=True):
            torch.testing.assert_close(got[b], want.detach())
        for got, want in zip(buffers.front.maps, maps, strict=True):
            torch.testing.assert_close(got[b].movedim(-1, 0), want.detach())
        for grads, coefs, intercepts in zip(
            stack.conv_grads, free.conv_coefs, free.conv_intercepts, strict=True
        ):
            torch.testing.assert_close(grads.coefs[b], coefs.grad.flatten(1))
            torch.testing.assert_close(grads.intercepts[b, :, 0], intercepts.grad)
        for grads, coefs, intercepts in zip(
            stack.layer_grads, free.coefs, free.intercepts, strict=True
        ):
            torch.testing.assert_close(grads.coefs[b], coefs.grad)
            torch.testing.assert_close(grads.intercepts[b, 0], intercepts.grad)
        torch.testing.assert_close(stack.layer_grads[context_layer].context[b], free.context.grad)


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if len(shape[1]) == 2])
def test_map_gradient_equals_autograd(shape, layer, rng):
    network, weights, trials = random_case(rng, shape)
    stack = Stack(network, weights, shared=False, dtype=torch.float64)
    batch = batch_of(network, weights, trials)
    front = ConvFront(stack, N_TRIALS)
    front.forward(batch.inputs)
    delta = torch.tensor(rng.normal(size=(N_NETWORKS, N_TRIALS, network.hidden[0])))
    got = front.map_gradient(delta, layer)
    for b, (w, t) in enumerate(zip(weights, trials, strict=True)):
        w = as_tensors(w, requires_grad=True)
        maps, _, _ = plain_forward(network, w, torch.tensor(t.stimuli), t.task)
        maps[layer].retain_grad()
        ((maps[-1].flatten(1) @ w.coefs[0]) * delta[b]).sum().backward()
        torch.testing.assert_close(got[b].movedim(-1, 0), maps[layer].grad)


def test_stack_returns_the_weights_it_was_given(rng):
    network, weights, _ = random_case(rng, SHAPES[0])
    back = Stack(network, weights, shared=True, dtype=torch.float64).unload()
    for got, want in zip(back, weights, strict=True):
        for a, b in zip(got, want, strict=True):
            for x, y in zip(a, b, strict=True):
                np.testing.assert_array_equal(x, y)


def test_kernels_are_drawn_by_their_fan_in(seed):
    conv = ConvSpec((8, 8, 40), (500, 20), 3, 1, 2)
    network = NetworkSpec(conv.n_features, 0, (3,), 2, 0, 1.0, "relu", "identity", conv)
    scales = [0.5, 0.0, 1.0, 0.0]
    weights = draw_weights(
        network, np.random.default_rng(seed), init="torch", scales=scales,
        context_scale=1.0, bias=0.3,
    )  # fmt: skip
    bound = 0.5 / np.sqrt(40 * 9)
    first, second = weights.conv_coefs
    assert 0.999 * bound < np.abs(first).max() <= bound
    assert first.std() == pytest.approx(bound / np.sqrt(3), rel=0.01)
    assert first.shape == (500, 40, 3, 3)
    assert second.shape == (20, 500, 3, 3)
    assert not second.any()
    assert not weights.coefs[1].any()
    np.testing.assert_array_equal(weights.conv_intercepts[0], 0.3)
