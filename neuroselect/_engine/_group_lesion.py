"""Output of one network with sets of units of a layer lesioned.

With h the activity, v the values that a set's units are clamped to and k the mask of the units
that stay, the next layer sees v W + ((h - v) k) W. The mask goes to the weights, which are few:
(h - v) (k W) is one product for many sets, and behind the last hidden layer all there is to do.
"""

from __future__ import annotations

import numpy as np
import torch

from neuroselect._engine._conv import CONV_TRIALS
from neuroselect._engine._passes import activate, affine, forward_from, make_inputs
from neuroselect._engine._predict import carry_on, one_network
from neuroselect._engine._spec import NetworkSpec, Weights
from neuroselect.utils._torch import one_thread, usable_device

# Values in the widest layer of a block of rows and sets.
BLOCK_VALUES = {"cpu": 2**19, "cuda": 2**25, "mps": 2**24}
# Sets that share a block of rows, if memory for their weights allows.
MIN_SETS = 8
WEIGHT_VALUES = 2**22


def lesioned_outputs(
    network: NetworkSpec,
    weights: Weights,
    stimuli: np.ndarray,
    task: np.ndarray,
    activity: np.ndarray,
    removed: np.ndarray,
    *,
    layer: int,
    value: np.ndarray,
    device: str = "cpu",
):
    """Iterate over blocks of sets: the output with each set's units clamped.

    Parameters
    ----------
    network : NetworkSpec
    weights : Weights
    stimuli, task : ndarray
        Trials, as in `Trials`.
    activity : ndarray of shape (n_trials, n_units) or (n_trials, n_channels, height, width)
        Of the layer. Computation is in its dtype.
    removed : ndarray of shape (n_sets, n_units), bool
    layer : int
        Counted from 0, convolutional ones first.
    value : ndarray that broadcasts to (n_trials, n_units)
    device : str

    Yields
    ------
    sets : slice
    output : ndarray of shape (n_block, n_trials, n_outputs)
    """
    value = np.broadcast_to(value, activity.shape[:2]).astype(activity.dtype)
    if layer < network.n_conv:
        args = (network, weights, stimuli, task, activity, value, layer, device)
        for k in range(len(removed)):
            yield slice(k, k + 1), _clamped_channels(*args, removed[k])[None]
        return
    device = usable_device(device)
    dense = layer - network.n_conv
    wide, n_next = max(network.sizes[dense + 2 :]), network.sizes[dense + 2]
    n_sets = max(MIN_SETS, BLOCK_VALUES[device] // (len(activity) * wide))
    n_sets = min(n_sets, max(1, WEIGHT_VALUES // (activity.shape[1] * n_next)), len(removed))
    n_rows = max(1, BLOCK_VALUES[device] // (max(n_sets, 1) * wide))
    with one_thread(device), torch.inference_mode():
        stack = one_network(network, weights, activity.dtype, device)
        trials = _blocks_of_trials(stack, stimuli, task, activity, value, dense, n_rows)
    kept = ~removed
    for start in range(0, len(kept), max(n_sets, 1)):
        sets = slice(start, min(start + n_sets, len(kept)))
        with one_thread(device), torch.inference_mode():
            masks = torch.tensor(kept[sets], dtype=stack.theta.dtype, device=device)
            masked = _masked_weights(stack, dense, masks)
            parts = [_outputs(stack, dense, masked, *block).cpu().numpy() for block in trials]
        yield sets, np.concatenate(parts).swapaxes(0, 1)


def _masked_weights(stack, layer, masks):
    """Outgoing weights of the units that stay: (n_units, n_sets, n_next)."""
    return masks.T.unsqueeze(2) * stack.layers[layer + 1].coefs[0].unsqueeze(1)


def _blocks_of_trials(stack, stimuli, task, activity, value, layer, n_rows):
    """For each block: h - v, what the next layer sees of v, and the cue."""
    blocks, device = [], stack.theta.device
    for start in range(0, len(activity), n_rows):
        rows = slice(start, start + n_rows)
        seen, of_task, h, v = (
            torch.tensor(a[rows], device=device) for a in (stimuli, task, activity, value)
        )
        cue = make_inputs(stack.network, seen.to(h.dtype), of_task).cue
        blocks.append((h - v, affine(stack, layer + 1, v[None], cue)[0], cue))
    return blocks


def _outputs(stack, layer, masked, change, base, cue):
    """Output of a block of trials for each set: (n_rows, n_sets, n_outputs)."""
    z = (change @ masked.flatten(1)).view(len(change), *masked.shape[1:])
    z.add_(base.unsqueeze(1))
    activate(stack, layer + 1, z.transpose(0, 1), cue)  # in place; trials are its second axis
    if layer + 2 == stack.network.n_weights:
        return z
    n_sets = z.shape[1]
    cue = None if cue is None else cue.repeat_interleave(n_sets, 0)
    hidden = [None] * (layer + 1) + [z.flatten(0, 1)[None]]
    return forward_from(stack, hidden, cue)[1].view(len(change), n_sets, -1)


def _clamped_channels(network, weights, stimuli, task, activity, value, layer, device, removed):
    """Output (n_trials, n_outputs) with the maps of one set of channels clamped."""
    parts = []
    for start in range(0, len(activity), CONV_TRIALS):
        rows = slice(start, start + CONV_TRIALS)
        maps = np.where(removed[:, None, None], value[rows, :, None, None], activity[rows])
        parts.append(carry_on(network, weights, maps, stimuli[rows], task[rows], layer, device))
    return np.concatenate(parts)
