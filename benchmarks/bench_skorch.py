"""A grid of initial scales and seeds: skorch in GridSearchCV beside BatchedGridSearchCV.

One hidden layer of 100 units on the 50 conditions of Flesch et al. (2022), full-batch descent, sum
loss, two processes of one thread each, the same candidates, initial weights and folds. skorch with
its default callbacks and with none. Training time is linear in the number of updates: both sides
are timed with one update and with some, and the line between gives seconds for 10,000. Prints these
per network, the ratio, and how far float64 scores are apart.

    python benchmarks/bench_skorch.py [--seeds 30] [--skorch-seeds 2] [--folds 1] [--quick]
"""

import argparse
import sys
import time

import numpy as np
import torch
from bench_sweep import CONTEXT_SCALES, RATE, SCALES, sweep
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV, KFold
from torch import nn

from neuroselect import BatchedGridSearchCV
from neuroselect.datasets import make_context_blobs

try:
    import skorch
except ImportError:
    sys.exit("This benchmark needs skorch: pip install 'neuroselect[bench]' or pip install skorch.")

N_UPDATES = 10_000


class Initial:
    """Initial weights of one candidate, as skorch's grid holds them."""

    def __init__(self, net):
        self.coefs = [np.vstack([net.initial_coefs_[0], net.initial_context_coefs_])]
        self.coefs.append(net.initial_coefs_[1])
        self.intercepts = net.initial_intercepts_


class Network(nn.Module):
    """One hidden layer, from given weights."""

    def __init__(self, initial):
        super().__init__()
        self.hidden, self.out = (nn.Linear(*coefs.shape) for coefs in initial.coefs)
        for k, layer in enumerate((self.hidden, self.out)):
            layer.weight = nn.Parameter(torch.tensor(initial.coefs[k].T.copy()))
            layer.bias = nn.Parameter(torch.tensor(initial.intercepts[k].copy()))

    def forward(self, X):
        """Carry (n_trials, stimulus and cue) to (n_trials, 1)."""
        return self.out(torch.relu(self.hidden(X)))


class HalfSquaredError(nn.Module):
    """Summed over the trials."""

    def forward(self, output, target):
        """Loss of the batch."""
        return 0.5 * (output - target).square().sum()


def batched_search(n_seeds, n_updates, folds, dtype):
    X, y = (a.astype(dtype) for a in make_context_blobs())
    grid = [
        {
            "init_scale": [scale],
            "context_init_scale": [context_scale],
            "random_state": list(range(n_seeds)),
        }
        for scale, context_scale in zip(SCALES, CONTEXT_SCALES, strict=True)
    ]
    net = sweep(1, n_updates)[0]
    search = BatchedGridSearchCV(net, grid, cv=folds, refit=False, n_jobs=2)
    return search.fit(X, y[:, None]).cv_results_["mean_test_score"]


def skorch_search(initial, n_updates, folds, dtype, callbacks):
    X, y = make_context_blobs()
    cue = np.eye(2)[X[:, -1].astype(int)] / np.sqrt(50)
    net = skorch.NeuralNetRegressor(
        Network,
        criterion=HalfSquaredError,
        optimizer=torch.optim.SGD,
        lr=RATE,
        max_epochs=n_updates,
        batch_size=-1,
        train_split=None,
        callbacks=callbacks,
        verbose=0,
    )
    search = GridSearchCV(net, {"module__initial": initial}, cv=folds, refit=False, n_jobs=2)
    search.fit(np.hstack([X[:, :-1], cue]).astype(dtype), y[:, None].astype(dtype))
    return search.cv_results_["mean_test_score"]


def timed(function, *args):
    start = time.perf_counter()
    result = function(*args)
    return result, time.perf_counter() - start


def blobs(dtype):
    return [a.astype(dtype) for a in make_context_blobs()]


def agreement(args, folds):
    """Print how far scores of the same networks are apart, in float64."""
    initial = [Initial(net.fit(*blobs(np.float64))) for net in sweep(args.skorch_seeds, 1)]
    settings = args.skorch_max_iter, folds, np.float64
    scores = batched_search(args.skorch_seeds, *settings)
    expected = skorch_search(initial, *settings, "disable")
    gap = abs(scores - expected).max()
    print(f"R² of {len(scores)} candidates after {settings[0]} updates, float64:", end=" ")
    print(f"{scores.min():.3f} to {scores.max():.3f}, largest difference {gap:.1e}")
    assert gap <= 1e-6


def compare(args, folds, dtype):
    """Print seconds per network for 10,000 updates, ratios and the agreement of scores."""
    initial = [Initial(net.fit(*blobs(dtype))) for net in sweep(args.skorch_seeds, 1)]
    variants = {
        "BatchedGridSearchCV": (batched_search, args.seeds, args.max_iter, ()),
        "skorch, no callbacks": (skorch_search, initial, args.skorch_max_iter, ("disable",)),
        "skorch, default callbacks": (skorch_search, initial, args.skorch_max_iter, (None,)),
    }
    seconds = {name: [] for name in variants}
    for _ in range(args.repeats):
        for name, (search, candidates, n_updates, more) in variants.items():
            _, fixed = timed(search, candidates, 1, folds, dtype, *more)
            _, s = timed(search, candidates, n_updates, folds, dtype, *more)
            of_updates = (s - fixed) / (n_updates - 1) * N_UPDATES
            n_networks = len(SCALES) * args.seeds if search is batched_search else len(initial)
            seconds[name].append((fixed + of_updates) / n_networks / len(folds))
    ours = np.median(seconds["BatchedGridSearchCV"])
    print(f"\n{np.dtype(dtype).name}, wall seconds per network and {N_UPDATES} updates")
    for name, s in seconds.items():
        print(f"  {name:27s}{np.median(s):8.3f}{np.median(s) / ours:8.1f}x")


def main():
    """Print the agreement, and the comparison in float32 and float64."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=30, help="per scale, of the batched search")
    parser.add_argument("--skorch-seeds", type=int, default=2, help="per scale, of skorch's")
    parser.add_argument("--max-iter", type=int, default=2000, help="updates of the batched search")
    parser.add_argument("--skorch-max-iter", type=int, default=300, help="updates of skorch's")
    parser.add_argument("--folds", type=int, default=1, help="1: train and test on all conditions")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few networks and updates, once")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.skorch_seeds, args.repeats = 2, 1, 1
        args.max_iter, args.skorch_max_iter = 200, 50
    rows = np.arange(50)
    folds = [(rows, rows)]
    if args.folds > 1:
        folds = list(KFold(args.folds, shuffle=True, random_state=0).split(rows))
    print(f"{len(SCALES)} scales, {args.seeds} seeds (skorch {args.skorch_seeds}),", end=" ")
    print(f"{args.max_iter} updates (skorch {args.skorch_max_iter}), folds: {len(folds)},", end=" ")
    print(f"two processes, median of {args.repeats}")
    print(f"skorch {skorch.__version__}, torch {torch.__version__}")
    with parallel_config("loky", inner_max_num_threads=1):
        batched_search(args.seeds, 1, folds, np.float32)  # starts the processes
        agreement(args, folds)
        for dtype in (np.float32, np.float64):
            compare(args, folds, dtype)


if __name__ == "__main__":
    main()
