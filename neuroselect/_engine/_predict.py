"""Use one trained network: activity and output, in blocks of bounded memory."""

from __future__ import annotations

import numpy as np
import torch

from neuroselect._engine._passes import forward, forward_from, make_inputs
from neuroselect._engine._spec import NetworkSpec, Weights
from neuroselect._engine._stack import Stack
from neuroselect.utils._torch import one_thread, usable_device

BLOCK_BYTES = 64 * 2**20


def one_network(network: NetworkSpec, weights: Weights, dtype, device: str) -> Stack:
    """Stack of one network, in the dtype of its inputs."""
    return Stack(
        network, [weights], shared=True, dtype=getattr(torch, np.dtype(dtype).name), device=device
    )


def row_blocks(network: NetworkSpec, n_rows: int, itemsize: int):
    """Slices of rows whose activity in all layers takes at most `BLOCK_BYTES`."""
    size = max(1, BLOCK_BYTES // (sum(network.sizes) * itemsize))
    return [slice(start, start + size) for start in range(0, n_rows, size)]


def hidden_activity(network, weights, stimuli, task, layer, device) -> np.ndarray:
    """Activity of one hidden layer, (n_trials, n_units)."""
    return _run(network, weights, stimuli, task, device, lambda hidden, _: hidden[layer])


def outputs(network, weights, stimuli, task, device) -> np.ndarray:
    """Output of the network, (n_trials, n_outputs)."""
    return _run(network, weights, stimuli, task, device, lambda _, output: output)


def _run(network, weights, stimuli, task, device, choose):
    device = usable_device(device)
    with one_thread(device), torch.inference_mode():
        stack = one_network(network, weights, stimuli.dtype, device)
        parts = []
        for rows in row_blocks(network, len(stimuli), stimuli.itemsize):
            inputs = make_inputs(
                network,
                torch.tensor(stimuli[rows], device=device),
                torch.tensor(task[rows], device=device),
            )
            parts.append(choose(*forward(stack, inputs))[0].cpu().numpy())
    return np.concatenate(parts)


def carry_on(network, weights, activity, stimuli, task, layer, device) -> np.ndarray:
    """Output from the activity (..., n_trials, n_units) of a hidden layer."""
    device = usable_device(device)
    flat = activity.reshape(-1, activity.shape[-1])
    n_copies = len(flat) // len(stimuli)
    with one_thread(device), torch.inference_mode():
        stack = one_network(network, weights, activity.dtype, device)
        cue = make_inputs(
            network, torch.tensor(stimuli, dtype=stack.theta.dtype), torch.as_tensor(task)
        ).cue
        cue = None if cue is None else cue.repeat(n_copies, 1).to(device)
        parts = []
        for rows in row_blocks(network, len(flat), activity.itemsize):
            hidden = [None] * layer + [torch.tensor(flat[rows], device=device)[None]]
            _, output = forward_from(stack, hidden, None if cue is None else cue[rows])
            parts.append(output[0].cpu().numpy())
    return np.concatenate(parts).reshape(*activity.shape[:-1], -1)
