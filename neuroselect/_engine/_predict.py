"""Use trained networks: activity and output, in blocks of bounded memory."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from neuroselect._engine._conv import CONV_TRIALS, ConvFront
from neuroselect._engine._passes import (
    Inputs,
    forward,
    forward_dense,
    forward_from,
    make_inputs,
)
from neuroselect._engine._spec import NetworkSpec, Weights
from neuroselect._engine._stack import Stack
from neuroselect.utils._torch import one_thread, usable_device

BLOCK_BYTES = 64 * 2**20


def make_stack(network: NetworkSpec, weights: list[Weights], dtype, device: str) -> Stack:
    """Stack of networks that see the same trials, in the dtype of their inputs."""
    return Stack(
        network, weights, shared=True, dtype=getattr(torch, np.dtype(dtype).name), device=device
    )


def row_blocks(network: NetworkSpec, n_rows: int, itemsize: int, n_networks: int = 1):
    """Slices of rows whose activity in all layers takes at most `BLOCK_BYTES`."""
    size = max(1, BLOCK_BYTES // (n_networks * network.n_values * itemsize))
    if network.n_conv:
        size = min(size, CONV_TRIALS)
    return [slice(start, start + size) for start in range(0, n_rows, size)]


def hidden_activity(network, weights, stimuli, task, layer, device) -> np.ndarray:
    """Activity of one hidden layer, (n_trials, n_units) or (n_trials, n_channels, ...)."""
    return hidden_activities(network, [weights], stimuli, task, layer, device)[0]


def hidden_activities(network, weights: list, stimuli, task, layer, device) -> np.ndarray:
    """As `hidden_activity`, of several networks: (n_networks, n_trials, n_units)."""
    if layer < network.n_conv:
        return _run(network, weights, stimuli, task, device, partial(_maps, layer=layer))
    layer -= network.n_conv
    return _run(network, weights, stimuli, task, device, lambda *see: forward(*see)[0][layer])


def outputs(network, weights, stimuli, task, device) -> np.ndarray:
    """Output of the network, (n_trials, n_outputs)."""
    return all_outputs(network, [weights], stimuli, task, device)[0]


def all_outputs(network, weights: list, stimuli, task, device) -> np.ndarray:
    """Output of several networks, (n_networks, n_trials, n_outputs)."""
    return _run(network, weights, stimuli, task, device, lambda *see: forward(*see)[1])


def _maps(stack, inputs, layer):
    front = ConvFront(stack, len(inputs.first))
    front.forward(inputs)
    return front.maps[layer].movedim(-1, 1)


def _run(network, weights, stimuli, task, device, compute):
    device = usable_device(device)
    with one_thread(device), torch.inference_mode():
        stack = make_stack(network, weights, stimuli.dtype, device)
        parts = []
        for rows in row_blocks(network, len(stimuli), stimuli.itemsize, len(weights)):
            inputs = make_inputs(
                network,
                torch.tensor(stimuli[rows], device=device),
                torch.tensor(task[rows], device=device),
            )
            parts.append(compute(stack, inputs).cpu().numpy())
    return np.concatenate(parts, axis=1)


def carry_on(network, weights, activity, stimuli, task, layer, device) -> np.ndarray:
    """Output from the activity (..., n_trials, n_units) of a hidden layer.

    Of a convolutional layer (..., n_trials, n_channels, height, width).
    """
    return carry_all_on(network, [weights], activity[None], stimuli, task, layer, device)[0]


def carry_all_on(network, weights: list, activity, stimuli, task, layer, device) -> np.ndarray:
    """As `carry_on`, of several networks on a first axis of activity and output."""
    device = usable_device(device)
    unit_shape = network.activity_shapes[layer]
    lead = activity.shape[: activity.ndim - len(unit_shape)]
    flat = activity.reshape(len(weights), -1, *unit_shape)
    with one_thread(device), torch.inference_mode():
        stack = make_stack(network, weights, activity.dtype, device)
        inputs = make_inputs(
            network,
            torch.tensor(stimuli, dtype=stack.theta.dtype, device=device),
            torch.tensor(task, device=device),
        )
        parts = []
        for rows in row_blocks(network, flat.shape[1], activity.itemsize, len(weights)):
            of_rows = torch.tensor(flat[:, rows], device=device)
            trial = torch.arange(rows.start, rows.start + of_rows.shape[1], device=device)
            output = _output_from(stack, inputs, of_rows, trial % len(stimuli), layer)
            parts.append(output.cpu().numpy())
    return np.concatenate(parts, axis=1).reshape(*lead, -1)


def _output_from(stack, inputs, activity, trial, layer):
    """Output from the activity of rows that belong to these trials."""
    cue = None if inputs.cue is None else inputs.cue[trial]
    dense = layer - stack.network.n_conv
    if dense >= 0:
        return forward_from(stack, [None] * dense + [activity], cue)[1]
    front = ConvFront(stack, activity.shape[1])
    front.maps[layer].copy_(activity.movedim(1, -1))
    carried = front.carry_on(Inputs(inputs.first[trial], cue), layer + 1)
    return forward_dense(stack, carried)[1]
