"""Are lesions of sets of units faster than a forward pass for each, and the same?

L2: a network of four hidden layers of 100 units, 2,000 trials of two tasks; 1,000 random sets of
units, each of half of the layer, in hidden layer 2 and in the last one; R² of both tasks.
`group_lesion_scores` against a plain PyTorch forward pass for each set, with a mask on the layer.

And of a list of networks: 90 of 100 hidden units on the 50 trials of the blobs, as one stack
against one network after the other. With 2,000 trials and a layer behind the lesioned one, a
network alone is work enough: the stack is cut into single networks, and the ratio is 1.

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

from neuroselect import LesionSelectivity, MultiTaskMLP, fit_many
from neuroselect.datasets import make_arithmetic_tasks, make_context_blobs
from neuroselect.geometry import component_accuracy
from neuroselect.selectivity import (
    group_lesion_scores,
    lesion_curve,
    noise_curve,
    task_group_lesion,
)

N_SETS = 1000
N_NETWORKS = 90


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


def bench_networks(n_rounds):
    X, y = make_context_blobs()
    base = [MultiTaskMLP((100,), max_iter=200, random_state=k) for k in range(N_NETWORKS)]
    nets = fit_many(base, X, y)
    units = [LesionSelectivity(net, prefit=True).fit(X, y) for net in nets]
    sets = np.random.default_rng(0).random((N_SETS, N_UNITS)) < 0.5
    drawn = np.random.RandomState(0).randint(np.iinfo(np.int32).max)  # as a list of networks does
    compare(
        {
            "group_lesion_scores, 30 sets": lambda e: group_lesion_scores(e, X, y, sets[:30]),
            f"group_lesion_scores, {N_SETS} sets": lambda e: group_lesion_scores(e, X, y, sets),
            "lesion_curve, random": lambda e: lesion_curve(e, X, y, random_state=draws(e)),
            "noise_curve": lambda e: noise_curve(
                e, X, y, random_state=0 if isinstance(e, list) else drawn
            ),
            "component_accuracy": lambda e: component_accuracy(e, X, y),
        },
        nets,
        n_rounds,
    )
    compare({"task_group_lesion": lambda e: task_group_lesion(e, X, y)}, units, n_rounds)
    X, y = make_arithmetic_tasks(N_TRIALS, random_state=0)
    base = [MultiTaskMLP((N_UNITS,) * 2, max_iter=1, random_state=k) for k in range(4)]
    name = f"group_lesion_scores, 100 sets, layer 1 of 2, {N_TRIALS} trials"
    measure = {name: lambda e: group_lesion_scores(e, X, y, sets[:100], layer=0)}
    compare(measure, fit_many(base, X, y), n_rounds)


class Draws:
    """Random orders of a list, and the same ones for its networks one after the other."""

    def __init__(self):
        self.of_loop = np.random.RandomState(0)

    def __call__(self, estimators):
        """Return the random state to pass."""
        if isinstance(estimators, list):
            self.of_loop = np.random.RandomState(0)
            return 0
        return self.of_loop


draws = Draws()


def compare(measures, nets, n_rounds):
    """All networks at once against one after the other."""
    for name, measure in measures.items():
        variants = {
            "list": lambda m=measure: m(nets).scores,
            "loop": lambda m=measure: np.stack([m(net).scores for net in nets]),
        }
        seconds, results = interleaved(variants, n_rounds)
        error = np.max(np.abs(results["list"] - results["loop"]))
        print(f"{len(nets)} networks, {name}")
        print(
            f"  list {seconds['list']:.3f} s, loop {seconds['loop']:.3f} s:"
            f" {seconds['loop'] / seconds['list']:.1f} x; largest difference {error:.1e}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for dtype in ("float32", "float64"):
            bench(dtype, options.rounds)
        bench_networks(options.rounds)
    versions = {name: metadata.version(name) for name in ("neuroselect", "numpy", "torch")}
    print(json.dumps({"python": platform.python_version(), **versions}))


if __name__ == "__main__":
    main()
