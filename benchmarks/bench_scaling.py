"""Does a network cost the same among 30, 300 and 3,000, and does memory stay bounded?

The sweep of Flesch et al. (2022) with `fit_many`, one process of one thread; each size in a fresh
subprocess, sizes interleaved. Prints seconds per network, the ratio to the smallest sweep, and the
peak of resident memory above that before the sweep, beside the bytes of the results (initial
weights are kept in float64 until training is over). The first networks must come out the same
whatever the size. With ``--grid``: wall seconds of the
paper's 240 networks, 10,000 updates, on two processes.

    python benchmarks/bench_scaling.py [--sizes 30 300 3000] [--max-iter 300] [--quick] [--grid]
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import torch
from bench_sweep import SCALES, sweep
from threadpoolctl import threadpool_limits

from neuroselect import fit_many
from neuroselect.datasets import make_context_blobs

MIB = 2**20
N_COMPARED = 10


def peak_bytes():
    """Peak resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def result_bytes(net):
    """Bytes of what `fit` adds to a network: weights, initial weights, losses."""
    parts = [net.coefs_, net.intercepts_, [net.context_coefs_], [net.loss_curve_]]
    parts += [net.initial_coefs_, net.initial_intercepts_, [net.initial_context_coefs_]]
    return sum(array.nbytes for part in parts for array in part)


def blobs(dtype):
    return [a.astype(dtype) for a in make_context_blobs()]


def seeds_first(n_networks, max_iter):
    """The first networks of the sweep, each seed with all scales; a longer sweep begins alike."""
    nets = sweep(-(-n_networks // len(SCALES)), max_iter)
    return sorted(nets, key=lambda net: net.random_state)[:n_networks]


def train_one_size(n_networks, max_iter, dtype):
    """Train in this process, print what was measured as JSON."""
    X, y = blobs(dtype)
    fit_many(sweep(1, 1), X, y)
    before = peak_bytes()
    with threadpool_limits(1):
        wall, cpu = time.perf_counter(), time.process_time()
        nets = fit_many(seeds_first(n_networks, max_iter), X, y)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    measured = {
        "wall": wall / n_networks,
        "cpu": cpu / n_networks,
        "peak": peak_bytes() - before,
        "results": sum(map(result_bytes, nets)),
        "losses": [float(net.loss_curve_[-1]) for net in nets[:N_COMPARED]],
    }
    print(json.dumps(measured))


def in_subprocess(n_networks, max_iter, dtype):
    options = ["--one-size", n_networks, "--max-iter", max_iter, "--dtype", dtype]
    command = [sys.executable, __file__, *map(str, options)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def compare(sizes, max_iter, repeats, dtype):
    """Print cost and memory of each size in one dtype."""
    runs = {size: [] for size in sizes}
    for _ in range(repeats):
        for size in sizes:
            runs[size].append(in_subprocess(size, max_iter, dtype))
    print(f"\n{dtype}: seconds per network and 10,000 updates; MiB above start")
    print("  networks     wall   ratio      cpu   ratio     peak    of it results")
    first = {}
    for size, of_size in runs.items():
        print(f"  {size:8d}", end="")
        for clock in ("wall", "cpu"):
            s = np.median([run[clock] for run in of_size]) * 10_000 / max_iter
            print(f"{s:9.3f}{s / first.setdefault(clock, s):7.2f}x", end="")
        peak, results = (max(run[key] for run in of_size) for key in ("peak", "results"))
        print(f"{peak / MIB:9.1f}{results / MIB:17.1f}")
        assert peak <= 3 * results + 32 * MIB
    losses = np.array([run["losses"] for of_size in runs.values() for run in of_size])
    gap = np.ptp(losses, axis=0).max()
    print(f"  losses of the first networks at all sizes, largest difference: {gap:.1e}")
    assert gap <= 1e-9 or dtype == "float32"


def grid(max_iter):
    """Print wall seconds of the paper's sweep on two processes."""
    print(f"\n{len(SCALES)} scales x 30 seeds, {max_iter} updates, two processes")
    fit_many(sweep(30, 1), *blobs("float32"), n_jobs=2)  # starts the processes
    for dtype in ("float32", "float64"):
        start = time.perf_counter()
        nets = fit_many(sweep(30, max_iter), *blobs(dtype), n_jobs=2)
        s = time.perf_counter() - start
        loss = np.median([net.loss_curve_[-1] for net in nets])
        print(f"  {dtype}{s:8.1f} s, median of the last losses {loss:.3g}")


def main():
    """Print cost and memory against size, or the time of the whole sweep."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[30, 300, 3000])
    parser.add_argument("--max-iter", type=int, help="updates; default 300, of the grid 10,000")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few networks and updates, once")
    parser.add_argument("--grid", action="store_true", help="the whole sweep on two processes")
    parser.add_argument("--one-size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--dtype", default="float32", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one_size:
        return train_one_size(args.one_size, args.max_iter, args.dtype)
    max_iter = args.max_iter or (10_000 if args.grid else 300)
    if args.quick:
        args.sizes, args.repeats, max_iter = [10, 100], 1, 50
    print(f"numpy {np.__version__}, torch {torch.__version__}")
    if args.grid:
        return grid(max_iter)
    print(f"One thread, {max_iter} updates, median of {args.repeats}")
    for dtype in ("float32", "float64"):
        compare(args.sizes, max_iter, args.repeats, dtype)


if __name__ == "__main__":
    main()
