"""Consolidation of earlier tasks, for a stack of networks.

Every method pulls each parameter to a centre, with a penalty 1/2 sum importance (theta -
centre)^2 added to the objective; methods differ in what happens at a change of task. The
importance contains the method's strength and, like the gradient, each network's step size
where that is folded into the loss.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import zeros_like

from neuroselect._engine._activations import ACTIVATIONS
from neuroselect._engine._batches import Batch, MiniBatches
from neuroselect._engine._conv import CONV_TRIALS, ConvFront
from neuroselect._engine._gates import entering, task_signal, through_gates
from neuroselect._engine._losses import LOSSES
from neuroselect._engine._passes import delta_below, forward, output_delta
from neuroselect._engine._spec import Job
from neuroselect._engine._stack import Stack
from neuroselect.consolidation import EWC

# Trials whose activity is held at once; the same for any stack, as are its results.
BLOCK_TRIALS = 256


def make_pull(stack: Stack, jobs: list[Job], batches: MiniBatches, scale):
    """Return what consolidates the stack, or None. ``scale`` is what the loss is times."""
    spec = jobs[0].spec
    if spec.consolidation is None:
        return None
    if isinstance(spec.consolidation, EWC):
        return _FisherPull(stack, jobs, batches, scale)
    return _PathPull(stack, jobs)


class _Pull:
    """Importance and centre of every parameter, and when they change."""

    def __init__(self, stack: Stack, jobs: list[Job]):
        self.stack, self.spec = stack, jobs[0].spec
        self.rule = self.spec.consolidation
        self.importance, self.centre = zeros_like(stack.theta), zeros_like(stack.theta)
        self.state = {"importance": self.importance, "centre": self.centre}
        self.distance, self.active = zeros_like(stack.theta), self.spec.n_before > 0
        self.ends = [_ended_trials(job) for job in jobs]

    def before_pass(self, number: int) -> None:
        """Consolidate the tasks that end before pass ``number``."""
        ended = self._ended(number)
        if ended is not None:
            self._consolidate(ended)
            self.active = True

    def _ended(self, number: int) -> list[np.ndarray] | None:
        """Trials of each network's task that ends before a pass; a plan may have begun again."""
        in_plan = (number - 1) % self.spec.max_iter + 1
        if number == 0 or in_plan not in self.ends[0]:
            return None
        return [ends[in_plan] for ends in self.ends]

    def before_update(self) -> None:
        """Add the penalty's gradient to that of the loss."""
        if self.active:
            torch.sub(self.stack.theta, self.centre, out=self.distance)
            self.stack.grad.addcmul_(self.importance, self.distance)

    def after_update(self) -> None:
        """Nothing to note, unless a method follows the path of training."""


def _ended_trials(job: Job) -> dict[int, np.ndarray]:
    """Trials of the task that ended, by the number of passes before its end."""
    curriculum, max_iter = job.spec.curriculum, job.spec.max_iter
    return dict(curriculum.boundaries(job.trials.codes, max_iter=max_iter, cyclic=True))


class _FisherPull(_Pull):
    """Elastic weight consolidation."""

    def __init__(self, stack, jobs, batches, scale):
        super().__init__(stack, jobs)
        self.batches, self.scale = batches, scale
        self.earlier = [np.array([], dtype=np.int64)] * len(jobs)
        self.rngs = [np.random.default_rng(_sampling_seed(job)) for job in jobs]
        for number in range(self.spec.n_before):  # draw again what was drawn before
            ended = self._ended(number)
            if ended is not None:
                self._sampled(ended)

    def _consolidate(self, ended):
        trials = self.batches.pick(np.stack(self._sampled(ended)))
        fisher = diagonal_fisher(
            self.stack,
            trials,
            loss=self.spec.loss,
            kind=self.rule.fisher,
            scale=self.scale * self.rule.strength,
        )
        if self.rule.anchors == "last":
            self.importance.copy_(fisher)
            share = torch.ones_like(fisher)
        else:
            # Quadratics add up to one around the weighted mean of their centres.
            self.importance += fisher
            share = torch.where(self.importance > 0, fisher / self.importance, 0.0)
        self.centre.copy_(torch.lerp(self.centre, self.stack.theta, share))

    def _sampled(self, ended):
        """Trials that the Fisher information is taken from."""
        n = self.rule.n_samples
        if self.rule.anchors == "last":
            ended = self.earlier = [
                np.union1d(a, b) for a, b in zip(self.earlier, ended, strict=True)
            ]
        if n is None or n >= len(ended[0]):
            return ended
        pairs = zip(self.rngs, ended, strict=True)
        return [rng.choice(trials, n, replace=False) for rng, trials in pairs]


def _sampling_seed(job: Job) -> np.random.SeedSequence:
    """Seed of a network's own draws for the Fisher information, beside those of its order."""
    seed = job.order_seed
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, 0))


class _PathPull(_Pull):
    """Synaptic intelligence."""

    def __init__(self, stack, jobs):
        super().__init__(stack, jobs)
        self.path = zeros_like(stack.theta)
        self.start, self.before = stack.theta.clone(), zeros_like(stack.theta)
        self.gradient = zeros_like(stack.theta)
        self.state |= {"path": self.path, "start": self.start}

    def before_update(self):
        self.gradient.copy_(self.stack.grad)
        self.before.copy_(self.stack.theta)
        super().before_update()

    def after_update(self):
        moved = torch.sub(self.stack.theta, self.before, out=self.before)
        self.path.addcmul_(self.gradient, moved, value=-1)

    def _consolidate(self, ended):
        theta = self.stack.theta
        gained = self.path / ((theta - self.start).square_() + self.rule.damping)
        self.importance.add_(gained, alpha=2 * self.rule.strength).clamp_(min=0)
        self.centre.copy_(theta)
        self.start.copy_(theta)
        self.path.zero_()


def diagonal_fisher(stack: Stack, trials: Batch, *, loss: str, kind: str, scale):
    """Diagonal Fisher information of every parameter, a mean over trials.

    The gradient of one trial is the outer product of what enters a layer, h, and of delta at
    its pre-activation: its square is that of h**2 and delta**2, and a sum over trials is one
    matrix product.

    Parameters
    ----------
    stack : Stack
    trials : Batch
        With a network axis; means are over the trials' weights, if there are any.
    loss : {"squared_error", "cross_entropy", "expected_reward"}
    kind : {"true", "empirical", "predicted"}
        See `neuroselect.consolidation.EWC`.
    scale : tensor of shape (n_networks, 1, 1)
        Factor of each network.

    Returns
    -------
    fisher : tensor
        Laid out as ``stack.theta``.
    """
    fisher = zeros_like(stack.theta)
    views = stack.views(fisher)
    weight = trials.weight
    if weight is None:
        weight = torch.ones_like(trials.inputs.first[..., 0])
    total = weight.sum(-1, keepdim=True)
    share = scale * torch.where(total > 0, weight / total, 0.0).unsqueeze(-1)
    size = CONV_TRIALS if stack.conv_layers else BLOCK_TRIALS
    for start in range(0, trials.n_trials, size):
        part = trials.part(start, start + size)
        hidden, output = forward(stack, part.inputs)
        front = ConvFront(stack, part.n_trials) if stack.conv_layers else None
        for delta, probability in _output_gradients(output, part.target, loss, kind):
            factor = share[:, start : start + size] * probability
            delta = output_delta(stack, delta, output)
            inputs = part.inputs if front is None else front.forward(part.inputs)
            delta = _add_squares(stack, views, inputs, hidden, delta, factor)
            if front is not None:
                _add_conv_squares(front, stack.conv_views(fisher), delta, factor)
    return fisher


def _output_gradients(output, target, loss, kind):
    """Gradients at the output, (n_networks, n_trials, n_outputs), and their probabilities."""
    gradient = LOSSES[loss].gradient
    if kind == "empirical":
        yield gradient(output, target), 1.0
    elif kind == "predicted":
        yield gradient(output, output.argmax(-1)), 1.0
    elif loss == "cross_entropy":
        p = torch.softmax(output, -1)
        for c in range(output.shape[-1]):
            yield gradient(output, torch.full_like(target, c)), p[..., c : c + 1]
    else:
        p = torch.sigmoid(output) if loss == "expected_reward" else None
        for o in range(output.shape[-1]):
            delta = zeros_like(output)
            delta[..., o] = 1
            # Choices are drawn with probability p, other outputs with unit variance.
            yield delta, 1.0 if p is None else (p * (1 - p))[..., o : o + 1]


def _add_squares(stack, views, inputs, hidden, delta, factor):
    """Add squared gradients of the perceptron, summed over trials times ``factor``.

    Returns the gradient at its first pre-activation.
    """
    first, layers = views
    backward_activation = ACTIVATIONS[stack.network.activation][1]
    for k in range(stack.network.n_weights - 1, 0, -1):
        below, squares = hidden[k - 1], delta.square() * factor
        layers[k].coefs.baddbmm_(below.square().transpose(1, 2), squares)
        layers[k].intercepts.add_(squares.sum(1, keepdim=True))
        if layers[k].context is not None:
            cue = entering(stack, inputs.cue).square()
            layers[k].context.baddbmm_(cue.transpose(1, 2), squares)
        delta = delta_below(stack, k, delta)
        if k - 1 == stack.gated:
            delta, below, at_gates = through_gates(stack, delta, below, inputs.cue)
            if at_gates is not None:
                signal = task_signal(stack, inputs.cue).square().transpose(1, 2)
                layers[k - 1].gates.baddbmm_(signal, at_gates.square_() * factor)
        delta = backward_activation(delta, below, delta)
    first.baddbmm_(inputs.first.square().transpose(1, 2), delta.square() * factor)
    return delta


def _add_conv_squares(front, layers, delta, factor):
    """As `_add_squares`, where the gradient of one trial is itself a sum, over positions."""
    for k in front.walk_back(delta):
        layer = front.layers[k]
        z, copies = (_by_trial(values, delta.shape[1]) for values in (layer.z, layer.copies))
        gradient = torch.matmul(z, copies.transpose(2, 3))
        layers[k].coefs.add_((gradient.square_() * factor.unsqueeze(-1)).sum(1))
        gradient = z.sum(3, keepdim=True)
        layers[k].intercepts.add_((gradient.square_() * factor.unsqueeze(-1)).sum(1))


def _by_trial(values, n_trials):
    """From (n_networks, n, n_positions * n_trials) to (n_networks, n_trials, n, n_positions)."""
    return values.unflatten(2, (-1, n_trials)).movedim(3, 1)
