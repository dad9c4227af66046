"""Gradient descent where every task shows the same stimuli: the usual design of an experiment.

The input to a hidden unit is the sum of what the stimulus and what the cue contribute, z = R W
with one row of R for each stimulus and for each cue. The gradient of W is R' D, with the
gradients at the units' inputs summed over the trials of each stimulus and of each cue in the
rows of D. So descent moves z by -(R R') D: products with the weights, the largest part of a
step, are not needed. The weights follow from the sum of all D, whenever somebody asks.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.ops import aten

from neuroselect._engine._batches import FullBatch
from neuroselect._engine._spec import Job
from neuroselect._engine._stack import Stack

REFRESH = 256  # passes after which z is computed from the weights: rounding does not add up


def stimulus_grid(jobs: list[Job], batches) -> np.ndarray | None:
    """Trials by (task, stimulus) if `FactorialDescent` can train these networks, else None."""
    spec, network = jobs[0].spec, jobs[0].spec.network
    one_layer = network.conv is None and len(network.hidden) == network.n_outputs == 1
    plain = spec.solver == "sgd" and not spec.momentum and spec.consolidation is None
    plain &= spec.loss == "squared_error" and spec.hebbian is None and network.gates is None
    relu = network.activation == "relu" and network.output_activation == "identity"
    shared = isinstance(batches, FullBatch) and batches.shared
    if not (one_layer and plain and relu and shared) or any(job.alpha for job in jobs):
        return None
    n_stimuli, rest = divmod(spec.n_trials, max(1, network.n_tasks))
    # Above, products with the weights are the smaller ones; with one task nothing is gained.
    if rest or network.n_tasks < 2 or n_stimuli > 2 * network.n_features:
        return None
    return _grid(jobs[0].trials, network.n_tasks, n_stimuli)


def _grid(trials, n_tasks, n_stimuli):
    """Trial that shows each stimulus in each task; None unless there is exactly one."""
    distinct, which = np.unique(trials.stimuli, axis=0, return_inverse=True)
    cell = trials.task * n_stimuli + which.ravel()
    if len(distinct) != n_stimuli or len(np.unique(cell)) != n_tasks * n_stimuli:
        return None
    return np.argsort(cell).reshape(n_tasks, n_stimuli)


class FactorialDescent:
    """One update of every network in the stack; the stack's weights are true after `settle`."""

    def __init__(self, stack: Stack, jobs: list[Job], batches: FullBatch, grid: np.ndarray):
        (batch,) = batches
        order = torch.as_tensor(grid.ravel(), device=stack.theta.device)
        n_shared = len(order) if jobs[0].spec.reduction == "mean" else 1
        rates = stack.theta.new_tensor([job.learning_rate for job in jobs])
        self.stack, self.n_done = stack, 0
        self.state: dict[str, torch.Tensor] = {}  # nothing but the weights
        self.target = batch.target[order, 0]
        self.weight = None if batch.weight is None else batch.weight[order]
        self.rates = rates.unsqueeze(1) / n_shared
        self.rows = _rows(batch.inputs.first[order], stack.network, grid.shape)
        self.gram = self.rows @ self.rows.T
        self.readout = stack.layers[1].coefs.squeeze(2)
        self.intercept = stack.layers[1].intercepts.squeeze(2)
        self._allocate(*grid.shape, *self.readout.shape)
        self._restart()

    def _allocate(self, n_tasks, n_stimuli, n_networks, width):
        """Set memory aside; views are made once, as they would cost as much as the arithmetic."""
        new = self.stack.theta.new_empty
        output = new(n_networks, n_tasks, n_stimuli)
        self.hidden = new(n_tasks, n_stimuli, n_networks, width)
        self.delta = torch.empty_like(self.hidden)
        self.of_tasks = tuple(self.delta)
        self.output, self.residual = output.permute(1, 2, 0), output.flatten(1)
        self.at_units = self.output.unsqueeze(3).expand(self.hidden.shape)
        # Of each stimulus, then of each cue.
        self.contributed = new(n_stimuli + n_tasks, n_networks, width)
        self.summed, self.total = (torch.empty_like(self.contributed) for _ in range(2))
        self.product, self.squares = (
            torch.empty_like(self.contributed),
            torch.empty_like(self.residual),
        )
        self.contributed_matrix, self.summed_matrix = (
            x.flatten(1) for x in (self.contributed, self.summed)
        )
        self.of_stimuli = self.contributed[:n_stimuli]
        self.of_cues = self.contributed[n_stimuli:].unsqueeze(1)
        self.over_tasks, self.over_stimuli = self.summed[:n_stimuli], self.summed[n_stimuli:]

    def _restart(self):
        torch.mm(self.rows, self.stack.first_matrix, out=self.contributed_matrix)
        self.start = self.stack.first_matrix.clone()
        self.total.zero_()
        self.n_done = 0

    def settle(self) -> None:
        """Write the weights into the stack."""
        torch.addmm(
            self.start, self.rows.T, self.total.flatten(1), alpha=-1, out=self.stack.first_matrix
        )

    def before_pass(self, number: int) -> None:
        """Nothing changes between passes."""

    def __call__(self, batch):
        """Update; return the batch's loss before it, summed over trials, (n_networks,)."""
        if self.n_done == REFRESH:
            self.settle()
            self._restart()
        self.n_done += 1
        self._forward()
        losses = torch.mul(self.residual, self.residual, out=self.squares)
        self.residual.mul_(self.rates)
        if self.weight is not None:
            losses.mul_(self.weight)
            self.residual.mul_(self.weight)
        self._update()
        return losses.sum(-1).mul_(0.5)

    def _forward(self):
        hidden = torch.add(self.of_stimuli, self.of_cues, out=self.hidden).relu_()
        torch.sum(torch.mul(hidden, self.readout, out=self.delta), -1, out=self.output)
        self.residual.add_(self.intercept).sub_(self.target)

    def _update(self):
        delta = aten.threshold_backward.grad_input(
            self.at_units, self.hidden, 0, grad_input=self.delta
        )
        first, second, *others = self.of_tasks  # faster than a sum over few tasks
        torch.add(first, second, out=self.over_tasks)
        for other in others:
            self.over_tasks.add_(other)
        torch.sum(delta, 1, out=self.over_stimuli)
        # Activity times residual, summed over trials: the same sums give it.
        gradient = torch.mul(self.summed, self.contributed, out=self.product).sum(0)
        self.summed.mul_(self.readout)
        self.total.add_(self.summed)
        self.contributed_matrix.addmm_(self.gram, self.summed_matrix, alpha=-1)
        self.readout.sub_(gradient)
        self.intercept.sub_(self.residual.sum(1, keepdim=True))


def _rows(inputs, network, shape):
    """Input of each stimulus alone, then of each cue alone: (n_stimuli + n_tasks, ...)."""
    of_stimuli, of_cues = inputs[: shape[1]].clone(), inputs[:: shape[1]].clone()
    of_stimuli[:, network.n_features :] = 0
    of_cues[:, : network.n_features] = 0
    return torch.cat([of_stimuli, of_cues])
