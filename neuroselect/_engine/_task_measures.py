"""Loss and score of each task, of a stack of networks.

Every measure is a weighted sum over the trials of a task, divided by what it would be for a
reference: the number of trials, or the spread of the targets. Sums are taken in float64 on
the CPU, block of trials by block, in one product for all networks that share their trials.
"""

from __future__ import annotations

import numpy as np
import torch

from neuroselect._engine._losses import LOSSES
from neuroselect._engine._spec import Job, TrainingSpec, Trials

OF_TASKS = ("task_losses", "task_scores", "sign_accuracy")


class TaskMeasures:
    """Measures of networks on their own training trials.

    Parameters
    ----------
    jobs : list of Job
    names : list of str
        Some of `OF_TASKS`.
    """

    def __init__(self, jobs: list[Job], names: list[str]):
        self.n_networks = len(jobs)
        members: dict[int, list[int]] = {}
        for k, job in enumerate(jobs):
            members.setdefault(id(job.trials), []).append(k)
        self.groups = [_Group(jobs[own[0]], own, names) for own in members.values()]
        self.n_tasks = self.groups[0].weight.shape[1]

    def add(self, block: slice, output: np.ndarray) -> None:
        """Take in the outputs (n_networks, n_trials_of_block, n_outputs) to a block of trials."""
        for group in self.groups:
            group.add(block, output[group.networks].astype(np.float64))

    def take(self) -> dict[str, np.ndarray]:
        """Measures of all networks, (n_networks, n_tasks); start again."""
        measures: dict[str, np.ndarray] = {}
        for group in self.groups:
            for name, values in group.take().items():
                rows = measures.setdefault(name, np.empty((self.n_networks, values.shape[1])))
                rows[group.networks] = values
        return measures


class _Group:
    """Networks that share their trials."""

    def __init__(self, job: Job, networks: list[int], names: list[str]):
        self.networks, self.spec = np.array(networks), job.spec
        target = job.trials.target
        self.target = target if target.ndim == 1 else target.astype(np.float64)
        self.weight = _task_weights(job.trials)
        self.references = {name: self._reference(name) for name in names}
        self.sums = dict.fromkeys(names, 0.0)

    def add(self, block, output):
        weight = self.weight[block]
        for name in self.sums:
            terms = _terms(name, self.spec, output, self.target[block])
            self.sums[name] = self.sums[name] + np.einsum("bnk,nt->btk", terms, weight)

    def take(self):
        measures = {name: self._measure(name, total) for name, total in self.sums.items()}
        self.sums = dict.fromkeys(self.sums, 0.0)
        return measures

    def _measure(self, name, total):
        reference = self.references[name]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = total / reference
        if not _is_r2(name, self.spec):
            return ratio[..., 0]
        # As scikit-learn does for a constant target: perfect or worthless.
        constant = np.where(total > 0, 0.0, 1.0)
        r2 = np.where(reference > 0, 1 - ratio, constant).mean(-1)
        return np.where((self.weight > 0).sum(0) > 1, r2, np.nan)

    def _reference(self, name):
        """What sums are divided by, (n_tasks, 1) or (n_tasks, n_outputs)."""
        weight, target = self.weight, self.target
        total = weight.sum(0)[:, None]
        if name == "task_losses" and self.spec.reduction == "sum":
            return (total > 0).astype(float)
        if _is_sign_accuracy(name, self.spec):
            return weight.T @ np.count_nonzero(target, axis=1)[:, None]
        if not _is_r2(name, self.spec):
            return total
        with np.errstate(invalid="ignore"):
            mean = (weight.T @ target) / total
        deviations = (target[:, None] - mean) ** 2  # (n_trials, n_tasks, n_outputs)
        return np.einsum("nto,nt->to", deviations, weight)


def _task_weights(trials: Trials) -> np.ndarray:
    """Weight of each trial in the sums of each task, (n_trials, n_tasks)."""
    n_tasks = trials.task.max() + 1 if trials.tasks is None else len(trials.tasks)
    weights = np.zeros((len(trials.task), n_tasks))
    own = 1.0 if trials.weight is None else trials.weight
    weights[np.arange(len(weights)), trials.task] = own
    return weights


def _is_r2(name, spec: TrainingSpec) -> bool:
    return name == "task_scores" and spec.loss == "squared_error"


def _is_sign_accuracy(name, spec: TrainingSpec) -> bool:
    return name == "sign_accuracy" or (name == "task_scores" and spec.loss == "expected_reward")


def _terms(name, spec: TrainingSpec, output, target) -> np.ndarray:
    """What each trial adds: (n_networks, n_trials, 1), or one column per output."""
    if name == "task_losses":
        losses = LOSSES[spec.loss].of_trials(torch.from_numpy(output), torch.from_numpy(target))
        return losses.numpy()[..., None]
    if _is_sign_accuracy(name, spec):
        right = (np.sign(output) == np.sign(target)) & (target != 0)
        return right.sum(-1, keepdims=True).astype(np.float64)
    if _is_r2(name, spec):
        return (output - target) ** 2
    return (output.argmax(-1) == target)[..., None].astype(np.float64)
