"""Train networks with Hebbian context gating, one trial a step: together, and as NumPy loops.

The blobs task in two blocks (Flesch et al. 2023): 100 hidden units, gradient of the expected
reward, and after every step Oja's rule on the context weights; a sluggish task signal and all
inputs centred. `fit_many` trains all networks as one stack; the loop trains one network after the
other, with the arithmetic of a step in NumPy as one would write it for speed. One thread. Prints
seconds per network, their ratio, and how far the weights are apart from those of loops with the
same initial weights and the same order of trials. Run it on a quiet machine; ratios are good to
about a quarter.

    python benchmarks/bench_gated.py [--networks 20] [--loops 3] [--passes 200] [--repeats 3]
"""

import argparse
import time

import numpy as np
import torch
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_limits

from neuroselect import ContextGatedRegressor, fit_many
from neuroselect.curricula import Blocked
from neuroselect.datasets import make_context_blobs

X, REWARD = make_context_blobs(normalize=False)


def networks(n_networks, n_passes, sluggishness):
    """One network per seed; as many passes over each of the two tasks."""
    return [
        ContextGatedRegressor(
            gating="oja",
            hebbian_rate=0.05,
            sluggishness=sluggishness,
            center_inputs=True,
            init="normal",
            init_scale=0.01,
            output_init_scale=0.1,
            bias_init=0.1,
            loss="expected_reward",
            solver="sgd",
            learning_rate_init=0.03,
            batch_size=1,
            max_iter=2 * n_passes,
            curriculum="blocked",
            random_state=seed,
        )
        for seed in range(n_networks)
    ]


def order_of_trials(net):
    """Trial of each step: the second child of a network's seed draws them."""
    seed = check_random_state(net.random_state).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[1])
    passes = Blocked()(X[:, -1], batch_size=1, max_iter=net.max_iter, rng=rng)
    return np.concatenate([step for steps in passes for step in steps])


def as_a_loop(net):
    """Train one network from the initial weights of ``net``, trial by trial."""
    order, n_stimuli = order_of_trials(net), X.shape[1] - 1
    inputs = np.hstack([X[:, :-1], np.eye(2)[X[:, -1].astype(int)]])
    mean = inputs.mean(0)
    shown = inputs[order]
    if net.sluggishness < 1:
        signal = shown[0, n_stimuli:]
        for cue in shown[:, n_stimuli:]:
            signal = net.sluggishness * cue + (1 - net.sluggishness) * signal
            cue[:] = signal
    shown -= mean
    W = np.vstack([net.initial_coefs_[0], net.initial_context_coefs_])
    b, w = net.initial_intercepts_[0].copy(), net.initial_coefs_[1][:, 0].copy()
    c, rate, context = net.initial_intercepts_[1][0], net.learning_rate_init, W[n_stimuli:]
    for x, reward in zip(shown, REWARD[order], strict=True):
        h = np.maximum(x @ W + b, 0)
        p = 1 / (1 + np.exp(-(h @ w + c)))
        slope = -rate * p * (1 - p) * reward
        delta = slope * w * (h > 0)
        w -= slope * h
        c -= slope
        b -= delta
        W -= x[:, None] * delta
        cue = x[n_stimuli:]
        u = cue @ context
        context += net.hebbian_rate * (cue[:, None] - u * context) * u
    return W, b, w, c


def apart(net, loop):
    """Largest difference of any weight, and how far training moved the context weights."""
    W, b, w, c = loop
    own = np.vstack([net.coefs_[0], net.context_coefs_])
    gaps = [own - W, net.intercepts_[0] - b, net.coefs_[1][:, 0] - w, net.intercepts_[1] - c]
    moved = abs(net.context_coefs_ - net.initial_context_coefs_).max()
    return max(abs(gap).max() for gap in gaps), moved


def timed(function, *args):
    """Run and time a function, one thread."""
    with threadpool_limits(1):
        start = time.perf_counter()
        result = function(*args)
        return result, time.perf_counter() - start


def compare(n_networks, n_loops, n_passes, repeats, sluggishness):
    """Print times, their ratio and the agreement."""
    nets = networks(n_networks, n_passes, sluggishness)
    fit_many(networks(2, 1, sluggishness), X, REWARD)  # the first steps load what comes late
    seconds = {"fit_many": [], "loop": []}
    for _ in range(repeats):
        fitted, s = timed(fit_many, nets, X, REWARD)
        seconds["fit_many"].append(s / n_networks)
        loops, s = timed(lambda fitted=fitted: [as_a_loop(net) for net in fitted[:n_loops]])
        seconds["loop"].append(s / n_loops)
    together, alone = (np.median(seconds[name]) for name in ("fit_many", "loop"))
    gaps, moves = zip(*map(apart, fitted, loops), strict=False)
    print(f"  sluggishness {sluggishness:<5} fit_many {together:7.3f} s per network,", end=" ")
    print(f"loop {alone:7.3f} s: {alone / together:5.1f}x;", end=" ")
    print(f"weights apart by {max(gaps):.1e} (context weights moved by {max(moves):.1e})")
    assert max(moves) > 0.1
    assert max(gaps) <= 1e-10


def main():
    """Print the comparison, with and without a sluggish task signal."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", type=int, default=20, help="that train as one stack")
    parser.add_argument("--loops", type=int, default=3, help="networks that loops train")
    parser.add_argument("--passes", type=int, default=200, help="over each of the two tasks")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    n_steps = 50 * args.passes
    print(
        f"{args.networks} networks ({args.loops} in loops), {n_steps} steps of one trial,", end=" "
    )
    print(
        f"one thread, median of {args.repeats}; numpy {np.__version__}, torch {torch.__version__}"
    )
    for sluggishness in (1.0, 0.1):
        compare(args.networks, args.loops, args.passes, args.repeats, sluggishness)


if __name__ == "__main__":
    main()
