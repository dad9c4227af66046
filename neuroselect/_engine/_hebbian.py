"""Oja's rule on the weights by which the context enters, for a stack of networks.

Oja (1982), J. Math. Biol. 15, 267-273: with u = x W every weight W_ij gains
rate * u_j (x_i - u_j W_ij). Each column of W turns towards the first principal component of
its input, at length 1.
"""

from __future__ import annotations

import torch

from neuroselect._engine._batches import Batch
from neuroselect._engine._spec import Job
from neuroselect._engine._stack import Stack


def make_oja(stack: Stack, jobs: list[Job]) -> Oja | None:
    """Return what changes the weights after each step of descent, or None."""
    return None if jobs[0].spec.hebbian is None else Oja(stack, jobs)


def weighted_sums(x, w):
    """Product of inputs (n_networks, n_trials, n_inputs) and weights."""
    if x.shape[1] == 1 and x.shape[2] < 8:  # faster for the cue of one trial
        return (x.transpose(1, 2) * w).sum(1, keepdim=True)
    return torch.bmm(x, w)


class Oja:
    """One Hebbian step of every network, over the trials of a batch.

    Parameters
    ----------
    stack : Stack
    jobs : list of Job
        One per network of the stack, with its ``hebbian_rate``.
    """

    def __init__(self, stack: Stack, jobs: list[Job]):
        self.stack, self.spec = stack, jobs[0].spec
        self.everything = self.spec.hebbian == "oja_all"
        self.rates = stack.theta.new_tensor([job.hebbian_rate for job in jobs])[:, None, None]
        self.weights = self._weights()

    def __call__(self, batch: Batch, hidden: list) -> None:
        """Change the weights by what entered the cued layer in this step."""
        n_networks, n_trials = self.stack.n_networks, batch.n_trials
        inputs = [x.expand(n_networks, *x.shape[-2:]) for x in self._inputs(batch, hidden)]
        pairs = list(zip(inputs, self.weights, strict=True))
        u = weighted_sums(*pairs[0])  # (n_networks, n_trials, n_units)
        for x, w in pairs[1:]:
            u += weighted_sums(x, w)
        rated = u * self.rates
        if n_trials > 1 and self.spec.reduction == "mean":
            rated.div_(n_trials)
        if batch.weight is not None:
            rated.mul_(batch.weight.unsqueeze(-1))
        shrink = u.mul_(rated)
        if n_trials > 1:
            shrink = shrink.sum(1, keepdim=True)
        for x, w in pairs:
            w.addcmul_(w, shrink, value=-1)
            if n_trials == 1:
                w.addcmul_(x.transpose(1, 2), rated)
            else:
                w.add_(torch.bmm(x.transpose(1, 2), rated))

    def _weights(self):
        """Weights that change, one tensor for each part of the input."""
        k = self.spec.network.context_layer
        layer = self.stack.layers[k]
        if not self.everything:
            return [layer.context]
        if k == 0:
            return [self.stack.first[:, :-1]]
        return [layer.coefs, layer.context]

    def _inputs(self, batch, hidden):
        network, (first, cue) = self.spec.network, batch.inputs
        k = network.context_layer
        if k == 0:
            return [first[..., :-1] if self.everything else first[..., network.n_features : -1]]
        return [hidden[k - 1], cue] if self.everything else [cue]
