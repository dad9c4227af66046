"""Record the state of a stack of networks while it trains."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from neuroselect._engine._batches import FullBatch, MiniBatches
from neuroselect._engine._passes import forward
from neuroselect._engine._spec import Job, TrainingSpec
from neuroselect._engine._stack import Stack
from neuroselect._engine._task_measures import OF_TASKS, TaskMeasures

OF_WEIGHTS = ("weight_norms", "weight_distances")
RECORDABLE = (*OF_TASKS, *OF_WEIGHTS, "activations")

# Trials whose activity is held at once; the same for any stack, as are its results.
BLOCK_TRIALS = 256


def recorded_passes(spec: TrainingSpec) -> list[int]:
    """Numbers of passes after which the state is recorded; 0 is before training."""
    every = spec.record.every
    if isinstance(every, tuple):
        return list(every)
    return sorted({*range(0, spec.max_iter, every), spec.max_iter})


def activity_bytes(spec: TrainingSpec) -> int:
    """Bytes of the activity that is recorded of one network."""
    if spec.record is None or "activations" not in spec.record.names:
        return 0
    n_values = len(recorded_passes(spec)) * spec.n_trials * spec.network.hidden[-1]
    return n_values * np.dtype(spec.dtype).itemsize


def history_bytes(job: Job) -> int:
    """Bytes of all that is recorded of one network, at most."""
    if job.spec.record is None:
        return 0
    network = job.spec.network
    n_layers = network.n_conv + network.n_weights + 1
    width = 1 + len(OF_TASKS) * max(1, network.n_tasks) + len(OF_WEIGHTS) * n_layers
    return activity_bytes(job.spec) + 8 * width * len(recorded_passes(job.spec))


def make_recorder(stack: Stack, jobs: list[Job], batches, settle) -> Recorder | None:
    """Return what records the networks of the stack, or None."""
    return None if jobs[0].spec.record is None else Recorder(stack, jobs, batches, settle)


class Recorder:
    """Histories of networks, filled while these train.

    Parameters
    ----------
    stack : Stack
        Its first networks are those of the jobs; idle ones behind them are not recorded.
    jobs : list of Job
    batches : FullBatch or MiniBatches
        Where the stack's trials are.
    settle : callable
        Makes the stack's weights true; called before each record.
    """

    def __init__(
        self,
        stack: Stack,
        jobs: list[Job],
        batches: FullBatch | MiniBatches,
        settle: Callable[[], None],
    ):
        self.stack, self.batches, self.spec = stack, batches, jobs[0].spec
        self.settle, self.passes = settle, set(recorded_passes(self.spec))
        names = self.spec.record.names
        self.histories: list[dict] = [{name: [] for name in ("passes", *names)} for _ in jobs]
        if "activations" in names:
            shape = len(self.passes), self.spec.n_trials, self.spec.network.hidden[-1]
            for history in self.histories:
                history["activations"] = np.empty(shape, self.spec.dtype)
        of_tasks = [name for name in names if name in OF_TASKS]
        self.tasks = TaskMeasures(jobs, of_tasks) if of_tasks else None
        self.origin = _origin(stack, jobs) if "weight_distances" in names else None

    def after(self, number: int) -> None:
        """Record the networks after ``number`` passes, if that is due."""
        if number in self.passes:
            self.settle()
            rows = self._of_weights() | self._of_trials()
            for k, history in enumerate(self.histories):
                history["passes"].append(number)
                for name, values in rows.items():
                    history[name].append(values[k])

    def finished(self) -> list[dict[str, np.ndarray]]:
        """Histories of the networks, arrays with the records along the first axis."""
        return [{k: np.asarray(v) for k, v in history.items()} for history in self.histories]

    def _of_weights(self) -> dict[str, np.ndarray]:
        """Frobenius norms of each layer's weights, then of the cue's: (n_networks, n_layers)."""
        names, rows = self.spec.record.names, {}
        if "weight_norms" in names:
            rows["weight_norms"] = _norms(_matrices(self.stack))
        if "weight_distances" in names:
            pairs = zip(_matrices(self.stack), self.origin, strict=True)
            rows["weight_distances"] = _norms([now - then for now, then in pairs])
        return rows

    def _of_trials(self) -> dict[str, np.ndarray]:
        """Keep the activity; return what is measured on the outputs, (n_networks, n_tasks)."""
        keep, row = "activations" in self.spec.record.names, len(self.histories[0]["passes"])
        if self.tasks is None and not keep:
            return {}
        for start in range(0, self.spec.n_trials, BLOCK_TRIALS):
            block = slice(start, start + BLOCK_TRIALS)
            hidden, output = forward(self.stack, self.batches.block(block).inputs)
            if self.tasks is not None:
                self.tasks.add(block, output.cpu().numpy())
            if keep:
                activity = hidden[-1].cpu().numpy()
                for history, own in zip(self.histories, activity, strict=False):
                    history["activations"][row, block] = own
        return self.tasks.take() if self.tasks is not None else {}


def _matrices(stack: Stack) -> list[torch.Tensor]:
    """Weights of every layer, then the cue's, without intercepts; networks first."""
    matrices = [layer.coefs for layer in stack.conv_layers + stack.layers]
    return matrices + [layer.context for layer in stack.layers if layer.context is not None]


def _origin(stack: Stack, jobs: list[Job]) -> list[torch.Tensor]:
    """Initial weights, as `_matrices`, idle networks included."""
    initial = [job.initial for job in jobs]
    initial += initial[-1:] * (stack.n_networks - len(jobs))
    start = Stack(
        stack.network,
        initial,
        shared=stack.shared,
        dtype=stack.theta.dtype,
        device=str(stack.theta.device),
    )
    return _matrices(start)


def _norms(matrices: list[torch.Tensor]) -> np.ndarray:
    exact = torch.float32 if matrices[0].device.type == "mps" else torch.float64
    norms = [torch.linalg.vector_norm(m.flatten(1), dim=1, dtype=exact) for m in matrices]
    return torch.stack(norms, 1).cpu().numpy().astype(np.float64)
