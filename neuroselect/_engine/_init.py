"""Initial weights, drawn on the CPU in float64 whatever the device and dtype."""

from __future__ import annotations

import numpy as np

from neuroselect._engine._spec import NetworkSpec, Weights


def _normal(rng, shape, fan_in, scale):
    return scale * rng.standard_normal(shape)


def _fan_in(rng, shape, fan_in, scale):
    return scale / np.sqrt(fan_in) * rng.standard_normal(shape)


def _torch_default(rng, shape, fan_in, scale):
    # The bound of torch.nn.Linear: kaiming_uniform_ with a = sqrt(5).
    return scale / np.sqrt(fan_in) * rng.uniform(-1, 1, shape)


INITS = {"normal": _normal, "fan_in": _fan_in, "torch": _torch_default}


def fan_ins(network: NetworkSpec) -> list[int]:
    """Number of inputs to each layer; the cue counts where it enters."""
    sizes = list(network.sizes[:-1])
    sizes[network.context_layer] += network.n_tasks
    return sizes


def truncate_rank(coefs: np.ndarray, rank: int) -> np.ndarray:
    """Leading singular triplets of a matrix, rescaled to its Frobenius norm.

    Rank-limited initial weights of unchanged norm, as in Liu et al. (2024), "How
    connectivity structure shapes rich and lazy learning in neural circuits", ICLR.
    """
    u, s, vt = np.linalg.svd(coefs, full_matrices=False)
    kept = (u[:, :rank] * s[:rank]) @ vt[:rank]
    return kept * (np.linalg.norm(s) / np.linalg.norm(s[:rank]))


def draw_weights(
    network: NetworkSpec,
    rng: np.random.Generator,
    *,
    init: str,
    scales: list[float],
    context_scale: float,
    bias: float,
    rank: int | None = None,
) -> Weights:
    """Draw the weights of one network: stimulus weights, cue weights, then layer by layer.

    Convolutional layers are drawn before all others, and have the first of the ``scales``.
    """
    draw, fans = INITS[init], fan_ins(network)
    conv_coefs = _draw_kernels(network, rng, draw, scales)
    scales = scales[network.n_conv :]
    pairs = list(zip(network.sizes[:-1], network.sizes[1:], strict=True))
    coefs = [draw(rng, pairs[0], fans[0], scales[0])]
    cue_shape = (network.n_tasks, network.sizes[network.context_layer + 1])
    context = draw(rng, cue_shape, fans[network.context_layer], context_scale)
    for shape, fan, scale in zip(pairs[1:], fans[1:], scales[1:], strict=True):
        coefs.append(draw(rng, shape, fan, scale))
    if rank is not None:
        coefs[1:-1] = [truncate_rank(c, rank) for c in coefs[1:-1]]
    intercepts = tuple(np.full(shape[1], bias, dtype=float) for shape in pairs)
    conv_intercepts = tuple(np.full(len(c), bias, dtype=float) for c in conv_coefs)
    return Weights(tuple(coefs), intercepts, context, conv_coefs, conv_intercepts)


def _draw_kernels(network, rng, draw, scales) -> tuple[np.ndarray, ...]:
    """Draw the weights of convolutional layers, (n_channels, n_incoming, kernel, kernel) each."""
    if network.conv is None:
        return ()
    conv = network.conv
    layers = zip(conv.channels, conv.incoming, conv.fan_ins, scales[: conv.n_layers], strict=True)
    return tuple(
        draw(rng, (n_out, incoming[0], conv.kernel, conv.kernel), fan_in, scale)
        for n_out, incoming, fan_in, scale in layers
    )
