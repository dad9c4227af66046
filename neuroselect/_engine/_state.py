"""What training needs to go on where it ended, beside the weights."""

from __future__ import annotations

import torch

from neuroselect._engine._spec import Job, OptimizerState, TrainingSpec, Weights
from neuroselect._engine._stack import Stack

# What contains the step size where that is folded into the loss.
MOMENTS = {"mean", "square", "velocity"}
SCALED = ("velocity", "importance", "path")


def load_state(stack: Stack, step, jobs: list[Job]) -> int:
    """Put the networks' states into the buffers ``step.state``; the updates already made.

    What the networks have no state of stays as it is: another solver starts afresh.
    """
    states = [job.state for job in jobs if job.state is not None]
    if len(states) < len(jobs):
        return 0
    for name, buffer in step.state.items():
        if all(name in state.buffers for state in states):
            load_buffer(stack, buffer, [state.buffers[name] for state in states])
            if name in SCALED:
                ratios = [state_scale(job) / job.state.scale for job in jobs]
                buffer.mul_(_of_networks(stack, jobs, ratios))
    if step.state.keys() & MOMENTS != states[0].buffers.keys() & MOMENTS:
        return 0
    if "mean" in step.state:
        step.n_updates.fill_(states[0].n_updates)
    return states[0].n_updates


def unload_state(stack: Stack, step, jobs: list[Job], n_updates: list[int]) -> list[OptimizerState]:
    """Copy the buffers out, one `OptimizerState` per network."""
    buffers = {name: unload_buffer(stack, buffer) for name, buffer in step.state.items()}
    return [
        OptimizerState(n, state_scale(jobs[k]), {name: own[k] for name, own in buffers.items()})
        for k, n in enumerate(n_updates)
    ]


def n_buffers(spec: TrainingSpec) -> int:
    """Number of buffers, each as large as the weights, that a network's state has at most."""
    of_solver = 2 if spec.solver == "adam" else spec.momentum > 0
    return of_solver + (4 if spec.consolidation is not None else 0)


def state_scale(job: Job) -> float:
    """Return what a network's loss is multiplied by."""
    return 1.0 if job.spec.solver == "adam" else job.learning_rate


def load_buffer(stack: Stack, buffer: torch.Tensor, weights: list[Weights]) -> None:
    """Fill a buffer that is laid out as ``stack.theta``, which is lent for the moment."""
    kept = stack.theta.clone()
    stack.load(weights)
    buffer.copy_(stack.theta)
    stack.theta.copy_(kept)


def unload_buffer(stack: Stack, buffer: torch.Tensor) -> list[Weights]:
    """Copy out what is laid out as ``stack.theta``, one `Weights` per network."""
    kept = stack.theta.clone()
    stack.theta.copy_(buffer)
    weights = stack.unload()
    stack.theta.copy_(kept)
    return weights


def network_of_each(stack: Stack, jobs: list[Job]) -> torch.Tensor:
    """Position of the network that each value of ``stack.theta`` belongs to."""
    return _of_networks(stack, jobs, range(len(jobs))).long()


def _of_networks(stack, jobs, values) -> torch.Tensor:
    """Buffer laid out as ``stack.theta`` with one value per network."""
    buffer = torch.zeros_like(stack.theta)
    filled = [_filled(job.initial, value) for job, value in zip(jobs, values, strict=True)]
    load_buffer(stack, buffer, filled)
    return buffer


def _filled(weights, value):
    """Weights of this shape, all equal to ``value``."""
    if isinstance(weights, Weights):
        return Weights(*(_filled(part, value) for part in weights))
    if isinstance(weights, tuple):
        return tuple(_filled(part, value) for part in weights)
    filled = weights.copy()
    filled[...] = value
    return filled
