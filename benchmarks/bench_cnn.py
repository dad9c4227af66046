"""Train convolutional networks: as stacks, alone, and as a loop of plain PyTorch.

The published network for digits (4 and 12 channels, 16 units), MNIST-sized images of noise or
8 x 8 digits, four tasks, batches of 64. In one run, one thread each, interleaved: `fit_many`;
`MultiTaskCNNClassifier.fit`; the loop that researchers write (nn.Module, autograd,
torch.optim.Adam), with all tensors made before it. All start from the same weights and see the same
batches. Prints milliseconds per step and network, ratios, and how far weights are apart in float64.

    python benchmarks/bench_cnn.py [--networks 10] [--repeats 5] [--quick]
"""

import argparse
import time

import numpy as np
import torch
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_limits
from torch import nn

from neuroselect import MultiTaskCNNClassifier, fit_many
from neuroselect.curricula import Interleaved
from neuroselect.datasets import make_digit_tasks

BATCH, N_TASKS = 64, 4


def images(side, n_trials, dtype):
    """Trials whose images have the given side: digits of 8 x 8, noise otherwise."""
    if side == 8:
        X, y = make_digit_tasks(n_trials=n_trials, random_state=0)
        return X.astype(dtype), y
    rng = np.random.default_rng(0)
    task = np.arange(n_trials) % N_TASKS
    X = np.column_stack([rng.uniform(size=(n_trials, side**2)), task]).astype(dtype)
    return X, rng.integers(2, size=n_trials)


class Network(nn.Module):
    """The network as researchers write it."""

    def __init__(self, side):
        super().__init__()
        self.side, padding = side, int(side == 8)
        self.conv1 = nn.Conv2d(1, 4, 3, padding=padding)
        self.conv2 = nn.Conv2d(4, 12, 3, padding=padding)
        self.pool = nn.MaxPool2d(2)
        self.hidden = nn.Linear((48 if side == 8 else 300) + N_TASKS, 16)
        self.out = nn.Linear(16, 2)

    def forward(self, x, cue):
        """Logits of a batch of images (n_trials, 1, side, side) and one-hot tasks."""
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.cat([x.flatten(1), cue], 1)
        return self.out(torch.relu(self.hidden(x)))

    def start_from(self, net):
        """Take over the initial weights of a `MultiTaskCNNClassifier`."""
        first = np.vstack([net.initial_coefs_[0], net.initial_context_coefs_])
        weights = [*net.initial_conv_coefs_, first.T, net.initial_coefs_[1].T]
        biases = [*net.initial_conv_intercepts_, *net.initial_intercepts_]
        layers = [self.conv1, self.conv2, self.hidden, self.out]
        with torch.no_grad():
            for layer, weight, bias in zip(layers, weights, biases, strict=True):
                layer.weight.copy_(torch.tensor(weight))
                layer.bias.copy_(torch.tensor(bias))


def batches_of(net, task):
    """Trials of each step of a network: its seed's second child orders them."""
    seed = check_random_state(net.random_state).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[1])
    passes = Interleaved()(task, batch_size=BATCH, max_iter=net.max_iter, rng=rng)
    return [torch.as_tensor(step) for steps in passes for step in steps]


def loop(net, X, y):
    """Train one network from the initial weights of ``net`` on its batches; seconds, weights."""
    side = int(np.sqrt(X.shape[1] - 1))
    model = Network(side).to(torch.tensor(X[:1]).dtype)
    model.start_from(net)
    pixels = torch.tensor(X[:, :-1]).view(-1, 1, side, side)
    cue = torch.tensor(np.eye(N_TASKS, dtype=X.dtype)[X[:, -1].astype(int)])
    target = torch.tensor(np.searchsorted(np.unique(y), y))
    steps, criterion = batches_of(net, X[:, -1]), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=net.learning_rate_init)
    start = time.perf_counter()
    for step in steps:
        optimizer.zero_grad()
        criterion(model(pixels[step], cue[step]), target[step]).backward()
        optimizer.step()
    seconds = time.perf_counter() - start
    kernels = [model.conv1.weight, model.conv2.weight]
    return seconds, [k.detach().numpy() for k in kernels]


def timed(function, *arguments):
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def compare(side, dtype, n_networks, n_trials, n_passes, repeats):
    """Print one row of the table."""
    X, y = images(side, n_trials, dtype)
    nets = [MultiTaskCNNClassifier(max_iter=n_passes, random_state=k) for k in range(n_networks)]
    n_steps = n_passes * -(-len(X) // BATCH)
    times = []
    for _ in range(repeats):
        of_stack, fitted = timed(fit_many, nets, X, y)
        of_one, alone = timed(nets[0].fit, X, y)
        of_loop, kernels = loop(alone, X, y)
        times.append((of_stack / n_networks, of_one, of_loop))
    stack, one, of_loop = np.median(times, axis=0) / n_steps * 1e3
    ratios = np.median([(c / a, c / b) for a, b, c in times], axis=0)
    apart = max(np.abs(a - b).max() for a, b in zip(fitted[0].conv_coefs_, kernels, strict=True))
    print(
        f"{side:>3} x {side:<3} {dtype:<8} {stack:8.2f} {one:8.2f} {of_loop:8.2f}"
        f" {ratios[0]:9.1f}x {ratios[1]:7.1f}x {apart:10.0e}"
    )


def main():
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    n_trials = 640 if arguments.quick else 1600
    print(f"{arguments.networks} networks, {2 * n_trials // BATCH} steps, medians of", end=" ")
    print(f"{arguments.repeats}; milliseconds per step and network, ratios to the loop\n")
    print(f"{'images':<9} {'dtype':<8} {'stack':>8} {'alone':>8} {'loop':>8}", end=" ")
    print(f"{'stack':>10} {'alone':>8} {'weights':>10}")
    with threadpool_limits(1):
        for side in (8, 28):
            for dtype in ("float32", "float64"):
                compare(side, dtype, arguments.networks, n_trials, 2, arguments.repeats)


if __name__ == "__main__":
    main()
