"""Train networks of four hidden layers with Adam: as stacks, and as loops of plain PyTorch.

Two arithmetic tasks, 4 x 100 units, batches of 10 drawn afresh at each of 1,000 steps, data of its
own for each network. Three ways in one run, one thread each: `fit_many`; the loop that researchers
write (NumPy draws a batch, which becomes tensors; autograd; torch.optim.Adam; float32); the same
with all draws and tensors made before the loop and fused Adam. Prints seconds per network, ratios,
how far float64 weights are apart from those of a loop with the same initial weights and batches,
and seconds for many seeds on two processes. Run it on a quiet machine; ratios are good to about a
quarter.

    python benchmarks/bench_adam.py [--networks 30] [--loops 3] [--repeats 3] [--quick]
"""

import argparse
import time

import numpy as np
import torch
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_limits
from torch import nn

from neuroselect import MultiTaskMLP, fit_many
from neuroselect.curricula import Resampled
from neuroselect.datasets import make_arithmetic_tasks

WIDTH, N_HIDDEN, N_TRIALS, BATCH, N_EPOCHS, RATE = 100, 4, 1000, 10, 10, 1e-3


def seeds_and_data(n_networks, n_epochs, dtype):
    """One network per seed, the data of all of them, and the rows of each."""
    nets = [
        MultiTaskMLP(
            (WIDTH,) * N_HIDDEN,
            init="torch",
            output_activation="relu",
            learning_rate_init=RATE,
            batch_size=BATCH,
            max_iter=n_epochs,
            curriculum="resampled",
            random_state=seed,
        )
        for seed in range(n_networks)
    ]
    draws = [make_arithmetic_tasks(N_TRIALS, random_state=seed) for seed in range(n_networks)]
    X, y = (np.concatenate(parts).astype(dtype) for parts in zip(*draws, strict=True))
    return nets, X, y, [np.arange(N_TRIALS) + N_TRIALS * k for k in range(n_networks)]


def as_stacks(n_networks, n_epochs, dtype, n_jobs=None):
    nets, X, y, rows = seeds_and_data(n_networks, n_epochs, dtype)
    return fit_many(nets, X, y, indices=rows, n_jobs=n_jobs)


class Network(nn.Module):
    """The network as researchers write it."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, WIDTH)
        self.fc2 = nn.Linear(WIDTH, WIDTH)
        self.fc3 = nn.Linear(WIDTH, WIDTH)
        self.fc4 = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, 1)
        for layer in self.layers():
            nn.init.zeros_(layer.bias)

    def layers(self):
        """From the first to the output's."""
        return self.fc1, self.fc2, self.fc3, self.fc4, self.out

    def forward(self, x):
        """ReLU everywhere, at the output as well."""
        for layer in self.layers():
            x = torch.relu(layer(x))
        return x


def with_cue(X):
    """Numbers and the one-hot task."""
    return np.hstack([X[:, :2], np.eye(2)[X[:, 2].astype(int)]])


def as_researchers_write_it(seed, n_epochs):
    """Train one network, data included; float32."""
    X, y = make_arithmetic_tasks(N_TRIALS, random_state=seed)
    X = with_cue(X)
    torch.manual_seed(seed)
    random = np.random.RandomState(seed)
    model, criterion = Network(), nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    losses = []
    for _ in range(n_epochs):
        for _ in range(N_TRIALS // BATCH):
            rows = random.choice(N_TRIALS, BATCH, replace=False)
            inputs = torch.from_numpy(X[rows]).float()
            target = torch.from_numpy(y[rows]).float().unsqueeze(1)
            optimizer.zero_grad()
            loss = criterion(model(inputs), target)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return model, losses


def batches_of(net):
    """Trials of each step of a network, (n_steps, BATCH): its seed's second child draws them."""
    seed = check_random_state(net.random_state).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[1])
    task = np.zeros(N_TRIALS)
    return np.concatenate(list(Resampled()(task, batch_size=BATCH, max_iter=net.max_iter, rng=rng)))


def tidy_loop(net, dtype, fused=True):
    """Train one network from the initial weights of ``net``, on its data and batches."""
    X, y = make_arithmetic_tasks(N_TRIALS, random_state=net.random_state)
    X, y = torch.tensor(with_cue(X.astype(dtype)), dtype=dtype_of(dtype)), torch.tensor(y)
    X, y = X[batches_of(net)], y.to(X.dtype)[batches_of(net), None]
    model = Network().to(X.dtype)
    first = np.vstack([net.initial_coefs_[0], net.initial_context_coefs_])
    for layer, coefs in zip(model.layers(), [first, *net.initial_coefs_[1:]], strict=True):
        layer.weight.data = torch.tensor(coefs.T.copy(), dtype=X.dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=fused)
    for inputs, target in zip(X, y, strict=True):
        optimizer.zero_grad()
        loss = 0.5 * (model(inputs) - target).square().mean()
        loss.backward()
        optimizer.step()
    return model


def dtype_of(dtype):
    return {np.float32: torch.float32, np.float64: torch.float64}[dtype]


def timed(function, *args):
    """Run and time a function, one thread."""
    with threadpool_limits(1):
        start = time.perf_counter()
        result = function(*args)
        return result, time.perf_counter() - start


def compare(n_networks, n_loops, n_epochs, repeats):
    """Print times and ratios; return the float64 networks."""
    seconds, trained = {}, {}

    def measure(name, n, function, *args):
        result, s = timed(function, *args)
        seconds.setdefault(name, []).append(s / n)
        return result

    as_researchers_write_it(0, 1)  # the first steps load what torch loads late
    tidy_loop(as_stacks(1, 1, np.float32)[0], np.float32)
    for _ in range(repeats):
        measure("as researchers write it, float32", n_loops, lambda: [
            as_researchers_write_it(seed, n_epochs) for seed in range(n_loops)
        ])  # fmt: skip
        for dtype in (np.float32, np.float64):
            name = np.dtype(dtype).name
            trained[dtype] = nets = measure(
                f"fit_many, {name}", n_networks, as_stacks, n_networks, n_epochs, dtype
            )
            measure(f"fused Adam, tensors at once, {name}", n_loops, lambda d=dtype, nets=nets: [
                tidy_loop(net, d) for net in nets[:n_loops]
            ])  # fmt: skip
    median = {name: np.median(s) for name, s in seconds.items()}
    published = median["as researchers write it, float32"]
    for name, s in median.items():
        print(f"  {name:38s}{s:8.3f} s per network{published / s:7.1f}x")
    return trained[np.float64]


def agreement(nets):
    """Print the largest difference of float64 weights from a loop with the usual Adam."""
    gap, moved = 0.0, 0.0
    for net in nets:
        model = tidy_loop(net, np.float64, fused=False)
        coefs = [np.vstack([net.coefs_[0], net.context_coefs_]), *net.coefs_[1:]]
        for layer, w, b in zip(model.layers(), coefs, net.intercepts_, strict=True):
            gap = max(gap, abs(layer.weight.detach().numpy().T - w).max())
            gap = max(gap, abs(layer.bias.detach().numpy() - b).max())
        moved = max(moved, abs(net.coefs_[1] - net.initial_coefs_[1]).max())
    print(f"  float64 weights of {len(nets)} networks against the loop: {gap:.1e}", end=" ")
    print(f"(in training they moved by up to {moved:.1e})")
    assert moved > 1e-3
    assert gap <= 1e-10


def many_seeds(n_networks, n_epochs):
    """Print wall seconds on two processes, data and initial weights included."""
    _, start = timed(as_stacks, 60, 1, np.float32, 2)
    print(f"{n_networks} seeds on two processes ({start:.1f} s before that, to start them)")
    for dtype in (np.float32, np.float64):
        _, s = timed(as_stacks, n_networks, n_epochs, dtype, 2)
        print(f"  {np.dtype(dtype).name}{s:8.1f} s")


def main():
    """Print the comparison, the agreement and the time of many seeds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", type=int, default=30, help="in the stacks that are timed")
    parser.add_argument("--loops", type=int, default=3, help="networks that loops train")
    parser.add_argument("--seeds", type=int, default=100, help="networks on two processes")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one epoch, few networks, once")
    args = parser.parse_args()
    n_epochs = N_EPOCHS
    if args.quick:
        n_epochs, args.repeats, args.loops, args.networks, args.seeds = 1, 1, 1, 8, 30
    torch.set_num_threads(1)
    n_steps = n_epochs * N_TRIALS // BATCH
    print(
        f"{args.networks} networks ({args.loops} in loops), {n_steps} steps, one thread,", end=" "
    )
    print(f"median of {args.repeats}; numpy {np.__version__}, torch {torch.__version__}")
    nets = compare(args.networks, args.loops, n_epochs, args.repeats)
    agreement(nets[: max(2, args.loops)])
    many_seeds(args.seeds, n_epochs)


if __name__ == "__main__":
    main()
