"""Losses of single trials and their gradients with respect to the network's output.

Outputs have shape (n_networks, n_trials, n_outputs); leading axes may be more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch


def squared_error(output, target):
    """Half the squared error, summed over outputs: (..., n_trials)."""
    return 0.5 * (output - target).square().sum(-1)


def squared_error_gradient(output, target):
    """Residuals (..., n_trials, n_outputs)."""
    return output - target


def cross_entropy(output, target):
    """Minus the log probability of the target class: (..., n_trials)."""
    log_p = torch.log_softmax(output, -1)
    return -log_p.gather(-1, target.expand(output.shape[:-1]).unsqueeze(-1)).squeeze(-1)


def cross_entropy_gradient(output, target):
    """Class probabilities minus the one-hot target: (..., n_trials, n_outputs)."""
    gradient = torch.softmax(output, -1)
    index = target.expand(output.shape[:-1]).unsqueeze(-1)
    return gradient.scatter_add_(-1, index, -torch.ones_like(index, dtype=gradient.dtype))


def squared_error_with_gradient(output, target):
    """Both at once, for training."""
    residual = output - target
    return residual.square().sum(-1).mul_(0.5), residual


def cross_entropy_with_gradient(output, target):
    """Both at once, for training."""
    return cross_entropy(output, target), cross_entropy_gradient(output, target)


def expected_reward(output, reward):
    """Minus the reward times the probability to accept, sigmoid(output): (..., n_trials)."""
    return -(torch.sigmoid(output) * reward).sum(-1)


def expected_reward_gradient(output, reward):
    """Minus the reward times the derivative of the probability."""
    p = torch.sigmoid(output)
    return -(p * (1 - p) * reward)


def expected_reward_with_gradient(output, reward):
    """Both at once, for training."""
    p = torch.sigmoid(output)
    gains = p * reward
    return gains.sum(-1).neg_(), gains.mul_(p - 1)


class Loss(NamedTuple):
    """Functions of the output and the target."""

    of_trials: Callable
    gradient: Callable
    with_gradient: Callable


LOSSES = {
    "squared_error": Loss(squared_error, squared_error_gradient, squared_error_with_gradient),
    "cross_entropy": Loss(cross_entropy, cross_entropy_gradient, cross_entropy_with_gradient),
    "expected_reward": Loss(
        expected_reward, expected_reward_gradient, expected_reward_with_gradient
    ),
}
