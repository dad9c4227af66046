"""Neural tangent kernels of a stack of networks, without their Jacobians.

The gradient of an output with respect to the weights of one layer is the outer product of
what enters the layer, h (the constant 1 and the cue included), and of the output's
gradient at its pre-activation, delta. The inner product of two such gradients is thus
(h . h') (delta . delta'): a layer adds the product of two Gram matrices to the kernel, and
memory goes with the number of units, not of weights.
"""

from __future__ import annotations

import numpy as np
import torch

from neuroselect._engine._activations import ACTIVATIONS
from neuroselect._engine._gates import entering, task_signal, through_gates
from neuroselect._engine._passes import Inputs, delta_below, forward, make_inputs, output_delta
from neuroselect._engine._spec import NetworkSpec, Weights
from neuroselect._engine._stack import Stack
from neuroselect.utils._torch import one_thread, usable_device

BLOCK_BYTES = 64 * 2**20


def tangent_kernel_blocks(
    network: NetworkSpec,
    weights: list[Weights],
    stimuli: np.ndarray,
    task: np.ndarray,
    *,
    device: str = "cpu",
    block_bytes: int = BLOCK_BYTES,
):
    """Iterate over blocks of the networks' tangent kernels.

    Parameters
    ----------
    network : NetworkSpec
    weights : list of Weights
        One per network.
    stimuli, task : ndarray
        Trials of all networks, as in `Trials`. Computation is in float64.
    device : str
    block_bytes : int
        Bounds how many networks are treated together, and how many rows of their kernels.
        What one network holds for all trials, units times outputs, is not cut.

    Yields
    ------
    networks : slice
        Networks of the block.
    rows : slice
        Rows of their kernels.
    block : ndarray of shape (n_networks, n_rows, n_trials * n_outputs), float64
        Rows and columns run trial by trial, outputs within.
    """
    device = usable_device(device)
    if device == "mps":  # knows no float64
        device = "cpu"
    n_trials, n_outputs = len(stimuli), network.n_outputs
    size = max(1, block_bytes // _network_bytes(network, n_trials))
    per_trial = 3 * 8 * n_trials * n_outputs**2  # two products and their sum
    for start in range(0, len(weights), size):
        part = slice(start, min(start + size, len(weights)))
        with one_thread(device), torch.inference_mode():
            stack = Stack(network, weights[part], shared=True, dtype=torch.float64, device=device)
            inputs = make_inputs(
                network,
                torch.tensor(stimuli, dtype=torch.float64, device=device),
                torch.tensor(task, device=device),
            )
            factors = _layer_factors(stack, inputs)
        n_rows = max(1, block_bytes // (per_trial * stack.n_networks))
        for first in range(0, n_trials, n_rows):
            last = min(first + n_rows, n_trials)
            with one_thread(device), torch.inference_mode():
                block = _kernel_rows(factors, first, last, n_outputs).cpu().numpy()
            yield part, slice(first * n_outputs, last * n_outputs), block


def _network_bytes(network, n_trials):
    """Bytes of one network's factors, its deltas copied once where they are made."""
    n_units = sum(network.sizes) + network.n_tasks
    return 8 * n_trials * n_units * (1 + 2 * network.n_outputs)


def _layer_factors(stack: Stack, inputs: Inputs):
    """For each layer, the output's first, what enters it and the outputs' gradients there.

    Shapes (n_networks or 1, n_trials, fan_in + ...) and (n_networks, n_trials * n_outputs,
    n_units).
    """
    network = stack.network
    hidden, output = forward(stack, inputs)
    n_networks, n_trials, n_outputs = output.shape
    delta = torch.eye(n_outputs, dtype=output.dtype, device=output.device)
    delta = delta.repeat(n_networks, n_trials, 1)
    delta = output_delta(stack, delta, output.repeat_interleave(n_outputs, 1))
    backward_activation = ACTIVATIONS[network.activation][1]
    factors = []
    for k in range(network.n_weights - 1, 0, -1):
        incoming = [hidden[k - 1], torch.ones_like(hidden[k - 1][..., :1])]
        if stack.layers[k].context is not None:
            cue = entering(stack, inputs.cue)
            incoming.append(cue.expand(n_networks, *cue.shape))
        factors.append((torch.cat(incoming, -1), delta))
        below = hidden[k - 1].repeat_interleave(n_outputs, 1)
        delta = delta_below(stack, k, delta)
        if k - 1 == stack.gated:
            repeated = inputs.cue.repeat_interleave(n_outputs, 0)
            delta, below, at_gates = through_gates(stack, delta, below, repeated)
            if at_gates is not None:
                factors.append((task_signal(stack, inputs.cue), at_gates))
        delta = backward_activation(delta, below, delta)
    return [*factors, (inputs.first.unsqueeze(0), delta)]


def _kernel_rows(factors, first, last, n_outputs):
    """Rows of the kernel that belong to the trials from ``first`` to before ``last``."""
    total = 0
    for incoming, delta in factors:
        n_networks, n_trials = len(delta), incoming.shape[1]
        below = incoming[:, first:last] @ incoming.transpose(1, 2)
        above = delta[:, first * n_outputs : last * n_outputs] @ delta.transpose(1, 2)
        above = above.view(n_networks, last - first, n_outputs, n_trials, n_outputs)
        total = above.mul_(below[:, :, None, :, None]).add_(total)
    return total.flatten(3).flatten(1, 2)
