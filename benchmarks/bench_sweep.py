"""Train the sweep of Flesch et al. (2022): as stacks, one by one, and as a NumPy loop.

Three ways to the same networks in one run, one thread each: `fit_many`, the loop over `fit`,
and the paper's update written in NumPy. Ratios are to that in float64, which is what the
published code computes in. Prints seconds per network, ratios, and how far the weights and
losses are apart. Run it on a quiet machine; ratios are good to about a quarter.

    python benchmarks/bench_sweep.py [--per-scale 8] [--max-iter 2000] [--repeats 3]
"""

import argparse
import time

import numpy as np
import torch
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from neuroselect import MultiTaskMLP, fit_many
from neuroselect.datasets import make_context_blobs

SCALES = (0.01, 0.1, 0.2, 0.3, 0.4, 1.0, 2.0, 3.0)
CONTEXT_SCALES = (0.5, 0.5, 0.5, 0.5, 0.5, 0.8, 1.35, 1.5)
RATE = 0.005
DTYPES = (np.float64, np.float32)


def sweep(per_scale, max_iter):
    """Networks of the paper's sweep, ``per_scale`` of each initial scale."""
    return [
        MultiTaskMLP(
            (100,),
            init="normal",
            init_scale=scale,
            context_init_scale=context_scale,
            output_init_scale=0.01,
            bias_init=0.1,
            context_scale=1 / np.sqrt(50),
            reduction="sum",
            solver="sgd",
            learning_rate_init=RATE,
            batch_size=None,
            max_iter=max_iter,
            random_state=seed,
        )
        for scale, context_scale in zip(SCALES, CONTEXT_SCALES, strict=True)
        for seed in range(per_scale)
    ]


def numpy_loop(net, X, y):
    """The published update, one network, from the initial weights of ``net``."""
    stimuli, y = X[:, :-1], y[:, None]
    cue = net.context_scale * np.eye(2, dtype=X.dtype)[X[:, -1].astype(int)]
    w, v = (a.astype(X.dtype) for a in net.initial_coefs_)
    b, c = (a.astype(X.dtype) for a in net.initial_intercepts_)
    u = net.initial_context_coefs_.astype(X.dtype)
    curve = np.empty(net.max_iter, X.dtype)
    for k in range(net.max_iter):
        z = stimuli @ w + cue @ u + b
        h = np.maximum(z, 0)
        error = h @ v + c - y
        curve[k] = 0.5 * (error**2).sum()
        d = (error @ v.T) * (z > 0)
        v -= RATE * h.T @ error
        c -= RATE * error.sum(0)
        w -= RATE * stimuli.T @ d
        u -= RATE * cue.T @ d
        b -= RATE * d.sum(0)
    return w, curve


def numpy_loops(nets, X, y):
    """One after the other, as the published code trains them."""
    return [numpy_loop(net, X, y) for net in nets]


def one_by_one(estimators, X, y):
    """The loop that `fit_many` stands for."""
    return [clone(e).fit(X, y) for e in estimators]


def timed(function, *args):
    """Run and time a function, one thread."""
    with threadpool_limits(1):
        start = time.perf_counter()
        result = function(*args)
        return result, time.perf_counter() - start


def one_round(estimators, few, seconds):
    """Time everything once, both dtypes in turn; return the networks of the last one."""
    trained = {}
    for dtype in DTYPES:
        X, y = (a.astype(dtype) for a in make_context_blobs())
        own = seconds[np.dtype(dtype).name]
        many, t = timed(fit_many, estimators, X, y)
        own["fit_many"].append(t / len(many))
        single, t = timed(one_by_one, [estimators[k] for k in few], X, y)
        own["one by one"].append(t / len(few))
        plain, t = timed(numpy_loops, single, X, y)
        own["NumPy loop"].append(t / len(few))
        trained[dtype] = [many[k] for k in few], single, plain
    return trained


def agreement(dtype, many, single, plain):
    """Print how far apart the networks are, and see to it that it is not far."""
    one = max(abs(a.coefs_[0] - b.coefs_[0]).max() for a, b in zip(many, single, strict=True))
    gaps = [abs(a.loss_curve_ - b[1]) / b[1] for a, b in zip(many, plain, strict=True)]
    early, late = max(g[:100].max() for g in gaps), [g.max() for g in gaps]
    print(f"  fit_many against one by one, largest difference of weights: {one:.1e}")
    print(f"  fit_many against the NumPy loop, losses: {early:.1e} relative in 100 updates,")
    print(f"    {np.median(late):.1e} (median network), {max(late):.1e} (worst) in all")
    assert one <= 1e-10 or dtype is np.float32
    assert early < (1e-9 if dtype is np.float64 else 1e-2)


def main():
    """Print the comparison for float64 and float32."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--per-scale", type=int, default=8)
    parser.add_argument("--max-iter", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    estimators = sweep(args.per_scale, args.max_iter)
    few = range(0, len(estimators), args.per_scale)  # one of each scale, for the loops
    names = [np.dtype(dtype).name for dtype in DTYPES]
    seconds = {n: {"fit_many": [], "one by one": [], "NumPy loop": []} for n in names}
    print(f"{len(estimators)} networks, {args.max_iter} updates, one thread,", end=" ")
    print(f"median of {args.repeats}; numpy {np.__version__}, torch {torch.__version__}")
    for _ in range(args.repeats):
        trained = one_round(estimators, few, seconds)
    published = np.median(seconds["float64"]["NumPy loop"])
    for dtype, name in zip(DTYPES, names, strict=True):
        print(f"\n{name}")
        for way, own in seconds[name].items():
            s = np.median(own)
            print(f"  {way:<11}{s / args.max_iter * 1e4:8.3f} s per network and", end=" ")
            print(f"10,000 updates{published / s:7.1f}x")
        agreement(dtype, *trained[dtype])


if __name__ == "__main__":
    main()
