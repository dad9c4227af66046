"""Curricula that show one task after the other."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import NamedTuple

import numpy as np

from neuroselect.curricula._checks import check_count, encode_call
from neuroselect.curricula._shuffled import resampled_steps, shuffled_steps


def split_passes(max_iter: int, n_parts: int, parts: str) -> list[int]:
    """Split ``max_iter`` passes as equally as possible; earlier parts get the remainder."""
    if max_iter < n_parts:
        raise ValueError(
            f"max_iter={max_iter} is too few for {n_parts} {parts}: each needs at least one pass."
            f" Set max_iter to at least {n_parts}."
        )
    share, rest = divmod(max_iter, n_parts)
    return [share + (part < rest) for part in range(n_parts)]


class Block(NamedTuple):
    """Trials of one block, and those of the other tasks that were shown before it."""

    trials: np.ndarray
    n_passes: int
    earlier: np.ndarray


def plan_blocks(tasks: list, position, order, passes, max_iter: int) -> list[Block]:
    """Resolve the order of tasks and the passes per block on actual trials."""
    order = tuple(tasks) if order is None else order
    unknown = [name for name in order if name not in tasks]
    if unknown:
        raise ValueError(
            f"order names tasks that are not there: {', '.join(map(repr, unknown))}. Known tasks:"
            f" {tasks}."
        )
    blocks, shown = [], set()
    for name, n_passes in zip(order, _block_passes(passes, len(order), max_iter), strict=True):
        own = tasks.index(name)
        earlier = np.isin(position, sorted(shown - {own}))
        blocks.append(Block(np.flatnonzero(position == own), n_passes, np.flatnonzero(earlier)))
        if n_passes:
            shown.add(own)
    return blocks


def task_changes(task, order, passes, max_iter: int, cyclic: bool) -> list[tuple[int, np.ndarray]]:
    """Find where the task shown changes: see `Blocked.boundaries`."""
    tasks, position = encode_call(task, None, max_iter)
    blocks = plan_blocks(tasks, position, order, passes, max_iter)
    shown = [block for block in blocks if block.n_passes]
    changes, n_done = [], 0
    for block, following in pairwise(shown + shown[:1] if cyclic else shown):
        n_done += block.n_passes
        if not np.array_equal(block.trials, following.trials):
            changes.append((n_done, block.trials))
    return changes


def _block_passes(passes, n_blocks, max_iter):
    if passes is None:
        return split_passes(max_iter, n_blocks, "blocks")
    counts = (passes,) * n_blocks if isinstance(passes, int) else passes
    if len(counts) != n_blocks:
        raise ValueError(
            f"passes must hold one number per block: expected {n_blocks}, got {len(counts)}"
            f" ({passes!r})."
        )
    if sum(counts) != max_iter:
        raise ValueError(
            f"passes={passes!r} makes {sum(counts)} passes over {n_blocks} blocks, but"
            f" max_iter={max_iter}. Set max_iter={sum(counts)}, or passes=None to split max_iter"
            " equally."
        )
    return counts


def _tidy_order(order):
    """Return task codes as a tuple of Python objects, so that orders compare and print well."""
    if order is None:
        return None
    if isinstance(order, str) or not isinstance(order, Iterable):
        raise TypeError(f"order must be a sequence of task codes or None, got {order!r}.")
    order = tuple(name.item() if isinstance(name, np.generic) else name for name in order)
    if not order:
        raise ValueError("order must name at least one task; None takes all, sorted.")
    return order


def _tidy_passes(passes):
    if passes is None:
        return None
    if isinstance(passes, Integral):
        return check_count(passes, "passes", 0)
    if isinstance(passes, str) or not isinstance(passes, Iterable):
        raise TypeError(
            f"passes must be an integer, a sequence of integers (one per block) or None, got"
            f" {passes!r}."
        )
    return tuple(check_count(n, f"passes[{k}]", 0) for k, n in enumerate(passes))


@dataclass(frozen=True)
class Blocked:
    """One task after the other, each in shuffled passes over its own trials [1]_ [2]_.

    Within a block every pass shows each trial of the block's task once: a permutation of these
    trials, cut into batches of ``batch_size``, the last of which holds the rest. No batch mixes
    tasks. With ``batch_size=None``, or with at least as many as the task has trials, a pass is
    one step on all trials of the task in their given order.

    Parameters
    ----------
    order : sequence of task codes or None, default=None
        The task of each block. A task may come back (``("A", "B", "A")``); trials of a task that
        is left out are never shown. None takes every task once, sorted.
    passes : int, sequence of int or None, default=None
        Number of passes of every block, or of each block; they must sum to ``max_iter``. 0 skips
        a block. None splits ``max_iter`` as equally as possible, earlier blocks get the remainder.

    Raises
    ------
    ValueError
        When called, if ``order`` names a task without trials, if ``passes`` does not have one
        number per block or does not sum to ``max_iter``, or if ``max_iter`` has fewer passes than
        there are blocks to split it over.

    See Also
    --------
    Replay : Blocks with steps on earlier tasks in between.
    Interleaved : All tasks mixed.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), "Orthogonal representations for
       robust context-dependent task performance in brains and neural networks", Neuron 110,
       1258-1270. :doi:`10.1016/j.neuron.2022.01.005`
    .. [2] Flesch, Nagy, Saxe & Summerfield (2023), "Modelling continual learning in humans with
       Hebbian context gating and exponentially decaying task signals", PLOS Computational Biology
       19, e1010808. :doi:`10.1371/journal.pcbi.1010808`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.curricula import Blocked
    >>> task = np.array(["A", "B", "A", "B"])
    >>> curriculum = Blocked(order=("B", "A"), passes=(2, 1))
    >>> passes = curriculum(task, batch_size=2, max_iter=3, rng=np.random.default_rng(0))
    >>> [[task[step].tolist() for step in steps] for steps in passes]
    [[['B', 'B']], [['B', 'B']], [['A', 'A']]]
    """

    order: Sequence[Hashable] | None = None
    passes: int | Sequence[int] | None = None

    def __post_init__(self):
        object.__setattr__(self, "order", _tidy_order(self.order))
        object.__setattr__(self, "passes", _tidy_passes(self.passes))

    def __call__(
        self, task, *, batch_size: int | None, max_iter: int, rng: np.random.Generator
    ) -> Iterator[list[np.ndarray]]:
        """Yield ``max_iter`` passes, each a list of index arrays, one per step."""
        tasks, position = encode_call(task, batch_size, max_iter)
        blocks = plan_blocks(tasks, position, self.order, self.passes, max_iter)
        return (
            shuffled_steps(block.trials, batch_size, rng)
            for block in blocks
            for _ in range(block.n_passes)
        )

    def boundaries(
        self, task, *, max_iter: int, cyclic: bool = False
    ) -> list[tuple[int, np.ndarray]]:
        """Find where the task shown changes.

        Parameters
        ----------
        task : array-like of shape (n_trials,)
            Task code of each trial.
        max_iter : int
            Number of passes.
        cyclic : bool, default=False
            Whether the first block follows the last again, after ``max_iter`` passes.

        Returns
        -------
        changes : list of (int, ndarray of shape (n_trials_of_task,))
            For each change of task, the number of passes before it and the trials of the task
            that ended. Blocks without passes do not count, those that show the same task as the
            one before continue it; the end of training is no change.

        Examples
        --------
        >>> from neuroselect.curricula import Blocked
        >>> Blocked(order=["B", "A"]).boundaries(["A", "B", "A", "B"], max_iter=3)
        [(2, array([1, 3]))]
        """
        return task_changes(task, self.order, self.passes, max_iter, cyclic)


@dataclass(frozen=True)
class Replay:
    """One task after the other, with every ``every``-th step on earlier tasks [1]_.

    As `Blocked`, but from the second block on, the steps number ``every``, ``2 * every``, … of
    the block (counted from 1 and across its passes) are replayed: the step's batch is *replaced*
    by trials of earlier tasks. A block of n steps thus holds exactly ``n // every`` replayed
    steps, and n in all; the current task's trials of a replaced step are not shown in that pass.

    A replayed batch is drawn afresh, uniformly over all trials of the earlier tasks and without
    replacement inside the batch; it has as many trials as the one that it replaces, or all
    earlier trials where these are fewer. Earlier tasks are those of the blocks before, the
    current block's own task excepted; if there are none, nothing is replayed.

    Parameters
    ----------
    every : int, default=10
        Distance between replayed steps, at least 2.
    order : sequence of task codes or None, default=None
        The task of each block, see `Blocked`.
    passes : int, sequence of int or None, default=None
        Number of passes of every block, or of each block, see `Blocked`.
    resampled : bool, default=False
        Draw the batches of the block's own task afresh, too, each without replacement inside it,
        as in [1]_: a pass then has batches of ``batch_size`` trials only, and need not show all
        trials (see `Resampled`).

    Raises
    ------
    ValueError
        If ``every`` is below 2; when called, as `Blocked`.

    See Also
    --------
    Blocked : Without replay.

    References
    ----------
    .. [1] T. George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.curricula import Replay
    >>> task = np.repeat(["A", "B"], 4)
    >>> passes = Replay(every=3)(task, batch_size=1, max_iter=3, rng=np.random.default_rng(0))
    >>> ["".join(task[np.concatenate(steps)]) for steps in passes]
    ['AAAA', 'AAAA', 'BBAB']
    """

    every: int = 10
    order: Sequence[Hashable] | None = None
    passes: int | Sequence[int] | None = None
    resampled: bool = False

    def __post_init__(self):
        object.__setattr__(self, "every", check_count(self.every, "every", 2))
        object.__setattr__(self, "order", _tidy_order(self.order))
        object.__setattr__(self, "passes", _tidy_passes(self.passes))

    def __call__(
        self, task, *, batch_size: int | None, max_iter: int, rng: np.random.Generator
    ) -> Iterator[list[np.ndarray]]:
        """Yield ``max_iter`` passes, each a list of index arrays, one per step."""
        tasks, position = encode_call(task, batch_size, max_iter)
        blocks = plan_blocks(tasks, position, self.order, self.passes, max_iter)
        return (steps for block in blocks for steps in self._block_passes(block, batch_size, rng))

    def boundaries(
        self, task, *, max_iter: int, cyclic: bool = False
    ) -> list[tuple[int, np.ndarray]]:
        """Find where the task shown changes, replayed steps aside: see `Blocked.boundaries`."""
        return task_changes(task, self.order, self.passes, max_iter, cyclic)

    def _block_passes(self, block, batch_size, rng):
        n_done, own_steps = 0, resampled_steps if self.resampled else shuffled_steps
        for _ in range(block.n_passes):
            steps = own_steps(block.trials, batch_size, rng)
            first = (-n_done - 1) % self.every if len(block.earlier) else len(steps)
            for k in range(first, len(steps), self.every):
                size = min(len(steps[k]), len(block.earlier))
                steps[k] = rng.choice(block.earlier, size, replace=False)
            n_done += len(steps)
            yield steps
