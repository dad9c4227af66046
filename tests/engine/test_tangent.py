"""The tangent kernel against explicit Jacobians from autograd."""

import numpy as np
import pytest
import torch

from neuroselect._engine._init import draw_weights
from neuroselect._engine._spec import NetworkSpec
from neuroselect._engine._tangent import tangent_kernel_blocks

FUNCTIONS = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
}


def explicit_kernel(network, weights, stimuli, task):
    """J J^T with the whole Jacobian in memory."""

    def output(coefs, intercepts, context):
        activity = torch.as_tensor(stimuli)
        for k, (w, b) in enumerate(zip(coefs, intercepts, strict=True)):
            z = activity @ w + b
            if network.n_tasks and k == network.context_layer:
                z = z + network.context_scale * context[task]
            last = k == len(coefs) - 1
            activity = FUNCTIONS[network.output_activation if last else network.activation](z)
        return activity.flatten()

    parameters = (
        tuple(map(torch.as_tensor, weights.coefs)),
        tuple(map(torch.as_tensor, weights.intercepts)),
        torch.as_tensor(weights.context),
    )
    coefs, intercepts, context = torch.func.jacrev(output, argnums=(0, 1, 2))(*parameters)
    jacobian = torch.cat([g.flatten(1) for g in (*coefs, *intercepts, context)], 1)
    return (jacobian @ jacobian.T).numpy()


def assemble(network, weights, stimuli, task, **options):
    n = len(stimuli) * network.n_outputs
    kernels = np.full((len(weights), n, n), np.nan)
    for networks, rows, block in tangent_kernel_blocks(network, weights, stimuli, task, **options):
        assert np.isnan(kernels[networks, rows]).all()
        kernels[networks, rows] = block
    return kernels


def make_case(rng, hidden=(5, 4), n_tasks=2, n_outputs=2, context_layer=0, *functions):
    functions = functions or ("tanh", "identity")
    network = NetworkSpec(3, n_tasks, hidden, n_outputs, context_layer, 0.7, *functions)
    options = {"init": "fan_in", "scales": [1.5] * network.n_weights, "context_scale": 1.0}
    weights = [draw_weights(network, rng, bias=0.1, **options) for _ in range(4)]
    task = rng.integers(n_tasks, size=7) if n_tasks else np.zeros(7, dtype=np.int64)
    return network, weights, rng.normal(size=(7, 3)), task


@pytest.mark.parametrize("output_activation", ["identity", "tanh"])
@pytest.mark.parametrize("activation", list(FUNCTIONS))
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize(
    ("hidden", "n_tasks", "context_layer"),
    [((5,), 2, 0), ((5,), 0, 0), ((5, 4), 2, 0), ((5, 4), 3, 1), ((4, 3, 6), 2, 2)],
)
def test_equals_explicit_jacobian(
    hidden, n_tasks, context_layer, n_outputs, activation, output_activation, seed
):
    rng = np.random.default_rng(seed)
    case = make_case(rng, hidden, n_tasks, n_outputs, context_layer, activation, output_activation)
    network, weights, stimuli, task = case
    kernels = assemble(*case)
    for got, w in zip(kernels, weights, strict=True):
        want = explicit_kernel(network, w, stimuli, task)
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12 * abs(want).max())


@pytest.mark.parametrize("block_bytes", [1, 5_000, 20_000])
def test_blocks_change_nothing(block_bytes, rng):
    case = make_case(rng)
    np.testing.assert_allclose(
        assemble(*case, block_bytes=block_bytes), assemble(*case), rtol=1e-12, atol=1e-13
    )


def test_small_blocks_cut_networks_and_rows(rng):
    case = make_case(rng)
    blocks = list(tangent_kernel_blocks(*case, block_bytes=1))
    assert len(blocks) == 4 * 7
    assert all(block.shape == (1, 2, 14) for *_, block in blocks)


def test_single_precision_trials_are_computed_in_double(rng):
    network, weights, stimuli, task = make_case(rng)
    single = stimuli.astype(np.float32)
    (got, *_) = assemble(network, weights, single, task)
    want = explicit_kernel(network, weights[0], single.astype(np.float64), task)
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_same_kernels_on_a_gpu(rng):
    case = make_case(rng)
    cpu, gpu = (assemble(*case, device=device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(gpu, cpu, rtol=1e-11, atol=1e-13)
