"""Convolutional layers of a stack of networks.

Trials are the innermost axis: maps have the shape (n_networks, n_channels, height, width,
n_trials). Shifting, padding and pooling then move whole runs of memory, and a convolution is
one matrix product with shifted copies of what comes in. The maximum commutes with adding the
intercept and with the activation, which does not decrease: both follow the pooling, where
less is left. Gradients are derived by hand (the tests compare them with autograd).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import torch

from neuroselect._engine._activations import ACTIVATIONS
from neuroselect._engine._stack import Stack

CONV_TRIALS = 64  # trials that are seen at once where one may choose: more leave the cache


class Convolution:
    """One layer: convolution, pooling by the maximum, intercept, activation.

    A forward pass leaves what a backward pass needs, and that uses it up.

    Attributes
    ----------
    incoming : tensor of shape (n_networks, n_incoming, height, width, n_trials)
        To be written by what comes before.
    copies : tensor of shape (n_networks, fan_in, n_positions * n_trials)
        What comes in, once for each weight of a kernel.
    z : tensor of shape (n_networks, n_channels, n_positions * n_trials)
        Before pooling; after `backward` the gradient there.
    """

    def __init__(self, stack: Stack, k: int, n_trials: int):
        conv, new = stack.network.conv, stack.theta.new_empty
        self.coefs, intercepts = stack.conv_layers[k][:2]
        self._intercepts = intercepts[..., None, None]
        self._activate, self._activate_backward = ACTIVATIONS[stack.network.activation]
        (n_in, *size), (n_out, *pooled) = conv.incoming[k], conv.maps[k]
        pool, edge, kernel = conv.pool, conv.padding, conv.kernel
        height, width = (n * pool for n in pooled)

        self._padded = new(stack.n_networks, n_in, *(n + 2 * edge for n in size), n_trials)
        self._padded.zero_()
        self._inside = (..., *(slice(edge, edge + n) for n in size), slice(None))
        self.incoming = self._padded[self._inside]
        windows = self._padded.unfold(2, kernel, 1).unfold(3, kernel, 1)
        self._windows = windows[:, :, :height, :width].permute(0, 1, 5, 6, 2, 3, 4)
        self._copies = new(self._windows.shape)
        self.copies = self._copies.flatten(1, 3).flatten(2)
        z = new(stack.n_networks, n_out, pooled[0], pool, pooled[1], pool, n_trials)
        self.z = z.flatten(2)
        self._corners = [z[:, :, :, a, :, b] for a in range(pool) for b in range(pool)]
        self._largest = self._corners[0] if pool == 1 else torch.empty_like(self._corners[0])

    def forward(self, out):
        """Turn ``incoming`` into this layer's maps."""
        self._copies.copy_(self._windows)
        torch.bmm(self.coefs, self.copies, out=self.z)
        if len(self._corners) > 1:
            torch.maximum(*self._corners[:2], out=self._largest)
            for corner in self._corners[2:]:
                torch.maximum(self._largest, corner, out=self._largest)
        return self._activate(torch.add(self._largest, self._intercepts, out=out))

    def backward(self, gradient, out):
        """Turn ``gradient`` at the maps ``out`` into that at ``z``, which it replaces.

        ``gradient`` is overwritten. Of equal values the first one counts as the maximum.
        """
        left = self._activate_backward(gradient, out, gradient)
        below_zero = -torch.finfo(left.dtype).tiny
        for corner in self._corners[:-1]:
            # Passes the gradient where the corner minus the maximum is 0. Comparing would make
            # a mask, and masks are slow.
            corner.sub_(self._largest)
            torch.ops.aten.threshold_backward.grad_input(
                left, corner, below_zero, grad_input=corner
            )
            left.sub_(corner)
        self._corners[-1].copy_(left)

    def gradient_below(self):
        """Gradient at ``incoming``, after `backward`. Replaces ``copies``."""
        torch.bmm(self.coefs.transpose(1, 2), self.z, out=self.copies)
        gradient, shifts = self._shifts
        gradient.zero_()
        for below, copy in shifts:
            below.add_(copy)
        return gradient[self._inside]

    @cached_property
    def _shifts(self):
        """Memory for the gradient below; views on it, and on the copies that go there."""
        gradient = torch.empty_like(self._padded)
        kernel, height, width = self._copies.shape[3:6]
        pairs = [
            (gradient[:, :, i : i + height, j : j + width], self._copies[:, :, i, j])
            for i in range(kernel)
            for j in range(kernel)
        ]
        return gradient, pairs


class ConvFront:
    """Convolutional layers of a stack, and what they hand on to its perceptron.

    Attributes
    ----------
    layers : list of Convolution
    maps : list of tensor of shape (n_networks, n_channels, height, width, n_trials)
        Activity of each layer.
    """

    def __init__(self, stack: Stack, n_trials: int):
        self.stack, self.conv = stack, stack.network.conv
        self.layers = [Convolution(stack, k, n_trials) for k in range(self.conv.n_layers)]
        self._first = stack.theta.new_empty(stack.n_networks, stack.first.shape[1], n_trials)
        features, self._others = self._first.split(
            [self.conv.n_features, stack.first.shape[1] - self.conv.n_features], 1
        )
        self.maps = [layer.incoming for layer in self.layers[1:]]
        self.maps.append(features.unflatten(1, self.conv.maps[-1]))
        self.inputs = None

    def forward(self, inputs):
        """See the images, and return what the perceptron gets as its `Inputs`."""
        height, width, n_channels = self.conv.image
        pixels = inputs.first[..., : self.conv.n_pixels]
        images = pixels.unflatten(-1, (height, width, n_channels))
        self.layers[0].incoming.copy_(images.movedim((-1, -4), (-4, -1)))
        return self.carry_on(inputs, 0)

    def carry_on(self, inputs, start: int):
        """As `forward`, from the layer ``start`` on, which knows what comes in."""
        for layer, maps in zip(self.layers[start:], self.maps[start:], strict=True):
            layer.forward(maps)
        self._others.copy_(inputs.first[..., self.conv.n_pixels :].transpose(-1, -2))
        self.inputs = inputs._replace(first=self._first.transpose(1, 2))
        return self.inputs

    def backward(self, delta) -> None:
        """Fill the stack's gradients from that at the perceptron's first pre-activation."""
        for k in self.walk_back(delta):
            layer, grads = self.layers[k], self.stack.conv_grads[k]
            torch.bmm(layer.z, layer.copies.transpose(1, 2), out=grads.coefs)
            torch.sum(layer.z, 2, keepdim=True, out=grads.intercepts)

    def walk_back(self, delta, until: int = 0) -> Iterator[int]:
        """Yield the layers down to ``until``, the last one first, once ``z`` is the gradient."""
        gradient = self._features_gradient(delta)
        for k in range(self.conv.n_layers - 1, until - 1, -1):
            self.layers[k].backward(gradient, self.maps[k])
            yield k
            if k:
                gradient = self.layers[k].gradient_below()

    def map_gradient(self, delta, layer: int):
        """Gradient at the maps of a layer."""
        for k in self.walk_back(delta, layer + 1):
            if k == layer + 1:
                return self.layers[k].gradient_below()
        return self._features_gradient(delta)

    def _features_gradient(self, delta):
        gradient = torch.bmm(self.stack.layers[0].coefs, delta.transpose(1, 2))
        return gradient.unflatten(1, self.conv.maps[-1])
