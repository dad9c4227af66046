"""Parameters of a stack of multi-layer perceptrons, in one flat buffer.

The buffer holds layer after layer, all networks of a layer together, so that an optimiser
updates the stack in one call; gradients lie in a twin. The first layer's weights, its cue
weights and its intercepts are one block, multiplied by the inputs (stimulus, cue, 1). Where
all networks see the same trials, that block is stored as (rows, n_networks, n_units), and
one matrix product serves the whole stack. Convolutional layers, if there are any, come last
in the buffer; the perceptron behind them sees other inputs in each network.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from neuroselect._engine._spec import NetworkSpec, Weights

ALIGNMENT = 16  # values: a cache line of float32, two of float64


class Layer(NamedTuple):
    """Views on the parameters (or gradients) of one layer, network axis first.

    A convolutional layer has coefs (n_networks, fan_out, fan_in) and intercepts (n_networks,
    fan_out, 1), as its products need them.
    """

    coefs: torch.Tensor  # (n_networks, fan_in, fan_out)
    intercepts: torch.Tensor  # (n_networks, 1, fan_out)
    context: torch.Tensor | None  # (n_networks, n_tasks, fan_out) where the cue enters
    gates: torch.Tensor | None = None  # (n_networks, n_tasks, fan_out) where units are gated


class Stack:
    """Parameters (and gradients) of several networks of one shape.

    Parameters
    ----------
    network : NetworkSpec
    weights : list of Weights
        One per network.
    shared : bool
        Whether all networks see the same trials.
    dtype : torch.dtype
    device : str
    gradients : bool
        Whether to allocate the gradients.
    """

    def __init__(
        self,
        network: NetworkSpec,
        weights: list[Weights],
        *,
        shared: bool,
        dtype: torch.dtype,
        device: str = "cpu",
        gradients: bool = False,
    ):
        self.network, self.n_networks = network, len(weights)
        self.shared = shared and network.conv is None
        self.gated = network.context_layer if network.gates else None
        sizes = network.sizes
        rows = sizes[0] + network.n_tasks * network.cue_enters_input + 1
        self._shapes = [(rows, sizes[1])]
        for k in range(1, network.n_weights):
            self._shapes += [(sizes[k], sizes[k + 1]), (1, sizes[k + 1])]
            if self._cued(k):
                self._shapes.append((network.n_tasks, sizes[k + 1]))
        if self.gated is not None:
            self._shapes.append((network.n_tasks, sizes[self.gated + 1]))
        self._conv_shapes = []
        if network.conv is not None:
            for n_out, fan_in in zip(network.conv.channels, network.conv.fan_ins, strict=True):
                self._conv_shapes += [(n_out, fan_in), (n_out, 1)]
        n_values = sum(self._room(a, b) for a, b in self._shapes + self._conv_shapes)
        self.theta = torch.zeros(n_values, dtype=dtype, device=device)
        self.first, self.layers = self.views(self.theta)
        self.conv_layers = self.conv_views(self.theta)
        self.load(weights)
        # Views that every step needs are made once: in small networks they would cost as much
        # as the arithmetic.
        self.transposed = [layer.coefs.transpose(1, 2) for layer in self.layers]
        self.first_matrix = self.as_matrix(self.first) if self.shared else None
        if gradients:
            self.grad = torch.zeros_like(self.theta)
            self.first_grad, self.layer_grads = self.views(self.grad)
            self.first_grad_matrix = self.as_matrix(self.first_grad) if self.shared else None
            self.conv_grads = self.conv_views(self.grad)

    @staticmethod
    def as_matrix(block):
        """View what is stored as (rows, n_networks, n_units) as a matrix of these rows."""
        return block.permute(1, 0, 2).flatten(1)

    def _room(self, a: int, b: int) -> int:
        """Values set aside for a block: whole cache lines, and one more behind it.

        A block's place in memory then does not depend on its neighbours' sizes, nor does
        the optimiser's kernel end in it: see `_train._n_idle`.
        """
        return -(-self.n_networks * a * b // ALIGNMENT) * ALIGNMENT + ALIGNMENT

    def _cued(self, k: int) -> bool:
        return self.network.n_tasks > 0 and self.network.context_layer == k

    def views(self, flat):
        """Cut a buffer like ``theta`` into the first layer's block and one `Layer` per layer."""
        blocks, start = [], 0
        for k, (a, b) in enumerate(self._shapes):
            block = flat[start : start + self.n_networks * a * b]
            start += self._room(a, b)
            if k == 0 and self.shared:
                blocks.append(block.view(a, self.n_networks, b).permute(1, 0, 2))
            else:
                blocks.append(block.view(self.n_networks, a, b))
        first, d = blocks.pop(0), self.network.n_features
        layers = [Layer(first[:, :d], first[:, -1:], first[:, d:-1] if self._cued(0) else None)]
        for k in range(1, self.network.n_weights):
            coefs, intercepts = blocks.pop(0), blocks.pop(0)
            layers.append(Layer(coefs, intercepts, blocks.pop(0) if self._cued(k) else None))
        if self.gated is not None:
            layers[self.gated] = layers[self.gated]._replace(gates=blocks.pop(0))
        return first, layers

    def conv_views(self, flat) -> list[Layer]:
        """Cut the end of a buffer like ``theta`` into one `Layer` per convolutional layer."""
        blocks, start = [], sum(self._room(a, b) for a, b in self._shapes)
        for a, b in self._conv_shapes:
            blocks.append(flat[start : start + self.n_networks * a * b].view(-1, a, b))
            start += self._room(a, b)
        return [
            Layer(coefs, intercepts, None)
            for coefs, intercepts in zip(blocks[::2], blocks[1::2], strict=True)
        ]

    def load(self, weights: list[Weights]) -> None:
        """Copy parameters in, one `Weights` per network."""

        def put(view, arrays):
            view.copy_(torch.as_tensor(np.stack(arrays).reshape(view.shape), dtype=view.dtype))

        for k, layer in enumerate(self.layers):
            put(layer.coefs, [w.coefs[k] for w in weights])
            put(layer.intercepts, [w.intercepts[k] for w in weights])
            if layer.context is not None:
                put(layer.context, [w.context for w in weights])
            if layer.gates is not None:
                put(layer.gates, [w.gates[0] for w in weights])
        for k, layer in enumerate(self.conv_layers):
            put(layer.coefs, [w.conv_coefs[k] for w in weights])
            put(layer.intercepts, [w.conv_intercepts[k] for w in weights])

    def unload(self) -> list[Weights]:
        """Copy the parameters out, one `Weights` per network."""
        coefs = [layer.coefs.cpu().numpy() for layer in self.layers]
        intercepts = [layer.intercepts.cpu().numpy()[:, 0] for layer in self.layers]
        cued = self.layers[self.network.context_layer]
        if cued.context is None:
            context = np.zeros((self.n_networks, 0, cued.coefs.shape[2]), coefs[0].dtype)
        else:
            context = cued.context.cpu().numpy()
        gates = [] if self.gated is None else [self.layers[self.gated].gates.cpu().numpy()]
        conv_coefs, conv_intercepts = self._unload_conv()
        return [
            Weights(
                tuple(c[b].copy() for c in coefs),
                tuple(i[b].copy() for i in intercepts),
                context[b].copy(),
                tuple(c[b].copy() for c in conv_coefs),
                tuple(i[b].copy() for i in conv_intercepts),
                tuple(g[b].copy() for g in gates),
            )
            for b in range(self.n_networks)
        ]

    def _unload_conv(self):
        if self.network.conv is None:
            return [], []
        k = self.network.conv.kernel
        coefs = [layer.coefs.cpu().numpy() for layer in self.conv_layers]
        coefs = [c.reshape(*c.shape[:2], -1, k, k) for c in coefs]
        return coefs, [layer.intercepts.cpu().numpy()[..., 0] for layer in self.conv_layers]
