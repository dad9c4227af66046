"""What networks must share to be stacked, and what each brings of its own."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from neuroselect.consolidation import EWC, SynapticIntelligence
from neuroselect.curricula import Curriculum


class ConvSpec(NamedTuple):
    """Convolutional layers in front of a perceptron, each with pooling by the maximum."""

    image: tuple[int, int, int]  # height, width, channels
    channels: tuple[int, ...]  # of each layer
    kernel: int
    padding: int  # pixels on each side
    pool: int

    @property
    def n_layers(self) -> int:
        """Number of convolutional layers."""
        return len(self.channels)

    @property
    def maps(self) -> list[tuple[int, int, int]]:
        """Channels, height and width after each layer; not positive where nothing is left."""
        *size, _ = self.image
        shapes = []
        for n_channels in self.channels:
            size = [(n + 2 * self.padding - self.kernel + 1) // self.pool for n in size]
            shapes.append((n_channels, *size))
        return shapes

    @property
    def incoming(self) -> list[tuple[int, int, int]]:
        """Channels, height and width before each layer, without padding."""
        height, width, n_channels = self.image
        return [(n_channels, height, width), *self.maps[:-1]]

    @property
    def n_pixels(self) -> int:
        """Stimulus columns of X, all channels of all pixels."""
        return prod(self.image)

    @property
    def n_features(self) -> int:
        """What the perceptron gets to see: the maps of the last layer, in one row."""
        return prod(self.maps[-1])

    @property
    def fan_ins(self) -> list[int]:
        """Inputs of a unit of each layer."""
        return [shape[0] * self.kernel**2 for shape in self.incoming]

    @property
    def n_values(self) -> int:
        """Values held for one trial, from the image to the last maps."""
        total = 0
        layers = zip(self.incoming, self.fan_ins, self.maps, strict=True)
        for (n_in, *size), fan_in, (n_out, *pooled) in layers:
            before_pooling = prod(pooled) * self.pool**2
            total += 2 * n_in * prod(n + 2 * self.padding for n in size)
            total += (fan_in + n_out) * before_pooling + n_out * prod(pooled)
        return total


class NetworkSpec(NamedTuple):
    """Shape and non-linearities of a multi-layer perceptron with a task cue.

    Convolutional layers may come first; ``n_features`` are then those that they leave.
    """

    n_features: int
    n_tasks: int  # 0: no cue
    hidden: tuple[int, ...]
    n_outputs: int
    context_layer: int
    context_scale: float
    activation: str
    output_activation: str
    conv: ConvSpec | None = None
    gates: str | None = None  # of the cued layer's units: "learned" or "random"
    cue_share: tuple[float, ...] = ()  # of each task, subtracted from the cue before scaling

    @property
    def n_conv(self) -> int:
        """Number of convolutional layers."""
        return 0 if self.conv is None else self.conv.n_layers

    @property
    def activity_shapes(self) -> list[tuple[int, ...]]:
        """Shape of one trial's activity in each hidden layer, convolutional ones first."""
        maps = [] if self.conv is None else self.conv.maps
        return [*maps, *((n_units,) for n_units in self.hidden)]

    @property
    def n_values(self) -> int:
        """Values held for one trial in a pass through the network."""
        return sum(self.sizes) + (0 if self.conv is None else self.conv.n_values)

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
    afresh: bool = True  # the state before the passes is recorded, too


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
    tol: float | None = None  # None: never stop early
    n_iter_no_change: int = 10
    n_before: int = 0  # passes already made
    one_pass: bool = False  # one pass of the plan for max_iter, instead of all
    hebbian: str | None = None  # Oja's rule after each step: "oja" or "oja_all"
    sluggish: bool = False  # the cue lags behind, by each network's own rate

    @property
    def n_passes(self) -> int:
        """Number of passes to make."""
        return 1 if self.one_pass else self.max_iter


class Weights(NamedTuple):
    """Weights of one network, NumPy, shaped as the estimators show them."""

    coefs: tuple[np.ndarray, ...]  # (fan_in, fan_out) each
    intercepts: tuple[np.ndarray, ...]  # (fan_out,) each
    context: np.ndarray  # (n_tasks, fan_out of the cued layer)
    conv_coefs: tuple[np.ndarray, ...] = ()  # (n_channels, n_incoming, kernel, kernel) each
    conv_intercepts: tuple[np.ndarray, ...] = ()  # (n_channels,) each
    gates: tuple[np.ndarray, ...] = ()  # (n_tasks, n_units), where units are gated


class Trials(NamedTuple):
    """Encoded trials. Networks that share the very same object share its memory."""

    stimuli: np.ndarray  # (n_trials, n_features)
    task: np.ndarray  # (n_trials,), index into the known tasks
    target: np.ndarray  # (n_trials, n_outputs), or (n_trials,) class index
    weight: np.ndarray | None = None  # (n_trials,), mean 1
    tasks: np.ndarray | None = None  # (n_tasks,), codes of the known tasks
    cue_share: np.ndarray | None = None  # (n_tasks,), subtracted from the cue before scaling

    @property
    def codes(self) -> np.ndarray:
        """Task code of each trial, as the user knows it: (n_trials,)."""
        return self.task if self.tasks is None else self.tasks[self.task]


class OptimizerState(NamedTuple):
    """What training needs to go on, beside the weights."""

    n_updates: int
    scale: float  # what the loss was multiplied by
    buffers: dict[str, Weights]
    signal: np.ndarray | None = None  # (n_tasks,), the sluggish cue of the last trial


class Job(NamedTuple):
    """One network to train."""

    spec: TrainingSpec
    trials: Trials
    initial: Weights
    learning_rate: float
    alpha: float
    order_seed: np.random.SeedSequence
    start: Weights | None = None  # where earlier training ended; None: the initial weights
    state: OptimizerState | None = None
    hebbian_rate: float = 0.0
    sluggishness: float = 1.0  # share of the present cue


class Result(NamedTuple):
    """One trained network."""

    weights: Weights
    loss_curve: np.ndarray  # (n_passes,), as many as were made
    history: dict[str, np.ndarray] | None  # what was recorded, records first
    state: OptimizerState
