"""Are lesions of 1,000 sets of units faster than a forward pass for each, and the same?

L2: a network of four hidden layers of 100 units, 2,000 trials of two tasks; 1,000 random sets of
units, each of half of the layer, in hidden layer 2 and in the last one; R² of both tasks.
`group_lesion_scores` against a plain PyTorch forward pass for each set, with a mask on the layer.
One thread, variants interleaved, median of three rounds; ratios travel between machines, seconds
do not.

    python benchmarks/bench_group_lesions.py
"""

import argparse
import json
import platform
from importlib import metadata

import numpy as np
import torch
from bench_lesions import N_LAYERS, N_TRIALS, N_UNITS, Network, interleaved
from threadpoolctl import threadpool_limits

from neuroselect import MultiTaskMLP
from neuroselect.datasets import make_arithmetic_tasks
from neuroselect.selectivity import group_lesion_scores

N_SETS = 1000


def mask_loop(network, inputs, target, task, sets, layer):
    """R² of each task, from the loss of each trial: half its squared error."""
    masks, scores = [None] * N_LAYERS, []
    variances = [target[task == t].double().var(correction=0).item() for t in (0, 1)]
    kept = torch.tensor(~sets, dtype=inputs.dtype)
    of_tasks = torch.stack([task == t for t in (0, 1)]).to(inputs.dtype)
    of_tasks /= of_tasks.sum(1, keepdim=True)
    with torch.inference_mode():
        for mask in kept:
            masks[layer] = mask
            scores.append(2 * (of_tasks @ network(inputs, target, masks)))
    return 1 - torch.stack(scores).double().numpy() / variances


def bench(dtype, n_rounds):
    X, y = make_arithmetic_tasks(N_TRIALS, random_state=0)
    X, y = X.astype(dtype), y.astype(dtype)
    net = MultiTaskMLP((N_UNITS,) * N_LAYERS, init="torch", max_iter=20, random_state=0).fit(X, y)
    network, task = Network(net), torch.tensor(X[:, -1].astype(int))
    inputs = torch.cat([torch.tensor(X[:, :-1]), torch.nn.functional.one_hot(task, 2)], 1)
    args = (network, inputs.to(torch.tensor(X).dtype), torch.tensor(y), task)
    sets = np.random.default_rng(0).random((N_SETS, N_UNITS)) < 0.5
    for name, layer in (("hidden layer 2", 1), ("last hidden layer", N_LAYERS - 1)):
        variants = {
            "neuroselect": lambda k=layer: group_lesion_scores(net, X, y, sets, layer=k).scores,
            "mask loop": lambda k=layer: mask_loop(*args, sets, k),
        }
        seconds, results = interleaved(variants, n_rounds)
        ours, loop = results["neuroselect"], results["mask loop"]
        ratio = seconds["mask loop"] / seconds["neuroselect"]
        print(f"L2, {N_SETS} sets, {name}, {N_TRIALS} trials, two tasks, {dtype}")
        print(
            f"  neuroselect {seconds['neuroselect']:.4f} s, mask loop {seconds['mask loop']:.3f} s:"
            f" {ratio:.1f} x; largest relative difference of 1 - R²"
            f" {np.max(np.abs(ours - loop) / (1 - loop)):.1e}"
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
