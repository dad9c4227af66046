"""Losses of single trials with single channels of a convolutional layer lesioned.

A lesion clamps all of a channel's map. Channels are few: each lesion is carried on from the
layer on, one after the other.
"""

from __future__ import annotations

import torch

from neuroselect._engine._activations import ACTIVATIONS
from neuroselect._engine._conv import ConvFront
from neuroselect._engine._losses import LOSSES
from neuroselect._engine._passes import Inputs, activity_gradient, forward_dense, output_delta
from neuroselect._engine._stack import Stack


def lesioned_losses(stack: Stack, inputs: Inputs, target, loss: str, layer: int, value):
    """Loss of each trial, intact and with each channel lesioned.

    As the function of this name for dense layers; ``value`` (n_networks, n_trials, n_channels)
    holds for a whole map.
    """
    front = ConvFront(stack, inputs.first.shape[-2])
    _, output = forward_dense(stack, front.forward(inputs))
    intact, lesioned = LOSSES[loss].of_trials(output, target), []
    maps = front.maps[layer]
    for channel in range(maps.shape[1]):
        kept = maps[:, channel].clone()
        maps[:, channel] = value[:, None, None, :, channel]
        _, output = forward_dense(stack, front.carry_on(inputs, layer + 1))
        lesioned.append(LOSSES[loss].of_trials(output, target))
        maps[:, channel] = kept
    return intact, torch.stack(lesioned, 1)


def first_order_losses(stack: Stack, inputs: Inputs, target, loss: str, layer: int, value):
    """As `lesioned_losses`, to first order: the map's changes times the loss's gradient there."""
    of_trials, gradient, _ = LOSSES[loss]
    front = ConvFront(stack, inputs.first.shape[-2])
    hidden, output = forward_dense(stack, front.forward(inputs))
    intact = of_trials(output, target)
    change = value.transpose(1, 2)[:, :, None, None] - front.maps[layer]
    delta = output_delta(stack, gradient(output, target), output)
    delta = activity_gradient(stack, hidden, delta, 0)
    delta = ACTIVATIONS[stack.network.activation][1](delta, hidden[0], delta)
    terms = (front.map_gradient(delta, layer) * change).sum((2, 3))
    return intact, intact.unsqueeze(1) + terms


METHODS = {"lesion": lesioned_losses, "taylor": first_order_losses}
