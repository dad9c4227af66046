"""Record the state of a stack of networks while it trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    every, start, stop = spec.record.every, spec.n_before, spec.n_before + spec.n_passes
    if isinstance(every, tuple):
        passes = {p for p in every if start <= p <= stop}
    else:
        passes = {start, *range(start + -start % every, stop + 1, every)}
        if not spec.one_pass or stop % spec.max_iter == 0:
            passes.add(stop)
    return sorted(passes if spec.record.afresh else passes - {start})


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
        passes, names = recorded_passes(self.spec), self.spec.record.names
        self.settle, self.passes = settle, set(passes)
        of_tasks = [name for name in names if name in OF_TASKS]
        self.tasks = TaskMeasures(jobs, of_tasks) if of_tasks else None
        self.origin = _origin(stack, jobs) if "weight_distances" in names else None
        shapes = {name: self._shape(name) for name in names}
        self.histories = [
            {
                name: np.empty((len(passes), *shape), dtype)
                for name, (shape, dtype) in shapes.items()
            }
            for _ in jobs
        ]
        self.recorded: list[list[int]] = [[] for _ in jobs]
        self.running = list(range(len(jobs)))
        self.after(self.spec.n_before)

    def after(self, number: int, stopped: Sequence[int] = ()) -> None:
        """Record the networks after ``number`` passes, if that is due.

        Those that have ``stopped`` are recorded for the last time, as after the last pass.
        """
        due = self.running
        if number not in self.passes:
            due = [] if isinstance(self.spec.record.every, tuple) else list(stopped)
        if due:
            self.settle()
            rows = self._of_weights() | self._of_trials(due)
            for k in due:
                for name, values in rows.items():
                    self.histories[k][name][len(self.recorded[k])] = values[k]
                self.recorded[k].append(number)
        self.running = [k for k in self.running if k not in stopped]

    def finished(self) -> list[dict[str, np.ndarray]]:
        """Histories of the networks, arrays with the records along the first axis."""
        return [
            {"passes": np.array(passes, dtype=np.int64)}
            | {name: values[: len(passes)] for name, values in history.items()}
            for passes, history in zip(self.recorded, self.histories, strict=True)
        ]

    def _shape(self, name):
        """Shape and dtype of one record."""
        if name == "activations":
            return (self.spec.n_trials, self.spec.network.hidden[-1]), self.spec.dtype
        if name in OF_TASKS:
            return (self.tasks.n_tasks,), "float64"
        return (len(_matrices(self.stack)),), "float64"

    def _of_weights(self) -> dict[str, np.ndarray]:
        """Frobenius norms of each layer's weights, then of the cue's: (n_networks, n_layers)."""
        names, rows = self.spec.record.names, {}
        if "weight_norms" in names:
            rows["weight_norms"] = _norms(_matrices(self.stack))
        if "weight_distances" in names:
            pairs = zip(_matrices(self.stack), self.origin, strict=True)
            rows["weight_distances"] = _norms([now - then for now, then in pairs])
        return rows

    def _of_trials(self, due: list[int]) -> dict[str, np.ndarray]:
        """Keep the activity; return what is measured on the outputs, (n_networks, n_tasks)."""
        keep = "activations" in self.spec.record.names
        if self.tasks is None and not keep:
            return {}
        for start in range(0, self.spec.n_trials, BLOCK_TRIALS):
            block = slice(start, start + BLOCK_TRIALS)
            hidden, output = forward(self.stack, self.batches.block(block).inputs)
            if self.tasks is not None:
                self.tasks.add(block, output.cpu().numpy())
            if keep:
                activity = hidden[-1].cpu().numpy()
                for k in due:
                    self.histories[k]["activations"][len(self.recorded[k]), block] = activity[k]
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
