"""Activation functions in place, and their derivatives from the function's value."""

from __future__ import annotations

import torch


def _keep(values):
    return values


def _relu_backward(grad, value, out):
    return torch.ops.aten.threshold_backward.grad_input(grad, value, 0, grad_input=out)


def _tanh_backward(grad, value, out):
    return torch.ops.aten.tanh_backward.grad_input(grad, value, grad_input=out)


def _logistic_backward(grad, value, out):
    return torch.ops.aten.sigmoid_backward.grad_input(grad, value, grad_input=out)


def _identity_backward(grad, value, out):
    return grad if out is grad else out.copy_(grad)


# name: (activation in place, (grad, value, out) -> grad times the derivative, in out)
ACTIVATIONS = {
    "identity": (_keep, _identity_backward),
    "relu": (torch.relu_, _relu_backward),
    "tanh": (torch.tanh_, _tanh_backward),
    "logistic": (torch.sigmoid_, _logistic_backward),
}
