"""Losses of single trials with single units lesioned, for a stack of networks.

A lesion clamps a unit's activity h to a value v, which changes the next layer's
pre-activation by (v - h) w, w the unit's outgoing weights: nothing up to there is computed
again. Where h = v nothing changes at all; the remaining pairs of a trial and a unit are
carried on in blocks of rows. Behind the last hidden layer there is nothing to carry on.
"""

from __future__ import annotations

import numpy as np
import torch

from neuroselect._engine import _conv_lesion
from neuroselect._engine._conv import CONV_TRIALS
from neuroselect._engine._losses import LOSSES
from neuroselect._engine._passes import (
    Buffers,
    Inputs,
    activate,
    activity_gradient,
    affine,
    forward,
    make_inputs,
    output_delta,
)
from neuroselect._engine._spec import NetworkSpec, Weights
from neuroselect._engine._stack import Stack
from neuroselect.utils._torch import one_thread, usable_device

# Values in the widest layer of a block of rows: on a CPU more of them leave the cache.
BLOCK_VALUES = {"cpu": 2**18, "cuda": 2**25, "mps": 2**24}
# All that is held for a block of trials, losses of all units included.
TRIAL_BYTES = 2**27


def lesioned_losses(stack: Stack, inputs: Inputs, target, loss: str, layer: int, value):
    """Loss of each trial, intact and with each unit of a hidden layer lesioned.

    Parameters
    ----------
    stack : Stack
    inputs : Inputs
    target : tensor of shape (n_trials, n_outputs), or (n_trials,) for class indices
        With a leading network axis if the stack's trials are not shared.
    loss : str
    layer : int
        Dense hidden layer, counted from 0.
    value : tensor that broadcasts to (n_networks, n_trials, n_units)
        What the units are clamped to.

    Returns
    -------
    intact : tensor of shape (n_networks, n_trials)
    lesioned : tensor of shape (n_networks, n_units, n_trials)
        The very intact loss where a unit's activity is ``value`` anyway.
    """
    shared = inputs.first.ndim == 2
    hidden, output = forward(stack, inputs)
    intact = LOSSES[loss].of_trials(output, target)
    # One more unit, without effect, for the padding to stand for.
    change = torch.nn.functional.pad(value - hidden[layer], (0, 1))
    lesioned = intact.unsqueeze(2).repeat(1, 1, change.shape[2])
    cue = inputs.cue
    if shared:
        target = target.expand(stack.n_networks, *target.shape)
        cue = None if cue is None else cue.expand(stack.n_networks, *cue.shape)
    incoming = affine(stack, layer + 1, hidden[layer], cue)
    for pairs, output in _carried(stack, layer, incoming, change, cue):
        losses = LOSSES[loss].of_trials(output, _take(target, pairs // change.shape[2]))
        lesioned.flatten(1).scatter_(1, pairs, losses)
    return intact, lesioned[..., :-1].transpose(1, 2)


def first_order_losses(stack: Stack, inputs: Inputs, target, loss: str, layer: int, value):
    """As `lesioned_losses`, to first order: intact + (v - h) times the loss's gradient by h."""
    of_trials, gradient, _ = LOSSES[loss]
    hidden, output = forward(stack, inputs)
    intact = of_trials(output, target)
    delta = output_delta(stack, gradient(output, target), output)
    terms = activity_gradient(stack, hidden, delta, layer, inputs.cue) * (value - hidden[layer])
    return intact, intact.unsqueeze(1) + terms.transpose(1, 2)


METHODS = {"lesion": lesioned_losses, "taylor": first_order_losses}


def loss_changes(
    network: NetworkSpec,
    weights: list[Weights],
    stimuli: np.ndarray,
    task: np.ndarray,
    target: np.ndarray,
    *,
    loss: str,
    layer: int,
    method: str,
    value: np.ndarray | float = 0.0,
    device: str = "cpu",
):
    """Iterate over blocks of trials: what the loss of each gains by each lesion.

    Parameters
    ----------
    network : NetworkSpec
    weights : list of Weights
        One per network.
    stimuli, task, target : ndarray
        Trials of all networks, as in `Trials`. Computation is in the stimuli's dtype.
    loss, layer, method
        Keys of `LOSSES` and `METHODS`, and a hidden layer counted from 0; convolutional ones
        come first, and their units are channels.
    value : float or ndarray that broadcasts to (n_networks, n_trials, n_units)
    device : str

    Yields
    ------
    rows : slice
        Trials of the block.
    change : ndarray of shape (n_networks, n_units, n_rows), float64
        Loss lesioned minus loss intact.
    """
    device, dtype = usable_device(device), stimuli.dtype
    n_units = network.activity_shapes[layer][0]
    methods, own_layer = METHODS, layer - network.n_conv
    if own_layer < 0:
        methods, own_layer = _conv_lesion.METHODS, layer
    shape = (1, len(stimuli), n_units)
    value = np.broadcast_to(value, np.broadcast_shapes(np.shape(value), shape))
    stack = Stack(network, weights, shared=True, dtype=getattr(torch, dtype.name), device=device)
    for rows in _trial_blocks(network, len(weights), n_units, len(stimuli), dtype.itemsize):
        trials = (stimuli[rows], task[rows], target[rows], value[:, rows].astype(dtype))
        with one_thread(device), torch.inference_mode():
            of_stimuli, of_task, of_target, clamped = (
                torch.tensor(a, device=device) for a in trials
            )
            inputs = make_inputs(network, of_stimuli, of_task)
            losses = methods[method](stack, inputs, of_target, loss, own_layer, clamped)
            intact, lesioned = (a.cpu().numpy().astype(np.float64) for a in losses)
        yield rows, lesioned - intact[:, None]


def _trial_blocks(network, n_networks, n_units, n_trials, itemsize):
    # Per unit: value, change, two losses, float64 twice, the pair and its padded copy.
    per_unit = 4 * itemsize + 4 * 8
    per_trial = n_networks * (n_units * per_unit + network.n_values * itemsize)
    size = max(1, TRIAL_BYTES // per_trial)
    if network.n_conv:
        size = min(size, CONV_TRIALS)
    return [slice(start, start + size) for start in range(0, n_trials, size)]


def _carried(stack, layer, incoming, change, cue):
    """Carry pairs of trial and unit on, block by block; yield the pairs and their outputs."""
    coefs = torch.nn.functional.pad(stack.layers[layer + 1].coefs, (0, 0, 0, 1))
    blocks = _pair_blocks(stack, change, layer)
    buffers = Buffers(stack, blocks.shape[2])
    last = stack.network.n_weights - 1
    for pairs in blocks:
        trial, unit = pairs // change.shape[2], pairs % change.shape[2]
        z = _take(incoming, trial, buffers.activity[layer + 1])
        outgoing = _take(coefs, unit, buffers.delta[layer + 1])
        z.addcmul_(change.flatten(1).gather(1, pairs).unsqueeze(2), outgoing)
        cues = None if cue is None else _take(cue, trial)
        activity = activate(stack, layer + 1, z, cues)
        for k in range(layer + 2, last + 1):
            # Without buffers the output of one unit is a product of matrix and vector.
            z = affine(stack, k, activity, cues, buffers if k < last else None)
            activity = activate(stack, k, z, cues)
        yield pairs, activity


def _pair_blocks(stack, change, layer):
    """Pairs to carry on, trial * (n_units + 1) + unit: (n_blocks, n_networks, n_rows).

    In the order of trials, so that what a block gathers stays in the cache. Each network has
    its own pairs; those with fewer are padded.
    """
    network, pair = change.flatten(1).nonzero(as_tuple=True)
    counts = torch.bincount(network, minlength=stack.n_networks)
    most = int(counts.max())
    width = stack.n_networks * max(stack.network.sizes[layer + 2 :])
    n_blocks = -(-most // max(1, BLOCK_VALUES[change.device.type] // width))
    n_rows = -(-most // max(1, n_blocks))
    padded = pair.new_full((stack.n_networks, n_blocks * n_rows), change.shape[2] - 1)
    start = counts.cumsum(0) - counts
    padded[network, torch.arange(len(pair), device=pair.device) - start[network]] = pair
    return padded.view(stack.n_networks, n_blocks, n_rows).transpose(0, 1)


def _take(values, index, out=None):
    """Pick rows of ``values`` (n_networks, n, ...) by each network's ``index`` (n_networks, m)."""
    picked = index
    if len(values) > 1:
        first = torch.arange(len(values), device=index.device) * values.shape[1]
        picked = index + first.unsqueeze(1)
    out = None if out is None else out.view(index.numel(), -1)
    picked = torch.index_select(values.flatten(0, 1), 0, picked.flatten(), out=out)
    return picked.view(*index.shape, *values.shape[2:])
