"""What networks must share to be stacked, and what each brings of its own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuroselect.consolidation import EWC, SynapticIntelligence
from neuroselect.curricula import Curriculum


class NetworkSpec(NamedTuple):
    """Shape and non-linearities of a multi-layer perceptron with a task cue."""

    n_features: int
    n_tasks: int  # 0: no cue
    hidden: tuple[int, ...]
    n_outputs: int
    context_layer: int
    context_scale: float
    activation: str
    output_activation: str

    @property
    def sizes(self) -> tuple[int, ...]:
        """Layer sizes from the stimulus to the output."""
        return (self.n_features, *self.hidden, self.n_outputs)

    @property
    def n_weights(self) -> int:
        """Number of weight matrices, the cue's aside."""
        return len(self.hidden) + 1

    @property
    def cue_enters_input(self) -> bool:
        """Whether the cue is part of the first layer's input."""
        return self.n_tasks > 0 and self.context_layer == 0


class RecordSpec(NamedTuple):
    """What is recorded during training, and when."""

    names: tuple[str, ...]
    every: int | tuple[int, ...]  # every k-th pass, the first and the last; or chosen passes


class TrainingSpec(NamedTuple):
    """What networks must agree in to be trained as one stack."""

    network: NetworkSpec
    loss: str
    reduction: str
    solver: str
    learning_rate: float | None  # None: each network its own
    momentum: float
    batch_size: int | None  # None: full batch
    max_iter: int
    curriculum: Curriculum
    n_trials: int
    task_counts: tuple[int, ...]  # trials of each task, where sizes of steps depend on them
    dtype: str
    device: str
    consolidation: EWC | SynapticIntelligence | None = None
    record: RecordSpec | None = None


class Weights(NamedTuple):
    """Weights of one network, NumPy, shaped as the estimators show them."""

    coefs: tuple[np.ndarray, ...]  # (fan_in, fan_out) each
    intercepts: tuple[np.ndarray, ...]  # (fan_out,) each
    context: np.ndarray  # (n_tasks, fan_out of the cued layer)


class Trials(NamedTuple):
    """Encoded trials. Networks that share the very same object share its memory."""

    stimuli: np.ndarray  # (n_trials, n_features)
    task: np.ndarray  # (n_trials,), index into the known tasks
    target: np.ndarray  # (n_trials, n_outputs), or (n_trials,) class index
    weight: np.ndarray | None = None  # (n_trials,), mean 1
    tasks: np.ndarray | None = None  # (n_tasks,), codes of the known tasks

    @property
    def codes(self) -> np.ndarray:
        """Task code of each trial, as the user knows it: (n_trials,)."""
        return self.task if self.tasks is None else self.tasks[self.task]


class Job(NamedTuple):
    """One network to train."""

    spec: TrainingSpec
    trials: Trials
    initial: Weights
    learning_rate: float
    alpha: float
    order_seed: np.random.SeedSequence


class Result(NamedTuple):
    """One trained network."""

    weights: Weights
    loss_curve: np.ndarray  # (max_iter,)
    history: dict[str, np.ndarray] | None = None  # what was recorded, records first
