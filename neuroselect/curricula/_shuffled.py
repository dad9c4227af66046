"""Curricula that mix the trials of all tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neuroselect.curricula._checks import encode_call


def shuffled_steps(trials, batch_size: int | None, rng: np.random.Generator) -> list[np.ndarray]:
    """Cut ``trials``, in random order, into batches; the last holds the rest.

    One batch of all ``trials`` keeps their order and draws nothing.
    """
    if batch_size is None or batch_size >= len(trials):
        return [trials.copy()]
    order = trials[rng.permutation(len(trials))]
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


@dataclass(frozen=True)
class Interleaved:
    """Each pass shows every trial once, all tasks mixed.

    A pass is a permutation of all trials, cut into batches of ``batch_size``; the last batch
    holds the rest. With ``batch_size=None``, or with at least as many as there are trials, a pass
    is one step on all trials in their given order, and nothing is drawn.

    See Also
    --------
    Resampled : Batches drawn afresh, so that a pass need not show every trial.
    Blocked : One task after the other.

    References
    ----------
    .. [1] Flesch, Nagy, Saxe & Summerfield (2023), "Modelling continual learning in humans with
       Hebbian context gating and exponentially decaying task signals", PLOS Computational Biology
       19, e1010808. :doi:`10.1371/journal.pcbi.1010808`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.curricula import Interleaved
    >>> task = ["A", "A", "A", "B", "B"]
    >>> passes = Interleaved()(task, batch_size=2, max_iter=3, rng=np.random.default_rng(0))
    >>> [[len(step) for step in steps] for steps in passes]
    [[2, 2, 1], [2, 2, 1], [2, 2, 1]]
    """

    def __call__(
        self, task, *, batch_size: int | None, max_iter: int, rng: np.random.Generator
    ) -> Iterator[list[np.ndarray]]:
        """Yield ``max_iter`` passes, each a list of index arrays, one per step."""
        _, position = encode_call(task, batch_size, max_iter)
        trials = np.arange(len(position))
        return (shuffled_steps(trials, batch_size, rng) for _ in range(max_iter))


@dataclass(frozen=True)
class Resampled:
    """Each step draws its batch afresh from all trials [1]_.

    Inside a batch no trial comes twice; steps are independent, so that a pass may leave trials
    out and show others repeatedly. A pass has ``ceil(n_trials / batch_size)`` steps, all of
    ``batch_size`` trials. With ``batch_size=None``, or with at least as many as there are trials,
    a pass is one step on all trials in their given order, and nothing is drawn.

    See Also
    --------
    Interleaved : Each pass shows every trial once.

    References
    ----------
    .. [1] T. George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.curricula import Resampled
    >>> task = [0] * 500 + [1] * 500
    >>> steps, = Resampled()(task, batch_size=10, max_iter=1, rng=np.random.default_rng(0))
    >>> len(steps), len(np.unique(np.concatenate(steps))) < 1000
    (100, True)
    """

    def __call__(
        self, task, *, batch_size: int | None, max_iter: int, rng: np.random.Generator
    ) -> Iterator[list[np.ndarray]]:
        """Yield ``max_iter`` passes, each a list of index arrays, one per step."""
        _, position = encode_call(task, batch_size, max_iter)
        trials = np.arange(len(position))
        return (resampled_steps(trials, batch_size, rng) for _ in range(max_iter))


def resampled_steps(trials, batch_size: int | None, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw as many batches of ``trials`` as a pass has, each afresh.

    One batch of all ``trials`` keeps their order and draws nothing.
    """
    if batch_size is None or batch_size >= len(trials):
        return [trials.copy()]
    n_steps = -(-len(trials) // batch_size)
    return list(trials[draw_subsets(len(trials), batch_size, n_steps, rng)])


def draw_subsets(n_trials: int, size: int, n_subsets: int, rng: np.random.Generator) -> np.ndarray:
    """Draw uniform subsets of ``size`` trials, (n_subsets, size); rows are in no special order.

    Robert Floyd's algorithm for all subsets at once (Bentley & Floyd 1987, Communications of the
    ACM 30, 754-757), or one subset after the other where that takes fewer rounds.
    """
    if n_subsets <= size:
        return np.stack([rng.choice(n_trials, size, replace=False) for _ in range(n_subsets)])
    subsets = np.empty((n_subsets, size), dtype=np.int64)
    for k, last in enumerate(range(n_trials - size, n_trials)):
        drawn = rng.integers(last + 1, size=n_subsets)
        taken = (subsets[:, :k] == drawn[:, None]).any(axis=1)
        subsets[:, k] = np.where(taken, last, drawn)
    return subsets
