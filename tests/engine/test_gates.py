"""Passes through gated units against autograd, one trial at a time."""

import itertools
from itertools import pairwise

import numpy as np
import pytest
import torch

from neuroselect._engine._batches import Batch
from neuroselect._engine._consolidation import diagonal_fisher
from neuroselect._engine._group_lesion import lesioned_outputs
from neuroselect._engine._lesion import loss_changes
from neuroselect._engine._losses import LOSSES
from neuroselect._engine._passes import Buffers, backward, forward, make_inputs, output_delta
from neuroselect._engine._predict import carry_on, hidden_activities, hidden_activity, outputs
from neuroselect._engine._spec import NetworkSpec, Weights
from neuroselect._engine._stack import Stack
from neuroselect._engine._tangent import tangent_kernel_blocks

N_NETWORKS, N_TRIALS = 2, 5
FUNCTIONS = {"identity": lambda z: z, "relu": torch.relu, "tanh": torch.tanh}


class Case:
    """A few networks with random weights, and trials that they share."""

    def __init__(self, rng, gates, hidden, context_layer, activation="tanh", share=()):
        self.network = NetworkSpec(
            3, 2, hidden, 2, context_layer, 0.7, activation, "tanh", gates=gates, cue_share=share
        )
        self.weights = [self._draw(rng) for _ in range(N_NETWORKS)]
        self.stimuli = rng.normal(size=(N_TRIALS, 3))
        self.task = rng.integers(2, size=N_TRIALS)
        self.target = rng.normal(size=(N_TRIALS, 2))

    def _draw(self, rng):
        sizes, network = self.network.sizes, self.network
        cued = (2, sizes[network.context_layer + 1])
        gates = rng.normal(size=cued) if network.gates == "learned" else rng.integers(2, size=cued)
        return Weights(
            tuple(rng.normal(size=pair) for pair in pairwise(sizes)),
            tuple(rng.normal(size=n) for n in sizes[1:]),
            rng.normal(size=cued),
            gates=(gates.astype(float),),
        )

    def parameters(self, k):
        w = self.weights[k]
        return [torch.tensor(a) for a in (*w.coefs, *w.intercepts, w.context, w.gates[0])]

    def outcome(self, parameters, trial):
        """Hidden activities and output of one trial, as one would write it down."""
        network, n = self.network, self.network.n_weights
        coefs, intercepts = parameters[:n], parameters[n : 2 * n]
        context, gates = parameters[-2:]
        signal = torch.eye(2, dtype=torch.float64)[self.task[trial]]
        share = torch.tensor(network.cue_share or (0.0, 0.0), dtype=torch.float64)
        h, hidden = torch.tensor(self.stimuli[trial]), []
        for k in range(n):
            z = h @ coefs[k] + intercepts[k]
            if k == network.context_layer:
                z = z + network.context_scale * (signal - share) @ context
            last = k == n - 1
            h = FUNCTIONS[network.output_activation if last else network.activation](z)
            if k == network.context_layer:
                weighted = signal @ gates
                h = h * (torch.sigmoid(weighted) if network.gates == "learned" else weighted)
            hidden.append(h)
        return hidden[:-1], h

    def loss(self, output, trial, loss):
        target = torch.tensor(self.target[trial])
        if loss == "squared_error":
            return 0.5 * ((output - target) ** 2).sum()
        return -(torch.sigmoid(output) * target).sum()

    def stack(self, shared, gradients=False):
        return Stack(
            self.network, self.weights, shared=shared, dtype=torch.float64, gradients=gradients
        )

    def inputs(self, shared):
        stimuli, task = torch.tensor(self.stimuli), torch.tensor(self.task)
        if not shared:
            stimuli, task = stimuli.expand(N_NETWORKS, -1, -1), task.expand(N_NETWORKS, -1)
        return make_inputs(self.network, stimuli, task)


SHAPES = [((4,), 0), ((4, 5), 0), ((4, 5), 1)]
CASES = [("learned", shape, "tanh") for shape in SHAPES]
CASES += [("random", shape, "relu") for shape in SHAPES]
CASES += [("learned", SHAPES[1], "relu"), ("random", SHAPES[2], "tanh")]


def gradients_of(stack):
    """Gradients of a stack as parameters of each network."""
    kept = stack.theta.clone()
    stack.theta.copy_(stack.grad)
    weights = stack.unload()
    stack.theta.copy_(kept)
    return [[*w.coefs, *w.intercepts, w.context, w.gates[0]] for w in weights]


def expected_gradient(case, scalar_of, k):
    """Gradients of a scalar function of the parameters; gates that are drawn have none."""
    parameters = [p.requires_grad_() for p in case.parameters(k)]
    gradients = torch.autograd.grad(scalar_of(parameters), parameters, allow_unused=True)
    gradients = [
        torch.zeros_like(p) if g is None else g for g, p in zip(gradients, parameters, strict=True)
    ]
    if case.network.gates == "random":
        gradients[-1] = torch.zeros_like(parameters[-1])
    return [g.numpy() for g in gradients]


@pytest.mark.parametrize("loss", ["squared_error", "expected_reward"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("gates", "shape", "activation"), CASES, ids=str)
def test_gradients(gates, shape, activation, shared, loss, rng):
    case = Case(rng, gates, *shape, activation, share=(0.3, 0.7))
    stack, inputs = case.stack(shared, gradients=True), case.inputs(shared)
    buffers = Buffers(stack, N_TRIALS)
    hidden, output = forward(stack, inputs, buffers)
    losses, delta = LOSSES[loss].with_gradient(output, torch.tensor(case.target))
    torch.testing.assert_close(delta, LOSSES[loss].gradient(output, torch.tensor(case.target)))
    backward(stack, inputs, hidden, output_delta(stack, delta, output), buffers)

    for k, gradients in enumerate(gradients_of(stack)):

        def total(parameters):
            outcomes = [case.outcome(parameters, t)[1] for t in range(N_TRIALS)]
            return sum(case.loss(out, t, loss) for t, out in enumerate(outcomes))

        np.testing.assert_allclose(
            losses[k].sum().item(), total(case.parameters(k)).item(), atol=1e-12
        )
        for a, b in zip(gradients, expected_gradient(case, total, k), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize(("gates", "shape", "activation"), CASES, ids=str)
def test_activity_output_and_what_is_carried_on(gates, shape, activation, rng):
    case = Case(rng, gates, *shape, activation, share=(0.5, 0.5))
    args = (case.network, case.weights[0], case.stimuli, case.task)
    output = outputs(*args, "cpu")
    outcomes = [case.outcome(case.parameters(0), t) for t in range(N_TRIALS)]
    np.testing.assert_allclose(output, [out.numpy() for _, out in outcomes], atol=1e-14)
    for layer in range(len(case.network.hidden)):
        activity = hidden_activity(*args, layer, "cpu")
        np.testing.assert_allclose(activity, [h[layer].numpy() for h, _ in outcomes], atol=1e-14)
        several = np.stack([activity, 2 * activity])
        carried = carry_on(case.network, args[1], several, *args[2:], layer, "cpu")
        np.testing.assert_allclose(carried[0], output, atol=1e-14)
        assert not np.allclose(carried[1], output)


@pytest.mark.parametrize("loss", ["squared_error", "expected_reward"])
@pytest.mark.parametrize(("gates", "shape", "activation"), CASES, ids=str)
def test_lesions(gates, shape, activation, loss, rng):
    case = Case(rng, gates, *shape, activation)
    network = case.network
    for layer in range(len(network.hidden)):
        args = (network, case.weights, case.stimuli, case.task, case.target)
        how = {"loss": loss, "layer": layer}
        (_, exact), *_ = loss_changes(*args, method="lesion", **how)
        (_, taylor), *_ = loss_changes(*args, method="taylor", **how)
        stack = (network, case.weights, case.stimuli, case.task)
        of_all = hidden_activities(*stack, layer, "cpu")
        sets = np.tile(np.eye(of_all.shape[2], dtype=bool), (N_NETWORKS, 1, 1))
        several = np.zeros((*sets.shape[:2], N_TRIALS, 2))
        for networks, of_sets, block in lesioned_outputs(
            *stack, of_all, sets, layer=layer, value=np.zeros((1, 1))
        ):
            several[networks, of_sets] = block
        for k in range(N_NETWORKS):
            single = (network, case.weights[k], case.stimuli, case.task)
            activity = hidden_activity(*single, layer, "cpu")
            clamped = np.stack([np.where(s, 0.0, activity) for s in sets[k]])
            carried = carry_on(network, case.weights[k], clamped, *single[2:], layer, "cpu")

            def losses(out):
                rows = enumerate(torch.tensor(out))
                return np.array([case.loss(o, t, loss).item() for t, o in rows])

            intact = losses(outputs(*single, "cpu"))
            expected = np.array([losses(out) - intact for out in carried])
            np.testing.assert_allclose(exact[k], expected, atol=1e-12)
            np.testing.assert_allclose(several[k], carried, atol=1e-12)
            # The change to first order, from a lesion of a millionth of each unit's activity.
            nearly = np.stack([np.where(s, (1 - 1e-6) * activity, activity) for s in sets[k]])
            carried = carry_on(network, case.weights[k], nearly, *single[2:], layer, "cpu")
            slopes = np.array([losses(out) - intact for out in carried]) * 1e6
            np.testing.assert_allclose(taylor[k], slopes, atol=1e-4)


@pytest.mark.parametrize(("gates", "shape", "activation"), CASES, ids=str)
def test_tangent_kernel(gates, shape, activation, rng):
    case = Case(rng, gates, *shape, activation)
    (_, _, kernels), *_ = tangent_kernel_blocks(case.network, case.weights, case.stimuli, case.task)
    for k in range(N_NETWORKS):
        rows = []
        for t, o in itertools.product(range(N_TRIALS), range(2)):
            gradients = expected_gradient(case, lambda p, t=t, o=o: case.outcome(p, t)[1][o], k)
            rows.append(np.concatenate([g.ravel() for g in gradients]))
        np.testing.assert_allclose(kernels[k], np.array(rows) @ np.array(rows).T, atol=1e-10)


@pytest.mark.parametrize("kind", ["true", "empirical"])
@pytest.mark.parametrize("loss", ["squared_error", "expected_reward"])
@pytest.mark.parametrize(("gates", "shape", "activation"), CASES, ids=str)
def test_fisher_information(gates, shape, activation, loss, kind, rng):
    case = Case(rng, gates, *shape, activation)
    stack = case.stack(False)
    target = torch.tensor(case.target).expand(N_NETWORKS, -1, -1)
    batch = Batch(case.inputs(False), target, None)
    scale = torch.ones(N_NETWORKS, 1, 1, dtype=torch.float64)
    fisher = diagonal_fisher(stack, batch, loss=loss, kind=kind, scale=scale)
    stack.grad = fisher
    for k, found in enumerate(gradients_of(stack)):
        expected = [np.zeros_like(a) for a in found]
        for t in range(N_TRIALS):
            terms = [(lambda p, t=t: case.loss(case.outcome(p, t)[1], t, loss), 1.0)]
            if kind == "true":
                out = case.outcome(case.parameters(k), t)[1]
                p = torch.sigmoid(out)
                variance = p * (1 - p) if loss == "expected_reward" else torch.ones_like(p)
                terms = [
                    (lambda q, t=t, o=o: case.outcome(q, t)[1][o], variance[o].item())
                    for o in range(2)
                ]
            for function, factor in terms:
                for total, g in zip(expected, expected_gradient(case, function, k), strict=True):
                    total += factor * g**2 / N_TRIALS
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)
