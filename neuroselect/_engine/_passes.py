"""Forward and backward passes through a stack of networks.

Activity has the shape (n_networks, n_trials, n_units) throughout; gradients are derived by
hand (the tests compare them with autograd).
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import torch

from neuroselect._engine._activations import ACTIVATIONS
from neuroselect._engine._conv import ConvFront
from neuroselect._engine._gates import entering, gate_values, task_signal, through_gates
from neuroselect._engine._spec import NetworkSpec
from neuroselect._engine._stack import Stack


class Inputs(NamedTuple):
    """What enters a stack: (n_trials, ...) if shared, else (n_networks, n_trials, ...)."""

    first: torch.Tensor  # stimulus, cue if it enters the first layer, 1
    cue: torch.Tensor | None  # the cue if it enters a later layer; of gated units see `cues`


def make_inputs(network: NetworkSpec, stimuli, task, share=None) -> Inputs:
    """Join stimuli (..., n_features), the scaled one-hot cue and the constant 1.

    ``share`` (..., 1, n_tasks) is what the cue is centred on, else the network's ``cue_share``.
    """
    parts, cue = [stimuli], None
    if network.n_tasks:
        if share is None and network.cue_share:
            share = stimuli.new_tensor(network.cue_share)
        one_hot = torch.nn.functional.one_hot(task, network.n_tasks)
        first, cue = cues(network, one_hot.to(stimuli.dtype), share)
        if first is not None:
            parts.append(first)
    parts.append(torch.ones_like(stimuli[..., :1]))
    return Inputs(torch.cat(parts, -1), cue)


def cues(network: NetworkSpec, signal, share=None):
    """What enters the first layer, and what enters or gates a layer: each may be None.

    Gates get the task signal itself, behind the cue that is scaled and centred:
    (..., 2 * n_tasks).
    """
    cue = signal * network.context_scale
    if share is not None:
        cue = cue - share * network.context_scale
    first = cue if network.cue_enters_input else None
    if network.gates:
        return first, torch.cat([cue, signal], -1)
    return first, None if network.cue_enters_input else cue


class Buffers:
    """Memory for the activity of each layer and, in training, its gradient."""

    def __init__(self, stack: Stack, n_trials: int):
        def allocate(k, n_units):
            if k == 0 and stack.shared:  # the layout of one product for all networks
                return stack.theta.new_empty(n_trials, stack.n_networks, n_units).permute(1, 0, 2)
            return stack.theta.new_empty(stack.n_networks, n_trials, n_units)

        sizes = stack.network.sizes[1:]
        self.activity = [allocate(k, n) for k, n in enumerate(sizes)]
        self.delta = [allocate(k, n) for k, n in enumerate(sizes)]
        self.transposed = [activity.transpose(1, 2) for activity in self.activity]
        self._stack, self._n_trials = stack, n_trials
        if stack.shared:
            self.first_matrix = stack.as_matrix(self.activity[0])
            self.first_delta_matrix = stack.as_matrix(self.delta[0])

    @cached_property
    def front(self) -> ConvFront:
        """Memory of the convolutional layers, for passes that begin with the image."""
        return ConvFront(self._stack, self._n_trials)


def forward(stack: Stack, inputs: Inputs, buffers: Buffers | None = None):
    """Return the hidden activities, layer by layer, and the output.

    Hidden layers are those of the perceptron; convolutional ones are passed on the way.
    """
    if stack.conv_layers:
        front = buffers.front if buffers else ConvFront(stack, inputs.first.shape[-2])
        inputs = front.forward(inputs)
    return forward_dense(stack, inputs, buffers)


def forward_dense(stack: Stack, inputs: Inputs, buffers: Buffers | None = None):
    """As `forward`, from what the convolutional layers hand on."""
    if not stack.shared:
        first = torch.bmm(inputs.first, stack.first, out=buffers.activity[0] if buffers else None)
    elif buffers:
        torch.mm(inputs.first, stack.first_matrix, out=buffers.first_matrix)
        first = buffers.activity[0]
    else:
        first = torch.mm(inputs.first, stack.first_matrix)
        first = first.view(len(first), stack.n_networks, -1).permute(1, 0, 2)
    return forward_from(stack, [activate(stack, 0, first, inputs.cue)], inputs.cue, buffers)


def forward_from(stack: Stack, hidden: list, cue, buffers: Buffers | None = None):
    """Carry the last activity of ``hidden`` on; return all hidden activities and the output."""
    activity = list(hidden)
    for k in range(len(activity), stack.network.n_weights):
        z = affine(stack, k, activity[-1], cue, buffers)
        activity.append(activate(stack, k, z, cue))
    return activity[:-1], activity[-1]


def affine(stack: Stack, k: int, incoming, cue, buffers: Buffers | None = None):
    """Pre-activation of layer ``k`` >= 1 from the activity of the layer below."""
    layer = stack.layers[k]
    if buffers and layer.coefs.shape[2] == 1:  # faster than a product with one column
        products = torch.mul(incoming, stack.transposed[k], out=buffers.delta[k - 1])
        z = torch.sum(products, -1, keepdim=True, out=buffers.activity[k]).add_(layer.intercepts)
    else:
        out = buffers.activity[k] if buffers else None
        z = torch.baddbmm(layer.intercepts, incoming, layer.coefs, out=out)
    if layer.context is not None:
        cue = entering(stack, cue)
        z.baddbmm_(cue.expand(stack.n_networks, *cue.shape[-2:]), layer.context)
    return z


def activate(stack: Stack, k: int, z, cue=None):
    """Apply layer ``k``'s activation, and its units' gates if it has any, in place."""
    last = k == stack.network.n_weights - 1
    name = stack.network.output_activation if last else stack.network.activation
    activity = ACTIVATIONS[name][0](z)
    return activity if k != stack.gated else activity.mul_(gate_values(stack, cue))


def output_delta(stack: Stack, gradient, output):
    """Gradient at the output's pre-activation from the one at the output, in place."""
    return ACTIVATIONS[stack.network.output_activation][1](gradient, output, gradient)


def delta_below(stack: Stack, k: int, delta, out=None):
    """Gradient with respect to the activity below layer ``k`` from that at its pre-activation."""
    transposed = stack.transposed[k]
    if transposed.shape[1] == 1:
        return torch.mul(delta, transposed, out=out)
    if out is not None and not out.is_contiguous():  # bmm writes contiguous memory only
        return out.copy_(torch.bmm(delta, transposed))
    return torch.bmm(delta, transposed, out=out)


def activity_gradient(stack: Stack, hidden: list, delta, layer: int, cue=None):
    """Gradient with respect to the activity of hidden ``layer``, trial by trial."""
    backward_activation = ACTIVATIONS[stack.network.activation][1]
    for k in range(stack.network.n_weights - 1, layer, -1):
        delta = delta_below(stack, k, delta)
        if k - 1 > layer:
            below = hidden[k - 1]
            if k - 1 == stack.gated:
                delta, below, _ = through_gates(stack, delta, below, cue)
            delta = backward_activation(delta, below, delta)
    return delta


def backward(stack: Stack, inputs: Inputs, hidden: list, delta, buffers: Buffers):
    """Fill the stack's gradients from ``delta`` at the output's pre-activation."""
    backward_activation = ACTIVATIONS[stack.network.activation][1]
    if stack.conv_layers:
        inputs = buffers.front.inputs
    for k in range(stack.network.n_weights - 1, 0, -1):
        below, out = hidden[k - 1], buffers.delta[k - 1]
        _weight_gradients(stack, k, delta, inputs.cue, buffers)
        delta = delta_below(stack, k, delta, out)
        if k - 1 == stack.gated:
            delta, below, at_gates = through_gates(stack, delta, below, inputs.cue)
            if at_gates is not None:
                signal = task_signal(stack, inputs.cue).transpose(1, 2)
                torch.bmm(signal, at_gates, out=stack.layer_grads[k - 1].gates)
        delta = backward_activation(delta, below, out)
    if stack.shared:
        torch.mm(inputs.first.T, buffers.first_delta_matrix, out=stack.first_grad_matrix)
    else:
        outer_products(inputs.first.transpose(1, 2), delta, out=stack.first_grad)
    if stack.conv_layers:
        buffers.front.backward(delta)


def _weight_gradients(stack, k, delta, cue, buffers):
    grads = stack.layer_grads[k]
    torch.sum(delta, 1, keepdim=True, out=grads.intercepts)
    if grads.coefs.shape[2] == 1:
        products = torch.mul(buffers.activity[k - 1], delta, out=buffers.delta[k - 1])
        torch.sum(products, 1, out=grads.coefs.squeeze(2))
    else:
        outer_products(buffers.transposed[k - 1], delta, out=grads.coefs)
    if grads.context is not None:
        cue = entering(stack, cue)
        cue = cue.expand(delta.shape[0], *cue.shape[-2:])
        outer_products(cue.transpose(1, 2), delta, out=grads.context)


def outer_products(transposed, delta, out=None):
    """Outer products of what enters a layer (..., fan_in, n_trials) and ``delta``, summed."""
    if delta.shape[1] == 1:  # much faster than a product of matrices
        return torch.mul(transposed, delta, out=out)
    return torch.bmm(transposed, delta, out=out)
