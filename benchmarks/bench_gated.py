"""Train networks with Hebbian context gating, one trial a step: together, and as loops.

The blobs task in two blocks (Flesch et al. 2023): 100 hidden units, gradient of the expected
reward, and after every step Oja's rule on the context weights; inputs centred, with and without a
sluggish task signal. `fit_many` trains all networks as one stack; loops train one network after
the other: in NumPy, with the arithmetic of a step written out for speed, and in PyTorch with
autograd, as published code has it. One thread. Prints microseconds per network and step, how many
times slower the loops are, and how far their weights are apart from the stack's, which begin with
the same weights and see the same order of trials. Run it on a quiet machine; ratios are good to
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
N_STIMULI = X.shape[1] - 1


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


def shown_inputs(net):
    """Centred inputs and reward of each step, the task signal sluggish."""
    order = order_of_trials(net)
    inputs = np.hstack([X[:, :-1], np.eye(2)[X[:, -1].astype(int)]])
    mean = inputs.mean(0)
    shown = inputs[order]
    if net.sluggishness < 1:
        signal = shown[0, N_STIMULI:]
        for cue in shown[:, N_STIMULI:]:
            signal = net.sluggishness * cue + (1 - net.sluggishness) * signal
            cue[:] = signal
    return shown - mean, REWARD[order]


def in_numpy(net):
    """Train one network from the initial weights of ``net``, trial by trial."""
    W = np.vstack([net.initial_coefs_[0], net.initial_context_coefs_])
    b, w = net.initial_intercepts_[0].copy(), net.initial_coefs_[1][:, 0].copy()
    c, rate, context = net.initial_intercepts_[1][0], net.learning_rate_init, W[N_STIMULI:]
    for x, reward in zip(*shown_inputs(net), strict=True):
        h = np.maximum(x @ W + b, 0)
        p = 1 / (1 + np.exp(-(h @ w + c)))
        slope = -rate * p * (1 - p) * reward
        delta = slope * w * (h > 0)
        w -= slope * h
        c -= slope
        b -= delta
        W -= x[:, None] * delta
        cue = x[N_STIMULI:]
        u = cue @ context
        context += net.hebbian_rate * (cue[:, None] - u * context) * u
    return W, b, w, c


def in_pytorch(net):
    """Train it with autograd, and the rule on what that leaves."""
    start = [np.vstack([net.initial_coefs_[0], net.initial_context_coefs_])]
    start += [net.initial_intercepts_[0], net.initial_coefs_[1], net.initial_intercepts_[1]]
    W, b, w, c = parameters = [torch.tensor(a, requires_grad=True) for a in start]
    for x, reward in zip(*map(torch.tensor, shown_inputs(net)), strict=True):
        loss = -torch.sigmoid(torch.relu(x @ W + b) @ w + c) * reward
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= net.learning_rate_init * p.grad
                p.grad.zero_()
            cue, context = x[N_STIMULI:], W[N_STIMULI:]
            u = cue @ context
            context += net.hebbian_rate * u * (cue[:, None] - u * context)
    W, b, w, c = (p.detach().numpy() for p in parameters)
    return W, b, w[:, 0], c


LOOPS = {"NumPy": in_numpy, "PyTorch": in_pytorch}


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
    """Print times, their ratios and the agreement."""
    nets = networks(n_networks, n_passes, sluggishness)
    for warm in fit_many(networks(2, 1, sluggishness), X, REWARD):  # what comes late is loaded
        in_pytorch(warm)
    seconds = {"fit_many": []} | {name: [] for name in LOOPS}
    for _ in range(repeats):
        fitted, s = timed(fit_many, nets, X, REWARD)
        seconds["fit_many"].append(s / n_networks)
        loops = []
        for name, loop in LOOPS.items():
            trained, s = timed(lambda f=loop, n=fitted: [f(net) for net in n[:n_loops]])
            seconds[name].append(s / n_loops)
            loops += zip(fitted, trained, strict=False)
    together, *alone = (1e6 * np.median(s) / (50 * n_passes) for s in seconds.values())
    gaps, moves = zip(*(apart(*pair) for pair in loops), strict=True)
    print(f"  sluggishness {sluggishness:<4} fit_many {together:6.1f} us", end="")
    for name, each in zip(LOOPS, alone, strict=True):
        print(f", {name} {each:6.1f} us ({each / together:.1f}x)", end="")
    print(f"; weights apart by {max(gaps):.1e} (context weights moved by {max(moves):.1e})")
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
