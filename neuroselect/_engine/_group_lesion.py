"""Outputs with sets of units of a layer lesioned, for a stack of networks.

With h the activity, v the values that a set's units are clamped to and k the mask of the units
that stay, the next layer sees v W + ((h - v) k) W. The mask goes to the weights, which are few:
(h - v) (k W) is one product for many sets, and behind the last hidden layer all there is to do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from neuroselect._engine._conv import CONV_TRIALS
from neuroselect._engine._passes import activate, affine, forward_from, make_inputs
from neuroselect._engine._predict import carry_on, make_stack
from neuroselect._engine._spec import NetworkSpec, Weights
from neuroselect.utils._torch import one_thread, usable_device

# Values in the widest layer of a block of rows and sets.
BLOCK_VALUES = {"cpu": 2**18, "cuda": 2**25, "mps": 2**24}
# Sets that share a block of rows, if memory for their weights allows.
MIN_SETS = 8
WEIGHT_VALUES = 2**22


class Sizes(NamedTuple):
    """How many networks, sets and rows are worked on at a time."""

    networks: int
    sets: int
    rows: int


def lesioned_outputs(
    network: NetworkSpec,
    weights: list[Weights],
    stimuli: np.ndarray,
    task: np.ndarray,
    activity: np.ndarray,
    removed: np.ndarray,
    *,
    layer: int,
    value: np.ndarray,
    device: str = "cpu",
):
    """Iterate over blocks of networks and sets: the output with each set's units clamped.

    Parameters
    ----------
    network : NetworkSpec
    weights : list of Weights
        One per network.
    stimuli, task : ndarray
        Trials, as in `Trials`, of all networks.
    activity : ndarray of shape (n_networks, n_trials, n_units), or (..., height, width) behind
        Of the layer. Computation is in its dtype.
    removed : ndarray of shape (n_networks, n_sets, n_units), bool
    layer : int
        Counted from 0, convolutional ones first.
    value : ndarray that broadcasts to (n_networks, n_trials, n_units)
    device : str

    Yields
    ------
    networks, sets : slice
    output : ndarray of shape (n_block_networks, n_block, n_trials, n_outputs)
    """
    value = np.broadcast_to(value, activity.shape[:3]).astype(activity.dtype)
    n_sets = removed.shape[1]
    if layer < network.n_conv:
        for k, own in enumerate(weights):
            args = (network, own, stimuli, task, activity[k], value[k], layer, device)
            for each in range(n_sets):
                output = _clamped_channels(*args, removed[k, each])
                yield slice(k, k + 1), slice(each, each + 1), output[None, None]
        return
    device = usable_device(device)
    dense = layer - network.n_conv
    sizes = _sizes(network, dense, activity.shape, n_sets, device)
    for first in range(0, len(weights), sizes.networks):
        networks = slice(first, min(first + sizes.networks, len(weights)))
        with one_thread(device), torch.inference_mode():
            stack = make_stack(network, weights[networks], activity.dtype, device)
            trials = (stimuli, task, activity[networks], value[networks])
            blocks = _blocks_of_trials(stack, *trials, dense, sizes.rows)
        kept = ~removed[networks]
        for start in range(0, n_sets, sizes.sets):
            sets = slice(start, min(start + sizes.sets, n_sets))
            with one_thread(device), torch.inference_mode():
                masks = torch.tensor(kept[:, sets], dtype=stack.theta.dtype, device=device)
                masked = _masked_weights(stack, dense, masks)
                parts = [_outputs(stack, dense, masked, *block).cpu().numpy() for block in blocks]
            yield networks, sets, np.concatenate(parts, axis=1).swapaxes(1, 2)


def _sizes(network, layer, shape, n_sets, device) -> Sizes:
    """Networks share a block where one of them leaves most of it empty."""
    n_networks, n_trials, n_units = shape
    wide, n_next = max(network.sizes[layer + 2 :]), network.sizes[layer + 2]
    values, least = BLOCK_VALUES[device], min(MIN_SETS, max(n_sets, 1))
    together = max(1, min(n_networks, values // (n_trials * wide * least)))
    sets = max(MIN_SETS, values // (together * n_trials * wide))
    sets = min(sets, max(1, WEIGHT_VALUES // (together * n_units * n_next)), max(n_sets, 1))
    return Sizes(together, sets, max(1, values // (together * sets * wide)))


def _masked_weights(stack, layer, masks):
    """Outgoing weights of the units that stay: (n_networks, n_units, n_sets, n_next)."""
    return masks.transpose(1, 2).unsqueeze(3) * stack.layers[layer + 1].coefs.unsqueeze(2)


def _blocks_of_trials(stack, stimuli, task, activity, value, layer, n_rows):
    """For each block: h - v, what the next layer sees of v, and the cue."""
    blocks, device = [], stack.theta.device
    for start in range(0, len(stimuli), n_rows):
        rows = slice(start, start + n_rows)
        trials = (stimuli[rows], task[rows], activity[:, rows], value[:, rows])
        seen, of_task, h, v = (torch.tensor(a, device=device) for a in trials)
        cue = make_inputs(stack.network, seen.to(h.dtype), of_task).cue
        blocks.append((h - v, affine(stack, layer + 1, v, cue), cue))
    return blocks


def _outputs(stack, layer, masked, change, base, cue):
    """Output of a block of trials for each set: (n_networks, n_rows, n_sets, n_outputs)."""
    n_sets = masked.shape[2]
    z = (change @ masked.flatten(2)).view(*change.shape[:2], *masked.shape[2:])
    z.add_(base.unsqueeze(2))
    cue = None if cue is None else cue.repeat_interleave(n_sets, 0)
    hidden = [None] * (layer + 1) + [activate(stack, layer + 1, z.flatten(1, 2), cue)]
    last = layer + 2 == stack.network.n_weights
    output = hidden[-1] if last else forward_from(stack, hidden, cue)[1]
    return output.view(*change.shape[:2], n_sets, -1)


def _clamped_channels(network, weights, stimuli, task, activity, value, layer, device, removed):
    """Output (n_trials, n_outputs) with the maps of one set of channels clamped."""
    parts = []
    for start in range(0, len(activity), CONV_TRIALS):
        rows = slice(start, start + CONV_TRIALS)
        maps = np.where(removed[:, None, None], value[rows, :, None, None], activity[rows])
        parts.append(carry_on(network, weights, maps, stimuli[rows], task[rows], layer, device))
    return np.concatenate(parts)
