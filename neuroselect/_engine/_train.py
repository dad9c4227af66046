"""Train a stack of networks.

Losses are summed over networks, never averaged, so that no network sees its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import zeros_like
from torch.optim.adam import adam

from neuroselect._engine._batches import Batch, is_full_batch, make_batches
from neuroselect._engine._consolidation import make_pull
from neuroselect._engine._factorial import FactorialDescent, stimulus_grid
from neuroselect._engine._hebbian import make_oja
from neuroselect._engine._losses import LOSSES
from neuroselect._engine._passes import Buffers, backward, forward, output_delta
from neuroselect._engine._record import make_recorder
from neuroselect._engine._spec import Job, Result, TrainingSpec
from neuroselect._engine._stack import Stack
from neuroselect._engine._state import load_state, unload_state
from neuroselect._engine._stopping import make_stopping
from neuroselect.utils._torch import one_thread

EDGE_BYTES = 256


def train(jobs: list[Job], on_pass: Callable[[], None] | None = None) -> list[Result]:
    """Train networks of one `TrainingSpec` together; ``on_pass()`` follows every pass."""
    spec, n_networks = jobs[0].spec, len(jobs)
    with one_thread(spec.device), torch.inference_mode():
        jobs = jobs + [jobs[-1]] * _n_idle(jobs)
        batches = make_batches(jobs)
        stack = Stack(
            spec.network,
            [job.initial if job.start is None else job.start for job in jobs],
            shared=batches.shared,
            dtype=getattr(torch, spec.dtype),
            device=spec.device,
            gradients=True,
        )
        step = _make_step(stack, jobs, batches)
        n_updates = load_state(stack, step, jobs)
        recorder = make_recorder(stack, jobs[:n_networks], batches, step.settle)
        stopping = make_stopping(stack, step, jobs, n_networks)
        curve = stack.theta.new_zeros(spec.n_passes, len(jobs))
        for k, of_pass in enumerate(curve):
            step.before_pass(spec.n_before + k)
            n_updates += _one_pass(step, batches, spec, of_pass)
            stopped = [] if stopping is None else stopping.after(k + 1, n_updates, of_pass)
            if recorder is not None:
                recorder.after(spec.n_before + k + 1, stopped)
            if on_pass is not None:
                on_pass()
            if stopping is not None and not stopping.running.any():
                break
        batches.close()
        step.settle()
        ends = [(spec.n_passes, n_updates)] * n_networks if stopping is None else stopping.restore()
        histories = [None] * n_networks if recorder is None else recorder.finished()
        states = unload_state(stack, step, jobs, [n for _, n in ends])
        signals = batches.signals([n for n, _ in ends])
        states = [s._replace(signal=c) for s, c in zip(states, signals, strict=True)]
        curves = curve.T.cpu().numpy()
        parts = zip(stack.unload(), curves, ends, histories, states, strict=False)
        return [Result(w, c[: end[0]].copy(), h, s) for w, c, end, h, s in parts]


def _one_pass(step, batches, spec: TrainingSpec, losses: torch.Tensor) -> int:
    """Train for one pass, and put each network's loss into ``losses``; the number of steps."""
    n_trials = n_steps = 0
    for batch in batches:
        losses += step(batch)
        n_trials, n_steps = n_trials + batch.n_trials, n_steps + 1
    n_shared = n_trials if spec.reduction == "mean" else n_steps
    if n_shared > 1:
        losses /= n_shared
    return n_steps


def _n_idle(jobs: list[Job]) -> int:
    """Number of idle networks that close a stack, so that its results do not depend on its size.

    Vectorised kernels treat the last few columns of a matrix, or the last few numbers of an
    array, by other instructions, which round differently; one product is not computed as one
    of many. At the edge of stability a difference in the last bit grows until it shows. Idle
    networks take the edges: on a CPU a network is the same in any company, bit by bit.
    """
    spec = jobs[0].spec
    if spec.device != "cpu" or spec.network.conv is not None:
        return 0
    if is_full_batch(spec) and len({id(job.trials) for job in jobs}) == 1:
        width = spec.network.hidden[0]
        n_idle = -(-EDGE_BYTES // (np.dtype(spec.dtype).itemsize * width))
        ragged = width % 2 and (len(jobs) + n_idle) % 2  # rows that end in half a register
        return n_idle + 1 if ragged else n_idle
    plain = {spec.network.activation, spec.network.output_activation} <= {"relu", "identity"}
    plain &= spec.network.gates != "learned"
    return 0 if plain and len(jobs) > 1 else 1


def _make_step(stack: Stack, jobs: list[Job], batches):
    grid = stimulus_grid(jobs, batches)
    if grid is None:
        return _Step(stack, jobs, batches)
    return FactorialDescent(stack, jobs, batches, grid)


class _Step:
    """One update of every network in the stack."""

    def __init__(self, stack: Stack, jobs: list[Job], batches):
        self.stack, self.spec = stack, jobs[0].spec
        self.loss = LOSSES[self.spec.loss].with_gradient
        self.buffers: dict[int, Buffers] = {}
        rates = stack.theta.new_tensor([job.learning_rate for job in jobs])[:, None, None]
        alphas = stack.theta.new_tensor([job.alpha for job in jobs])[:, None, None]
        self.state: dict[str, torch.Tensor] = {}  # laid out as the parameters
        self.n_updates = stack.theta.new_zeros((), dtype=torch.float32)
        self.update = self._adam() if self.spec.solver == "adam" else self._sgd()
        # Plain descent is linear in the gradient: each network's step size goes into its loss.
        self.scale = torch.ones_like(rates) if self.spec.solver == "adam" else rates
        self.penalty = alphas * self.scale if alphas.any() else None
        self.pull = make_pull(stack, jobs, batches, self.scale)
        if self.pull is not None:
            self.state |= self.pull.state
        self.oja = make_oja(stack, jobs)

    def before_pass(self, number: int) -> None:
        """Consolidate what has been learned, if the task changes."""
        if self.pull is not None:
            self.pull.before_pass(number)

    def settle(self) -> None:
        """Nothing to do: the stack's weights are always true."""

    def __call__(self, batch: Batch):
        """Update; return the batch's loss before it, summed over trials, (n_networks,)."""
        n_trials = batch.n_trials
        if n_trials not in self.buffers:
            self.buffers[n_trials] = Buffers(self.stack, n_trials)
        buffers = self.buffers[n_trials]
        hidden, output = forward(self.stack, batch.inputs, buffers)
        losses, delta = self.loss(output, batch.target)
        averaged = n_trials > 1 and self.spec.reduction == "mean"
        delta.mul_(self.scale / n_trials if averaged else self.scale)
        if batch.weight is not None:
            losses = losses * batch.weight
            delta.mul_(batch.weight.unsqueeze(-1))
        delta = output_delta(self.stack, delta, output)
        backward(self.stack, batch.inputs, hidden, delta, buffers)
        if self.pull is not None:
            self.pull.before_update()
        if self.penalty is not None:
            self._add_penalty()
        self.update()
        if self.pull is not None:
            self.pull.after_update()
        if self.oja is not None:
            self.oja(batch, hidden)
        return losses.sum(-1)

    def _add_penalty(self):
        layers = self.stack.layers + self.stack.conv_layers
        all_grads = self.stack.layer_grads + self.stack.conv_grads
        for layer, grads in zip(layers, all_grads, strict=True):
            grads.coefs.addcmul_(layer.coefs, self.penalty)
            if layer.context is not None:
                grads.context.addcmul_(layer.context, self.penalty)
            if layer.gates is not None and self.spec.network.gates == "learned":
                grads.gates.addcmul_(layer.gates, self.penalty)

    def _adam(self):
        theta = self.stack.theta
        self.state = {"mean": zeros_like(theta), "square": zeros_like(theta)}
        moments = [[buffer] for buffer in self.state.values()]
        settings = {
            "lr": self.spec.learning_rate, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8,
            "weight_decay": 0.0, "amsgrad": False, "maximize": False, "fused": True,
        }  # fmt: skip
        # The function beneath torch.optim.Adam: for small networks the class's bookkeeping
        # takes longer than the update.
        return lambda: adam([theta], [self.stack.grad], *moments, [], [self.n_updates], **settings)

    def _sgd(self):
        theta, grad, momentum = self.stack.theta, self.stack.grad, self.spec.momentum

        def plain():
            theta.sub_(grad)

        def heavy_ball():
            theta.sub_(velocity.mul_(momentum).add_(grad))

        if not momentum:
            return plain
        velocity = self.state["velocity"] = zeros_like(theta)
        return heavy_ball
