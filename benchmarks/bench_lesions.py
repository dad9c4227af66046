"""Are lesions of all units at once faster than one forward pass for each, and the same?

L1: a network of four hidden layers of 100 units, 2,000 trials of two tasks; the importance of
all 400 units for both. `LesionSelectivity`, layer by layer, against a forward pass for each
unit with a mask on its layer, and against captum's LayerFeatureAblation, once for each layer
and task. One thread, variants interleaved, median of three rounds; ratios travel between
machines, seconds do not.

    python benchmarks/bench_lesions.py
"""

import argparse
import json
import platform
import time
from importlib import metadata

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from neuroselect import LesionSelectivity, MultiTaskMLP
from neuroselect.datasets import make_arithmetic_tasks

N_LAYERS, N_UNITS, N_TRIALS = 4, 100, 2000


def interleaved(variants, n_rounds):
    """Median seconds and last result of each variant; one round runs all of them."""
    seconds, results = {name: [] for name in variants}, {}
    for _ in range(n_rounds):
        for name, run in variants.items():
            start = time.perf_counter()
            results[name] = run()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(s)) for name, s in seconds.items()}, results


def neuroselect_importances(net, X, y):
    return np.concatenate(
        [
            LesionSelectivity(net, layer=layer, prefit=True).fit(X, y).importances_
            for layer in range(N_LAYERS)
        ]
    )


class Network(torch.nn.Module):
    """The same network in plain PyTorch; its output is the loss of each trial."""

    def __init__(self, net):
        super().__init__()
        weights = [np.vstack([net.coefs_[0], net.context_coefs_]), *net.coefs_[1:]]
        self.linear = torch.nn.ModuleList()
        for coefs, intercepts in zip(weights, net.intercepts_, strict=True):
            layer = torch.nn.Linear(*coefs.shape, dtype=torch.tensor(coefs).dtype)
            layer.weight.data = torch.tensor(coefs.T.copy())
            layer.bias.data = torch.tensor(intercepts)
            self.linear.append(layer)
        self.relu = torch.nn.ModuleList(torch.nn.ReLU() for _ in range(N_LAYERS))

    def forward(self, inputs, target, masks=None):
        """Loss of each trial; a mask (n_units,) for each hidden layer, or None."""
        activity = inputs
        for k, relu in enumerate(self.relu):
            activity = relu(self.linear[k](activity))
            if masks is not None and masks[k] is not None:
                activity = activity * masks[k]
        return 0.5 * (self.linear[-1](activity)[:, 0] - target).square()


def mask_loop(network, inputs, target, task):
    importances = []
    with torch.inference_mode():
        intact = network(inputs, target)
        for k in range(N_LAYERS):
            for unit in range(N_UNITS):
                masks = [None] * N_LAYERS
                masks[k] = torch.ones(N_UNITS, dtype=inputs.dtype)
                masks[k][unit] = 0
                effect = (network(inputs, target, masks) - intact).square()
                importances.append([effect[task == t].mean().item() for t in (0, 1)])
    return np.array(importances)


def captum_importances(network, inputs, target, task):
    from captum.attr import LayerFeatureAblation

    importances = []
    for relu in network.relu:
        ablation = LayerFeatureAblation(network, relu)
        of_tasks = []
        for t in (0, 1):
            rows = task == t
            change = ablation.attribute(inputs[rows], additional_forward_args=(target[rows],))
            of_tasks.append(change.square().mean(0).numpy())
        importances.append(np.column_stack(of_tasks))
    return np.concatenate(importances)


def bench(dtype, n_rounds):
    X, y = make_arithmetic_tasks(N_TRIALS, random_state=0)
    X, y = X.astype(dtype), y.astype(dtype)
    net = MultiTaskMLP((N_UNITS,) * N_LAYERS, init="torch", max_iter=20, random_state=0).fit(X, y)
    network, task = Network(net), torch.tensor(X[:, -1].astype(int))
    inputs = torch.cat([torch.tensor(X[:, :-1]), torch.nn.functional.one_hot(task, 2)], 1)
    args = (network, inputs.to(torch.tensor(X).dtype), torch.tensor(y), task)
    variants = {
        "neuroselect": lambda: neuroselect_importances(net, X, y),
        "mask loop": lambda: mask_loop(*args),
    }
    try:
        metadata.version("captum")
        variants["captum"] = lambda: captum_importances(*args)
    except metadata.PackageNotFoundError:
        print("captum is not installed: left out")
    seconds, results = interleaved(variants, n_rounds)
    ours = results["neuroselect"]
    print(f"L1, {N_LAYERS * N_UNITS} units, {N_TRIALS} trials, two tasks, {dtype}")
    for name, s in seconds.items():
        difference = np.abs(results[name] - ours).max() / ours.max()
        print(
            f"  {name:12s}{s:8.3f} s{s / seconds['neuroselect']:8.2f} x neuroselect"
            f"   largest difference / largest importance {difference:.1e}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for dtype in ("float32", "float64"):
            bench(dtype, options.rounds)
    versions = {name: metadata.version(name) for name in ("neuroselect", "numpy", "torch")}
    print(json.dumps({"python": platform.python_version(), **versions}))


if __name__ == "__main__":
    main()
